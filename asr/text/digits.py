"""Digits that are read out one by one: phone and order numbers.

A run of four or more spoken digits is a number, whatever is said in between (嗯, "uh", a comma): the general inverse
text normalisation takes 三三八 in 三三八 嗯 六六 for two numbers, or leaves them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from asr.chinese import is_han
from asr.text.draft import Draft
from asr.types import Language

SHORTEST_RUN: Final = 4
"""Digits from which a run is taken for a number; shorter ones are counting, or part of a date or an amount."""

ZH_DIGITS: Final = dict(zip("零〇一二三四五六七八九幺洞拐勾", "001234567891079", strict=True))
_ZH_PHONETIC: Final = frozenset("洞拐勾")
"""Radio digits count only inside a run of plain ones; alone they are words."""

ZH_DIGIT: Final = "[零〇一二三四五六七八九幺洞拐勾0-9]"
ZH_BETWEEN: Final = r"(?:[\s，,、。.…-]|嗯|呃|额|啊|那个|就是|然后)*"
"""What may be said between the digits of one number."""

_ZH_LIKE: Final = frozenset(
    (
        "ling", "lin", "yi", "yao", "ya", "you", "er", "e", "san", "shan", "si", "shi", "zi", "zhi", "wu", "hu", "liu",
        "niu", "lou", "qi", "ti", "ba", "fa", "pa", "jiu", "qiu",
    )
)  # fmt: skip
"""Toneless syllables of Mandarin digits, and of what a telephone makes of them."""

_ZH_RUN: Final = re.compile(rf"[零〇一二三四五六七八九幺0-9](?:{ZH_BETWEEN}{ZH_DIGIT})*")
_ZH_UNIT_AFTER: Final = re.compile(r"\s*[十百千万亿点年月日号个块元毛角分次天岁米斤度]")
"""After such a character the last digit belongs to an amount, a date or a count."""

_ZH_DECIMAL_BEFORE: Final = re.compile(r"[零一二三四五六七八九十]点$")
"""三点一四一五 is one number."""

_ZH_YEAR: Final = re.compile(r"[零〇一二三四五六七八九]{4}$")

EN_DIGITS: Final = {
    "zero": "0", "oh": "0", "o": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6",
    "seven": "7", "eight": "8", "nine": "9",
}  # fmt: skip
EN_TIMES: Final = {"double": 2, "triple": 3}
_EN_WORD: Final = re.compile(r"[A-Za-z]+|\d+")
_EN_FILLERS: Final = frozenset({"uh", "um", "er", "erm", "dash", "hyphen"})
_EN_BETWEEN: Final = re.compile(r"[\s,.-]*")
_EN_SCALE_AFTER: Final = frozenset({"hundred", "thousand", "million", "billion", "point", "percent", "dollars", "and"})


def sounds_like_digit(character: str) -> bool:
    """Whether a Chinese character sounds like a digit, or like what a telephone makes of one."""
    from pypinyin import lazy_pinyin  # noqa: PLC0415  a quarter of a second to import, which meaning does without

    return is_han(character) and lazy_pinyin(character)[0] in _ZH_LIKE


def write_digits(draft: Draft, language: Language) -> None:
    """Write runs of digits as digits, without what was said between them."""
    runs = _find_zh(draft.text) if language is Language.ZH else _find_en(draft.text)
    for start, end, digits in sorted(runs, reverse=True):
        if draft.text[start:end] != digits:
            draft.replace(start, end, digits)


def _find_zh(text: str) -> Iterator[tuple[int, int, str]]:
    for match in _ZH_RUN.finditer(text):
        start, end = match.span()
        if _ZH_DECIMAL_BEFORE.search(text, 0, start):
            continue
        if _ZH_UNIT_AFTER.match(text, end):
            # 我有三三八六个: the last digit is the count's; 二零二六年 is a year as a whole.
            if _ZH_YEAR.match(match.group()) and text[end : end + 1] == "年":
                continue
            while end > start and text[end - 1] not in ZH_DIGITS and not text[end - 1].isdigit():
                end -= 1
        spoken = text[start:end]
        digits = "".join(
            ZH_DIGITS.get(character, character) for character in spoken if character in ZH_DIGITS or character.isdigit()
        )
        plain = sum(character in ZH_DIGITS and character not in _ZH_PHONETIC for character in spoken)
        grouped = bool(re.search(r"\d", spoken)) and not re.fullmatch(r"[\d.,-]+", spoken)
        if len(digits) >= SHORTEST_RUN and (plain >= SHORTEST_RUN or grouped):
            yield start, end, digits


def _find_en(text: str) -> Iterator[tuple[int, int, str]]:
    words = list(_EN_WORD.finditer(text))
    place = 0
    while place < len(words):
        digits, last = _read_en(text, words, place)
        if len(digits) >= SHORTEST_RUN and last > place + 1:
            yield words[place].start(), words[last - 1].end(), digits
        place = max(last, place + 1)


def _read_en(text: str, words: list[re.Match[str]], first: int) -> tuple[str, int]:
    """The digits from word `first` on, and the word after the last one that belongs to them."""
    digits, last, place = "", first, first
    while place < len(words):
        word = words[place].group().lower()
        if place > first and not _EN_BETWEEN.fullmatch(text, words[place - 1].end(), words[place].start()):
            break
        following = words[place + 1].group().lower() if place + 1 < len(words) else ""
        if word in EN_DIGITS and following == "hundred" and _goes_on(words, place + 2):
            digits, place = digits + EN_DIGITS[word] + "00", place + 2
        elif word in EN_DIGITS and following not in _EN_SCALE_AFTER:
            digits, place = digits + EN_DIGITS[word], place + 1
        elif word in EN_TIMES and following in EN_DIGITS:
            digits, place = digits + EN_DIGITS[following] * EN_TIMES[word], place + 2
        elif word.isdigit() and (digits or len(word) == 1):
            digits, place = digits + word, place + 1
        elif word in _EN_FILLERS and digits:
            place += 1
            continue
        else:
            break
        last = place
    return digits, last


def _goes_on(words: list[re.Match[str]], place: int) -> bool:
    """Whether at least three more digits follow, so that "eight hundred" is the 800 of a phone number."""
    following = words[place : place + 3]
    return len(following) == 3 and all(word.group().lower() in EN_DIGITS for word in following)
