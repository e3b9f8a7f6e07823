"""Errors are counted as stated, and writing a number another way is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.scoring import Edits, compare, compare_texts, units
from asr.text.writer import TextWriter
from asr.types import Hypothesis, Language

words = st.lists(st.sampled_from("abcd"), max_size=12)


@given(reference=words, hypothesis=words)
def test_edits_are_the_fewest_and_add_up(reference: list[str], hypothesis: list[str]) -> None:
    edits = compare(reference, hypothesis).edits
    assert edits.length == len(reference)
    assert edits.length - edits.deletions + edits.insertions == len(hypothesis)
    assert edits.errors == fewest(reference, hypothesis)


def fewest(reference: list[str], hypothesis: list[str]) -> int:
    """Levenshtein's recurrence, a row at a time."""
    row = list(range(len(hypothesis) + 1))
    for place, unit in enumerate(reference, 1):
        above, row[0] = row[0], place
        for column, other in enumerate(hypothesis, 1):
            above, row[column] = row[column], min(above + (unit != other), row[column] + 1, row[column - 1] + 1)
    return row[-1]


def test_kinds_of_error() -> None:
    assert compare("我要退款", "我退款吗").edits == Edits(0, 1, 1, 4)
    assert compare("快递", "快第").edits == Edits(1, 0, 0, 2)
    assert compare("", "嗯").edits == Edits(0, 0, 1, 0)
    assert compare("嗯", "").edits == Edits(0, 1, 0, 1)
    assert (Edits(1, 2, 3, 12) + Edits(0, 0, 0, 12)).rate == 0.25


def test_what_was_heard_as_something_else_is_listed() -> None:
    assert compare_texts("喂，你好，签收了吗", "为你好前收了", Language.ZH).replaced == (("喂", "为"), ("签", "前"))
    assert compare_texts("where is my parcel", "where his mine parcel", Language.EN).replaced == (
        ("is my", "his mine"),
    )


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("我的訂單，ＡＢ 号？", Language.ZH, list("我的订单ab号")),
        ("嗯，好，那个那个，对吧", Language.ZH, list("好对吧")),
        ("Don't you -- O'Brien's, OK?", Language.EN, ["dont", "you", "obriens", "okay"]),
        ("Um, cold-hearted", Language.EN, ["cold", "hearted"]),
        ("안녕 하세요.", Language.KO, list("안녕하세요")),
        ("", Language.ZH, []),
        ("……！？", Language.ZH, []),
    ],
)
def test_what_counts(text: str, language: Language, expected: list[str]) -> None:
    assert units(text, language) == expected


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("六二二", "622"),
        ("六二二二三四幺零", "6222,3410"),
        ("五个", "5个"),
        ("二十五", "25"),
        ("一百二十块", "120块"),
        ("一百二十块", "1百2十块"),
        ("两千", "2000"),
        ("一千五", "1千5"),
        ("两万", "2万"),
        ("两万", "20000"),
        ("三点五万", "3.5万"),
        ("三十五万六千", "35万6000"),
        ("四百三十三点二亿元", "433.2亿元"),
        ("百分之二十五点三", "25.3%"),
        ("三分之一", "1/3"),
        ("下午三点半", "下午3点半"),
        ("下午三点半", "下午3:30"),
        ("三点零五分", "3:05"),
        ("五点二十", "5点20"),
        ("二零二六年十一月二十二号", "2026年11月22号"),
        ("两摄氏度", "2℃"),
    ],
)
def test_a_mandarin_number_counts_alike_however_it_is_written(said: str, written: str) -> None:
    assert units(said, Language.ZH) == units(written, Language.ZH)


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("twenty five dollars", "$25"),
        ("one hundred and five", "105"),
        ("one thousand", "1,000"),
        ("March third", "March 3rd"),
        ("fifty percent", "50%"),
        ("three thirty pm", "3:30 p.m."),
        ("order number four five five one", "Order number 4551."),
        ("mister Brown has five", "Mr. Brown has 5"),
    ],
)
def test_an_english_number_counts_alike_however_it_is_written(said: str, written: str) -> None:
    assert units(said, Language.EN) == units(written, Language.EN)


@pytest.mark.parametrize(("said", "heard"), [("六二二", "623"), ("十五", "五十"), ("两万", "两千"), ("百分之五", "5")])
def test_another_number_is_an_error(said: str, heard: str) -> None:
    assert compare_texts(said, heard, Language.ZH).edits.errors > 0


def test_writing_the_display_text_of_what_was_said_is_no_error(project: Path) -> None:
    writer = TextWriter()
    for description in sorted((project / "samples" / "calls").glob("*/call.json")):
        call = json.loads(description.read_text(encoding="utf-8"))
        language = Language(call["language"][:2])
        for turn in call["script"]:
            shown = writer.write(Hypothesis(turn["text"]), language).text
            assert compare_texts(turn["text"], shown, language).edits.errors == 0, turn["text"]
