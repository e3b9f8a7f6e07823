"""Spoken digits and numbers, in Mandarin and English, as Arabic ones; offsets kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

DIGITS_ZH: Final = {
    **dict(zip("零一二三四五六七八九", "0123456789", strict=True)),
    "〇": "0",
    "幺": "1",
    "两": "2",
    "洞": "0",
    "拐": "7",
    "勾": "9",
}
"""Digits as they are read out; 洞 拐 勾 as on the radio, heard from older callers."""

DIGITS_EN: Final = {
    "zero": "0",
    "oh": "0",
    "o": "0",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
}
TIMES_EN: Final = {"double": 2, "triple": 3}

UNITS_ZH: Final = {"十": 10, "百": 100, "千": 1000}
MYRIADS_ZH: Final = {"万": 10_000, "亿": 100_000_000}

_ONES_EN: Final = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS_EN: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
SMALL_EN: Final = {
    **{word: number for number, word in enumerate(_ONES_EN)},
    **{word: 20 + 10 * number for number, word in enumerate(_TENS_EN)},
}

_WORD: Final = "|".join(sorted({*DIGITS_EN, *TIMES_EN}, key=len, reverse=True))
_PIECE: Final = re.compile(
    rf"(?P<zh>[{''.join(DIGITS_ZH)}])|(?P<arabic>[0-9])|(?P<en>\b(?:{_WORD})\b)"
    r"|(?P<between>[\s,，、.。\-－—…]|呃|嗯|额|啊|哦|那个|然后|\b(?:um|uh|er|and then|dash|space)\b)"
)


@dataclass(frozen=True, slots=True)
class DigitRun:
    """Digits read out one after the other, pauses and fillers between them dropped.

    Attributes:
        digits: 0-9.
        start: offset of the first digit.
        end: offset after the last.
        spoken: at least one was a word.
    """

    digits: str
    start: int
    end: int
    spoken: bool


def find_digit_runs(text: str, *, at_least: int = 4) -> tuple[DigitRun, ...]:
    """Runs of at least so many digits in a folded text; linear in its length."""
    runs: list[DigitRun] = []
    digits, start, end, spoken, times, quiet = "", 0, 0, False, 1, 0

    def close() -> None:
        if len(digits) >= at_least:
            runs.append(DigitRun(digits, start, end, spoken))

    place = 0
    while place < len(text):
        found = _PIECE.match(text, place)
        if found is None or (found["between"] and quiet >= 8):
            close()
            digits, spoken, times, quiet = "", False, 1, 0
            place += 1
            continue
        if found["between"]:
            quiet += 1
        elif found[0] in TIMES_EN:
            start = start if digits else found.start()
            times = TIMES_EN[found[0]]
        else:
            start = start if digits or times > 1 else found.start()
            digit = DIGITS_ZH.get(found[0]) or DIGITS_EN.get(found[0]) or found[0]
            digits, end, quiet = digits + digit * times, found.end(), 0
            spoken, times = spoken or not found["arabic"], 1
        place = found.end()
    close()
    return tuple(runs)


def number_zh(text: str) -> float | None:
    """A Mandarin number: 三百五 is 350, 两千零八 2008, 一万二 12000, 十九点九 19.9; None where it is none."""
    whole, _, fraction = text.partition("点")
    value = _whole_zh(whole)
    if value is None:
        return None
    if not fraction:
        return float(value)
    digits = "".join(DIGITS_ZH.get(one, one) for one in fraction)
    return float(f"{value}.{digits}") if digits.isascii() and digits.isdigit() else None


def _whole_zh(text: str) -> int | None:
    if text.isascii() and text.isdigit():
        return int(text) if len(text) <= 12 else None
    total = section = digit = 0
    unit = 1
    for one in text:
        if one in MYRIADS_ZH:
            total = (total + section + digit) * MYRIADS_ZH[one]
            section, digit, unit = 0, 0, MYRIADS_ZH[one]
        elif one in UNITS_ZH:
            section += (digit or 1) * UNITS_ZH[one]
            digit, unit = 0, UNITS_ZH[one]
        elif one in DIGITS_ZH or (one.isascii() and one.isdigit()):
            digit = digit * 10 + int(DIGITS_ZH.get(one, one)) if digit else int(DIGITS_ZH.get(one, one))
            unit = 1 if DIGITS_ZH.get(one, one) == "0" else unit
        else:
            return None
    # 三百五 means 350: a last digit right after a unit counts in tenths of that unit.
    tail = digit * (unit // 10) if unit >= 100 and 0 < digit < 10 else digit
    return total + section + tail if text and len(text) <= 16 else None


def number_en(words: list[str]) -> float | None:
    """An English number up to the thousands: `two hundred and fifty`, `twenty five`; None where it is none."""
    total = current = 0
    for word in words:
        if word in SMALL_EN:
            current += SMALL_EN[word]
        elif word == "hundred":
            current = max(current, 1) * 100
        elif word == "thousand":
            total += max(current, 1) * 1000
            current = 0
        elif word not in {"and", "a"}:
            return None
    return float(total + current) if words else None
