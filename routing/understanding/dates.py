"""Dates, absolute and relative to a day of reference, as `YYYY-MM-DD`."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from typing import Final

from asr.text.numbers_en import ORDINALS, SMALL, TENS
from routing.understanding.digits import DIGITS_ZH, number_en, number_zh
from routing.understanding.heard import Heard
from routing.understanding.holidays import load_holidays
from routing.understanding.named_values import Candidate, EntityKind

_N: Final = "(?:[0-9]{1,2}|[零〇一二两三四五六七八九十]{1,3})"
_COUNT: Final = "(?:[0-9]{1,3}|[一二两三四五六七八九十百半]{1,4})"
_Y: Final = "(?:[0-9]{4}|[0-9]{2}|[零〇一二三四五六七八九]{4}|[零〇一二三四五六七八九]{2})"
_DAYS_ZH: Final = {
    "大前天": -3, "前天": -2, "昨天": -1, "昨日": -1, "昨晚": -1, "昨儿": -1, "昨夜": -1, "今天": 0, "今日": 0,
    "今晚": 0, "今早": 0,
    "今儿": 0, "明天": 1, "明日": 1, "明早": 1, "明晚": 1, "明儿": 1, "后天": 2, "后晚": 2, "后儿": 2, "大后天": 3,
    "前晚": -2,
}  # fmt: skip
_DAY_ZH: Final = re.compile("|".join(sorted(_DAYS_ZH, key=len, reverse=True)) + "(?!天)")
_FULL_ZH: Final = re.compile(
    rf"(?:(?P<year>{_Y})年|(?P<which>今年|明年|去年|后年|"
    rf"前年)的?)?(?<![0-9零〇一二三四五六七八九十])(?P<month>{_N})月份?(?P<day>{_N})(?:[日号](?![楼线店院门机])|"
    rf"(?![0-9一二三四五六七八九十个天年月次趟回块元]))"
)
_OF_MONTH_ZH: Final = re.compile(
    rf"(?P<which>上上个?月|上个?月|这个月|本月|当月|下下个?月|下个?月)(?:的|份)?(?:(?P<day>{_N})[日号]|(?P<edge>底|"
    rf"末|初))"
)
_EDGE_ZH: Final = re.compile(
    rf"(?:(?P<month>{_N})月(?P<part>底|末|初)|(?<![上下个这本0-9一二三四五六七八九十])(?P<alone>月底|月末)|"
    rf"(?P<year>今年年底|年底|年末))"
)
_DAY_ONLY_ZH: Final = re.compile(
    rf"(?<![0-9零〇一二三四五六七八九十月第A-Za-z.])(?P<day>{_N})号(?![楼线店院门机码房库馆桌厅柜铺弄])"
)
_WEEK_ZH: Final = re.compile(
    r"(?P<which>(?:上|下){0,2}(?:上|下|这|本)(?:一)?(?:个)?)?(?P<word>星期|礼拜|"
    r"周)(?P<day>[一二三四五六日天1-6])(?![个次年月号])"
)
_AGO_ZH: Final = re.compile(
    rf"(?<![第每0-9零〇一二三四五六七八九十])(?P<count>{_COUNT})(?P<half>个半)?个?(?P<unit>天|日|周|星期|礼拜|"
    rf"月)(?P<side>以前|之前|前|以后|之后|后)(?![来台面])"
)
_HALF_ZH: Final = re.compile(r"(?P<unit>半个月|半月)(?P<side>以前|之前|前|以后|之后|后)")
_ISO: Final = re.compile(r"(?<![\d-])(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?![\d-])")
_US: Final = re.compile(r"(?<![\d/])(?P<month>\d{1,2})/(?P<day>\d{1,2})(?:/(?P<year>\d{4}|\d{2}))?(?![\d/])")

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

_PAST_ZH: Final = re.compile(
    "买的|下的|下单|付的|付款|寄的|寄出|发的|收到|签收|拍的|订的|办的|开的|来过|打过|打的|申请的|退的|就|说的|说过|"
    "修的|装的|交的|扣的|报的|去的|到的|走的|来的|住的|换的|弄的|的时候|了|过|已经"
)
_FUTURE_ZH: Final = re.compile(
    "之前|以前|能|要|会|想|送|来|到期|改|预约|约|可以|出差|过去|再|前|等到|安排|出发|回来|上门|参加|用"
)
_PAST_EN: Final = re.compile(
    r"\b(?:bought|ordered|paid|was|were|did|since|placed|sent|shipped|returned|charged|called|received|got|made|had|"
    r"came|delivered|signed|went|told|said|ago|last)\b"
)
_FUTURE_EN: Final = re.compile(
    r"\b(?:will|by|before|until|need|want|can|could|deliver|arrive|schedule|reschedule|appointment|change|move|"
    r"going|coming|due|would|gonna|like to|expires?|for)\b"
)


def find_dates(heard: Heard, today: date) -> Iterator[Candidate]:
    """Dates in a turn; linear in its length. A date that does not exist (二月三十号) is none.

    Args:
        heard: the turn.
        today: what 明天 and `last Friday` count from.
    """
    finder = _Finder(heard.plain, today)
    if heard.has_han:
        yield from finder.zh()
    yield from finder.both()
    yield from finder.en()


class _Finder:
    def __init__(self, plain: str, today: date) -> None:
        self._plain = plain
        self._today = today

    def zh(self) -> Iterator[Candidate]:
        rules: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], date | None]], ...] = (
            (_FULL_ZH, self._full_zh),
            (_OF_MONTH_ZH, self._of_month_zh),
            (_EDGE_ZH, self._edge_zh),
            (_WEEK_ZH, self._week_zh),
            (_AGO_ZH, self._ago_zh),
            (_HALF_ZH, self._half_zh),
            (_DAY_ZH, lambda found: _shift(self._today, days=_DAYS_ZH[found[0]])),
            (_DAY_ONLY_ZH, lambda found: self._day_of_month(_int(found["day"]), found, zh=True)),
        )
        yield from self._apply(rules)

    def both(self) -> Iterator[Candidate]:
        yield from self._apply(
            (
                (_ISO, lambda found: _date(int(found["year"]), int(found["month"]), int(found["day"]))),
                (_US, self._us),
                (load_holidays().pattern, self._holiday),
            )
        )

    def en(self) -> Iterator[Candidate]:
        yield from self._apply(
            (
                (_MONTH_DAY_EN, self._month_day_en),
                (_DAY_MONTH_EN, self._month_day_en),
                (_EDGE_EN, self._edge_en),
                (_AGO_EN, self._ago_en),
                (_DAY_EN, lambda found: _shift(self._today, days=_DAYS_EN[found[0]])),
                (_WEEK_EN, self._week_en),
            )
        )
        for found in _DAY_ONLY_EN.finditer(self._plain):
            day = self._day_of_month(_ordinal(found["day"]), found, zh=False)
            if day is not None:
                yield Candidate(EntityKind.DATE, found.start("said"), found.end("said"), day.isoformat())

    def _apply(
        self, rules: Iterable[tuple[re.Pattern[str], Callable[[re.Match[str]], date | None]]]
    ) -> Iterator[Candidate]:
        for pattern, resolve in rules:
            for found in pattern.finditer(self._plain):
                day = resolve(found)
                if day is not None:
                    yield Candidate(EntityKind.DATE, found.start(), found.end(), day.isoformat())

    def _tense(self, found: re.Match[str], *, zh: bool) -> int:
        """-1 where what is around speaks of the past, 1 of the future, 0 where nothing tells."""
        past, future = (_PAST_ZH, _FUTURE_ZH) if zh else (_PAST_EN, _FUTURE_EN)
        before = self._plain[max(0, found.start() - (6 if zh else 40)) : found.start()]
        after = self._plain[found.end() : found.end() + (8 if zh else 30)]
        if zh:
            after = re.split("[，。,？?！]", after)[0]
            then, later = past.search(after), future.search(after)
            if then and (not later or then.start() < later.start()):
                return -1
            return 1 if later or future.search(before) else -1 if past.search(before) else 0
        then, later = past.search(before + after), future.search(before + after)
        return -1 if then else 1 if later else 0

    def _choose(self, days: Iterable[date], found: re.Match[str], *, zh: bool) -> date | None:
        """Of the same day in several years or months, the one that is meant."""
        tense = self._tense(found, zh=zh)
        all_days = sorted(days, key=lambda day: abs((day - self._today).days))
        fitting = [day for day in all_days if (day - self._today).days * tense >= 0]
        return next(iter(fitting or all_days), None)

    def _full_zh(self, found: re.Match[str]) -> date | None:
        month, day = _int(found["month"]), _int(found["day"])
        if found["year"]:
            return _date(_year_zh(found["year"]), month, day)
        if found["which"]:
            return _date(
                self._today.year + {"今": 0, "明": 1, "去": -1, "后": 2, "前": -2}[found["which"][0]], month, day
            )
        return self._yearly(month, day, found, zh=True)

    def _yearly(self, month: int, day: int, found: re.Match[str], *, zh: bool) -> date | None:
        years = (self._today.year + shift for shift in (-1, 0, 1))
        return self._choose((each for year in years if (each := _date(year, month, day))), found, zh=zh)

    def _of_month_zh(self, found: re.Match[str]) -> date | None:
        which = found["which"]
        shift = which.count("下") - which.count("上")
        year, month = _month(self._today, shift)
        if found["edge"]:
            return _date(year, month, 1 if found["edge"] == "初" else calendar.monthrange(year, month)[1])
        return _date(year, month, _int(found["day"]))

    def _edge_zh(self, found: re.Match[str]) -> date | None:
        if found["year"]:
            return date(self._today.year, 12, 31)
        if found["alone"]:
            return _month_end(self._today.year, self._today.month)
        month = _int(found["month"])
        if not 1 <= month <= 12:
            return None
        if found["part"] == "初":
            return self._yearly(month, 1, found, zh=True)
        ends = (_month_end(self._today.year + shift, month) for shift in (-1, 0, 1))
        return self._choose(ends, found, zh=True)

    def _week_zh(self, found: re.Match[str]) -> date | None:
        weekday = "一二三四五六日".find(found["day"].translate(str.maketrans("天123456", "日一二三四五六")))
        which = found["which"] or ""
        monday = self._today - timedelta(days=self._today.weekday())
        shift = which.count("下") - which.count("上")
        if which:
            return _shift(monday, days=7 * shift + weekday)
        if self._plain[max(0, found.start() - 1) : found.start()] in {"每", "到", "至"}:
            return None
        ahead = (weekday - self._today.weekday()) % 7
        return _shift(self._today, days=ahead - 7 if self._tense(found, zh=True) < 0 and ahead else ahead)

    def _ago_zh(self, found: re.Match[str]) -> date | None:
        if found["half"] or found["count"] == "半":
            return None
        count = _int(found["count"])
        back = found["side"].endswith("前")
        if count < 1 or (
            back and re.search(r"(?:能|要|得|必须|提)$", self._plain[max(0, found.start() - 2) : found.start()])
        ):
            return None
        count = -count if back else count
        match found["unit"]:
            case "天" | "日":
                return _shift(self._today, days=count)
            case "月":
                return _shift(self._today, months=count) if "个" in found[0] else None
            case _:
                return _shift(self._today, days=7 * count)

    def _half_zh(self, found: re.Match[str]) -> date | None:
        return _shift(self._today, days=-15 if found["side"].endswith("前") else 15)

    def _day_of_month(self, day: int, found: re.Match[str], *, zh: bool) -> date | None:
        months = (_month(self._today, shift) for shift in (-1, 0, 1))
        days = [each for year, month in months if (each := _date(year, month, day))]
        tense = self._tense(found, zh=zh)
        same = [each for each in days if each.month == self._today.month]
        if same and (same[0] - self._today).days * tense >= 0:
            return same[0]
        return next((each for each in days if (each - self._today).days * tense > 0), None) if tense else None

    def _us(self, found: re.Match[str]) -> date | None:
        month, day = int(found["month"]), int(found["day"])
        if not found["year"]:
            return self._yearly(month, day, found, zh=False)
        year = int(found["year"])
        return _date(year if year > 99 else 2000 + year, month, day)

    def _holiday(self, found: re.Match[str]) -> date | None:
        near = load_holidays().named[found[0]].near(self._today.year)
        before = self._plain[max(0, found.start() - 2) : found.start()]
        year = {"今年": 0, "去年": -1, "明年": 1}.get(before)
        if year is not None:
            return next((day for day in near if day.year == self._today.year + year), None)
        zh = not found[0].isascii()
        if found[0] in {"五一", "六一"} and re.search("[0-9零〇一二三四五六七八九幺]$", before[-1:]):
            return None
        if found[0] in {"五一", "六一", "六一八"} and re.match(
            "[0-9零〇一二三四五六七八九幺]", self._plain[found.end() : found.end() + 1]
        ):
            return None
        if self._tense(found, zh=zh) == 0:  # nobody says which: the one to come
            near = (day for day in near if day >= self._today)
        return self._choose(near, found, zh=zh)

    def _month_day_en(self, found: re.Match[str]) -> date | None:
        month, day = _MONTHS[found["month"]], _ordinal(found["day"])
        if found["month"] == "may" and not found["year"] and found["day"] in {"second"}:
            return None
        if found["year"]:
            return _date(_year_en(found["year"]), month, day)
        return self._yearly(month, day, found, zh=False)

    def _edge_en(self, found: re.Match[str]) -> date | None:
        shift = {"next": 1, "last": -1}.get(found["which"], 0)
        end = found["edge"] == "end"
        if found["unit"] == "year":
            return date(self._today.year + shift, 12, 31) if end else date(self._today.year + shift, 1, 1)
        year, month = _month(self._today, shift)
        return _month_end(year, month) if end else date(year, month, 1)

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
                return _shift(self._today, days=count)
            case "week":
                return _shift(self._today, days=7 * count)
            case "month":
                return _shift(self._today, months=count)
            case _:
                return _shift(self._today, months=12 * count)

    def _week_en(self, found: re.Match[str]) -> date | None:
        weekday, which, of = _WEEKDAYS[found["day"]], found["which"] or "", (found["of"] or "").strip()
        today = self._today
        monday = today - timedelta(days=today.weekday())
        ahead = (weekday - today.weekday()) % 7
        if self._plain[max(0, found.start() - 6) : found.start()].endswith(("black ", "cyber ", "every ", "each ")):
            return None
        if of:
            return _shift(monday, days=weekday + (14 if of == "after next" else 7 if "next" in of else -7))
        if which == "next":
            return _shift(monday, days=7 + weekday)
        if which in {"last", "past", "this past"}:
            return _shift(today, days=(ahead - 7) if ahead else -7)
        if which:
            return _shift(today, days=ahead)
        return _shift(today, days=ahead - 7 if self._tense(found, zh=False) < 0 and ahead else ahead)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _month(today: date, shift: int) -> tuple[int, int]:
    count = today.year * 12 + today.month - 1 + shift
    return count // 12, count % 12 + 1


def _month_end(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])


def _shift(day: date, *, days: int = 0, months: int = 0) -> date | None:
    """So many days or months on; the 31st becomes the last of a shorter month. None beyond the calendar."""
    try:
        if months:
            year, month = _month(day, months)
            return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
        return day + timedelta(days=days)
    except (ValueError, OverflowError, calendar.IllegalMonthError):
        return None


def _int(spoken: str) -> int:
    value = number_zh(spoken)
    return -1 if value is None else int(value)


def _year_zh(spoken: str) -> int:
    year = int("".join(DIGITS_ZH.get(one, one) for one in spoken))
    return year if year > 99 else 2000 + year if year < 70 else 1900 + year


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
