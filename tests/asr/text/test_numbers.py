"""Numbers as they are spoken, in digits; and words that only look like numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.text.draft import Draft
from asr.text.numbers import write_numbers
from asr.text.numbers_zh import read_integer
from asr.types import Language


def write(text: str, language: Language) -> str:
    draft = Draft(text)
    write_numbers(draft, language)
    return draft.text


@pytest.mark.parametrize(
    ("spoken", "written"),
    [
        ("二十五", "25"),
        ("十二块五毛", "12块5毛"),
        ("一百零五", "105"),
        ("一百五", "150"),
        ("一千零五十", "1050"),
        ("一千五", "1500"),
        ("一千零五", "1005"),
        ("两千", "2000"),
        ("两万", "2万"),
        ("两万三", "23000"),
        ("一万两千", "12000"),
        ("三十五万六千", "356000"),
        ("一百万", "100万"),
        ("三亿五千万", "3亿5000万"),
        ("三点五万", "3.5万"),
        ("四百三十三点二亿元", "433.2亿元"),
        ("零点六", "0.6"),
        ("百分之二十五点三", "25.3%"),
        ("百分之百", "100%"),
        ("三分之一", "1/3"),
        ("第二十名", "第20名"),
        ("十分钟", "10分钟"),
        ("十个", "10个"),
        ("零下十度", "零下10度"),
        ("二十多", "20多"),
        ("五点二十", "5:20"),
        ("晚上八点", "晚上8点"),
        ("九点钟", "9点钟"),
        ("三点三刻", "3:45"),
        ("十月一号", "10月1号"),
        ("二零二六年三月", "2026年3月"),
        ("九八年", "98年"),
        ("两千零一十五年", "2015年"),
        ("打一一九", "打119"),
    ],
)
def test_mandarin_numbers(spoken: str, written: str) -> None:
    assert write(spoken, Language.ZH) == written


@pytest.mark.parametrize(
    "words",
    [
        "一个", "三月", "五号", "第三", "十几个", "几十块", "二十几", "两三百", "三五十", "四五百", "二三十块",
        "三四年", "千万别", "万分感谢", "十分满意", "十全十美", "十有八九", "一五一十", "一点一点来", "一点意思",
        "三点多", "一二三", "五六个", "千分之三", "零", "零零", "万", "一百万亿亿", "亿" * 900,
    ],
)  # fmt: skip
def test_mandarin_words_stay(words: str) -> None:
    assert write(words, Language.ZH) == words


@given(st.integers(min_value=0, max_value=99_999_999))
def test_a_number_that_is_spelled_is_read_back(number: int) -> None:
    assert read_integer(spell(number)) == number


def spell(number: int) -> str:
    """Standard Mandarin, 零 where places are skipped."""
    if number >= 10_000:
        high, low = divmod(number, 10_000)
        gap = "零" if 0 < low < 1000 else ""
        return spell(high) + "万" + gap + (spell(low) if low else "")
    text, skipped = "", False
    for size, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // size % 10
        if digit:
            text += "零" * (skipped and bool(text)) + "零一二三四五六七八九"[digit] + unit
        skipped = not digit
    return text or "零"


@pytest.mark.parametrize(
    ("spoken", "written"),
    [
        ("ten", "10"),
        ("twenty-five", "25"),
        ("one hundred and five", "105"),
        ("a hundred and one", "101"),
        ("two thousand and five", "2005"),
        ("one thousand two hundred thirty four", "1234"),
        ("two million five hundred thousand", "2500000"),
        ("twenty twenty six", "2026"),
        ("nineteen ninety eight", "1998"),
        ("two point five", "2.5"),
        ("five percent", "5%"),
        ("five dollars", "$5"),
        ("thirty five dollars and twenty cents", "$35.20"),
        ("March third", "March 3"),
        ("the twenty second", "the 22nd"),
        ("the eleventh", "the 11th"),
        ("half past three", "3:30"),
        ("quarter to one", "12:45"),
        ("three thirty p m", "3:30 p.m."),
        ("at three thirty", "at 3:30"),
        ("seven pm", "7 p.m."),
    ],
)
def test_english_numbers(spoken: str, written: str) -> None:
    assert write(spoken, Language.EN) == written


@pytest.mark.parametrize(
    "words",
    [
        "one of the boxes", "a second one", "I may second that", "five six", "first of all", "hundred", "a thing",
        "three quarters", "one half", "point taken", "and", "percent", "thousand",
    ],
)  # fmt: skip
def test_english_words_stay(words: str) -> None:
    assert write(words, Language.EN) == words


@given(text=st.text(alphabet="零一二两三四五六七八九十百千万亿点分之年月日号半刻几 a", max_size=30))
def test_no_run_of_numerals_breaks_it(text: str) -> None:
    write(text, Language.ZH)


ENGLISH = (
    "zero", "one", "two", "five", "ten", "twelve", "twenty", "thirty", "ninety", "hundred", "thousand", "million",
    "point", "and", "a", "percent", "dollars", "cents", "pm", "half", "past", "to", "quarter", "at", "second", "third",
    "march", "may",
)  # fmt: skip


@given(words=st.lists(st.sampled_from(ENGLISH), max_size=10))
def test_no_row_of_number_words_breaks_it(words: list[str]) -> None:
    write(" ".join(words), Language.EN)
