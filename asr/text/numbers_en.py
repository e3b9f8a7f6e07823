"""English numbers in digits: amounts, percentages, money, dates and times.

Words from one to nine stay words, unless something makes a number of them: a percent, a dollar, a clock.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from asr.text.draft import Draft

SMALL: Final = {
    word: value
    for value, word in enumerate(
        (
            "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
            "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
        )
    )
}  # fmt: skip
TENS: Final = {
    word: 10 * value
    for value, word in enumerate(
        ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), start=2
    )
}
SCALES: Final = {"thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
ORDINALS: Final = {
    "first": 1, "second": 2, "third": 3, "fifth": 5, "eighth": 8, "ninth": 9, "twelfth": 12,
    **{f"{word}th": value for word, value in SMALL.items() if value in {4, 6, 7, 10, 11} or value > 12},
    **{f"{word[:-1]}ieth": value for word, value in TENS.items()},
}  # fmt: skip
MONTHS: Final = frozenset(
    (
        "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
        "december",
    )
)  # fmt: skip
_CLOCK_BEFORE: Final = frozenset(("at", "by", "until", "till", "before", "after", "around"))
_NOON: Final = {"am": "a.m.", "pm": "p.m."}
_CENTURIES: Final = frozenset((17, 18, 19, 20, 21))
_WORD: Final = re.compile(r"[A-Za-z]+")
_BETWEEN: Final = re.compile(r"[ -]+")


@dataclass(frozen=True, slots=True)
class _Word:
    """A word in lower case; `joins` where nothing but a space or hyphen parts it from the one before."""

    text: str
    start: int
    end: int
    joins: bool


def write_numbers_en(draft: Draft) -> None:
    """Write what is a number in digits."""
    words = _split(draft.text)
    found: list[tuple[int, int, str]] = []
    place = 0
    while place < len(words):
        written, after = _Reader(words).write(place)
        if written is not None:
            found.append((words[place].start, words[after - 1].end, written))
        place = max(after, place + 1)
    for start, end, written in reversed(found):
        draft.replace(start, end, written)


def _split(text: str) -> list[_Word]:
    words: list[_Word] = []
    for match in _WORD.finditer(text):
        joins = bool(words) and _BETWEEN.fullmatch(text, words[-1].end, match.start()) is not None
        words.append(_Word(match.group().lower(), match.start(), match.end(), joins))
    return words


class _Reader:
    """Reads numbers from a list of words. Each method answers what it read, and the word after it."""

    def __init__(self, words: Sequence[_Word]) -> None:
        self._words = words

    def write(self, first: int) -> tuple[str | None, int]:
        """What stands for the words from `first` on; None where they stay."""
        for rule in (self._past, self._date, self._clock, self._number):
            written, after = rule(first)
            if written is not None:
                return written, after
        return None, first + 1

    def _word(self, place: int, first: int) -> str:
        """The word at `place`, empty where it does not join those from `first` on."""
        if place >= len(self._words) or (place > first and not self._words[place].joins):
            return ""
        return self._words[place].text

    def _past(self, first: int) -> tuple[str | None, int]:
        """Half past three, quarter to five."""
        how, to = self._word(first, first), self._word(first + 1, first)
        hour = SMALL.get(self._word(first + 2, first), 0)
        if not 1 <= hour <= 12 or (how, to) not in {("half", "past"), ("quarter", "past"), ("quarter", "to")}:
            return None, first
        if to == "to":
            return f"{(hour - 2) % 12 + 1}:45", first + 3
        return f"{hour}:{30 if how == 'half' else 15}", first + 3

    def _date(self, first: int) -> tuple[str | None, int]:
        """The day in March third, May twenty second."""
        month = self._words[first - 1].text if first and self._words[first].joins else ""
        day, after = self._ordinal(first)
        # "I may second that": May 2 is heard too seldom to be told from it.
        if month not in MONTHS or day is None or day > 31 or (month, day) == ("may", 2):
            return None, first
        return str(day), after

    def _clock(self, first: int) -> tuple[str | None, int]:
        """Three thirty p.m., three p.m., at three thirty."""
        hour = SMALL.get(self._word(first, first), 0)
        if not 1 <= hour <= 12:
            return None, first
        minute, after = self._below_hundred(first + 1) if self._word(first + 1, first) else (None, first + 1)
        noon, end = self._noon(after, first)
        if minute is not None and 10 <= minute <= 59:
            named = first > 0 and self._words[first].joins and self._words[first - 1].text in _CLOCK_BEFORE
            if noon or named:
                return f"{hour}:{minute:02d}{noon}", end
            return None, first
        noon, end = self._noon(first + 1, first)
        return (f"{hour}{noon}", end) if noon else (None, first)

    def _noon(self, place: int, first: int) -> tuple[str, int]:
        one, two = self._word(place, first), self._word(place + 1, first)
        if one in _NOON:
            return f" {_NOON[one]}", place + 1
        if one in {"a", "p"} and two == "m":
            return f" {one}.m.", place + 2
        return "", place

    def _number(self, first: int) -> tuple[str | None, int]:
        ordinal, after = self._ordinal(first)
        if ordinal is not None:
            return (f"{ordinal}{_suffix(ordinal)}", after) if ordinal >= 10 else (None, after)
        year, after = self._year(first)
        if year is not None:
            return str(year), after
        value, after = self._cardinal(first)
        if value is None:
            return None, first
        shown = str(value)
        if self._word(after, first) == "point" and (decimals := self._decimals(after + 1, first)):
            shown, after = f"{value}.{decimals}", after + 1 + len(decimals)
        match self._word(after, first):
            case "percent":
                return f"{shown}%", after + 1
            case "dollar" | "dollars":
                return self._money(shown, after + 1, first)
        return (shown, after) if value >= 10 or "." in shown else (None, after)

    def _money(self, dollars: str, after: int, first: int) -> tuple[str, int]:
        """Thirty five dollars and twenty cents."""
        place = after + 1 if self._word(after, first) == "and" else after
        cents, end = self._below_hundred(place) if self._word(place, first) else (None, place)
        if cents is not None and "." not in dollars and self._word(end, first) in {"cent", "cents"}:
            return f"${dollars}.{cents:02d}", end + 1
        return f"${dollars}", after

    def _decimals(self, place: int, first: int) -> str:
        digits = ""
        while SMALL.get(word := self._word(place + len(digits), first), 10) < 10 or word == "oh":
            digits += str(SMALL.get(word, 0))
        return digits

    def _ordinal(self, first: int) -> tuple[int | None, int]:
        word, following = self._word(first, first), self._word(first + 1, first)
        if word in TENS and 1 <= ORDINALS.get(following, 0) <= 9:
            return TENS[word] + ORDINALS[following], first + 2
        return (ORDINALS[word], first + 1) if word in ORDINALS else (None, first)

    def _year(self, first: int) -> tuple[int | None, int]:
        """Twenty twenty six, nineteen ninety eight."""
        century, after = self._below_hundred(first)
        if century not in _CENTURIES or not self._word(after, first):
            return None, first
        rest, end = self._below_hundred(after)
        if rest is None or rest < 10 or self._word(end, first) in {"hundred", *SCALES}:
            return None, first
        return 100 * century + rest, end

    def _cardinal(self, first: int) -> tuple[int | None, int]:
        total, place, limit = 0, first, 10**12
        while True:
            value, after = self._below_thousand(place, first)
            scale = SCALES.get(self._word(after, first), 1) if value is not None else 1
            if value is None or scale >= limit:
                break
            total, limit = total + value * scale, scale
            place = after + (scale > 1)
            if scale == 1:
                return total, place
            if self._word(place, first) == "and" and self._below_thousand(place + 1, first)[0] is not None:
                place += 1
        return (total, place) if place > first else (None, first)

    def _below_thousand(self, place: int, first: int) -> tuple[int | None, int]:
        word, following = self._word(place, first), self._word(place + 1, first)
        if following == "hundred" and (word == "a" or 1 <= SMALL.get(word, 0) <= 9):
            hundreds, after = 100 * SMALL.get(word, 1), place + 2
            rest = after + 1 if self._word(after, first) == "and" else after
            value, end = self._below_hundred(rest) if self._word(rest, first) else (None, rest)
            return (hundreds + value, end) if value else (hundreds, after)
        if word == "a" and following in SCALES:
            return 1, place + 1
        return self._below_hundred(place) if word else (None, place)

    def _below_hundred(self, place: int) -> tuple[int | None, int]:
        word, following = self._word(place, place), self._word(place + 1, place)
        if word in TENS:
            if 1 <= SMALL.get(following, 0) <= 9:
                return TENS[word] + SMALL[following], place + 2
            return TENS[word], place + 1
        return (SMALL[word], place + 1) if word in SMALL else (None, place)


def _suffix(ordinal: int) -> str:
    if ordinal % 100 in {11, 12, 13}:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(ordinal % 10, "th")
