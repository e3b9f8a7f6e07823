"""What counts as a number that is not whole yet."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from asr.text.dictation import is_unfinished
from asr.turn_words import WordsJudge
from asr.types import Language
from voice.turns.judge import Pause

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
        "收件人的手机，",
        "收件人的手机，摇五次。",
        "电话号码改成",
        "您记一下我电话，",
        "我的手机号是要六要",
        "快递单号，SF，幺零四六",
        "尾号六六",
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
        "尾号六六七二",
        "手机后四位是4719。",
        "我的手机坏了",
        "你们的电话打不通",
        "退款金额",
        "我想改一下订单的收货电话。",
        "取消订单",
        "好的，麻烦您报一下订单尾号。",
        "再这样拖下去，我就打12315。",
        "三百二十八万一千一百三十八点四八",
        "一共三百零五",
        "我想换一件大号的。",
    ],
)
def test_nothing_is_missing(text: str) -> None:
    assert not is_unfinished(text, ZH)


def test_english_numbers() -> None:
    assert is_unfinished("my order number is", EN)
    assert is_unfinished("it's four five oh", EN)
    assert is_unfinished("I wanted to, um", EN)
    assert is_unfinished("the code is A B, two nine", EN)
    assert is_unfinished("My confirmation code is KX715.", EN)
    assert not is_unfinished("what is the phone number", EN)
    assert is_unfinished("it ends in four seven", EN)
    assert not is_unfinished("the order number ends in 4719.", EN)
    assert not is_unfinished("the last four are four seven one nine", EN)
    assert not is_unfinished("I changed my phone number and can't get in", EN)
    assert not is_unfinished("I would like a refund please", EN)
    assert not is_unfinished("no one told me", EN)


def test_few_ordinary_turns_are_taken_for_unfinished(shared_data: Path) -> None:
    for language, most in ((ZH, 0.02), (EN, 0.01)):
        lines = (shared_data / "text" / f"{language}_utterances.jsonl").read_text().splitlines()
        taken = [is_unfinished(json.loads(line)["text"], language) for line in lines]
        assert np.mean(taken) <= most


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("words", "sound", "judged"),
    [
        ("我的手机号是幺三八", 0.75, 0.0),
        ("好的", 0.75, 0.75),
        ("好的", None, None),
        (None, 0.75, 0.75),
        (None, None, None),
    ],
)
async def test_the_sound_decides_where_words_say_nothing(
    words: str | None, sound: float | None, judged: float | None
) -> None:
    async def read() -> str | None:
        return words

    async def hear(_: Pause) -> float | None:
        return sound

    pause = Pause(np.zeros(16_000, np.float32), read)
    assert await WordsJudge(ZH, None if sound is None else hear)(pause) == judged
