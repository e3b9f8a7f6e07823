"""Dates as they are said in Mandarin."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Final

from routing.understanding.digits import DIGITS_ZH, number_zh
from routing.understanding.named_values import Candidate
from routing.understanding.reckoning import Reckoner, make_day, month_end, month_from, shift_day

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
    rf"(?<![0-9零〇一二三四五六七八九十月第A-Za-z.])(?P<day>{_N})号(?![楼线店院门机码房库馆桌厅柜铺弄窗桩位车台口])"
)
_WEEK_ZH: Final = re.compile(
    r"(?P<which>(?:上|下){0,2}(?:上|下|这|本)(?:一)?(?:个)?)?(?P<word>星期|礼拜|"
    r"周)(?P<day>[一二三四五六日天1-6])(?![个次年月号])"
)
_RUNS_ON: Final = re.compile(r"每个?$|(?:星期|礼拜|周)[一二三四五六日天][到至]$")
"""每周三 and 周一到周五 name no day."""

_AGO_ZH: Final = re.compile(
    rf"(?<![第每0-9零〇一二三四五六七八九十])(?P<count>{_COUNT})(?P<half>个半)?个?(?P<unit>天|日|周|星期|礼拜|"
    rf"月)(?P<side>以前|之前|前|以后|之后|后)(?![来台面])"
)
_HALF_ZH: Final = re.compile(r"(?P<unit>半个月|半月)(?P<side>以前|之前|前|以后|之后|后)")


class ReckonerZh(Reckoner):
    """Finds days that are said in Mandarin."""

    def find(self) -> Iterator[Candidate]:
        """Days in the turn."""
        rules: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], date | None]], ...] = (
            (_FULL_ZH, self._full_zh),
            (_OF_MONTH_ZH, self._of_month_zh),
            (_EDGE_ZH, self._edge_zh),
            (_WEEK_ZH, self._week_zh),
            (_AGO_ZH, self._ago_zh),
            (_HALF_ZH, self._half_zh),
            (_DAY_ZH, lambda found: shift_day(self.today, days=_DAYS_ZH[found[0]])),
            (_DAY_ONLY_ZH, lambda found: self.day_of_month(_int(found["day"]), found, zh=True)),
        )
        yield from self.apply(rules)

    def _full_zh(self, found: re.Match[str]) -> date | None:
        month, day = _int(found["month"]), _int(found["day"])
        if found["year"]:
            return make_day(_year_zh(found["year"]), month, day)
        if found["which"]:
            return make_day(
                self.today.year + {"今": 0, "明": 1, "去": -1, "后": 2, "前": -2}[found["which"][0]], month, day
            )
        return self.yearly(month, day, found, zh=True)

    def _of_month_zh(self, found: re.Match[str]) -> date | None:
        which = found["which"]
        shift = which.count("下") - which.count("上")
        year, month = month_from(self.today, shift)
        if found["edge"]:
            return make_day(year, month, 1 if found["edge"] == "初" else calendar.monthrange(year, month)[1])
        return make_day(year, month, _int(found["day"]))

    def _edge_zh(self, found: re.Match[str]) -> date | None:
        if found["year"]:
            return date(self.today.year, 12, 31)
        if found["alone"]:
            return month_end(self.today.year, self.today.month)
        month = _int(found["month"])
        if not 1 <= month <= 12:
            return None
        if found["part"] == "初":
            return self.yearly(month, 1, found, zh=True)
        ends = (month_end(self.today.year + shift, month) for shift in (-1, 0, 1))
        return self.choose(ends, found, zh=True)

    def _week_zh(self, found: re.Match[str]) -> date | None:
        weekday = "一二三四五六日".find(found["day"].translate(str.maketrans("天123456", "日一二三四五六")))
        which = found["which"] or ""
        monday = self.today - timedelta(days=self.today.weekday())
        shift = which.count("下") - which.count("上")
        if which:
            return shift_day(monday, days=7 * shift + weekday)
        if _RUNS_ON.search(self.plain, max(0, found.start() - 6), found.start()):
            return None
        ahead = (weekday - self.today.weekday()) % 7
        return shift_day(self.today, days=ahead - 7 if self.tense(found, zh=True) < 0 and ahead else ahead)

    def _ago_zh(self, found: re.Match[str]) -> date | None:
        if found["half"] or found["count"] == "半":
            return None
        count = _int(found["count"])
        back = found["side"].endswith("前")
        if count < 1 or (
            back and re.search(r"(?:能|要|得|必须|提)$", self.plain[max(0, found.start() - 2) : found.start()])
        ):
            return None
        count = -count if back else count
        match found["unit"]:
            case "天" | "日":
                return shift_day(self.today, days=count)
            case "月":
                return shift_day(self.today, months=count) if "个" in found[0] else None
            case _:
                return shift_day(self.today, days=7 * count)

    def _half_zh(self, found: re.Match[str]) -> date | None:
        return shift_day(self.today, days=-15 if found["side"].endswith("前") else 15)


def _int(spoken: str) -> int:
    value = number_zh(spoken)
    return -1 if value is None else int(value)


def _year_zh(spoken: str) -> int:
    year = int("".join(DIGITS_ZH.get(one, one) for one in spoken))
    return year if year > 99 else 2000 + year if year < 70 else 1900 + year
