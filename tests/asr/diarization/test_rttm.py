"""RTTM: what is read, what is refused, and that writing loses nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.diarization.rttm import format_rttm, parse_rttm, read_recording_rttm, read_rttm
from asr.diarization.types import Diarization, SpeakerTurn
from voice.contracts.audio import Span, from_s
from voice.contracts.errors import RttmError

LINE = "SPEAKER call 1 0.50 2.25 <NA> <NA> A <NA> <NA>"


def test_turns_come_by_recording_in_order() -> None:
    text = "\n".join(
        (
            ";; made by hand",
            "SPKR-INFO call 1 <NA> <NA> <NA> unknown A <NA> <NA>",
            "SPEAKER call 1 4.0 1.0 <NA> <NA> B <NA> <NA>",
            "",
            LINE + " ;; the greeting",
            "SPEAKER\tother\t1\t.5\t1\t<NA>\t<NA>\tA\t0.9",
        )
    )
    found = parse_rttm(text)
    assert list(found) == ["call", "other"]
    assert found["call"].turns == (
        SpeakerTurn(Span(from_s(0.5), from_s(2.75)), "A"),
        SpeakerTurn(Span(from_s(4.0), from_s(5.0)), "B"),
    )
    assert found["other"].turns == (SpeakerTurn(Span(from_s(0.5), from_s(1.5)), "A"),)
    assert parse_rttm("") == {}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("SPEAKR call 1 0 1 <NA> <NA> A <NA> <NA>", "begins with SPEAKER; got 'SPEAKR'"),
        ("SPEAKER call 1 0 1 <NA> <NA> A", "9 or 10 fields; got 8"),
        (LINE + " more", "9 or 10 fields; got 11"),
        ("SPEAKER call 1 -1 1 <NA> <NA> A <NA> <NA>", "start is a number of seconds from 0 on; got '-1'"),
        ("SPEAKER call 1 nan 1 <NA> <NA> A <NA> <NA>", "got 'nan'"),
        ("SPEAKER call 1 0 inf <NA> <NA> A <NA> <NA>", "duration is a number of seconds"),
        ("SPEAKER call 1 0 1e3 <NA> <NA> A <NA> <NA>", "got '1e3'"),
        ("SPEAKER call 1 0,5 1 <NA> <NA> A <NA> <NA>", "got '0,5'"),
        ("SPEAKER call 1 ٣ 1 <NA> <NA> A <NA> <NA>", "start is a number of seconds"),
        ("SPEAKER call 1 0 0 <NA> <NA> A <NA> <NA>", "lasts longer than nothing"),
        ("SPEAKER call 1 500000 500000 <NA> <NA> A <NA> <NA>", "within a week"),
        ("SPEAKER call 1 0 1 <NA> <NA> <NA> <NA> <NA>", "eighth field names the speaker"),
    ],
)
def test_a_line_that_is_wrong_is_named(line: str, says: str) -> None:
    with pytest.raises(RttmError) as caught:
        parse_rttm(f"{LINE}\n{line}\n", "call.rttm")
    assert "Line 2 of call.rttm" in str(caught.value)
    assert says in str(caught.value)


@pytest.mark.parametrize("content", [b"RIFF\xff\xfe\x00WAVE", b"\x00" * 64, "SPEAKER 呼 1".encode("gb18030")])
def test_a_file_that_is_no_rttm_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.rttm"
    path.write_bytes(content)
    with pytest.raises(RttmError, match=r"a\.rttm"):
        read_rttm(path)


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(RttmError, match="not there"):
        read_rttm(tmp_path / "none.rttm")
    with pytest.raises(RttmError, match="a folder"):
        read_rttm(tmp_path)


def test_the_recording_is_found_by_name_unless_there_is_one_only(tmp_path: Path) -> None:
    path = tmp_path / "a.rttm"
    path.write_text(LINE)
    assert read_recording_rttm(path, "renamed").speakers == ("A",)
    path.write_text(f"{LINE}\n{LINE.replace('call', 'other').replace(' A ', ' B ')}\n")
    assert read_recording_rttm(path, "other").speakers == ("B",)
    with pytest.raises(RttmError, match="none of them named 'third'"):
        read_recording_rttm(path, "third")
    path.write_text("")
    assert read_recording_rttm(path, "a").turns == ()


turns = st.builds(
    lambda start, length, speaker: SpeakerTurn(Span(start, start + length), speaker),
    st.integers(0, 10**9),
    st.integers(1, 10**7),
    st.sampled_from(["SPEAKER_00", "A", "客服", "a;b"]),
)


@given(st.lists(turns, min_size=1, max_size=20))
def test_what_is_written_is_read_again_to_the_sample(listed: list[SpeakerTurn]) -> None:
    diarization = Diarization.of(listed)
    assert parse_rttm(format_rttm({"my call": diarization})) == {"my_call": diarization}


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse_rttm(text)
    except RttmError:
        return
    assert all(each.turns for each in found.values())
