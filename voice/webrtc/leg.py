"""One party's WebRTC connection as a `CallLeg`.

Networks change under a call: a phone goes from WLAN to mobile, an address is renewed. aiortc knows no ICE restart on a
running transport, so a connection is replaced as a whole: the party offers anew, and once the new connection stands,
the old one is put away. The streams go on: source and sink, jitter buffer, time axis and numbers are the leg's, not the
connection's. What was lost meanwhile is a jump of the time axis, as any other loss.
"""

from __future__ import annotations

from asyncio import CancelledError
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import anyio

from voice.audio.opus import OpusSettings
from voice.contracts.audio import Party
from voice.contracts.errors import MediaError
from voice.contracts.ports import Clock, LegEnd
from voice.contracts.statistics import LegStatistics
from voice.playout import PLAYOUT_BOUND_S, Playout
from voice.webrtc.ice import IceSettings
from voice.webrtc.peer import Peer
from voice.webrtc.receiver import Receiver
from voice.webrtc.sdp import checked
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
        self._ice = ice
        self._clock = clock
        self._limits = limits
        self._sink = Playout(limits.playout_s)
        self._end_reason: LegEnd | None = None
        first = Peer(ice, party, clock, lambda reason: self._over(first, reason))
        self._peer = first
        # The connection that shall replace it, and why the old one has ended meanwhile.
        self._next: Peer | None = None
        self._lost: LegEnd | None = None
        self._attempt = anyio.CancelScope()
        self._sender = Sender(self._sink.take, clock, limits.opus)
        self._tasks = anyio.create_task_group()
        self._is_entered = False

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
        return self._end_reason

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

    async def reoffer(self, offer: str) -> str:
        """Answer another offer of the same party, whose network has changed; the call goes on over whichever connects.

        The connection that stands is kept until the new one does. Another offer replaces one that has not connected.

        Args:
            offer: complete, as the first one was.

        Returns:
            The complete answer.

        Raises:
            SdpError: the offer is malformed or cannot be agreed with.
            MediaError: the leg is over or was not entered, or host addresses cannot be chosen.
        """
        offer = checked(offer)
        new = Peer(self._ice, self.party, self._clock, lambda reason: self._over(new, reason), successor_of=self._peer)
        try:
            answer = await new.answer(offer)
        except BaseException:
            await new.close()
            raise
        # Whatever happened while candidates were gathered: the latest offer is the one that counts.
        if self._end_reason is not None or not self._is_entered:
            await new.close()
            raise MediaError("A leg that is in use was expected; this one is over or has not begun.")
        self._next = new
        self._attempt.cancel()
        self._attempt = anyio.CancelScope()
        self._tasks.start_soon(self._replace, new, self._attempt, name=f"{self.party} leg replacement")
        return answer

    def statistics(self) -> LegStatistics:
        """How well the audio comes through, so far."""
        return self._peer.session.statistics()

    async def close(self) -> None:
        """Hang up and give everything back. May be called again."""
        if self._next is not None:
            await self._next.close()
        await self._peer.close()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._is_entered = True
        self._tasks.start_soon(self._watch, name=f"{self.party} leg watch")
        self._tasks.start_soon(self._sender.run, self._peer.transport, name=f"{self.party} leg sender")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        try:
            self._is_entered = False
            self._tasks.cancel_scope.cancel()
            # An error of the body is not the watch's: given to the task group it would come back as a group.
            if isinstance(error, CancelledError):
                return await self._tasks.__aexit__(kind, error, traceback)
            await self._tasks.__aexit__(None, None, None)
            return None
        finally:
            await self.close()

    def _over(self, peer: Peer, reason: LegEnd) -> None:
        if peer is self._next:
            self._next = None
            self._attempt.cancel()
            reason = self._lost or reason
            peer = self._peer if self._lost else peer
        elif peer is self._peer and self._next is not None and reason is not LegEnd.LEFT:
            # What ends is what is being replaced.
            self._lost = reason
            return
        if peer is self._peer and self._end_reason is None:
            self._end_reason = reason
            self._peer.source.stop()
            self._sink.close()

    async def _replace(self, new: Peer, attempt: anyio.CancelScope) -> None:
        """Wait for the new connection and put it in the old one's place; give it up where it does not come."""
        with attempt, anyio.move_on_after(self._limits.connect_s):
            await new.connected.wait()
        if new is not self._next or not new.connected.is_set():
            await new.close()
            return
        former, self._peer, self._next, self._lost = self._peer, new, None, None
        former.transport.retire()
        self._tasks.start_soon(self._sender.run, new.transport, name=f"{self.party} leg sender")
        await former.close()

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
