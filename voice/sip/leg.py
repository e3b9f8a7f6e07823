"""One party's telephone call as a `CallLeg`."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

import anyio

from voice.contracts.audio import Party, Pcm
from voice.contracts.ports import Clock, LegEnd
from voice.contracts.sip_errors import SipCallError
from voice.contracts.statistics import LegStatistics
from voice.playout import Playout
from voice.ringback import Ringback
from voice.rtp.rtcp import NTP_EPOCH_S
from voice.sip.call_terms import CallEnd, Referral
from voice.sip.calls import SipCall
from voice.sip.description import Agreement
from voice.sip.latch import Address
from voice.sip.media import CallMedia
from voice.sip.messages import read_address, write_uri
from voice.sip.reporting import Begin
from voice.sip.sockets import AudioSockets
from voice.sip.source import SipSource
from voice.sip.trunks import Trunk

WAITING_KEYS: Final = 32
"""Keys that were pressed and not yet taken; more are dropped, because nobody presses that fast."""

TRANSFER_S: Final = 60.0
"""How long whom a caller is transferred to may take to answer."""

RINGING: Final = 180
"""The status by which a telephone says that it rings."""

HOLD_S: Final = 3_600.0
"""How long a call may be on hold without a sign of life."""

_NOTHING: Final = LegStatistics(
    received=0,
    lost=0,
    late=0,
    duplicate=0,
    refused=0,
    played=0,
    recovered=0,
    concealed=0,
    skipped=0,
    jitter_ms=0.0,
    delay_ms=0.0,
    round_trip_ms=None,
    skew_ms=0.0,
    sent=0,
    lost_on_the_way_out=None,
    mos=1.0,
)
_ENDS: Final = {
    CallEnd.HUNG_UP: LegEnd.HUNG_UP,
    CallEnd.CANCELLED: LegEnd.HUNG_UP,
    CallEnd.REFUSED: LegEnd.NEVER_CONNECTED,
    CallEnd.UNANSWERED: LegEnd.NEVER_CONNECTED,
    CallEnd.UNACKNOWLEDGED: LegEnd.NEVER_CONNECTED,
    CallEnd.RTP_NEVER: LegEnd.NEVER_CONNECTED,
    CallEnd.MEDIA: LegEnd.NEVER_CONNECTED,
    CallEnd.SESSION_EXPIRED: LegEnd.CONNECTION_LOST,
    CallEnd.RTP_TIMEOUT: LegEnd.CONNECTION_LOST,
    CallEnd.GONE: LegEnd.CONNECTION_LOST,
    CallEnd.LEFT: LegEnd.LEFT,
}


class SipLeg:
    """A `CallLeg` over SIP; made by `SipEndpoint`.

    It holds a socket from then on. Whoever does not enter it has to `close` it.

    Args:
        call: its signalling.
        party: who is at the other end.
        clock: time.
        silence_s: without a packet, until the call is given up.
        closed: told when it needs no more ticks.

    Attributes:
        trunk: by which the call came in; None where we called.
        hear_early: told what is heard of whom we call before they answer: ringing tones, announcements; our own ringing
            tone where they ring and nothing is played. None of it is theirs, so none of it comes out of `source`.
        refer: asked by whom the other side wants replaced; answers whether that is done.
    """

    def __init__(
        self, call: SipCall, party: Party, clock: Clock, *, silence_s: float, closed: Callable[[SipLeg], None]
    ) -> None:
        self.call = call
        self.party = party
        self.end: CallEnd | None = None
        self.trunk: Trunk | None = None
        self.hear_early: Callable[[Pcm], None] = lambda _: None
        self.answered = anyio.Event()
        self.over = anyio.Event()
        self._clock = clock
        self._silence_s = silence_s
        self._closed = closed
        self._source = SipSource(party)
        self._sink = Playout()
        self._keys, self._pressed = anyio.create_memory_object_stream[str](WAITING_KEYS)
        self._sockets: AudioSockets | None = None
        self._media: CallMedia | None = None
        self._turned = anyio.Event()
        self._watched_s = clock.now_s()
        self._was_held = False
        self._ringback = Ringback()
        self.refer: Callable[[SipLeg, Referral], bool] = lambda _, __: False
        self._put_successor, self._successors = anyio.create_memory_object_stream[str](WAITING_KEYS)
        self._follow(call)

    @property
    def source(self) -> SipSource:
        """What the party says; ends when the call does, see `end_reason`."""
        return self._source

    @property
    def sink(self) -> Playout:
        """What the party hears."""
        return self._sink

    @property
    def end_reason(self) -> LegEnd | None:
        """Why the audio ended; None while the call lasts. Set before `source` ends."""
        return None if self.end is None else _ENDS[self.end]

    @property
    def is_held(self) -> bool:
        """Whether the other side has put us on hold."""
        return self._media is not None and self._media.is_held

    @property
    def media(self) -> CallMedia | None:
        """Its audio; None before a codec was agreed on."""
        return self._media

    def attach(self, sockets: AudioSockets) -> None:
        """Give it the sockets of its audio."""
        self._sockets = sockets
        sockets.hear, sockets.hear_reports = self.hear, self.hear_reports
        self.call.origin.port = sockets.port

    async def keys(self) -> AsyncGenerator[str]:
        """The keys that the party presses, until the call ends."""
        with self._pressed, suppress(anyio.ClosedResourceError):  # closed by `close` while somebody waits
            async for digit in self._pressed:
                yield digit

    async def holds(self) -> AsyncGenerator[bool]:
        """Whether the other side holds the call, as that changes, until it ends; not at first. To be read once."""
        told = False
        while self.end is None:
            if self.is_held is told:
                self._turned = anyio.Event()
                await self._turned.wait()
            else:
                told = self.is_held
                yield told

    async def successors(self) -> AsyncGenerator[str]:
        """Who takes the place of the party, by address, until the call ends."""
        with self._successors, suppress(anyio.ClosedResourceError):  # closed by `close` while somebody waits
            async for address in self._successors:
                yield address

    def succeed(self, call: SipCall, *, hangs_up: bool = True) -> None:
        """Go on with another call in the place of this one (RFC 3891, 3): same leg, same sound, same time.

        Args:
            call: answered, or to be answered by this.
            hangs_up: whether the one before is hung up at once; else whoever asks does so.
        """
        before, now_s = self.call, self._clock.now_s()
        before.hooks.forget()
        self.call, call.origin.port = call, before.origin.port
        if self._media is not None:
            self._media.listen_anew(now_s)
        self._follow(call)
        self._watched_s = now_s
        call.answer(now_s)
        if hangs_up:
            before.hang_up(now_s, reason='SIP;cause=200;text="Replaced"')
        with suppress(anyio.WouldBlock, anyio.BrokenResourceError, anyio.ClosedResourceError):
            self._put_successor.send_nowait(write_uri(read_address(call.dialog.record.remote_uri).uri))

    def send_key(self, digit: str) -> None:
        """Let the other side hear a key (RFC 4733)."""
        if self._media is not None:
            self._media.send_key(digit)

    def statistics(self) -> LegStatistics:
        """How well the audio comes through, so far; nothing yet before a codec was agreed on."""
        return self._media.statistics() if self._media is not None else _NOTHING

    def hear(self, datagram: bytes, source: Address) -> None:
        """Take a datagram."""
        if self._media is not None and self.end is None:
            self._media.receive(datagram, source, self._clock.now_s())

    def hear_reports(self, datagram: bytes, source: Address) -> None:
        """Take a datagram of the port for reports."""
        if self._media is not None and self.end is None and not self._media.agreement.is_muxed:
            self._media.receive_reports(datagram, source, self._clock.now_s())

    def tick(self, now_s: float) -> None:
        """Send and hand on what is due; about every 20 ms."""
        media = self._media
        if self.end is not None:
            return
        if self._is_unanswered:
            self._hear_early(media, now_s)
        if media is None:
            return
        if self.call.is_answered or self.call.is_early:
            for packet in media.packets(now_s):
                if self._sockets is not None:
                    self._sockets.send(packet, media.latch.target)
            self._report(media.reports(now_s))
        if self.call.is_answered:
            self._watch(media, now_s)
        if not self._is_unanswered and not self._source.is_full:
            self._source.put(media.frames(now_s))

    async def transfer(self, target: str, *, seconds: float = TRANSFER_S) -> None:
        """Hand the party over to somebody else (blind transfer): returns once they talk there, and this call is over.

        Where it fails, the party is still here, and the call goes on; unless they hung up meanwhile.

        Args:
            target: `sip:` address.
            seconds: how long it may take.

        Raises:
            SipCallError: the other system refuses, or whom it called does; `status` says why, 408: nobody said, 481:
                the call is over.
        """
        ended, statuses = anyio.Event(), [0]

        def told(status: int) -> None:
            statuses.append(status)
            if status >= 200:
                ended.set()

        self.call.hooks.transferred = told
        self.call.transfers.ask(write_uri(read_address(target).uri), self._clock.now_s())
        try:
            with anyio.move_on_after(seconds):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(_set_when_set, self.over, ended)
                    await ended.wait()
                    tasks.cancel_scope.cancel()
        finally:
            self.call.hooks.transferred = lambda _: None
        status = statuses[-1] if statuses[-1] >= 200 else (408 if self.end is None else 481)
        if status >= 300:
            raise SipCallError(f"The transfer was expected to succeed; it ended with {status}.", status=status)
        self.hang_up()

    def hang_up(self, end: CallEnd = CallEnd.LEFT, *, reason: str = "") -> None:
        """End the call."""
        self.call.hang_up(self._clock.now_s(), end, reason=reason)

    def close(self) -> None:
        """Hang up and give everything back. May be called again."""
        self.hang_up()
        self._over(CallEnd.LEFT)
        self._source.close()
        self._pressed.close()
        self._successors.close()
        if self._sockets is not None:
            self._sockets.close()
        self._closed(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _is_unanswered(self) -> bool:
        return self.call.is_calling and not self.call.is_answered

    def _hear_early(self, media: CallMedia | None, now_s: float) -> None:
        frames = media.frames(now_s) if media is not None else []
        if frames:
            self._ringback.give_way()
        for pcm in [frame.pcm for frame in frames] or self._ringback.frames(now_s):
            self.hear_early(pcm)

    def _ring(self, status: int) -> None:
        if status == RINGING:
            self._ringback.begin(self._clock.now_s())

    def _follow(self, call: SipCall) -> None:
        hooks = call.hooks
        hooks.agreed, hooks.pressed, hooks.over, hooks.answered = self._agree, self._press_by_info, self._over, self._up
        hooks.ringing = self._ring
        hooks.referred = lambda referral: self.refer(self, referral)
        if call.agreement is not None:
            self._agree(call.agreement)

    def _agree(self, agreement: Agreement) -> None:
        host = self.call.dialog.flow.peer[0]
        self._turned.set()
        if self._media is not None:
            self._media.agree(agreement, host)
            return
        # The stamp and number begin anywhere (RFC 3550, 5.1); below 2^15 for SRTP, should a proxy make it that.
        begin = Begin(
            secrets.randbits(32),
            secrets.randbelow(1 << 15),
            secrets.randbits(32),
            secrets.token_urlsafe(12),
            NTP_EPOCH_S + self._clock.utc_now().timestamp() - self._clock.now_s(),
        )
        self._media = CallMedia(self.party, agreement, host, begin, self._sink.take, self._press)

    def _up(self) -> None:
        self._watched_s = self._clock.now_s()
        if self.call.is_calling and self._media is not None:
            self._media.begin_anew()
        self.answered.set()

    def _press(self, digit: str) -> None:
        try:
            self._keys.send_nowait(digit)
        except (anyio.WouldBlock, anyio.BrokenResourceError, anyio.ClosedResourceError):
            return

    def _press_by_info(self, digit: str) -> None:
        pressed = self._media.keypad.press_by_info(digit) if self._media is not None else digit
        if pressed is not None:
            self._press(pressed)

    def _over(self, end: CallEnd) -> None:
        if self.end is not None:
            return
        media = self._media
        # A call whose ACK never came was one nevertheless where somebody was heard.
        lost = end is CallEnd.UNACKNOWLEDGED and media is not None and media.heard_s is not None
        self.end = CallEnd.GONE if lost else end
        if media is not None:
            self._report(media.farewell(self._clock.now_s()))
            self._source.put(media.incoming.drain())
        self._source.end()
        self._sink.close()
        self._keys.close()
        self._put_successor.close()
        self._turned.set()
        self.answered.set()
        self.over.set()

    def _report(self, report: tuple[bytes, Address] | None) -> None:
        if report is None or self._media is None or self._sockets is None:
            return
        send = self._sockets.send if self._media.agreement.is_muxed else self._sockets.send_reports
        send(*report)

    def _watch(self, media: CallMedia, now_s: float) -> None:
        """End the call when no packets come for too long."""
        if media.is_held != self._was_held:
            self._was_held, self._watched_s = media.is_held, now_s
        heard_s = max(self._watched_s, media.heard_s or 0.0)
        if now_s - heard_s < (HOLD_S if media.is_held else self._silence_s):
            return
        end = CallEnd.RTP_NEVER if media.heard_s is None else CallEnd.RTP_TIMEOUT
        self.hang_up(end, reason='Q.850;cause=41;text="No RTP"')


async def _set_when_set(first: anyio.Event, then: anyio.Event) -> None:
    await first.wait()
    then.set()
