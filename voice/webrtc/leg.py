"""One party's WebRTC connection as a `CallLeg`."""

from __future__ import annotations

from asyncio import CancelledError
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import anyio

from voice.audio.opus import OpusSettings
from voice.contracts.audio import Party
from voice.contracts.ports import Clock, LegEnd
from voice.contracts.statistics import LegStatistics
from voice.playout import PLAYOUT_BOUND_S, Playout
from voice.webrtc.ice import IceSettings
from voice.webrtc.peer import Peer
from voice.webrtc.receiver import Receiver
from voice.webrtc.sender import Sender

WATCH_S: Final = 1.0
"""How often the watch looks whether packets still come."""


@dataclass(frozen=True, slots=True)
class LegLimits:
    """How patient a leg is.

    Attributes:
        connect_s: from entering the leg until it is connected.
        silence_s: without a single packet while connected. A muted browser keeps sending; one that has vanished without
            a word is also found out by ICE's consent checks, after about 30 s.
        playout_s: how much may wait to be heard.
        opus: how what is sent is encoded.
    """

    connect_s: float = 20.0
    silence_s: float = 20.0
    playout_s: float = PLAYOUT_BOUND_S
    opus: OpusSettings = field(default_factory=OpusSettings)


class WebRtcLeg:
    """A `CallLeg` over WebRTC; made by `WebRtcAnswerer.answer`.

    It holds sockets from then on. Whoever does not enter it has to `close` it.
    """

    def __init__(self, ice: IceSettings, clock: Clock, party: Party, limits: LegLimits) -> None:
        self.party = party
        self.answer_sdp = ""
        self._clock = clock
        self._limits = limits
        self._sink = Playout(limits.playout_s)
        self._peer = Peer(ice, party, clock, self._over)
        self._sender = Sender(self._sink.take, clock, limits.opus)
        self._tasks = anyio.create_task_group()

    @property
    def source(self) -> Receiver:
        """What the party says; ends when the connection does, see `end_reason`."""
        return self._peer.source

    @property
    def sink(self) -> Playout:
        """What the party hears."""
        return self._sink

    @property
    def end_reason(self) -> LegEnd | None:
        """Why the audio ended; None while the connection lasts. Set before `source` ends."""
        return self._peer.end_reason

    @property
    def is_connected(self) -> bool:
        """Whether the connection has come about (it may be over since)."""
        return self._peer.connected.is_set()

    async def wait_connected(self) -> None:
        """Return once the connection has come about; or never, where the leg ends before."""
        await self._peer.connected.wait()

    async def take_offer(self, offer: str) -> None:
        """Answer a checked offer: `answer_sdp` is there afterwards.

        Raises:
            SdpError: aiortc cannot agree with it.
            MediaError: host addresses cannot be chosen.
        """
        self.answer_sdp = await self._peer.answer(offer)

    def statistics(self) -> LegStatistics:
        """How well the audio comes through, so far."""
        return self._peer.session.statistics()

    async def close(self) -> None:
        """Hang up and give everything back. May be called again."""
        await self._peer.close()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._tasks.start_soon(self._watch, name=f"{self.party} leg watch")
        self._tasks.start_soon(self._sender.run, self._peer.transport, name=f"{self.party} leg sender")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        try:
            self._tasks.cancel_scope.cancel()
            # An error of the body is not the watch's: given to the task group it would come back as a group.
            if isinstance(error, CancelledError):
                return await self._tasks.__aexit__(kind, error, traceback)
            await self._tasks.__aexit__(None, None, None)
            return None
        finally:
            await self.close()

    def _over(self, _: LegEnd) -> None:
        self._peer.source.stop()
        self._sink.close()

    async def _watch(self) -> None:
        """End the leg when it does not connect, or when packets stop coming, for too long."""
        began_s = heard_s = self._clock.now_s()
        received = 0
        while self.end_reason is None:
            await self._clock.sleep_until(self._clock.now_s() + WATCH_S)
            now_s = self._clock.now_s()
            if not self.is_connected:
                heard_s = now_s
                if now_s - began_s >= self._limits.connect_s:
                    self._peer.end(LegEnd.NEVER_CONNECTED)
            elif (count := self._peer.session.incoming.buffer.counts.received) != received:
                received, heard_s = count, now_s
            elif now_s - heard_s >= self._limits.silence_s:
                self._peer.end(LegEnd.CONNECTION_LOST)
