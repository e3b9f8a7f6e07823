"""Days reckoned from a day of reference: which year or month is meant, arithmetic that stays in the calendar."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from typing import Final

from routing.understanding.named_values import Candidate, EntityKind

_PAST_ZH: Final = re.compile(
    "买的|下的|下单|付的|付款|寄的|寄出|发的|收到|签收|拍的|订的|办的|开的|来过|打过|打的|申请的|退的|就|说的|说过|"
    "修的|装的|交的|扣的|报的|去的|到的|走的|来的|住的|换的|弄的|的时候|了|过|已经"
)
_FUTURE_ZH: Final = re.compile(
    "之前|以前|能|要|会|想|送|来|到期|改|预约|约|可以|出差|过去|再|前|等到|安排|出发|回来|上门|参加|用"
)
_WISHED_ZH: Final = re.compile(
    "(?:想|要|帮我|给我)(?:预约|预订|约|订|定|延期|延|推迟|推)(?:到|在|成)?$|(?:改|换|延|推|延期|推迟|约|定)(?:到|在|成)$"
)
"""想订九月十二号入住的 speaks of a day to come, whatever follows it."""

_PAST_EN: Final = re.compile(
    r"\b(?:bought|ordered|paid|was|were|did|since|placed|sent|shipped|returned|charged|called|received|got|made|had|"
    r"came|delivered|signed|went|told|said|ago|last)\b"
)
_FUTURE_EN: Final = re.compile(
    r"\b(?:will|by|before|until|need|want|can|could|deliver|arrive|schedule|reschedule|appointment|change|move|"
    r"going|coming|due|would|gonna|like to|expires?|for)\b"
)


_SLIP: Final = re.compile("[说念记讲报搞写填]错了?")


class Reckoner:
    """Finds days in a turn, given the day it was said.

    Attributes:
        plain: the turn, as `Heard.plain`.
        today: what 明天 and `last Friday` count from.
    """

    def __init__(self, plain: str, today: date) -> None:
        self.plain = plain
        self.today = today

    def apply(
        self, rules: Iterable[tuple[re.Pattern[str], Callable[[re.Match[str]], date | None]]]
    ) -> Iterator[Candidate]:
        """What patterns find, as far as it is a day."""
        for pattern, resolve in rules:
            for found in pattern.finditer(self.plain):
                day = resolve(found)
                if day is not None:
                    yield Candidate(EntityKind.DATE, found.start(), found.end(), day.isoformat(), _hint(found))

    def tense(self, found: re.Match[str], *, zh: bool) -> int:
        """-1 where what is around speaks of the past, 1 of the future, 0 where nothing tells."""
        past, future = (_PAST_ZH, _FUTURE_ZH) if zh else (_PAST_EN, _FUTURE_EN)
        before = self.plain[max(0, found.start() - (6 if zh else 40)) : found.start()]
        # A slip of the tongue lies in the past, whatever was meant.
        before = _SLIP.sub("", before)
        after = self.plain[found.end() : found.end() + (8 if zh else 30)]
        if zh:
            if _WISHED_ZH.search(before):
                return 1
            after = re.split("[，。,？?！]", after)[0]
            then, later = past.search(after), future.search(after)
            if then and (not later or then.start() < later.start()):
                return -1
            return 1 if later or future.search(before) else -1 if past.search(before) else 0
        then, later = past.search(before + after), future.search(before + after)
        return -1 if then else 1 if later else 0

    def choose(self, days: Iterable[date], found: re.Match[str], *, zh: bool) -> date | None:
        """Of the same day in several years or months, the one that is meant."""
        tense = self.tense(found, zh=zh)
        all_days = sorted(days, key=lambda day: abs((day - self.today).days))
        fitting = [day for day in all_days if (day - self.today).days * tense >= 0]
        return next(iter(fitting or all_days), None)

    def yearly(self, month: int, day: int, found: re.Match[str], *, zh: bool) -> date | None:
        """A day of the year, of the year that is meant."""
        years = (self.today.year + shift for shift in (-1, 0, 1))
        return self.choose((each for year in years if (each := make_day(year, month, day))), found, zh=zh)

    def day_of_month(self, day: int, found: re.Match[str], *, zh: bool) -> date | None:
        """A day of the month (the fifth), of the month that is meant; None where nothing tells."""
        months = (month_from(self.today, shift) for shift in (-1, 0, 1))
        days = [each for year, month in months if (each := make_day(year, month, day))]
        tense = self.tense(found, zh=zh)
        same = [each for each in days if each.month == self.today.month]
        if same and (same[0] - self.today).days * tense >= 0:
            return same[0]
        return next((each for each in days if (each - self.today).days * tense > 0), None) if tense else None


def _hint(found: re.Match[str]) -> str:
    """A day of the month that was said without its month takes the month of the day that it corrects."""
    return "day" if set(found.groupdict()) == {"day"} else ""


def make_day(year: int, month: int, day: int) -> date | None:
    """A day; None where the calendar has none such."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def month_from(today: date, shift: int) -> tuple[int, int]:
    """Year and month so many months on."""
    count = today.year * 12 + today.month - 1 + shift
    return count // 12, count % 12 + 1


def month_end(year: int, month: int) -> date:
    """The last day of a month."""
    return date(year, month, calendar.monthrange(year, month)[1])


def shift_day(day: date, *, days: int = 0, months: int = 0) -> date | None:
    """So many days or months on; the 31st becomes the last of a shorter month. None beyond the calendar."""
    try:
        if months:
            year, month = month_from(day, months)
            return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
        return day + timedelta(days=days)
    except (ValueError, OverflowError, calendar.IllegalMonthError):
        return None
