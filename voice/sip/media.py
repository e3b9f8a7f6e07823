"""A call's audio both ways, and the keys in it: datagrams in and out, frames in and out. Pure: time is an argument."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Party, Pcm, Samples
from voice.contracts.errors import RtpError
from voice.contracts.statistics import LegStatistics
from voice.rtp.packet import RtpPacket, is_rtcp, parse_rtp, write_rtp
from voice.rtp.quality import mean_opinion, rating
from voice.sip.codecs import LINE_RATE, Encoder, silence
from voice.sip.description import Agreement
from voice.sip.incoming import IncomingLine
from voice.sip.latch import Address, Latch
from voice.sip.reporting import Begin, CallReports, Sent
from voice.sip.srtp import Srtp
from voice.sip.telephone_event import Keypad, TelephoneEvent, parse_event, write_event

LATE_S: Final = 0.2
"""A sender further behind than this has stood still; it goes on from now instead of sending in a burst."""

WAITING_KEYS: Final = 32
"""Keys that wait to be sent: a card's number, twice."""

KEY_PACKETS: Final = 5
"""How long a key of ours sounds: 100 ms (RFC 4733 asks for 40 or more)."""

GAP_PACKETS: Final = 3
"""How long nothing sounds behind it."""

_FRAME_S: Final = FRAME_SAMPLES / SAMPLE_RATE
_CODEC_MS: Final = 20.0
_NOISE_LEVEL: Final = 127


class CallMedia:
    """One call's audio.

    Args:
        party: who is at the other end.
        agreement: what was agreed on.
        host: where the signalling comes from.
        begin: of our stream.
        take: gives the next samples to be sent, 16 kHz.
        press: told each key that is pressed.
    """

    def __init__(
        self,
        party: Party,
        agreement: Agreement,
        host: str,
        begin: Begin,
        take: Callable[[Samples], Pcm],
        press: Callable[[str], None],
    ) -> None:
        self.agreement = agreement
        self.latch = Latch(agreement.remote, host)
        self.report_latch = Latch(agreement.reports or agreement.remote, host)
        self.incoming = IncomingLine(party, agreement.codec)
        self.keypad = Keypad()
        self.heard_s: float | None = None
        self.sent = 0
        self.refused = 0
        self.late_ticks = 0
        self.ticks = 0
        self._take = take
        self._press = press
        self._srtp = Srtp(agreement.keys) if agreement.keys is not None else None
        if agreement.is_on_hold:
            self.incoming.pause()
        self._encoder: Encoder = agreement.codec.encoder()
        self._ssrc, self._sequence, self._stamp = begin.ssrc, begin.sequence, begin.timestamp
        self._reports = CallReports(begin)
        self._octets = 0
        self._begin_s: float | None = None
        self._frames = 0
        self._is_first = True
        self._keys: deque[str] = deque(maxlen=WAITING_KEYS)
        self._key_packets = 0
        self._key_stamp = 0
        self._event_end = 0

    @property
    def is_held(self) -> bool:
        """Whether the other side has put the call on hold."""
        return self.agreement.is_on_hold

    def agree(self, agreement: Agreement, host: str) -> None:
        """Another agreement: another codec, another address, hold or no longer."""
        changes = agreement.codec is not self.agreement.codec
        if agreement.keys != self.agreement.keys:
            self._srtp = Srtp(agreement.keys) if agreement.keys is not None else None
        if changes:
            # Stamps of another rate count on from here (RFC 7160, 4.1: a new stream would do as well).
            self._encoder = agreement.codec.encoder()
        if changes or (self.is_held and not agreement.is_on_hold):
            self.incoming.resume(agreement.codec)
        if agreement.is_on_hold:
            self.incoming.pause()
        else:
            self.latch.move(agreement.remote, host)
            self.report_latch.move(agreement.reports or agreement.remote, host)
        self._is_first = True
        self.agreement = agreement

    def listen_anew(self, now_s: float) -> None:
        """Somebody else speaks from now on, from another place and with stamps that begin anywhere; time goes on."""
        self.latch.leave(now_s)
        self.report_latch.leave(now_s)
        if not self.agreement.is_on_hold:
            self.incoming.resume(self.agreement.codec)

    def begin_anew(self) -> None:
        """Forget what came so far: what comes from now on is somebody who has answered."""
        self.incoming = IncomingLine(self.incoming.party, self.agreement.codec)
        if self.agreement.is_on_hold:
            self.incoming.pause()

    def receive(self, datagram: bytes, source: Address, now_s: float) -> None:
        """Take a datagram; what is no packet of this call is counted and dropped."""
        if self.agreement.is_muxed and is_rtcp(datagram):
            self.receive_reports(datagram, source, now_s)
            return
        try:
            packet = parse_rtp(self._srtp.open(datagram) if self._srtp is not None else datagram)
        except RtpError:
            self.refused += 1
            return
        agreed = self.agreement
        kind = packet.payload_type
        if kind not in (agreed.payload_type, agreed.event_type, agreed.noise_type):
            self.refused += 1
            return
        if not self.latch.admits(source, now_s):
            return
        self.heard_s = now_s
        if kind == agreed.event_type:
            self._take_event(packet, now_s)
        elif agreed.is_on_hold:
            return  # the caller listens to nobody, and what comes is music
        elif kind == agreed.noise_type and kind != agreed.payload_type:
            if agreed.codec.rate == LINE_RATE:
                level = packet.payload[0] if packet.payload else _NOISE_LEVEL
                self.incoming.add(_with_payload(packet, packet.timestamp, silence(level, LINE_RATE // 50)), now_s)
        else:
            self.incoming.add(packet, now_s)

    def receive_reports(self, datagram: bytes, source: Address, now_s: float) -> None:
        """Take a datagram of reports. Nothing in it is a sign of life: audio is what a call is for."""
        try:
            opened = self._srtp.open_reports(datagram) if self._srtp is not None else datagram
            if self._reports_latch.admits(source, now_s):
                self._reports.take(opened, self.incoming.buffer, now_s)
        except RtpError:
            self.refused += 1

    def reports(self, now_s: float) -> tuple[bytes, Address] | None:
        """The report that is due, and where it goes; to be asked for about every 20 ms."""
        if not self._reports.is_due(now_s) or not self._is_reported_to:
            return None
        rate = self.agreement.codec.rate
        ahead_s = now_s - self._begin_s - self._frames * _FRAME_S if self._begin_s is not None else 0.0
        sent = Sent(self.sent, self._octets, (self._stamp + round(ahead_s * rate)) % (1 << 32))
        return self._closed(self._reports.write(sent, self.incoming.buffer, now_s, rate))

    def farewell(self, now_s: float) -> tuple[bytes, Address] | None:
        """The last report, and where it goes; nothing where nothing was sent (RFC 3550, 6.3.7)."""
        if not self.sent or not self._is_reported_to:
            return None
        return self._closed(self._reports.write_farewell(self.incoming.buffer, now_s, self.agreement.codec.rate))

    def frames(self, now_s: float) -> list[AudioFrame]:
        """The frames that are due."""
        return self.incoming.take(now_s)

    def send_key(self, digit: str) -> None:
        """Let the other side hear a key; where it takes none in RTP, nothing happens."""
        if self.agreement.event_type is not None:
            self._keys.append(digit)

    def packets(self, now_s: float) -> list[bytes]:
        """The packets that are due; to be asked for about every 20 ms."""
        if self._begin_s is None:
            self._begin_s = now_s
        behind_s = now_s - self._begin_s - self._frames * _FRAME_S
        if behind_s > LATE_S:
            self._pass(int(behind_s / _FRAME_S))
        out: list[bytes] = []
        # Half a frame of slack: ticks come on a grid of their own.
        while self._begin_s + self._frames * _FRAME_S <= now_s + _FRAME_S / 2:
            self.ticks += 1
            if now_s - (self._begin_s + self._frames * _FRAME_S) > 2 * _FRAME_S:
                self.late_ticks += 1
            pcm = self._take(FRAME_SAMPLES)
            if self.agreement.sends:
                out += self._next(pcm)
            self._pass(1)
        return out

    def statistics(self) -> LegStatistics:
        """The numbers as they are now."""
        buffer = self.incoming.buffer
        counts = buffer.counts
        whole = counts.played + counts.recovered + counts.concealed + counts.skipped
        gone = (counts.concealed + counts.skipped) / whole if whole else 0.0
        round_trip_s = self._reports.heard.round_trip_s
        delay_ms = _CODEC_MS + 1000 * (buffer.delay_s + (round_trip_s or 0.0) / 2)
        refused = self.refused + self.latch.refused + self.report_latch.refused
        refused += counts.malformed + counts.stray + counts.overflow

        def ours(stamps: int) -> Samples:
            return stamps * SAMPLE_RATE // self.incoming.codec.rate

        return LegStatistics(
            received=counts.received + counts.duplicate,
            lost=self.incoming.lost,
            late=counts.late,
            duplicate=counts.duplicate,
            refused=refused + self.incoming.undecodable,
            played=ours(counts.played) + self.incoming.paused,
            recovered=ours(counts.recovered),
            concealed=ours(counts.concealed),
            skipped=ours(counts.skipped),
            jitter_ms=1000 * buffer.jitter_s,
            delay_ms=1000 * buffer.delay_s,
            round_trip_ms=None if round_trip_s is None else 1000 * round_trip_s,
            skew_ms=1000 * self.incoming.skew / SAMPLE_RATE,
            sent=self.sent,
            lost_on_the_way_out=self._reports.heard.loss_reported,
            mos=mean_opinion(rating(delay_ms, gone)),
        )

    def _take_event(self, packet: RtpPacket, now_s: float) -> None:
        try:
            event = parse_event(packet.payload)
        except RtpError:
            self.refused += 1
            return
        if event is None:
            return
        if (digit := self.keypad.press(event, packet.timestamp, marker=packet.marker)) is not None:
            self._press(digit)
        self._fill(packet, event, now_s)

    def _fill(self, packet: RtpPacket, event: TelephoneEvent, now_s: float) -> None:
        """A key takes numbers and time from the voice: silence stands there, so that they don't pass for lost."""
        if self.agreement.codec.rate != LINE_RATE or self.agreement.is_on_hold:
            return
        length = min(LINE_RATE // 50, event.duration)
        stamp = (packet.timestamp + event.duration - length) % (1 << 32)
        if length and not (event.is_end and stamp == self._event_end):
            self.incoming.add(_with_payload(packet, stamp, silence(_NOISE_LEVEL, length)), now_s)
        elif length:
            self._count(packet)
        self._event_end = stamp

    def _count(self, packet: RtpPacket) -> None:
        """A repeated end takes a number and no time."""
        sequence = self.incoming.buffer.sequence
        if packet.ssrc == self.incoming.buffer.ssrc and (number := sequence.extend(packet.sequence)) is not None:
            sequence.note(number)

    def _next(self, pcm: Pcm) -> list[bytes]:
        if self._keys or self._key_packets:
            return self._next_of_key()
        marker, self._is_first = self._is_first, False
        return [self._write(self.agreement.payload_type, self._encoder.encode(pcm), self._stamp, marker=marker)]

    def _next_of_key(self) -> list[bytes]:
        step = self.agreement.codec.rate // 50
        kind = self.agreement.event_type
        if not self._key_packets:
            self._key_stamp = self._stamp
        self._key_packets += 1
        number = self._key_packets
        if number >= KEY_PACKETS + GAP_PACKETS:
            self._keys.popleft()
            self._key_packets = 0
        if number > KEY_PACKETS or kind is None:
            return []
        is_end = number == KEY_PACKETS
        payload = write_event(self._keys[0], is_end=is_end, duration=number * step)
        # The end is said three times (RFC 4733, 2.5.1.4).
        return [
            self._write(kind, payload, self._key_stamp, marker=number == 1 and not again)
            for again in range(3 if is_end else 1)
        ]

    def _write(self, kind: int, payload: bytes, stamp: int, *, marker: bool) -> bytes:
        packet = write_rtp(RtpPacket(kind, marker, self._sequence, stamp, self._ssrc, payload))
        self._sequence = (self._sequence + 1) % (1 << 16)
        self.sent += 1
        self._octets += len(payload)
        return self._srtp.close(packet) if self._srtp is not None else packet

    @property
    def _is_reported_to(self) -> bool:
        """Whether reports go anywhere; 0.0.0.0 is how a call on hold was described before there were directions."""
        named = self.agreement.is_muxed or self.agreement.reports is not None
        return named and self._reports_latch.target[0] not in ("0.0.0.0", "::")  # noqa: S104 - compared, not bound

    @property
    def _reports_latch(self) -> Latch:
        return self.latch if self.agreement.is_muxed else self.report_latch

    def _closed(self, report: bytes) -> tuple[bytes, Address]:
        closed = self._srtp.close_reports(report) if self._srtp is not None else report
        return closed, self._reports_latch.target

    def _pass(self, frames: int) -> None:
        self._frames += frames
        self._stamp = (self._stamp + frames * self.agreement.codec.rate // 50) % (1 << 32)


def _with_payload(packet: RtpPacket, stamp: int, payload: bytes) -> RtpPacket:
    return RtpPacket(packet.payload_type, packet.marker, packet.sequence, stamp, packet.ssrc, payload)
