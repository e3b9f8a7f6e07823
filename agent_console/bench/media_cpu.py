"""What one leg costs over real sockets: ours and stock aiortc in turn, the callers in a process of their own."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Protocol

import anyio
import numpy as np
import orjson
from anyio.streams.buffered import BufferedByteReceiveStream

from agent_console.bench.media_aiortc import AiortcLeg
from voice.audio.opus import OpusSettings
from voice.clock import WallClock
from voice.contracts.audio import Party, Pcm, from_s
from voice.contracts.errors import MediaError
from voice.webrtc.answerer import WebRtcAnswerer
from voice.webrtc.ice import IceSettings
from voice.webrtc.leg import LegLimits, WebRtcLeg
from voice.webrtc.peer import Peer

SETTLE_S: Final = 1.5
"""After the last leg has connected: buffers fill, first packets are parsed."""

TICK_S: Final = 0.02
MAX_LINE: Final = 8 << 20

_ICE: Final = IceSettings(host_addresses=("127.0.0.1",))


@dataclass(frozen=True, slots=True)
class Load:
    """What some legs cost while they ran.

    Attributes:
        legs: how many.
        cpu_ms_per_s: processor time per second of audio that came, all threads of this process. What did not come,
            because the callers' process was kept waiting, costs nothing and counts for nothing.
        late_p99_ms: how late a 20 ms tick of the event loop came, 99th percentile.
        frames: share of the frames that should have come that came.
    """

    legs: int
    cpu_ms_per_s: float
    late_p99_ms: float
    frames: float


class _Leg(Protocol):
    """A leg under measurement."""

    frames: int

    async def answer(self, offer: str) -> str: ...
    async def run(self) -> None: ...
    async def close(self) -> None: ...


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


def our_leg(speech: Pcm | None) -> _Leg:
    """A leg of ours; without speech it only receives."""
    return _OurEar() if speech is None else _OurLeg(speech)


def stock_leg(speech: Pcm | None) -> _Leg:
    """A leg of stock aiortc; without speech it only receives."""
    return AiortcLeg(speech, WallClock())


async def measure_load(new_leg: Callable[[], _Leg], legs: int, speech: Pcm, seconds: float) -> Load:
    """Connect so many legs, let callers speak to them, and measure this process meanwhile.

    Raises:
        MediaError: the callers' process does not answer, or sends nothing.
    """
    made = [new_leg() for _ in range(legs)]
    try:
        async with _far_end(legs, speech) as (offers, answer), anyio.create_task_group() as tasks:
            await answer([await leg.answer(offer) for leg, offer in zip(made, offers, strict=True)])
            for leg in made:
                tasks.start_soon(leg.run)
            await anyio.sleep(SETTLE_S)
            before = sum(leg.frames for leg in made)
            began_s, cpu_s = time.monotonic(), time.process_time()
            late_s = await _watch(seconds)
            took_s, used_s = time.monotonic() - began_s, time.process_time() - cpu_s
            came = sum(leg.frames for leg in made) - before
            tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            for leg in made:
                await leg.close()
    if not came:
        raise MediaError("Audio was expected from the callers' process; none came.")
    return Load(
        legs,
        1000 * used_s / (came * TICK_S),
        1000 * float(np.percentile(late_s, 99)),
        came / (took_s / TICK_S * legs),
    )


async def _watch(seconds: float) -> list[float]:
    """How late each tick came."""
    began_s = time.monotonic()
    late_s = []
    for tick in range(1, int(seconds / TICK_S) + 1):
        due_s = began_s + tick * TICK_S
        await anyio.sleep(max(0.0, due_s - time.monotonic()))
        late_s.append(time.monotonic() - due_s)
    return late_s


@asynccontextmanager
async def _far_end(
    legs: int, speech: Pcm
) -> AsyncIterator[tuple[Sequence[str], Callable[[Sequence[str]], Awaitable[None]]]]:
    """The callers' process: their offers, and where their answers go."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "speech.npy"
        np.save(path, speech)
        command = [sys.executable, "-m", "agent_console.bench.media_far_end", str(legs), str(path)]
        async with await anyio.open_process(command, stderr=None) as process:
            if process.stdin is None or process.stdout is None:
                raise MediaError("The callers' process has no pipes.")
            lines = BufferedByteReceiveStream(process.stdout)
            to_process = process.stdin
            try:
                offers = orjson.loads(await lines.receive_until(b"\n", MAX_LINE))

                async def answer(answers: Sequence[str]) -> None:
                    await to_process.send(orjson.dumps(list(answers)) + b"\n")
                    await lines.receive_until(b"\n", MAX_LINE)

                yield offers, answer
            except (anyio.EndOfStream, anyio.IncompleteRead) as error:
                raise MediaError("The callers' process ended before its calls did.") from error
            finally:
                with anyio.CancelScope(shield=True):
                    await to_process.aclose()
                    with anyio.move_on_after(5):
                        await process.wait()
                    if process.returncode is None:
                        process.kill()
