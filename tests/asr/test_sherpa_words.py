"""From symbols to words: three ways of marking where a word begins, times without ends, bytes, capitals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.sherpa_words import (
    LONGEST_IDEOGRAPH,
    LONGEST_WORD,
    Symbol,
    join_words,
    knows_capitals_only,
    write_words,
)
from asr.types import Language

END = 160_000


def words(*texts: str, language: Language = Language.ZH, lower: bool = False) -> list[str]:
    symbols = [Symbol(text, 1600 * number) for number, text in enumerate(texts)]
    return [word.text for word in write_words(symbols, language, END, lower=lower)]


@pytest.mark.parametrize(
    ("symbols", "expected"),
    [
        # SenseVoice: a space before what begins a word, punctuation and digits as symbols of their own.
        (["开", "放", "时", "间"], ["开", "放", "时", "间"]),
        (["The", " tri", "bal", " chief", "tain"], ["The", "tribal", "chieftain"]),
        ([" him", " with", " ", "5", "0", " pieces"], ["him", "with", "50", "pieces"]),
        (["早", "上", "9", "点", "。"], ["早", "上", "9", "点。"]),
        # Zipformer: the mark of SentencePiece, or the space that the binding makes of it.
        (["▁HE", "LLO", "▁WORLD"], ["HELLO", "WORLD"]),
        (["我", "要", " A", "PP", "的", "钱"], ["我", "要", "APP", "的", "钱"]),
        (["▁我", "们"], ["我", "们"]),
        (["▁", "退", "款"], ["退", "款"]),
        # Paraformer, after the engine has put a space before every symbol in Latin letters.
        ([" he@@", " llo", " you"], ["hello", "you"]),
        (["好", " ok@@", "的"], ["好", "ok", "的"]),
        # Several ideographs in one symbol; control symbols; nothing.
        (["订单", "号"], ["订", "单", "号"]),
        (["<unk>", "好", "<s>"], ["好"]),
        ([" ", "▁"], []),
        ([], []),
    ],
)
def test_words_begin_where_the_model_says(symbols: list[str], expected: list[str]) -> None:
    assert words(*symbols) == expected


def test_bytes_become_characters() -> None:
    assert words("<0xE8>", "<0xAE>", "<0xA2>", "单") == ["订", "单"]
    assert words("<0xE8>", "<0xAE>", "单") == ["单"], "half a character is none"


def test_mandarin_is_written_simplified() -> None:
    assert words("訂", "單") == ["订", "单"]
    assert words("訂", language=Language.EN) == ["訂"]


def test_korean_words_are_those_between_spaces() -> None:
    assert words("▁주", "문", "▁확인", language=Language.KO) == ["주문", "확인"]


def test_capitals_are_written_small_where_the_model_knows_no_others() -> None:
    assert words("▁HE", "LLO", lower=True) == ["hello"]
    assert knows_capitals_only(["<blk>", "<unk>", "我", "▁HE", "LLO"])
    assert not knows_capitals_only(["▁He", "LLO"])
    assert not knows_capitals_only(["我", "<unk>"])


def test_a_word_ends_where_the_next_begins_or_after_a_while() -> None:
    symbols = [
        Symbol("我", 0),
        Symbol("想", 1600),
        Symbol("查", 48_000),
        Symbol(" hello", 96_000),
        Symbol("好", 159_000),
    ]
    spans = [(w.span.start, w.span.end) for w in write_words(symbols, Language.ZH, END, lower=False)]
    assert spans == [
        (0, 1600),
        (1600, 1600 + LONGEST_IDEOGRAPH),
        (48_000, 48_000 + LONGEST_IDEOGRAPH),
        (96_000, 96_000 + LONGEST_WORD),
        (159_000, END),
    ]


def test_a_words_confidence_is_the_mean_of_its_symbols() -> None:
    spelt = [Symbol(" he", 0, 0.5), Symbol("llo", 640, 0.9), Symbol("好", 1280, None)]
    assert [word.confidence for word in write_words(spelt, Language.ZH, END, lower=False)] == [0.7, None]


def test_a_space_stands_between_words_unless_an_ideograph_is_at_the_seam() -> None:
    made = write_words([Symbol(t, 0) for t in ("我", "用", " app", " store", "买")], Language.ZH, END, lower=False)
    assert join_words(made) == "我用app store买"
    assert join_words([]) == ""


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["我", "订单", "▁he", "llo", " ", "▁", "@@", "a@@", "。", "<unk>", "<0xE4>", "5", "é", "주"]
            ),
            st.integers(-100, END + 9000),
        ),
        max_size=30,
    ),
    st.sampled_from(list(Language)),
)
def test_any_symbols_give_words_in_order_inside_the_utterance(
    symbols: list[tuple[str, int]], language: Language
) -> None:
    made = write_words([Symbol(*symbol) for symbol in symbols], language, END, lower=True)
    at = 0
    for word in made:
        assert word.text == word.text.strip()
        assert word.text
        assert at <= word.span.start <= word.span.end <= END
        at = word.span.end
    assert join_words(made).replace(" ", "") == "".join(word.text.replace(" ", "") for word in made)
