"""RTP packets (RFC 3550, 5.1): parsed with every length checked, and written."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from voice.contracts.errors import RtpError

HEADER_BYTES: Final = 12
MAX_PACKET_BYTES: Final = 2_048
"""The longest packet that is looked at; what a network carries in one piece has at most 1500 bytes."""

ONE_BYTE_EXTENSIONS: Final = 0xBEDE
"""The profile that says: header extensions with one-byte headers (RFC 8285, 4.2)."""

_HEADER: Final = struct.Struct("!BBHII")
_EXTENSION: Final = struct.Struct("!HH")


class RtpPacket(NamedTuple):
    """One packet; its header extensions and contributing sources are checked and skipped.

    A tuple, as everything that is made anew 50 times a second and leg: a frozen dataclass takes five times as long.

    Attributes:
        payload_type: 0 to 127.
        marker: for speech the first packet after a silence (RFC 3551, 4.1).
        sequence: counts packets, 16 bits, wraps.
        timestamp: counts samples, 32 bits, wraps.
        ssrc: which stream.
        payload: without padding; may be empty.
    """

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


def is_rtcp(datagram: bytes) -> bool:
    """Whether a datagram on a port that RTP and RTCP share is RTCP (RFC 5761, 4)."""
    return len(datagram) >= 2 and 192 <= datagram[1] <= 223


def parse_rtp(datagram: bytes) -> RtpPacket:
    """Read one packet.

    Raises:
        RtpError: it is too short or too long, not version 2, or a length in it points beyond its end.
    """
    size = len(datagram)
    if not HEADER_BYTES <= size <= MAX_PACKET_BYTES:
        raise RtpError(f"An RTP packet of {HEADER_BYTES} to {MAX_PACKET_BYTES} bytes was expected; got {size}.")
    flags, kind, sequence, timestamp, ssrc = _HEADER.unpack_from(datagram)
    if flags >> 6 != 2:
        raise RtpError(f"RTP version 2 was expected; got {flags >> 6}.")
    begin = HEADER_BYTES + 4 * (flags & 0x0F)
    if flags & 0x10:
        if size < begin + _EXTENSION.size:
            raise RtpError(f"An RTP header extension was expected at byte {begin}; the packet has {size}.")
        begin += _EXTENSION.size + 4 * _EXTENSION.unpack_from(datagram, begin)[1]
    padding = datagram[-1] if flags & 0x20 else 0
    if begin + padding > size or (flags & 0x20 and not padding):
        raise RtpError(f"An RTP payload was expected after {begin} bytes, before {padding} of padding; got {size}.")
    return RtpPacket(kind & 0x7F, kind >= 0x80, sequence, timestamp, ssrc, datagram[begin : size - padding])


def write_rtp(packet: RtpPacket, extensions: tuple[tuple[int, bytes], ...] = ()) -> bytes:
    """The packet as bytes.

    Args:
        packet: what to write.
        extensions: header extensions, id (1 to 14) and value (1 to 16 bytes), written with one-byte headers (RFC 8285).

    Raises:
        RtpError: a number that does not fit its field.
    """
    if not 0 <= packet.payload_type < 128:
        raise RtpError(f"An RTP payload type that fits 7 bits was expected; got {packet.payload_type}.")
    try:
        header = _HEADER.pack(
            0x90 if extensions else 0x80,
            packet.marker << 7 | packet.payload_type,
            packet.sequence,
            packet.timestamp,
            packet.ssrc,
        )
    except struct.error as error:
        raise RtpError(f"An RTP header's numbers do not fit their fields: {error}.") from error
    if not extensions:
        return header + packet.payload
    body = b""
    for identifier, value in extensions:
        if not (1 <= identifier <= 14 and 1 <= len(value) <= 16):
            raise RtpError(
                f"A header extension has an id of 1 to 14 and 1 to 16 bytes; got {identifier}, {len(value)}."
            )
        body += bytes((identifier << 4 | (len(value) - 1),)) + value
    body += bytes(-len(body) % 4)
    return header + _EXTENSION.pack(ONE_BYTE_EXTENSIONS, len(body) // 4) + body + packet.payload
