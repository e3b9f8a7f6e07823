"""What Whisper is told before an utterance, and how it is told from what was said."""

from __future__ import annotations

import pytest

from asr.types import Language
from asr.whisper_prompt import MOST_TERMS, NEUTRAL, compose_prompt, repeats_prompt, tells_made_up_number

PROMPT = compose_prompt(Language.ZH)


def test_the_prompt_of_a_call_is_an_opening_without_full_width_commas() -> None:
    assert PROMPT.startswith("喂,你好")
    assert "，" not in PROMPT
    assert compose_prompt(Language.EN) == ""
    assert set(NEUTRAL) == {Language.ZH}


def test_terms_stand_in_it_as_far_as_there_is_room() -> None:
    terms = [f"词{letter}" for letter in "甲乙丙丁戊己庚辛壬癸"]
    named = compose_prompt(Language.ZH, terms)
    assert [term in named for term in terms] == [True] * MOST_TERMS + [False] * 2
    assert compose_prompt(Language.ZH, ["吸尘器"]) == "喂,你好,我想问一下我的吸尘器。嗯,好的,订单尾号是6405。"
    assert compose_prompt(Language.EN, terms) == ""


@pytest.mark.parametrize("text", ["嗯,", "嗯，好的。", "喂,你好,", "订单尾号是6405。", "好的。好的。好的。"])
def test_what_is_nothing_but_the_prompt(text: str) -> None:
    assert repeats_prompt(text, PROMPT)
    assert not repeats_prompt(text, "")


@pytest.mark.parametrize("text", ["", "……", "嗯，我要退款。", "喂，你好，我想查快递。", "哦，", "订单尾号是3081。"])
def test_what_says_more_than_the_prompt(text: str) -> None:
    assert not repeats_prompt(text, PROMPT)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("尾号6405", True),
        ("是六四零五。", True),
        ("64 05", True),
        ("尾号3081", False),
        ("六百四十五", False),
        ("", False),
    ],
)
def test_the_number_that_nobody_said(text: str, found: bool) -> None:
    assert tells_made_up_number(text, PROMPT) is found
    assert not tells_made_up_number(text, "")
