"""Mandarin numbers in digits: amounts, percentages, fractions, dates and times.

What is a word more often than a number stays one: single digits, 十 without something that is counted, 几十, 五六百,
万一, 十分, 千万.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from asr.text.draft import Draft

_ONES: Final = {character: value for value, character in enumerate("零一二三四五六七八九")} | {
    "两": 2,
    "〇": 0,
    "幺": 1,
}
_NUMERAL: Final = "[零〇一二两三四五六七八九十]+"
_DIGIT: Final = "[零〇一二三四五六七八九]"

_TIME: Final = re.compile(
    rf"(?P<day>上午|下午|早上|早晨|晚上|中午|傍晚|凌晨|今早|今晚|昨晚|明早|明晚)?(?P<hour>{_NUMERAL})点"
    rf"(?:(?P<half>半)|(?P<quarter>[一三])刻|(?P<minute>{_NUMERAL})分(?!之)|(?P<sharp>[钟整])|(?P<bare>{_NUMERAL}))?"
)
_YEAR: Final = re.compile(rf"(?<!{_DIGIT})(?:{_DIGIT}{{4}}|{_DIGIT}{{2}})(?=年)")
_DAY: Final = re.compile(
    r"(?P<month>[一二三四五六七八九十]{1,2})月(?P<day>[一二三四五六七八九十]{1,3})(?P<mark>[日号])"
)
_MONTH: Final = re.compile(r"(?<=\d年)(?P<month>[一二三四五六七八九十]{1,2})(?=月)")

_WHOLE: Final = "[零〇一二两三四五六七八九十百千万亿]"
_SHARE: Final = re.compile(rf"(?P<of>百|{_WHOLE}+)分之(?P<part>{_WHOLE}+)(?:点(?P<decimals>{_DIGIT}+))?")
_NUMBER: Final = re.compile(
    rf"(?P<whole>[零〇一二两三四五六七八九十百千万亿幺]+)(?:点(?P<decimals>{_DIGIT}+)(?![十百千点]))?(?P<scale>[万亿]*)"
)
_SECTION: Final = re.compile(
    "(?:(?P<thousands>[一二两三四五六七八九])千)?(?P<gap>零)?(?:(?P<hundreds>[一二两三四五六七八九])百)?(?P<zero>零)?"
    "(?P<ten>(?P<tens>[一二三四五六七八九])?十)?(?P<ones>[一二三四五六七八九])?"
)
"""A number below ten thousand as it is spoken."""

_COUNTED: Final = re.compile(
    r"[个块元点月号日天年岁秒台件条次斤公米平位名度倍页章层楼栋张份箱包袋瓶盒套部辆周]|小时|分钟"
)
"""What follows a bare 十 that is a number."""

_JIAO: Final = re.compile(r"(?<=\d块)[一二三四五六七八九](?=[毛角])")


def write_numbers_zh(draft: Draft) -> None:
    """Write what is a number in digits."""
    _each(draft, _TIME, write_time)
    _each(draft, _YEAR, _write_year)
    _each(draft, _DAY, _write_day)
    _each(draft, _MONTH, _write_month)
    _each(draft, _SHARE, _write_share)
    _each(draft, _NUMBER, _write_number)
    _each(draft, _JIAO, lambda match: str(_ONES[match.group()]))


def write_time(match: re.Match[str]) -> str | None:
    """下午三点半 as 下午3:30, 九点钟 as 9点钟; None where 点 is not that of a clock (一点意思, 三点五)."""
    day, hour = match["day"] or "", read_integer(match["hour"])
    if hour is None or hour > 24:
        return None
    if match["half"]:
        return f"{day}{hour}:30"
    if match["quarter"]:
        return f"{day}{hour}:{15 if match['quarter'] == '一' else 45}"
    bare = match["bare"]
    if match["minute"] or (bare and (day or "十" in bare)):
        minute = read_integer((match["minute"] or bare).removeprefix("零"))
        return None if minute is None or minute > 59 else f"{day}{hour}:{minute:02d}"
    if match["sharp"] or (day and not bare):
        return f"{day}{hour}点{match['sharp'] or ''}"
    return None


def read_integer(spoken: str) -> int | None:
    """A whole number as it is spoken: 五, 二十五, 一百零五, 一千五 (1500), 三十五万六千; None for anything else."""
    for unit, size in (("亿", 100_000_000), ("万", 10_000)):
        high, found, low = spoken.rpartition(unit)
        if unit in high:
            return None
        if found:
            many, rest = 2 if high == "两" else read_integer(high), _read_rest(low, size)
            return None if not many or rest is None else many * size + rest
    match = _SECTION.fullmatch(spoken)
    if not spoken or match is None or (spoken != "零" and not spoken.strip("零")):
        return None
    ones = _ONES[match["ones"]] if match["ones"] else 0
    value = 1000 * _ONES[match["thousands"] or "零"] + 100 * _ONES[match["hundreds"] or "零"]
    if match["ten"]:
        value += 10 * _ONES[match["tens"] or "一"]
    elif ones and match["hundreds"] and not match["zero"]:
        ones *= 10  # 一百五 is 150
    elif ones and match["thousands"] and not (match["gap"] or match["zero"]):
        ones *= 100  # 一千五 is 1500
    return value + ones


def _read_rest(spoken: str, size: int) -> int | None:
    """What follows 万 or 亿; a lone digit counts the next smaller unit: 两万三 is 23 000."""
    if not spoken:
        return 0
    value = 2 if spoken == "两" else read_integer(spoken)
    if value is None or value >= size:
        return None
    return value * size // 10 if len(spoken) == 1 and spoken in _ONES else value


def _each(draft: Draft, pattern: re.Pattern[str], write: Callable[[re.Match[str]], str | None]) -> None:
    for match in reversed(list(pattern.finditer(draft.text))):
        written = write(match)
        if written is not None and written != match.group():
            draft.replace(match.start(), match.end(), written)


def _write_year(match: re.Match[str]) -> str | None:
    digits = "".join(str(_ONES[one]) for one in match.group())
    # 三四年 is three or four years.
    return None if len(digits) == 2 and int(digits[1]) == int(digits[0]) + 1 else digits


def _write_day(match: re.Match[str]) -> str | None:
    month, day = read_integer(match["month"]), read_integer(match["day"])
    if month is None or day is None or not 1 <= month <= 12 or not 1 <= day <= 31:
        return None
    return f"{month}月{day}{match['mark']}"


def _write_month(match: re.Match[str]) -> str | None:
    month = read_integer(match["month"])
    return str(month) if month is not None and 1 <= month <= 12 else None


def _write_share(match: re.Match[str]) -> str | None:
    """百分之五 as 5%, 三分之一 as 1/3."""
    part = 100 if match["part"] == "百" else read_integer(match["part"])
    if part is None:
        return None
    if match["of"] == "百":
        decimals = "".join(str(_ONES[one]) for one in match["decimals"] or "")
        return f"{part}{'.' * bool(decimals)}{decimals}%"
    of = read_integer(match["of"])
    return None if of is None or match["decimals"] else f"{part}/{of}"


def _write_number(match: re.Match[str]) -> str | None:
    whole, text = match["whole"], match.string
    if match["decimals"]:
        value = read_integer(whole.replace("幺", "一").replace("〇", "零"))
        decimals = "".join(str(_ONES[one]) for one in match["decimals"])
        return None if value is None else f"{value}.{decimals}{match['scale']}"
    if len(whole) == 3 and all(one in _ONES and one != "两" for one in whole):
        digits = "".join(str(_ONES[one]) for one in whole)
        return None if digits in "0123456789" else digits  # 一二三 is counting
    if text[match.end() : match.end() + 1] in {"几", "来"}:
        return None
    if whole == "十":
        before = text[match.start() - 1 : match.start()]
        return "10" if _COUNTED.match(text, match.end()) and before not in {"几", "数"} else None
    value = read_integer(whole)
    if value is None or value < 10:
        return None
    if value % 10_000:
        return str(value)
    hundred_millions, rest = divmod(value // 10_000, 10_000)
    return f"{hundred_millions}亿" * bool(hundred_millions) + f"{rest}万" * bool(rest)
