"""Ours and stock aiortc in turn, in slices so short that a machine whose speed swings is as fast for both.

Each side is a process of its own that connects once and then runs for one slice after another; while it does, the other
one and its callers stand still. The order is ours, stock, stock, ours, and so on, so that a drift of the machine's
speed weighs on both. What is compared is the processor time of all of a side's threads per second of audio that came.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal, TypeAlias

import anyio
import numpy as np
import orjson
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from agent_console.bench.media_cpu import PACKET_S
from agent_console.bench.media_far_end import REST
from agent_console.bench.media_side import SAMPLE
from voice.contracts.audio import Pcm
from voice.contracts.errors import MediaError

Way: TypeAlias = Literal["receive", "two_way"]

SLICE_S: Final = 2.0
SETTLE_S: Final = 0.5
"""After standing still, before a slice is measured: what was late is caught up with, delays are learned."""

READY_S: Final = 120.0
"""How long a side may take to start and to connect."""

ANSWER_S: Final = 20.0
DRAWS: Final = 4_000
"""How often the pairs are drawn anew for the interval."""

MAX_LINE: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Compared:
    """What both sides cost, slice by slice.

    Attributes:
        ours: processor milliseconds per second of audio, one for each slice.
        stock: the same of aiortc; each belongs to the one of ours at its place, measured right before or after it.
    """

    ours: tuple[float, ...]
    stock: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """Ours over stock: the ratio of the sums."""
        return sum(self.ours) / sum(self.stock)

    @property
    def ratios(self) -> tuple[float, ...]:
        """Ours over stock, pair by pair."""
        return tuple(ours / stock for ours, stock in zip(self.ours, self.stock, strict=True))

    def interval(self) -> tuple[float, float]:
        """Where the ratio lies with 95 % confidence: percentile bootstrap over the pairs (Efron 1979)."""
        chance = np.random.default_rng(0)
        drawn = chance.integers(len(self.ours), size=(DRAWS, len(self.ours)))
        ratios = np.array(self.ours)[drawn].sum(axis=1) / np.array(self.stock)[drawn].sum(axis=1)
        low, high = np.percentile(ratios, (2.5, 97.5))
        return float(low), float(high)


async def measure_in_turn(
    way: Way, legs: int, speech: Pcm, pairs: int, report: Callable[[str], None], *, slice_s: float = SLICE_S
) -> Compared:
    """Measure both sides in so many pairs of slices.

    Args:
        way: whether legs speak as well.
        legs: on each side.
        speech: what is said, 16 kHz.
        pairs: of slices.
        report: told how far it is.
        slice_s: how long a slice is.

    Raises:
        MediaError: a side does not come about, ends, or hears nothing.
    """
    costs: dict[str, list[float]] = {"ours": [], "aiortc": []}
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory())
        path = Path(folder) / "speech.npy"
        np.save(path, speech)
        sides = {name: await stack.enter_async_context(_side(name, way, legs, path)) for name in costs}
        for pair in range(pairs):
            report(f"{way.replace('_', ' ')}, {pair + 1} of {pairs}")
            for name in list(costs) if pair % 2 == 0 else list(costs)[::-1]:
                costs[name].append(await sides[name].cost_ms_per_s(slice_s))
    return Compared(tuple(costs["ours"]), tuple(costs["aiortc"]))


class _Side:
    """One side's process, which stands still unless it is measured."""

    def __init__(self, name: str, process: Process) -> None:
        if process.stdin is None or process.stdout is None:
            raise MediaError("The process of a side has no pipes.")
        self._name = name
        self._orders = process.stdin
        self._lines = BufferedByteReceiveStream(process.stdout)

    async def ready(self) -> None:
        """Wait until all legs hear, then let it stand still."""
        await self._line(READY_S)
        await self._rest()

    async def cost_ms_per_s(self, seconds: float) -> float:
        """What a second of audio costs while it runs for so long."""
        await self._ask("")
        await anyio.sleep(SETTLE_S)
        before = await self._ask(SAMPLE)
        await anyio.sleep(seconds)
        after = await self._ask(SAMPLE)
        await self._rest()
        came_s = (after["frames"] - before["frames"]) * PACKET_S
        if came_s <= 0:
            raise MediaError(f"Audio was expected from the callers of {self._name}; none came.")
        return 1000 * (after["cpu_s"] - before["cpu_s"]) / came_s

    async def _rest(self) -> None:
        await self._ask(REST)

    async def _ask(self, order: str) -> dict[str, float]:
        await self._orders.send(f"{order}\n".encode())
        return await self._line(ANSWER_S)

    async def _line(self, most_s: float) -> dict[str, float]:
        try:
            with anyio.fail_after(most_s):
                answer: dict[str, float] = orjson.loads(await self._lines.receive_until(b"\n", MAX_LINE))
                return answer
        except (TimeoutError, anyio.EndOfStream, anyio.IncompleteRead) as error:
            raise MediaError(f"The process of {self._name} was expected to answer; it says nothing.") from error


@asynccontextmanager
async def _side(name: str, way: Way, legs: int, speech: Path) -> AsyncIterator[_Side]:
    command: Sequence[str] = (
        *(sys.executable, "-m", "agent_console.bench.media_side"),
        *(name, way, str(legs), str(speech)),
    )
    async with await anyio.open_process(command, stderr=None) as process:
        side = _Side(name, process)
        try:
            await side.ready()
            yield side
        finally:
            with anyio.CancelScope(shield=True):
                if process.stdin is not None:
                    await process.stdin.aclose()
                with anyio.move_on_after(10):
                    await process.wait()
                if process.returncode is None:
                    process.kill()
