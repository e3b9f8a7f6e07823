"""Edits on a text: what stands now, and where it came from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.text.draft import Draft
from asr.types import Stretch


def test_an_edit_is_one_stretch() -> None:
    draft = Draft("一共三千块")
    draft.replace(2, 4, "3000")
    assert draft.text == "一共3000块"
    assert draft.stretches() == (Stretch(2, 4, 2, 6),)


def test_a_later_edit_counts_in_the_text_as_it_stands() -> None:
    draft = Draft("嗯三千块")
    draft.replace(0, 1, "")
    draft.replace(0, 2, "3000")
    assert draft.text == "3000块"
    assert draft.stretches() == (Stretch(0, 3, 0, 4),)


def test_an_insertion_takes_nothing_away() -> None:
    draft = Draft("你好")
    draft.replace(2, 2, "。")
    draft.replace(1, 1, "，")
    assert draft.text == "你，好。"
    assert draft.stretches() == (Stretch(1, 1, 1, 2), Stretch(2, 2, 3, 4))


def test_an_edit_through_an_earlier_one_joins_it() -> None:
    draft = Draft("abcdef")
    draft.replace(1, 3, "XYZ")
    draft.replace(2, 5, "-")
    assert draft.text == "aX-ef"
    assert draft.stretches() == (Stretch(1, 4, 1, 3),)


@pytest.mark.parametrize(("start", "end"), [(-1, 1), (2, 1), (0, 4)])
def test_offsets_outside_the_text_are_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="lies within 0 to 3"):
        Draft("abc").replace(start, end, "")


EDITS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 4), st.text("xyz", max_size=3)), max_size=8)


@given(raw=st.text("abc", max_size=12), edits=EDITS)
def test_stretches_lead_from_raw_to_text_whatever_the_edits(raw: str, edits: list[tuple[int, int, str]]) -> None:
    draft, expected = Draft(raw), raw
    for place, length, text in edits:
        start = min(place, len(expected))
        end = min(start + length, len(expected))
        draft.replace(start, end, text)
        expected = expected[:start] + text + expected[end:]
    assert draft.text == expected
    rebuilt, raw_at = "", 0
    for stretch in draft.stretches():
        rebuilt += raw[raw_at : stretch.raw_start]
        assert len(rebuilt) == stretch.start
        rebuilt += draft.text[stretch.start : stretch.end]
        raw_at = stretch.raw_end
    assert rebuilt + raw[raw_at:] == expected
