"""A call's RTCP (RFC 3550, 6): when reports of ours are due and what is in them, and where reports come from. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from voice.rtp.jitter import JitterBuffer
from voice.rtp.reports import Reports
from voice.rtp.rtcp import Goodbye, ReceiverReport, SenderReport, parse_rtcp, write_rtcp

EVERY_S: Final = 5.0
"""How often reports go out on average (RFC 3550, 6.2); the first one after half of it."""

_SPREAD: Final = 0.5
"""By how much an interval is longer or shorter, so that calls that began together report apart (RFC 3550, 6.3.1)."""


@dataclass(frozen=True, slots=True)
class Begin:
    """What a stream of ours begins with; random (RFC 3550, 5.1; RFC 7022, 4.2), but for the clock.

    Attributes:
        ssrc: of it.
        sequence: of its first packet.
        timestamp: the same.
        cname: by which its reports name us, another one for each call.
        ntp_origin_s: what the clock's zero is in seconds since 1900.
    """

    ssrc: int
    sequence: int
    timestamp: int
    cname: str
    ntp_origin_s: float


@dataclass(frozen=True, slots=True)
class Sent:
    """What we have sent so far.

    Attributes:
        packets: how many.
        octets: of their payloads.
        stamp: what the stamp of a packet of this moment would be, 32 bits.
    """

    packets: int
    octets: int
    stamp: int


class CallReports:
    """Reports of one call, both ways.

    Args:
        begin: of our stream.
    """

    def __init__(self, begin: Begin) -> None:
        self.heard = Reports(begin.ntp_origin_s)
        self._ssrc, self._cname = begin.ssrc, begin.cname
        self._random = random.Random(begin.ssrc)  # noqa: S311  has to differ between calls, not to be secret
        self._due_s: float | None = None
        self._sent_before = [0, 0]  # packets at the last two reports

    def take(self, datagram: bytes, buffer: JitterBuffer, now_s: float) -> None:
        """Take a datagram of reports. A goodbye in it ends nothing: the call is over when its signalling says so.

        Raises:
            RtpError: it is malformed.
        """
        self.heard.take(parse_rtcp(datagram), now_s, ours=self._ssrc, theirs=buffer.ssrc)

    def is_due(self, now_s: float) -> bool:
        """Whether a report shall go out; to be asked often, and each time that it answers yes, one has to."""
        if self._due_s is None:
            self._due_s = now_s + self._interval_s() / 2
        if now_s < self._due_s:
            return False
        self._due_s = now_s + self._interval_s()
        return True

    def write(self, sent: Sent, buffer: JitterBuffer, now_s: float, rate: int) -> bytes:
        """A report.

        Args:
            sent: what we have sent so far.
            buffer: where what comes goes through.
            now_s: the moment.
            rate: of the stamps, Hz.
        """
        blocks = self.heard.blocks(buffer, now_s, rate)
        is_sending = sent.packets > self._sent_before[0]
        self._sent_before = [self._sent_before[1], sent.packets]
        if not is_sending:  # nothing since the last report but one (RFC 3550, 6.4)
            return write_rtcp(ReceiverReport(self._ssrc, blocks), self._cname)
        packets, octets = sent.packets & 0xFFFFFFFF, sent.octets & 0xFFFFFFFF
        report = SenderReport(self._ssrc, self.heard.ntp(now_s), sent.stamp, packets, octets, blocks)
        return write_rtcp(report, self._cname)

    def write_farewell(self, buffer: JitterBuffer, now_s: float, rate: int) -> bytes:
        """The last report: our stream is over."""
        received = ReceiverReport(self._ssrc, self.heard.blocks(buffer, now_s, rate))
        return write_rtcp(received, self._cname) + write_rtcp(Goodbye((self._ssrc,)))

    def _interval_s(self) -> float:
        return EVERY_S * self._random.uniform(1 - _SPREAD, 1 + _SPREAD)
