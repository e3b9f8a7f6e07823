"""What counts as a number that is not whole yet."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from asr.fake import FakeRecognizer
from asr.text.dictation import is_unfinished
from asr.turn_words import WordsJudge
from asr.types import Language

ZH, EN = Language.ZH, Language.EN


@pytest.mark.parametrize(
    "text",
    [
        "我的手机号是",
        "我的手机号是幺三八",
        "手机号是幺三八，零零幺三，",
        "订单号啊，我念给你听。",
        "订单号二零二五，幺幺零三，呃，那个",
        "幺三八 零零幺三",
        "135-989",
        "我想问一下就是",
    ],
)
def test_more_comes(text: str) -> None:
    assert is_unfinished(text, ZH)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "好的，谢谢。",
        "手机号是幺三八零零幺三八零零零",
        "我的手机号是幺三八，零零幺三，八零零零。",
        "电话170-9854-7543",
        "我要统一处理",
        "等一下",
    ],
)
def test_nothing_is_missing(text: str) -> None:
    assert not is_unfinished(text, ZH)


def test_english_numbers() -> None:
    assert is_unfinished("my order number is", EN)
    assert is_unfinished("it's four five oh", EN)
    assert is_unfinished("I wanted to, um", EN)
    assert not is_unfinished("I would like a refund please", EN)
    assert not is_unfinished("no one told me", EN)


def test_few_ordinary_turns_are_taken_for_unfinished(shared_data: Path) -> None:
    for language, most in ((ZH, 0.12), (EN, 0.12)):
        lines = (shared_data / "text" / f"{language}_utterances.jsonl").read_text().splitlines()
        taken = [is_unfinished(json.loads(line)["text"], language) for line in lines]
        assert np.mean(taken) < most


def test_the_sound_decides_where_words_say_nothing() -> None:
    pcm = np.zeros(16_000, np.float32)
    assert WordsJudge(FakeRecognizer(), ZH, lambda _: 0.25)(pcm) == 0.25
    assert WordsJudge(FakeRecognizer(), ZH)(pcm) is None
