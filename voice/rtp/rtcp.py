"""RTCP reports (RFC 3550, 6): who sent how much, what of it arrived, and how long it takes there and back."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, TypeAlias

from voice.contracts.errors import RtpError

SENDER, RECEIVER, DESCRIPTION, BYE = 200, 201, 202, 203
MAX_DATAGRAM_BYTES: Final = 2_048
NTP_EPOCH_S: Final = 2_208_988_800
"""Seconds from 1900, where NTP begins, to 1970, where Unix does."""

_HEAD: Final = struct.Struct("!BBH")
_SSRC: Final = struct.Struct("!I")
_SENT: Final = struct.Struct("!QIII")
_BLOCK: Final = struct.Struct("!IIIIII")
_CNAME: Final = 1
_LOST_MIN, _LOST_MAX = -(1 << 23), (1 << 23) - 1


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What one side received of one stream.

    Attributes:
        ssrc: the stream.
        fraction_lost: since the last report, 0 to 255 of 256.
        lost: since the beginning; 24 bits, may be negative.
        highest: the highest sequence number, extended by its wraps.
        jitter: interarrival jitter in the stream's clock.
        last_report: the middle 32 bits of the NTP time of the last sender report heard; 0 for none.
        since_last_report: how long ago that was, in 1/65536 s.
    """

    ssrc: int
    fraction_lost: int
    lost: int
    highest: int
    jitter: int
    last_report: int
    since_last_report: int


@dataclass(frozen=True, slots=True)
class SenderReport:
    """What one side sent, and what it received. `ntp` has 64 bits: seconds since 1900 and their fraction."""

    ssrc: int
    ntp: int
    timestamp: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """What one side received."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class Goodbye:
    """Streams that are over."""

    ssrcs: tuple[int, ...]


Report: TypeAlias = SenderReport | ReceiverReport | Goodbye


def parse_rtcp(datagram: bytes) -> tuple[Report, ...]:
    """The reports of a compound packet, in order; packets of other kinds (descriptions, feedback) are passed over.

    Raises:
        RtpError: a length that does not add up, another version, or a report shorter than its counts say.
    """
    if not _HEAD.size <= len(datagram) <= MAX_DATAGRAM_BYTES:
        raise RtpError(f"RTCP of 4 to {MAX_DATAGRAM_BYTES} bytes was expected; got {len(datagram)}.")
    reports: list[Report] = []
    at = 0
    while at < len(datagram):
        if len(datagram) - at < _HEAD.size:
            raise RtpError(f"An RTCP header of 4 bytes was expected; got {len(datagram) - at}.")
        flags, kind, words = _HEAD.unpack_from(datagram, at)
        end = at + 4 * (words + 1)
        if flags >> 6 != 2 or end > len(datagram):
            raise RtpError(
                f"RTCP version 2 and {end - at} bytes were expected; got {flags >> 6}, {len(datagram) - at}."
            )
        body = datagram[at + _HEAD.size : end]
        if flags & 0x20:
            body = _without_padding(body)
        report = _report(kind, flags & 0x1F, body)
        if report is not None:
            reports.append(report)
        at = end
    return tuple(reports)


def write_rtcp(report: Report, cname: str = "") -> bytes:
    """A report as bytes; with a canonical name, followed by the description that RFC 3550, 6.1 asks for.

    Raises:
        RtpError: a number that does not fit its field.
    """
    try:
        written = _written(report)
    except struct.error as error:
        raise RtpError(f"An RTCP report's numbers do not fit their fields: {error}.") from error
    if not cname or isinstance(report, Goodbye):
        return written
    name = cname.encode()[:255]
    item = _SSRC.pack(report.ssrc) + bytes((_CNAME, len(name))) + name + b"\x00"
    return written + _packed(DESCRIPTION, 1, item + bytes(-len(item) % 4))


def ntp_middle(ntp: int) -> int:
    """The middle 32 of an NTP time's 64 bits: what reports echo."""
    return ntp >> 16 & 0xFFFFFFFF


def to_ntp(seconds: float) -> int:
    """Seconds since 1900 as 64 bits."""
    return int(seconds * (1 << 32)) & 0xFFFFFFFFFFFFFFFF


def round_trip_s(now_ntp: int, block: ReportBlock) -> float | None:
    """The time there and back that a report about our stream tells (RFC 3550, 6.4.1); None where it tells none.

    Args:
        now_ntp: when the report came.
        block: about a stream of ours.
    """
    if not block.last_report:
        return None
    elapsed = (ntp_middle(now_ntp) - block.last_report - block.since_last_report) & 0xFFFFFFFF
    # A difference beyond half the range is negative: clocks too coarse, or a report that lies.
    return elapsed / 65_536 if elapsed < 1 << 31 else None


def _without_padding(body: bytes) -> bytes:
    padding = body[-1] if body else 0
    if not padding or padding > len(body) or padding % 4:
        raise RtpError(f"RTCP padding of 4 to {len(body)} bytes was expected; got {padding}.")
    return body[:-padding]


def _report(kind: int, count: int, body: bytes) -> Report | None:
    match kind:
        case 200:
            _at_least(body, _SSRC.size + _SENT.size)
            ssrc = _SSRC.unpack_from(body)[0]
            ntp, timestamp, packets, octets = _SENT.unpack_from(body, _SSRC.size)
            blocks = _blocks(body[_SSRC.size + _SENT.size :], count)
            return SenderReport(ssrc, ntp, timestamp, packets, octets, blocks)
        case 201:
            _at_least(body, _SSRC.size)
            return ReceiverReport(_SSRC.unpack_from(body)[0], _blocks(body[_SSRC.size :], count))
        case 203:
            _at_least(body, count * _SSRC.size)
            return Goodbye(tuple(ssrc for (ssrc,) in _SSRC.iter_unpack(body[: count * _SSRC.size])))
        case _:
            return None


def _at_least(body: bytes, size: int) -> None:
    if len(body) < size:
        raise RtpError(f"An RTCP report of at least {size} bytes was expected; got {len(body)}.")


def _blocks(body: bytes, count: int) -> tuple[ReportBlock, ...]:
    _at_least(body, count * _BLOCK.size)
    blocks = []
    for ssrc, loss, highest, jitter, last, since in _BLOCK.iter_unpack(body[: count * _BLOCK.size]):
        lost = loss & 0xFFFFFF
        blocks.append(ReportBlock(ssrc, loss >> 24, lost - (lost >> 23 << 24), highest, jitter, last, since))
    return tuple(blocks)


def _written(report: Report) -> bytes:
    match report:
        case SenderReport():
            head = _SSRC.pack(report.ssrc) + _SENT.pack(report.ntp, report.timestamp, report.packets, report.octets)
            return _packed(SENDER, len(report.blocks), head + _blocks_written(report.blocks))
        case ReceiverReport():
            return _packed(RECEIVER, len(report.blocks), _SSRC.pack(report.ssrc) + _blocks_written(report.blocks))
        case Goodbye():
            return _packed(BYE, len(report.ssrcs), b"".join(_SSRC.pack(ssrc) for ssrc in report.ssrcs))


def _packed(kind: int, count: int, body: bytes) -> bytes:
    return _HEAD.pack(0x80 | count, kind, len(body) // 4) + body


def _blocks_written(blocks: tuple[ReportBlock, ...]) -> bytes:
    return b"".join(
        _BLOCK.pack(
            block.ssrc,
            block.fraction_lost << 24 | (min(_LOST_MAX, max(_LOST_MIN, block.lost)) & 0xFFFFFF),
            block.highest & 0xFFFFFFFF,
            block.jitter,
            block.last_report,
            block.since_last_report,
        )
        for block in blocks
    )
