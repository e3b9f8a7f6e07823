"""What one leg costs over real sockets: ours and stock aiortc in turn, the callers in a process of their own."""

from __future__ import annotations

import asyncio
import math
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Protocol

import anyio
import numpy as np
import orjson
from anyio.streams.buffered import BufferedByteReceiveStream

from agent_console.bench.media_aiortc import AiortcLeg
from agent_console.bench.media_far_end import CONNECT_S as FAR_CONNECT_S
from voice.audio.opus import OpusSettings
from voice.clock import WallClock
from voice.contracts.audio import Party, Pcm, from_s
from voice.contracts.errors import MediaError
from voice.webrtc.answerer import WebRtcAnswerer
from voice.webrtc.ice import IceSettings
from voice.webrtc.leg import LegLimits, WebRtcLeg
from voice.webrtc.peer import Peer

CONNECT_S: Final = 40.0
"""How long the callers' process may take to start and to connect, beyond what it allows itself to connect."""

READY_S: Final = 15.0
"""How long it may take until every leg hears its caller. A load that does not get there is measured all the same."""

READY_FRAMES: Final = 25
"""A leg hears its caller once it has had half a second."""

SETTLE_S: Final = 1.0
"""After the last leg hears: buffers fill, first packets are parsed."""

PACKET_S: Final = 0.02
TICK_S: Final = 0.01
"""How often it is looked whether the event loop comes in time."""

SELDOM_S: Final = 0.25
"""The same where only cost is asked for: each look wakes the process, which is no leg's doing."""

LATE_S: Final = 0.04
"""A tick that comes later than this is a late one: two packets' time."""

MAX_LINE: Final = 8 << 20

_ICE: Final = IceSettings(host_addresses=("127.0.0.1",))


@dataclass(frozen=True, slots=True)
class Load:
    """What some legs cost while they ran.

    Attributes:
        legs: how many.
        cpu_ms_per_s: processor time per second of audio that came, all threads of this process; infinite where none
            came. What did not come, because the callers' process was kept waiting, costs nothing and counts for
            nothing.
        busy: processor time over time, 1 is one core.
        late_p99_ms: how late a tick of the event loop came, 99th percentile.
        late_share: the share of ticks that came more than 40 ms late.
        frames: share of the frames that should have come that came.
    """

    legs: int
    cpu_ms_per_s: float
    busy: float
    late_p99_ms: float
    late_share: float
    frames: float


class Leg(Protocol):
    """A leg under measurement."""

    frames: int

    async def answer(self, offer: str) -> str:
        """The complete answer to a complete offer."""
        ...

    async def run(self) -> None:
        """Listen, and speak where there is something to say, until cancelled or hung up on."""
        ...

    async def close(self) -> None:
        """Give everything back."""
        ...


class _OurLeg:
    """Ours, as calls have it."""

    def __init__(self, speech: Pcm) -> None:
        self.frames = 0
        self._speech = speech
        self._leg: WebRtcLeg | None = None

    async def answer(self, offer: str) -> str:
        """Without silence suppression, so that both sides send 50 packets a second."""
        limits = LegLimits(opus=OpusSettings(dtx=False))
        self._leg = await WebRtcAnswerer(_ICE, limits).answer(offer, WallClock())
        return self._leg.answer_sdp

    async def run(self) -> None:
        """Speak and listen until cancelled."""
        if self._leg is None:
            raise MediaError("An offer was expected to be answered first.")
        async with self._leg as leg, anyio.create_task_group() as tasks:
            tasks.start_soon(self._speak, leg)
            async with aclosing(leg.source.frames()) as frames:
                async for _ in frames:
                    self.frames += 1

    async def close(self) -> None:
        """Give everything back."""
        if self._leg is not None:
            await self._leg.close()

    async def _speak(self, leg: WebRtcLeg) -> None:
        while True:
            leg.sink.play(self._speech[: from_s(20)])
            await leg.sink.drain(from_s(1))


class _OurEar:
    """Our receive path without a sender; it sends reports, as the sender would."""

    def __init__(self) -> None:
        self.frames = 0
        self._clock = WallClock()
        self._peer = Peer(_ICE, Party.CALLER, self._clock, lambda _: None)

    async def answer(self, offer: str) -> str:
        """The complete answer."""
        return await self._peer.answer(offer)

    async def run(self) -> None:
        """Listen until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._report)
            async with aclosing(self._peer.source.frames()) as frames:
                async for _ in frames:
                    self.frames += 1

    async def close(self) -> None:
        """Give everything back."""
        await self._peer.close()

    async def _report(self) -> None:
        await self._peer.transport.ready.wait()
        while True:
            await self._peer.transport.send_report()
            await self._clock.sleep_until(self._clock.now_s() + 1)


def our_leg(speech: Pcm | None) -> Leg:
    """A leg of ours; without speech it only receives."""
    return _OurEar() if speech is None else _OurLeg(speech)


def stock_leg(speech: Pcm | None) -> Leg:
    """A leg of stock aiortc; without speech it only receives."""
    return AiortcLeg(speech, WallClock())


async def measure_load(
    new_leg: Callable[[], Leg], legs: int, speech: Pcm, seconds: float, *, tick_s: float = TICK_S
) -> Load:
    """Connect so many legs, let callers speak to them, and measure this process meanwhile.

    A load that is too heavy is no error but an answer: late ticks, missing frames. Where there are several cores, this
    process keeps to one of them meanwhile, and the callers to the others.

    Args:
        new_leg: makes one.
        legs: how many.
        speech: what both sides say, 16 kHz.
        seconds: how long it is measured.
        tick_s: how often it is looked whether the event loop comes in time.

    Raises:
        MediaError: the callers' process ended, or said nothing for too long.
    """
    made = [new_leg() for _ in range(legs)]
    with _one_core() as others:
        try:
            async with _far_end(legs, speech, others) as (offers, answer), anyio.create_task_group() as tasks:
                answers = [await leg.answer(offer) for leg, offer in zip(made, offers, strict=True)]
                for leg in made:
                    tasks.start_soon(leg.run)
                await answer(answers)
                await _until_all_hear(made)
                before = sum(leg.frames for leg in made)
                began_s, cpu_s = time.monotonic(), time.process_time()
                late_s = await _watch(seconds, tick_s)
                took_s, used_s = time.monotonic() - began_s, time.process_time() - cpu_s
                came = sum(leg.frames for leg in made) - before
                tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                for leg in made:
                    await leg.close()
    return Load(
        legs,
        1000 * used_s / (came * PACKET_S) if came else math.inf,
        used_s / took_s,
        1000 * float(np.percentile(late_s, 99)),
        float(np.mean(np.array(late_s) > LATE_S)),
        came / (took_s / PACKET_S * legs),
    )


async def _until_all_hear(legs: Sequence[Leg]) -> None:
    with anyio.move_on_after(READY_S):
        while any(leg.frames < READY_FRAMES for leg in legs):  # noqa: ASYNC110 - a leg sets no event per frame
            await anyio.sleep(TICK_S)
    await anyio.sleep(SETTLE_S)


@contextmanager
def _one_core() -> Iterator[Sequence[int]]:
    """Keep this thread, and those it starts, to one core; answers the others. Nothing happens where there is one."""
    if not hasattr(os, "sched_setaffinity") or len(cores := sorted(os.sched_getaffinity(0))) < 2:
        yield ()
        return
    os.sched_setaffinity(0, cores[:1])
    try:
        yield cores[1:]
    finally:
        os.sched_setaffinity(0, cores)


async def _watch(seconds: float, tick_s: float) -> list[float]:
    """How late each tick came. A tick that was missed while another one was late counts as late as it would be."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    ticks = int(seconds / tick_s)
    late_s: list[float] = []
    over = anyio.Event()

    def tick() -> None:
        now_s = loop.time()
        while len(late_s) < ticks and (due_s := began_s + (len(late_s) + 1) * tick_s) <= now_s + 1e-3:
            late_s.append(now_s - due_s)
        if len(late_s) == ticks:
            over.set()
        else:
            loop.call_at(began_s + (len(late_s) + 1) * tick_s, tick)

    tick()
    await over.wait()
    return late_s


@asynccontextmanager
async def _far_end(
    legs: int, speech: Pcm, cores: Sequence[int]
) -> AsyncIterator[tuple[Sequence[str], Callable[[Sequence[str]], Awaitable[None]]]]:
    """The callers' process: their offers, and where their answers go."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "speech.npy"
        np.save(path, speech)
        command = [sys.executable, "-m", "agent_console.bench.media_far_end", str(legs), str(path)]
        async with await anyio.open_process([*command, orjson.dumps(list(cores)).decode()], stderr=None) as process:
            if process.stdin is None or process.stdout is None:
                raise MediaError("The callers' process has no pipes.")
            lines = BufferedByteReceiveStream(process.stdout)
            to_process = process.stdin
            try:
                with anyio.fail_after(CONNECT_S):
                    offers = orjson.loads(await lines.receive_until(b"\n", MAX_LINE))

                async def answer(answers: Sequence[str]) -> None:
                    await to_process.send(orjson.dumps(list(answers)) + b"\n")
                    with anyio.fail_after(CONNECT_S + FAR_CONNECT_S):
                        await lines.receive_until(b"\n", MAX_LINE)

                yield offers, answer
            except TimeoutError as error:
                raise MediaError("The callers' process was expected to get ready; it says nothing.") from error
            except (anyio.EndOfStream, anyio.IncompleteRead) as error:
                raise MediaError("The callers' process ended before its calls did.") from error
            finally:
                with anyio.CancelScope(shield=True):
                    await to_process.aclose()
                    with anyio.move_on_after(5):
                        await process.wait()
                    if process.returncode is None:
                        process.kill()
