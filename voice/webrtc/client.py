"""A caller over WebRTC, as a browser is one: for `make run`, for tests and for benchmarks.

It makes the offer and takes the answer; how these travel is not its business.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Final, Self

import anyio
import numpy as np

from voice.audio.opus import OpusSettings
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, Party, Pcm, Samples, from_s
from voice.contracts.errors import MediaError
from voice.contracts.ports import AudioSource, Clock, LegEnd
from voice.playout import Playout
from voice.webrtc.ice import IceSettings
from voice.webrtc.peer import Peer
from voice.webrtc.receiver import Receiver
from voice.webrtc.sdp import checked
from voice.webrtc.sender import Sender

CONNECT_S: Final = 20.0
"""How long `wait_connected` waits."""

TAIL_S: Final = 0.5
"""Silence sent after the last sound, so that what the other side still holds back to reorder comes out."""

AHEAD_S: Final = 1.0
"""How much of a source is read ahead of what was sent."""


class WebRtcCaller:
    """Calls, speaks, listens, hangs up.

    Enter it, `create_offer`, `accept` the answer, `speak`; leaving hangs up.

    Args:
        clock: paces what is sent. Sound leaves at real pace where this is the wall clock.
        ice: where it can be reached.
        hear_s: how much of what it hears is kept; what comes later is heard by nobody.
        opus: how what it says is encoded.
    """

    def __init__(
        self,
        clock: Clock,
        ice: IceSettings | None = None,
        *,
        hear_s: float = 600.0,
        opus: OpusSettings | None = None,
    ) -> None:
        self._clock = clock
        self._ice = ice or IceSettings()
        self._playout = Playout()
        self._sender = Sender(self._playout.take, clock, opus)
        self._hear = from_s(hear_s)
        self._heard: list[tuple[Samples, Pcm]] = []
        self._over = anyio.Event()
        self._peer: Peer | None = None
        self._tasks = anyio.create_task_group()

    @property
    def end_reason(self) -> LegEnd | None:
        """Why the connection ended; None while it lasts."""
        return self._peer.end_reason if self._peer else None

    @property
    def heard(self) -> Pcm:
        """What was heard so far, 16 kHz from its first frame on; silence where audio was lost."""
        if not self._heard:
            return np.zeros(0, np.float32)
        heard = np.zeros(self._heard[-1][0] + FRAME_SAMPLES, np.float32)
        for start, pcm in self._heard:
            heard[start : start + pcm.size] = pcm
        return heard

    async def create_offer(self) -> str:
        """A complete SDP offer with one audio section.

        Raises:
            MediaError: this machine's addresses cannot be offered.
        """
        return await self._connection.offer()

    async def accept(self, answer_sdp: str) -> None:
        """Take the answer; the connection comes about from here on.

        Raises:
            SdpError: the answer is malformed or not one to this offer.
        """
        await self._connection.accept(checked(answer_sdp))
        self._tasks.start_soon(self._listen, self._connection.source, name="caller ears")
        self._tasks.start_soon(self._sender.run, self._connection.transport, name="caller voice")

    async def wait_connected(self) -> None:
        """Return once sound can flow.

        Raises:
            MediaError: no connection came about in time.
        """
        async with anyio.create_task_group() as race:

            async def give_up() -> None:
                await self._clock.sleep_until(self._clock.now_s() + CONNECT_S)
                race.cancel_scope.cancel()

            async def follow_end() -> None:
                await self._over.wait()
                race.cancel_scope.cancel()

            race.start_soon(give_up)
            race.start_soon(follow_end)
            await self._connection.connected.wait()
            race.cancel_scope.cancel()
        if not self._connection.connected.is_set() or self._over.is_set():
            raise MediaError(
                f"A WebRTC connection was expected within {CONNECT_S:g} s; none came about.",
                fix="See that both sides offer an address that the other can reach (UDP).",
            )

    async def speak(self, what: Pcm | AudioSource, *, tail_s: float = TAIL_S) -> None:
        """Say something, at real pace; returns when its last packet was sent.

        Args:
            what: 16 kHz mono float32 of any length, or a source. A source's gaps become silence; of a source with
                several parties only the caller is spoken.
            tail_s: silence after it.

        Raises:
            MediaError: there is no connection, or it ended while speaking.
        """
        await self.wait_connected()
        if isinstance(what, np.ndarray):
            await self._say(what)
        else:
            await self._say_all(what)
        await self._say(np.zeros(from_s(tail_s), np.float32))
        await self._playout.drain()
        self._still_there()

    async def listen_until_end(self) -> LegEnd:
        """Return once the other side has hung up or is gone; answers which."""
        await self._over.wait()
        return self.end_reason or LegEnd.LEFT

    async def close(self) -> None:
        """Hang up and give everything back. May be called again."""
        if self._peer:
            await self._peer.close()

    async def __aenter__(self) -> Self:
        self._peer = Peer(self._ice, Party.AGENT, self._clock, self._end)
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        try:
            self._tasks.cancel_scope.cancel()
            # An error of the body is not the ears': given to the task group it would come back as a group.
            if isinstance(error, CancelledError):
                return await self._tasks.__aexit__(kind, error, traceback)
            await self._tasks.__aexit__(None, None, None)
            return None
        finally:
            await self.close()

    @property
    def _connection(self) -> Peer:
        if self._peer is None:
            raise MediaError("A caller has to be entered first: async with WebRtcCaller(...) as caller.")
        return self._peer

    async def _say_all(self, source: AudioSource) -> None:
        said = 0
        frames = source.frames()
        try:
            async for frame in frames:
                if frame.party is Party.CALLER:
                    await self._say(np.zeros(max(0, frame.start - said), np.float32))
                    await self._say(frame.pcm)
                    said = frame.span.end
        finally:
            if isinstance(frames, AsyncGenerator):
                await frames.aclose()

    async def _say(self, pcm: Pcm) -> None:
        for begin in range(0, pcm.size, SAMPLE_RATE):
            await self._playout.drain(from_s(AHEAD_S))
            self._still_there()
            self._playout.play(pcm[begin : begin + SAMPLE_RATE])

    def _still_there(self) -> None:
        if self._over.is_set():
            raise MediaError(f"The connection ended while speaking ({self.end_reason}).")

    async def _listen(self, ears: Receiver) -> None:
        async for frame in ears.frames():
            if frame.start < self._hear:
                self._heard.append((frame.start, frame.pcm))

    def _end(self, _: LegEnd) -> None:
        self._over.set()
        if self._peer is not None:
            self._peer.source.stop()
        self._playout.close()
