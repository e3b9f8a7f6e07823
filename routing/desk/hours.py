"""Opening hours: weekly hours in a time zone, holidays, and days that are worked although they would be free."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from typing import Final

from routing.terms import Wording

DAY_MINUTES: Final = 24 * 60
LOOK_AHEAD_DAYS: Final = 370
"""How far an opening is looked for."""

Minutes = tuple[int, int]
"""From and until, in minutes since local midnight; an end at or before the start is on the next day."""


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A date with hours of its own; without any it is a holiday."""

    name: Wording
    open: tuple[Minutes, ...] = ()


@dataclass(frozen=True, slots=True)
class Hours:
    """When somebody is there.

    Attributes:
        zone: time zone of the hours.
        week: hours of each weekday, Monday first.
        special: dates that differ from their weekday.
    """

    zone: tzinfo
    week: tuple[tuple[Minutes, ...], ...]
    special: Mapping[date, SpecialDay] = field(default_factory=dict)

    def is_open(self, at: float) -> bool:
        """Whether it is open at a moment (seconds since 1970). The minute of closing is closed."""
        today = datetime.fromtimestamp(at, self.zone).date()
        yesterday = today - timedelta(days=1)
        return any(opens <= at < closes for day in (yesterday, today) for opens, closes in self._spans(day))

    def opens_at(self, at: float) -> float | None:
        """The first moment from `at` on at which it is open; None where that is more than a year away."""
        if self.is_open(at):
            return at
        today = datetime.fromtimestamp(at, self.zone).date()
        for ahead in range(-1, LOOK_AHEAD_DAYS):
            later = [opens for opens, closes in self._spans(today + timedelta(days=ahead)) if opens > at]
            if later:
                return min(later)
        return None

    def holiday(self, at: float) -> Wording | None:
        """The name of the special day that a moment falls on, for people."""
        found = self.special.get(datetime.fromtimestamp(at, self.zone).date())
        return found.name if found else None

    def _spans(self, day: date) -> Iterator[tuple[float, float]]:
        special = self.special.get(day)
        for begin, end in self.week[day.weekday()] if special is None else special.open:
            until = end if end > begin else end + DAY_MINUTES
            yield self._moment(day, begin), self._moment(day, until)

    def _moment(self, day: date, minutes: int) -> float:
        # By wall time, so that 09:00 is 09:00 on the days when clocks are changed as well.
        local = datetime(day.year, day.month, day.day, tzinfo=self.zone) + timedelta(minutes=minutes)
        return local.timestamp()
