"""RTP packets are read with every length checked."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.contracts.errors import RtpError
from voice.rtp.opus_payload import has_redundancy, is_dtx, payload_samples
from voice.rtp.packet import RtpPacket, is_rtcp, parse_rtp, write_rtp

packets = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 127),
    marker=st.booleans(),
    sequence=st.integers(0, 2**16 - 1),
    timestamp=st.integers(0, 2**32 - 1),
    ssrc=st.integers(0, 2**32 - 1),
    payload=st.binary(max_size=1_400),
)
extensions = st.lists(st.tuples(st.integers(1, 14), st.binary(min_size=1, max_size=16)), max_size=4).map(tuple)
HEADER = struct.pack("!BBHII", 0x80, 96, 1, 2, 3)


@given(packets, extensions)
def test_what_is_written_is_read(packet: RtpPacket, extras: tuple[tuple[int, bytes], ...]) -> None:
    assert parse_rtp(write_rtp(packet, extras)) == packet


def test_padding_and_sources_are_not_payload() -> None:
    sources = struct.pack("!BBHII", 0xB2, 96, 1, 2, 3) + bytes(8) + b"\xbe\xde\x00\x01\x10\xff\x00\x00"
    assert parse_rtp(sources + b"sound" + b"\x00\x00\x03").payload == b"sound"


@pytest.mark.parametrize(
    ("datagram", "message"),
    [
        (b"", "12 to 2048"),
        (HEADER[:11], "got 11"),
        (HEADER + bytes(2_100), "got 2112"),
        (b"\x40" + HEADER[1:], "version 2"),
        (b"\x8f" + HEADER[1:], "after 72 bytes"),
        (b"\x90" + HEADER[1:], "header extension"),
        (b"\x90" + HEADER[1:] + b"\xbe\xde\xff\xff", "payload"),
        (b"\xa0" + HEADER[1:] + b"\x00", "before 0 of padding"),
        (b"\xa0" + HEADER[1:] + b"\x09", "before 9 of padding"),
    ],
)
def test_what_is_no_packet_is_refused(datagram: bytes, message: str) -> None:
    with pytest.raises(RtpError, match=message):
        parse_rtp(datagram)


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(datagram: bytes) -> None:
    try:
        packet = parse_rtp(datagram)
    except RtpError:
        return
    assert len(packet.payload) <= len(datagram) - 12
    is_dtx(packet.payload)
    has_redundancy(packet.payload)
    try:
        assert 120 <= payload_samples(packet.payload) <= 5_760
    except RtpError:
        return


@pytest.mark.parametrize("payload", [b"\x52\xff\x60", b"\x4a\xfc\x01", b"\x48\x40", b"\x4b\x02\xff"])
def test_payloads_that_end_before_their_flags_carry_no_redundancy(payload: bytes) -> None:
    # The first was found by the fuzzer.
    assert not has_redundancy(payload)


@given(packets)
def test_reports_are_told_from_packets(packet: RtpPacket) -> None:
    # Payload types 64 to 95 with a marker look like RTCP, which is why RFC 5761 keeps them from use.
    assert is_rtcp(write_rtp(packet)) == (packet.marker and 64 <= packet.payload_type <= 95)


@pytest.mark.parametrize(
    "wrong",
    [
        RtpPacket(200, False, 0, 0, 0, b""),
        RtpPacket(96, False, 2**16, 0, 0, b""),
        RtpPacket(96, False, 0, -1, 0, b""),
    ],
)
def test_numbers_that_do_not_fit_are_refused(wrong: RtpPacket) -> None:
    with pytest.raises(RtpError, match="fit"):
        write_rtp(wrong)


def test_an_extension_that_does_not_fit_is_refused() -> None:
    with pytest.raises(RtpError, match="1 to 14"):
        write_rtp(RtpPacket(96, False, 0, 0, 0, b""), ((15, b"x"),))
