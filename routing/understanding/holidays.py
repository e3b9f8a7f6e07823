"""Days that callers call by a name: fixed ones, those of the moon's calendar, and nth weekdays of a month."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from routing.document import Document, read_file
from routing.understanding.heard import fold
from routing.understanding.taxonomy import DATA
from voice.contracts.errors import UnderstandingDataError

_NAMES: Final = {
    "type": "array",
    "minItems": 1,
    "maxItems": 20,
    "items": {"type": "string", "minLength": 2, "maxLength": 40},
}
SCHEMA: Final[dict[str, Any]] = {
    "type": "array",
    "minItems": 1,
    "maxItems": 200,
    "items": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "zh": _NAMES,
            "en": _NAMES,
            "day": {"type": "string", "pattern": r"^\d\d-\d\d$", "description": "a day as MM-DD"},
            "dates": {
                "type": "array",
                "minItems": 1,
                "maxItems": 50,
                "items": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$", "description": "a date as YYYY-MM-DD"},
            },
            "weekday": {
                "type": "array",
                "minItems": 3,
                "maxItems": 3,
                "items": {"type": "integer", "minimum": -1, "maximum": 12},
            },
            "after": {"type": "integer", "minimum": 1, "maximum": 30},
        },
    },
}


@dataclass(frozen=True, slots=True)
class Holiday:
    """A named day. One of `fixed`, `dates` and `nth` says when it is.

    Attributes:
        fixed: month and day.
        dates: days that are listed, one a year.
        nth: month, which one (-1 the last), and weekday from 1 (Monday).
        after: days after that.
    """

    fixed: tuple[int, int] | None = None
    dates: tuple[date, ...] = ()
    nth: tuple[int, int, int] | None = None
    after: int = 0

    def near(self, year: int) -> Iterator[date]:
        """The days of the year before, the year itself and the year after, as far as they are known."""
        if self.fixed:
            yield from (date(each, *self.fixed) for each in (year - 1, year, year + 1) if 1 <= each <= 9999)
        elif self.nth:
            yield from (self._nth(each) for each in (year - 1, year, year + 1) if 1 <= each <= 9998)
        else:
            yield from (day for day in self.dates if abs(day.year - year) <= 1)

    def _nth(self, year: int) -> date:
        month, count, weekday = self.nth or (1, 1, 1)
        if count > 0:
            first = date(year, month, 1)
            day = first + timedelta(days=(weekday - 1 - first.weekday()) % 7 + 7 * (count - 1))
        else:
            last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
            day = last - timedelta(days=(last.weekday() - weekday + 1) % 7)
        return day + timedelta(days=self.after)


@dataclass(frozen=True, slots=True)
class Holidays:
    """All named days: what finds them in a folded text, and what each name stands for."""

    pattern: re.Pattern[str]
    named: dict[str, Holiday]


@cache
def load_holidays(folder: Path = DATA) -> Holidays:
    """The named days that ship.

    Raises:
        UnderstandingDataError: the file is missing or not valid; names line and field.
    """
    return compile_holidays(read_file(folder / "holidays.yaml", error=UnderstandingDataError))


def compile_holidays(document: Document) -> Holidays:
    """Check a document of named days.

    Raises:
        UnderstandingDataError: names line and field.
    """
    document.check(SCHEMA)
    named: dict[str, Holiday] = {}
    problems = []
    for number, entry in enumerate(document.data):
        try:
            one = _holiday(entry)
        except ValueError as wrong:
            problems.append(document.problem((number,), f"expected a day that exists; {wrong}."))
            continue
        if one is None:
            problems.append(document.problem((number,), "expected a name, and one of day, dates and weekday."))
            continue
        for name in [*entry.get("zh", ()), *entry.get("en", ())]:
            folded = "".join(map(fold, name))
            if folded in named:
                problems.append(document.problem((number,), f"the name {name} stands here twice."))
            named[folded] = one
    document.refuse(problems)
    longest_first = sorted(named, key=lambda name: (-len(name), name))
    spelled = "|".join(rf"\b{re.escape(name)}\b" if name.isascii() else re.escape(name) for name in longest_first)
    return Holidays(re.compile(spelled), named)


def _holiday(entry: dict[str, Any]) -> Holiday | None:
    given = [key for key in ("day", "dates", "weekday") if key in entry]
    if len(given) != 1 or not (entry.get("zh") or entry.get("en")):
        return None
    if "day" in entry:
        month, day = (int(part) for part in entry["day"].split("-"))
        date(2024, month, day)
        if (month, day) == (2, 29):
            raise ValueError("29 February is not in every year")
        return Holiday(fixed=(month, day))
    if "dates" in entry:
        return Holiday(dates=tuple(date.fromisoformat(text) for text in entry["dates"]))
    month, count, weekday = entry["weekday"]
    if not (1 <= month <= 12 and count in {-1, 1, 2, 3, 4} and 1 <= weekday <= 7):
        raise ValueError("weekday is [month 1 to 12, nth 1 to 4 or -1, weekday 1 to 7]")
    return Holiday(nth=(month, count, weekday), after=entry.get("after", 0))
