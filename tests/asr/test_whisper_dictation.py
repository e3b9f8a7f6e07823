"""Numbers that Whisper hears as words: where they begin, what may stand for them, and the real model on real clips."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from asr.types import Language, Word
from asr.whisper import load_whisper
from asr.whisper_dictation import CHOICES, find_dictated, is_plausible, spell_dictated, spell_words
from voice.audio.decode import AudioFile
from voice.contracts.audio import Span


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("我的手机号是161-4807-1539。", "我的手机号是"),
        ("您记一下五电话,19知,357遥,6280。", "您记一下五电话,"),
        ("我要查订单,7306,自由法尔。", "我要查订单,"),
        ("快递等候,SF104628375091。", "快递等候,SF"),
        ("四四一起。", ""),
        ("3910流", ""),
        ("我要查警战,7306,自由法尔。", "我要查警战,"),
        ("延续电话以流霸,就003,四分一切。", "延续电话"),
        ("零遥零,遥三六七,二五八四", ""),
        ("手机把142T6053198。", "手机把"),
    ],
)
def test_a_number_begins_where_nothing_but_digits_follows(text: str, before: str) -> None:
    start = find_dictated(text)
    assert start is not None
    assert text[:start] == before


@pytest.mark.parametrize(
    "text",
    [
        "", "。", "你好", "订单号是什么", "我的手机号不见了", "是不是有事", "一起去吧", "就是这样的", "扣了128块5",
        "我是3月15日下的单", "一共二十四块", "二零二六年", "138", "喂你好我想问一下", "手机丢了怎么办",
        "八点四十五分", "328万1天138.48", "集中在25-35岁之间。",
        "my number is 2125550147 please", "这个电话号码是谁的呀",
    ],
)  # fmt: skip
def test_words_are_no_number(text: str) -> None:
    assert find_dictated(text) is None


def test_few_read_sentences_are_taken_for_numbers(shared_data: Path) -> None:
    lines = (shared_data / "text" / "zh_utterances.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) > 150
    taken = [line for line in lines if find_dictated(line.split('"text": "')[1].split('"')[0]) is not None]
    assert all(sum(character in "0123456789零一二三四五六七八九幺" for character in line) >= 4 for line in taken)


def test_what_is_told_has_to_fit_what_was_heard() -> None:
    assert is_plausible("7306,自由法尔。", "七三零六,四要八二")
    assert is_plausible("357遥", "三五七要一")
    assert not is_plausible("7306", "七三零六四要八二")
    assert not is_plausible("自由法尔", "四幺块二")
    assert not is_plausible("7306,自由法尔", "")


def test_the_stand_in_is_spelled_as_the_digit() -> None:
    assert spell_dictated(",要六要,四八") == "幺六幺,四八"
    words = tuple(Word(text, Span(place, place + 1)) for place, text in enumerate(["要", "查", "号,", "要", "六"]))
    assert [word.text for word in spell_words(words, 3)] == ["要", "查", "号", "幺", "六"]


@pytest.mark.model
def test_the_stand_in_is_one_token(need_model: Callable[[str], Path]) -> None:
    recognizer = load_whisper(need_model("whisper-base"))
    kept = recognizer.digit_tokens
    assert 11 <= len(kept) <= len(CHOICES) + 2
    assert recognizer.begin(Language.ZH).finish().text == ""


@pytest.mark.model
@pytest.mark.parametrize(
    ("clip", "digits"),
    [("01-zh-phone", "幺六幺四八零七二五三九"), ("06-zh-phone", "幺四二七六零五三幺九八")],
)
def test_a_number_that_was_heard_as_words(
    need_model: Callable[[str], Path], project: Path, clip: str, digits: str
) -> None:
    utterance = load_whisper(need_model("whisper-base")).begin(Language.ZH)
    with AudioFile(project / "samples" / "numbers" / f"{clip}.flac") as file:
        for block in file.blocks():
            utterance.accept(block[0])
    final = utterance.finish()
    assert final.text.replace("，", "").endswith(digits)
    assert "".join(word.text for word in final.words).replace("，", "").endswith(digits)
    spans = [word.span for word in final.words]
    assert all(before.start <= after.start for before, after in pairwise(spans))
