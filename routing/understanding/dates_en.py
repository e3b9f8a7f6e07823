"""Dates as they are said in English."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from asr.text.numbers_en import ORDINALS, SMALL, TENS
from routing.understanding.digits import number_en
from routing.understanding.named_values import Candidate, EntityKind
from routing.understanding.reckoning import Reckoner, make_day, month_end, month_from, shift_day

_MONTHS: Final = {name.lower(): number for number, name in enumerate(calendar.month_name) if name} | {
    name.lower(): number for number, name in enumerate(calendar.month_abbr) if name
} | {"sept": 9}  # fmt: skip
_WEEKDAYS: Final = {name.lower(): number for number, name in enumerate(calendar.day_name)}
_MONTH_EN: Final = "|".join(sorted(_MONTHS, key=len, reverse=True))
_WEEKDAY_EN: Final = "|".join(_WEEKDAYS)
_UNITS_EN: Final = "|".join(sorted([*SMALL, *TENS], key=len, reverse=True))
_ORDINAL_EN: Final = (
    rf"(?:\d{{1,2}}(?:st|nd|rd|th)|(?:twenty|thirty)[ -](?:{'|'.join(sorted(ORDINALS, key=len, reverse=True))})|"
    rf"(?:{'|'.join(sorted(ORDINALS, key=len, reverse=True))}))"
)
_CARDINAL_EN: Final = (
    rf"(?:\d{{1,2}}|(?:twenty|thirty)[ -](?:one|two|three|four|five|six|seven|eight|nine)|(?:{_UNITS_EN}))"
)
_YEAR_EN: Final = (
    rf"(?:,? (?P<year>(?:19|20)\d\d|(?:nineteen|twenty)[ -](?:{_UNITS_EN})(?:[ -](?:{_UNITS_EN}))?|"
    rf"two thousand(?: and)? (?:{_UNITS_EN})(?:[ -](?:{_UNITS_EN}))?)\b)?"
)
_MONTH_DAY_EN: Final = re.compile(
    rf"\b(?P<month>{_MONTH_EN})\.? (?:the )?(?P<day>{_ORDINAL_EN}|{_CARDINAL_EN})\b(?!:| ?[ap]\.?m\b){_YEAR_EN}"
)
_DAY_MONTH_EN: Final = re.compile(
    rf"\b(?:the )?(?P<day>{_ORDINAL_EN}|\d{{1,2}})(?: of)? (?P<month>{_MONTH_EN})\b{_YEAR_EN}"
)
_DAY_ONLY_EN: Final = re.compile(
    rf"\b(?:on|by|before|after|until|since|for|from|to|till|around|than|is|"
    rf"was) (?P<said>the (?P<day>{_ORDINAL_EN}))\b(?! (?:time|one|floor|street|avenue|order|call|person|item|day|"
    rf"week|month|of|attempt|try|package|box|piece|quarter|half|part|place))"
)
_WEEK_EN: Final = re.compile(
    rf"\b(?:(?P<which>next|last|this|this coming|this past|coming|"
    rf"past) )?(?P<day>{_WEEKDAY_EN})\b(?P<of> (?:after next|of next week|next week|of last week|last week))?"
)
_DAYS_EN: Final = {
    "the day before yesterday": -2, "day before yesterday": -2, "the day after tomorrow": 2, "day after tomorrow": 2,
    "yesterday": -1,
    "today": 0, "tomorrow": 1, "tonight": 0, "last night": -1, "this morning": 0, "this afternoon": 0,
    "this evening": 0,
}  # fmt: skip
_DAY_EN: Final = re.compile(rf"\b(?:{'|'.join(sorted(_DAYS_EN, key=len, reverse=True))})\b")
_AGO_EN: Final = re.compile(
    rf"\b(?:(?P<inside>in|within) )?(?P<count>an?|a couple of|{_CARDINAL_EN}) (?P<unit>day|week|month|"
    rf"year)s?\b(?: (?P<side>ago(?: today)?|from now|from today|later|back))?"
)
_EDGE_EN: Final = re.compile(
    r"\b(?:the )?(?P<edge>end|beginning|start) of (?P<which>the|this|next|last) (?P<unit>month|year)\b"
)


class ReckonerEn(Reckoner):
    """Finds days that are said in English."""

    def find(self) -> Iterator[Candidate]:
        """Days in the turn."""
        yield from self.apply(
            (
                (_MONTH_DAY_EN, self._month_day_en),
                (_DAY_MONTH_EN, self._month_day_en),
                (_EDGE_EN, self._edge_en),
                (_AGO_EN, self._ago_en),
                (_DAY_EN, lambda found: shift_day(self.today, days=_DAYS_EN[found[0]])),
                (_WEEK_EN, self._week_en),
            )
        )
        for found in _DAY_ONLY_EN.finditer(self.plain):
            day = self.day_of_month(_ordinal(found["day"]), found, zh=False)
            if day is not None:
                yield Candidate(EntityKind.DATE, found.start("said"), found.end("said"), day.isoformat())

    def _month_day_en(self, found: re.Match[str]) -> date | None:
        month, day = _MONTHS[found["month"]], _ordinal(found["day"])
        if found["month"] == "may" and not found["year"] and found["day"] in {"second"}:
            return None
        if found["year"]:
            return make_day(_year_en(found["year"]), month, day)
        return self.yearly(month, day, found, zh=False)

    def _edge_en(self, found: re.Match[str]) -> date | None:
        shift = {"next": 1, "last": -1}.get(found["which"], 0)
        end = found["edge"] == "end"
        if found["unit"] == "year":
            return date(self.today.year + shift, 12, 31) if end else date(self.today.year + shift, 1, 1)
        year, month = month_from(self.today, shift)
        return month_end(year, month) if end else date(year, month, 1)

    def _ago_en(self, found: re.Match[str]) -> date | None:
        side = found["side"]
        if not side and found["inside"] != "in":
            return None
        said = found["count"]
        count = 1 if said in {"a", "an"} else 2 if said == "a couple of" else _ordinal(said)
        if not 1 <= count <= 400:
            return None
        count = -count if side and side.startswith(("ago", "back")) else count
        match found["unit"]:
            case "day":
                return shift_day(self.today, days=count)
            case "week":
                return shift_day(self.today, days=7 * count)
            case "month":
                return shift_day(self.today, months=count)
            case _:
                return shift_day(self.today, months=12 * count)

    def _week_en(self, found: re.Match[str]) -> date | None:
        weekday, which, of = _WEEKDAYS[found["day"]], found["which"] or "", (found["of"] or "").strip()
        today = self.today
        monday = today - timedelta(days=today.weekday())
        ahead = (weekday - today.weekday()) % 7
        if self.plain[max(0, found.start() - 6) : found.start()].endswith(("black ", "cyber ", "every ", "each ")):
            return None
        if of:
            return shift_day(monday, days=weekday + (14 if of == "after next" else 7 if "next" in of else -7))
        if which == "next":
            return shift_day(monday, days=7 + weekday)
        if which in {"last", "past", "this past"}:
            return shift_day(today, days=(ahead - 7) if ahead else -7)
        if which:
            return shift_day(today, days=ahead)
        return shift_day(today, days=ahead - 7 if self.tense(found, zh=False) < 0 and ahead else ahead)


def _year_en(spoken: str) -> int:
    if spoken.isdigit():
        return int(spoken)
    words = re.split("[ -]", spoken)
    if words[0] == "two":
        return int(number_en(words) or -1)
    return 100 * (SMALL.get(words[0]) or TENS.get(words[0], 0)) + int(number_en(words[1:]) or 0)


def _ordinal(spoken: str) -> int:
    """Fifth, twenty first, 5th, five."""
    digits = re.match(r"\d+", spoken)
    if digits:
        return int(digits[0])
    words = re.split("[ -]", spoken)
    last = ORDINALS.get(words[-1], SMALL.get(words[-1], TENS.get(words[-1], -100)))
    return last + (TENS.get(words[0], 0) if len(words) > 1 else 0)
