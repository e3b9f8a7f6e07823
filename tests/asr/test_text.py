"""Chinese script, token groups and word times."""

from __future__ import annotations

from itertools import pairwise

import pytest

from asr.chinese import is_han, simplify, widen_punctuation
from asr.types import Language
from asr.vosk import join_words
from asr.whisper_text import ALIGNMENT_STEP, group_tokens, time_words
from voice.contracts.audio import Span


def test_output_is_simplified() -> None:
    assert simplify("請問我的訂單什麼時候到？ order 12") == "请问我的订单什么时候到？ order 12"
    assert is_han("单")
    assert not is_han("a")


def test_punctuation_after_han_is_full_width() -> None:
    assert widen_punctuation("好的,谢谢!3,000 ok, 对?") == "好的，谢谢！3,000 ok, 对？"


@pytest.mark.parametrize(
    ("words", "language", "text"),
    [
        (["我", "要", "退款"], Language.ZH, "我要退款"),
        (["打开", "call", "me", "吧"], Language.ZH, "打开call me吧"),
        (["where", "is", "it"], Language.EN, "where is it"),
        ([], Language.ZH, ""),
    ],
)
def test_words_are_joined_as_the_language_is_written(words: list[str], language: Language, text: str) -> None:
    assert join_words(words, language) == text


PIECES = {
    1: "我".encode()[:2],
    2: "我".encode()[2:],
    3: "要".encode(),
    4: "，".encode(),
    5: b"App",
    6: b"le",
    7: b" ok",
}


def decode(tokens: list[int]) -> str:
    return b"".join(PIECES[token] for token in tokens).decode(errors="replace")


def test_characters_that_are_spread_over_tokens_become_one_word() -> None:
    groups = group_tokens([1, 2, 3, 4, 5, 6], decode, Language.ZH)
    assert [(g.text, g.first, g.last) for g in groups] == [("我", 0, 2), ("要，", 2, 4), ("Apple", 4, 6)]


def test_other_languages_are_cut_at_spaces() -> None:
    groups = group_tokens([5, 6, 7, 7], decode, Language.EN)
    assert [g.text for g in groups] == ["Apple", " ok", " ok"]


def test_an_incomplete_character_at_the_end_is_dropped() -> None:
    assert "".join(g.text for g in group_tokens([3, 1], decode, Language.ZH)) == "要"


def test_words_get_times_from_the_alignment_and_stay_inside() -> None:
    groups = group_tokens([1, 2, 3, 4], decode, Language.ZH)
    within = Span(16_000, 16_000 + 20 * ALIGNMENT_STEP)
    alignment = [(0, 0), (0, 1), (1, 3), (2, 5), (3, 9), (4, 40)]
    words = time_words(groups, alignment, [0.5, 0.7, 0.9, 1.1], within, Language.ZH)
    assert [word.text for word in words] == ["我", "要，"]
    assert words[0].span == Span(16_000, 16_000 + 5 * ALIGNMENT_STEP)
    assert words[1].span == Span(16_000 + 5 * ALIGNMENT_STEP, within.end)
    assert words[0].confidence == 0.6
    assert words[1].confidence == 1.0
    assert all(a.span.end <= b.span.start for a, b in pairwise(words))


def test_words_without_alignment_still_lie_in_order() -> None:
    groups = group_tokens([3, 4, 5], decode, Language.ZH)
    words = time_words(groups, [], [], Span(0, 3200), Language.ZH)
    assert all(0 <= w.span.start <= w.span.end <= 3200 and w.confidence is None for w in words)
