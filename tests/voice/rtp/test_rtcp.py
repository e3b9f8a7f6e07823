"""Reports are read with every length checked, and say what they should."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.contracts.errors import RtpError
from voice.rtp.rtcp import (
    Goodbye,
    ReceiverReport,
    Report,
    ReportBlock,
    SenderReport,
    parse_rtcp,
    round_trip_s,
    to_ntp,
    write_rtcp,
)

words = st.integers(0, 2**32 - 1)
blocks = st.builds(
    ReportBlock,
    ssrc=words,
    fraction_lost=st.integers(0, 255),
    lost=st.integers(-(2**23), 2**23 - 1),
    highest=words,
    jitter=words,
    last_report=words,
    since_last_report=words,
)
several = st.lists(blocks, max_size=3).map(tuple)
reports = st.one_of(
    st.builds(SenderReport, words, st.integers(0, 2**64 - 1), words, words, words, several),
    st.builds(ReceiverReport, words, several),
    st.builds(Goodbye, st.lists(words, max_size=4).map(tuple)),
)


@given(st.lists(st.tuples(reports, st.sampled_from(["", "name", "名" * 120])), min_size=1, max_size=4))
def test_what_is_written_is_read(sent: list[tuple[Report, str]]) -> None:
    datagram = b"".join(write_rtcp(report, name) for report, name in sent)
    assert parse_rtcp(datagram) == tuple(report for report, _ in sent)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(datagram: bytes) -> None:
    try:
        parse_rtcp(datagram)
    except RtpError:
        return
    assert len(datagram) % 4 == 0


@given(reports, st.data())
def test_a_report_that_is_cut_off_is_refused(report: Report, data: st.DataObject) -> None:
    datagram = write_rtcp(report)
    size = data.draw(st.integers(0, len(datagram) - 1))
    with pytest.raises(RtpError):
        parse_rtcp(datagram[:size])


@pytest.mark.parametrize(
    ("datagram", "message"),
    [
        (b"\x81\xc9\x00\x01\x00\x00\x00\x07", "24 bytes"),  # a block is announced that is not there
        (b"\x80\xc8\x00\x01\x00\x00\x00\x07", "24 bytes"),  # a sender's report without what it sent
        (b"\x83\xcb\x00\x01\x00\x00\x00\x07", "12 bytes"),  # three goodbyes, one source
        (b"\x40\xc9\x00\x01\x00\x00\x00\x07", "version 2"),
        (b"\xa0\xc9\x00\x01\x00\x00\x00\x07", "padding"),
        (b"\xa0\xc9\x00\x01\x00\x00\x00\x00", "padding"),
        (bytes(3_000), "got 3000"),
    ],
)
def test_what_does_not_add_up_is_refused(datagram: bytes, message: str) -> None:
    with pytest.raises(RtpError, match=message):
        parse_rtcp(datagram)


def test_a_round_trip_is_what_rfc_3550_works_out() -> None:
    # RFC 3550, 6.4.1, figure 2: A = b710:8000 (46864.500 s), DLSR = 0005:4000 (5.250 s), LSR = b705:2000 (46853.125 s),
    # so the round trip took 0006:2000 (6.125 s).
    block = ReportBlock(1, 0, 0, 0, 0, last_report=0xB705_2000, since_last_report=0x0005_4000)
    assert round_trip_s(0xB44D_B710_8000_0000, block) == 6.125


def test_a_report_that_heard_none_of_ours_tells_no_round_trip() -> None:
    assert round_trip_s(to_ntp(1e9), ReportBlock(1, 0, 0, 0, 0, 0, 0)) is None


def test_a_report_that_lies_tells_no_round_trip() -> None:
    now = to_ntp(3_900_000_000.0)
    assert round_trip_s(now, ReportBlock(1, 0, 0, 0, 0, (now >> 16) & 0xFFFFFFFF, 65_536)) is None


def test_numbers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(RtpError, match="fit"):
        write_rtcp(ReceiverReport(2**32))
