"""One party's RTP session: what comes in, what goes out, and the reports about both. Pure: time is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from voice.contracts.audio import Party, to_ms
from voice.contracts.errors import RtpError
from voice.contracts.statistics import LegStatistics
from voice.rtp.incoming import IncomingSpeech
from voice.rtp.jitter import JitterLimits
from voice.rtp.opus_payload import RTP_RATE
from voice.rtp.outgoing import SpeechPacket
from voice.rtp.packet import RtpPacket, parse_rtp, write_rtp
from voice.rtp.quality import mean_opinion, rating
from voice.rtp.reports import Reports
from voice.rtp.rtcp import Goodbye, ReceiverReport, ReportBlock, SenderReport, parse_rtcp, write_rtcp

CODEC_MS: Final = 26.5
"""What Opus adds one way: a packet of 20 ms and 6.5 ms of look-ahead."""


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What offer and answer agreed on.

    Attributes:
        ssrc: of what we send, 32 bits.
        cname: our canonical name.
        payload_type: Opus's, 0 to 127.
        mid: which media section; sent along where `mid_extension` says how.
        mid_extension: the header extension's id (RFC 8843, 15); None: not agreed on.
        level_extension: the audio level's (RFC 6464); None: not agreed on.
    """

    ssrc: int
    cname: str
    payload_type: int
    mid: bytes = b""
    mid_extension: int | None = None
    level_extension: int | None = None


class RtpSession:
    """Packets and reports of one party, both ways.

    Args:
        party: who is at the other end.
        sequence: of the first packet we send. Below 2**15, so that SRTP's rollover counter is beyond doubt (RFC 3711,
            3.3.1).
        timestamp: of the first packet we send, 32 bits.
        ntp_origin_s: what the clock's zero is in seconds since 1900.
        limits: of the jitter buffer.
    """

    def __init__(
        self,
        party: Party,
        *,
        sequence: int,
        timestamp: int,
        ntp_origin_s: float,
        limits: JitterLimits | None = None,
    ) -> None:
        self.incoming = IncomingSpeech(party, limits)
        self.sent = 0
        self.refused = 0
        self._sequence = sequence
        self._first_stamp = self._last_stamp = timestamp
        self._reports = Reports(ntp_origin_s)
        self._negotiated: Negotiated | None = None
        self._octets = 0

    @property
    def loss_reported(self) -> float | None:
        """The share of what we sent that the other side last reported as lost; None until it has."""
        return self._reports.loss_reported

    def agree(self, negotiated: Negotiated) -> None:
        """Say what was negotiated; nothing is taken or sent before."""
        self._negotiated = negotiated

    def receive_rtp(self, datagram: bytes, now_s: float) -> bool:
        """Take a datagram; answers whether it was a packet of the negotiated kind. Others are counted and dropped."""
        try:
            packet = parse_rtp(datagram)
        except RtpError:
            self.refused += 1
            return False
        if self._negotiated is None or packet.payload_type != self._negotiated.payload_type:
            self.refused += 1
            return False
        self.incoming.add(packet, now_s)
        return True

    def receive_rtcp(self, datagram: bytes, now_s: float) -> bool:
        """Take a datagram of reports; answers whether the other side says goodbye. Malformed ones are counted."""
        try:
            reports = parse_rtcp(datagram)
        except RtpError:
            self.refused += 1
            return False
        ours = self._negotiated.ssrc if self._negotiated is not None else None
        return self._reports.take(reports, now_s, ours=ours, theirs=self.incoming.buffer.ssrc)

    def send(self, speech: SpeechPacket) -> bytes:
        """The next packet.

        Raises:
            RtpError: nothing was negotiated yet.
        """
        agreed = self._agreed()
        extensions: tuple[tuple[int, bytes], ...] = ()
        if agreed.mid_extension is not None and 1 <= len(agreed.mid) <= 16:
            extensions = ((agreed.mid_extension, agreed.mid),)
        if agreed.level_extension is not None:
            extensions = (*extensions, (agreed.level_extension, bytes((speech.level,))))
        stamp = (self._first_stamp + speech.samples) % (1 << 32)
        packet = RtpPacket(agreed.payload_type, speech.marker, self._sequence, stamp, agreed.ssrc, speech.payload)
        self._sequence = (self._sequence + 1) % (1 << 16)
        self._last_stamp = stamp
        self._octets += len(speech.payload)
        self.sent += 1
        return write_rtp(packet, extensions)

    def report(self, now_s: float) -> bytes:
        """What we sent and received, for the other side.

        Raises:
            RtpError: nothing was negotiated yet.
        """
        agreed = self._agreed()
        ntp = self._reports.ntp(now_s)
        octets, packets = self._octets & 0xFFFFFFFF, self.sent & 0xFFFFFFFF
        sent = SenderReport(agreed.ssrc, ntp, self._last_stamp, packets, octets, self._blocks(now_s))
        return write_rtcp(sent, agreed.cname)

    def goodbye(self, now_s: float) -> bytes:
        """The last report.

        Raises:
            RtpError: nothing was negotiated yet.
        """
        agreed = self._agreed()
        received = ReceiverReport(agreed.ssrc, self._blocks(now_s))
        return write_rtcp(received, agreed.cname) + write_rtcp(Goodbye((agreed.ssrc,)))

    def statistics(self) -> LegStatistics:
        """The numbers as they are now."""
        buffer = self.incoming.buffer
        counts = buffer.counts
        step = RTP_RATE // 16_000
        whole = counts.played + counts.recovered + counts.concealed + counts.skipped
        gone = (counts.concealed + counts.skipped) / whole if whole else 0.0
        round_trip_s = self._reports.round_trip_s
        delay_ms = CODEC_MS + 1000 * (buffer.delay_s + (round_trip_s or 0.0) / 2)
        return LegStatistics(
            received=counts.received + counts.duplicate,
            lost=buffer.lost,
            late=counts.late,
            duplicate=counts.duplicate,
            refused=self.refused + counts.malformed + counts.stray + counts.overflow + self.incoming.undecodable,
            played=counts.played // step,
            recovered=counts.recovered // step,
            concealed=counts.concealed // step,
            skipped=counts.skipped // step,
            jitter_ms=1000 * buffer.jitter_s,
            delay_ms=1000 * buffer.delay_s,
            round_trip_ms=None if round_trip_s is None else 1000 * round_trip_s,
            skew_ms=to_ms(self.incoming.skew),
            sent=self.sent,
            lost_on_the_way_out=self.loss_reported,
            mos=mean_opinion(rating(delay_ms, gone)),
        )

    def _agreed(self) -> Negotiated:
        if self._negotiated is None:
            raise RtpError("A stream was expected to be negotiated before anything is sent.")
        return self._negotiated

    def _blocks(self, now_s: float) -> tuple[ReportBlock, ...]:
        return self._reports.blocks(self.incoming.buffer, now_s, RTP_RATE)
