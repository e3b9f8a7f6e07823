"""One party's RTCP, both ways: what it hears from us of what came, and what it tells us of what arrived there. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from voice.rtp.jitter import JitterBuffer
from voice.rtp.rtcp import (
    Goodbye,
    ReceiverReport,
    Report,
    ReportBlock,
    SenderReport,
    ntp_middle,
    round_trip_s,
    to_ntp,
)

MOST_ROUND_TRIP_S: Final = 30.0
"""A report that tells of more is wrong about its own clock: nobody talks over such a line."""

_RTT_SMOOTHING: Final = 1 / 8
"""How much a new round trip counts (RFC 6298, 2.3)."""


class Reports:
    """What reports tell, and what ours say.

    Args:
        ntp_origin_s: what the clock's zero is in seconds since 1900.

    Attributes:
        loss_reported: the share of what we sent that the other side last reported as lost; None until it has.
        round_trip_s: there and back, smoothed; None until a report has told.
    """

    def __init__(self, ntp_origin_s: float) -> None:
        self.loss_reported: float | None = None
        self.round_trip_s: float | None = None
        self._ntp_origin_s = ntp_origin_s
        self._heard_ntp = 0
        self._heard_s = 0.0

    def ntp(self, now_s: float) -> int:
        """A moment as reports write it."""
        return to_ntp(self._ntp_origin_s + now_s)

    def take(self, reports: Sequence[Report], now_s: float, *, ours: int | None, theirs: int | None) -> bool:
        """Take what came; answers whether the other side says goodbye.

        Args:
            reports: of one datagram.
            now_s: when it came.
            ours: the stream that we send; None where there is none yet.
            theirs: the stream that comes.
        """
        ended = False
        for report in reports:
            match report:
                case Goodbye():
                    ended = ended or theirs in report.ssrcs
                case SenderReport():
                    if report.ssrc == theirs:
                        self._heard_ntp, self._heard_s = ntp_middle(report.ntp), now_s
                    self._note_blocks(report.blocks, now_s, ours)
                case ReceiverReport():
                    self._note_blocks(report.blocks, now_s, ours)
        return ended

    def blocks(self, buffer: JitterBuffer, now_s: float, rate: int) -> tuple[ReportBlock, ...]:
        """What came of the stream in a buffer; nothing before its first packet.

        Args:
            buffer: where the stream goes through.
            now_s: the moment.
            rate: of its time stamps, Hz.
        """
        if buffer.ssrc is None:
            return ()
        since = round((now_s - self._heard_s) * 65_536) if self._heard_ntp else 0
        return (
            ReportBlock(
                ssrc=buffer.ssrc,
                fraction_lost=buffer.sequence.fraction_lost(),
                lost=buffer.lost,
                highest=buffer.sequence.highest,
                jitter=min(0xFFFFFFFF, round(buffer.jitter_s * rate)),
                last_report=self._heard_ntp,
                since_last_report=min(0xFFFFFFFF, since),
            ),
        )

    def _note_blocks(self, blocks: Sequence[ReportBlock], now_s: float, ours: int | None) -> None:
        for block in blocks:
            if ours is None or block.ssrc != ours:
                continue
            self.loss_reported = block.fraction_lost / 256
            took_s = round_trip_s(self.ntp(now_s), block)
            if took_s is None or took_s > MOST_ROUND_TRIP_S:
                continue
            before_s = took_s if self.round_trip_s is None else self.round_trip_s
            self.round_trip_s = before_s + _RTT_SMOOTHING * (took_s - before_s)
