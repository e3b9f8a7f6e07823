"""Dates, absolute and relative to a day of reference, as `YYYY-MM-DD`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from routing.understanding.dates_en import ReckonerEn
from routing.understanding.dates_zh import ReckonerZh
from routing.understanding.heard import Heard
from routing.understanding.holidays import load_holidays
from routing.understanding.named_values import Candidate
from routing.understanding.reckoning import Reckoner, make_day

_ISO: Final = re.compile(r"(?<![\d-])(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?![\d-])")
_US: Final = re.compile(r"(?<![\d/])(?P<month>\d{1,2})/(?P<day>\d{1,2})(?:/(?P<year>\d{4}|\d{2}))?(?![\d/])")


def find_dates(heard: Heard, today: date) -> Iterator[Candidate]:
    """Dates in a turn; linear in its length. A date that does not exist (二月三十号) is none.

    Args:
        heard: the turn.
        today: what 明天 and `last Friday` count from.
    """
    if heard.has_han:
        yield from ReckonerZh(heard.plain, today).find()
    yield from _Written(heard.plain, today).find()
    yield from ReckonerEn(heard.plain, today).find()


class _Written(Reckoner):
    """Finds days written in figures, and holidays."""

    def find(self) -> Iterator[Candidate]:
        """Days in the turn."""
        yield from self.apply(
            (
                (_ISO, lambda found: make_day(int(found["year"]), int(found["month"]), int(found["day"]))),
                (_US, self._us),
                (load_holidays().pattern, self._holiday),
            )
        )

    def _us(self, found: re.Match[str]) -> date | None:
        month, day = int(found["month"]), int(found["day"])
        if not found["year"]:
            return self.yearly(month, day, found, zh=False)
        year = int(found["year"])
        return make_day(year if year > 99 else 2000 + year, month, day)

    def _holiday(self, found: re.Match[str]) -> date | None:
        near = load_holidays().named[found[0]].near(self.today.year)
        before = self.plain[max(0, found.start() - 2) : found.start()]
        year = {"今年": 0, "去年": -1, "明年": 1}.get(before)
        if year is not None:
            return next((day for day in near if day.year == self.today.year + year), None)
        zh = not found[0].isascii()
        if found[0] in {"五一", "六一"} and re.search("[0-9零〇一二三四五六七八九幺]$", before[-1:]):
            return None
        if found[0] in {"五一", "六一", "六一八"} and re.match(
            "[0-9零〇一二三四五六七八九幺]", self.plain[found.end() : found.end() + 1]
        ):
            return None
        if self.tense(found, zh=zh) == 0:  # nobody says which: the one to come
            near = (day for day in near if day >= self.today)
        return self.choose(near, found, zh=zh)
