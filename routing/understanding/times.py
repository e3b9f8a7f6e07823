"""Times of day and ranges of them, as `HH:MM` and `HH:MM-HH:MM`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from asr.text.numbers_en import SMALL, TENS
from routing.understanding.digits import number_en, number_zh
from routing.understanding.heard import Heard
from routing.understanding.named_values import Candidate, EntityKind

_MORNING: Final = frozenset(
    ("上午", "早上", "早晨", "凌晨", "今早", "明早", "清晨", "半夜", "一早", "a.m.", "am", "a m", "morning")
)
_AFTERNOON: Final = frozenset(
    (
        *("下午", "傍晚", "晚上", "今晚", "昨晚", "明晚", "夜里", "夜晚", "后晚", "当晚", "晚"),
        *("p.m.", "pm", "p m", "afternoon", "evening", "night", "tonight"),
    )
)
_NOON: Final = frozenset(("中午", "正午"))
_NAMES_DAY: Final = frozenset(("今早", "明早", "今晚", "昨晚", "明晚", "后晚"))

_H: Final = r"(?:[0-9]{1,2}|[零〇一二两三四五六七八九十]{1,3})"
_PART: Final = (
    "上午|早上|早晨|清晨|凌晨|今早|明早|一早|中午|正午|下午|傍晚|晚上|今晚|昨晚|明晚|后晚|当晚|夜里|夜晚|半夜|晚"
)
_ZH: Final = re.compile(
    rf"(?P<part>{_PART})?(?:的|大概|大约|差不多|是|在|就)?(?:(?P<colon>(?<![\d:：.])[0-2]?\d[:：][0-5]\d(?![\d:：]))"
    rf"|差(?P<before>一刻|{_H}分)(?:到)?(?P<to>{_H})点"
    rf"|(?<![0-9零〇一二两三四五六七八九十.点第])(?P<hour>{_H})(?:点|时(?!间|候))"
    rf"(?:(?P<half>半)|(?P<quarter>[一三])刻|过?(?P<minute>{_H})分(?!之|钟后)|(?P<sharp>钟|整)|差(?P<less>{_H})分|"
    rf"过?(?P<bare>{_H})(?![%0-9零一二三四五六七八九十个块元点天件]))?)"
)
_JOIN_ZH: Final = re.compile(r"\s*(?:钟|整)?\s*(?:到|至|~|-|－|—|～|和)\s*")
_NOT_CLOCK: Final = re.compile(r"[一二两三四五六七八九十]点")

_HOUR_EN: Final = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_MINUTE_EN: Final = (
    rf"(?:{'|'.join(TENS)})(?:[ -](?:one|two|three|four|five|six|seven|eight|nine))?|ten|eleven|twelve|thirteen|"
    rf"fourteen|"
    r"fifteen|sixteen|seventeen|eighteen|nineteen|oh (?:one|two|three|four|five|six|seven|eight|nine)"
)
_SUFFIX: Final = (
    r"(?:\s?(?P<noon>[ap]\.m\.|[ap]m\b|[ap] m\b)| (?:in the|this|at|tomorrow|yesterday) (?P<day>morning|afternoon|"
    r"evening|night)\b| (?P<late>tonight)\b|"
    r"(?P<clock> o'clock\b| oclock\b| o clock\b)(?: (?:in the|at) (?P<later>morning|afternoon|evening|night)\b|"
    r"\s?(?P<after>[ap]\.m\.|[ap]m\b|[ap] m\b))?)"
)
_EN: Final = re.compile(
    rf"\b(?:(?P<how>half|quarter|a quarter|(?:{_MINUTE_EN}|five|\d{{1,2}})(?: minutes)?) (?P<side>past|to|after|"
    rf"till) (?P<base>{_HOUR_EN}|\d{{1,2}})\b"
    rf"|(?P<colon>[0-2]?\d:[0-5]\d)(?!\d)|(?P<hour>{_HOUR_EN}|"
    rf"(?<![\d.,$])\d{{1,2}}(?![\d.,]*\d))(?:[ ](?P<minute>{_MINUTE_EN}|[0-5]\d(?!\d)))?(?![a-z0-9-])"
    rf"|(?P<word>noon|midnight|midday)\b){_SUFFIX}?"
)
_RANGE_EN: Final = re.compile(r"^(?!.*\b(?:mov|chang|switch|resched|push|bump)).*\b(?:from|between) $", re.DOTALL)
_JOIN_EN: Final = re.compile(r"\s*(?:to|until|till|and|-|–|through)\s*")
_AT: Final = re.compile(r"\b(?:at|by|around|before|after|until|till|between|from|about)(?: around| about)? $")


_PART_BEFORE: Final = re.compile(
    r"\b(?P<part>morning|afternoon|evening|night|tonight)(?: (?:at|around|by|about|from|between))+ $"
)
"""Thursday afternoon at four."""

_MORNING_FROM: Final = 6
_EVENING: Final = 9
"""Hours between which a range without a part of the day may lie in the afternoon."""

_BEFORE_CLOCK: Final = tuple("到在是前后天号日每约改等早周一二三四五六从近快都成了错对，")
_AFTER_CLOCK: Final = re.compile("前|后|左右|多|来|到|送|开|关|上班|下班|以|之|至|吧|行|可|打|才|就|的|过|有|方")


@dataclass(frozen=True, slots=True)
class _Clock:
    """A time as it was read. `part` is the word for the part of the day; `sure` where nothing else can be meant."""

    start: int
    end: int
    hour: int
    minute: int
    part: str
    sure: bool

    def value(self, part: str = "") -> tuple[int, int]:
        """Hour (0 to 23) and minute, in a part of the day unless it names its own."""
        part = self.part or part
        hour = self.hour
        if part in _AFTERNOON and 1 <= hour < 12:
            hour += 12
        elif part in _AFTERNOON and hour == 12 and part not in {"下午", "afternoon", "p.m.", "pm", "p m"}:
            hour = 24
        elif part in _NOON and 1 <= hour <= 3:
            hour += 12
        elif part in _MORNING and hour == 12 and part not in {"上午", "早上"}:
            hour = 0
        return hour % 24, self.minute


def find_times(heard: Heard) -> Iterator[Candidate]:
    """Times in a turn; two that are joined are one range. Linear in the text's length."""
    if heard.has_han:
        yield from _ranges(heard.plain, list(_read_zh(heard.plain)), _JOIN_ZH)
    yield from _ranges(heard.plain, list(_read_en(heard.plain)), _JOIN_EN)


def _ranges(plain: str, clocks: list[_Clock], join: re.Pattern[str]) -> Iterator[Candidate]:
    place = 0
    while place < len(clocks):
        one = clocks[place]
        other = clocks[place + 1] if place + 1 < len(clocks) else None
        if (
            other
            and join.fullmatch(plain, one.end, other.start)
            and (one.sure or other.sure or _RANGE_EN.match(plain[max(0, one.start - 60) : one.start]))
        ):
            joined = plain[one.end : other.start].strip()
            if joined not in {"and", "和"} or re.search(r"(?:between|在) ?$", plain[: one.start][-9:]):
                yield _range(one, other)
                place += 2
                continue
        if one.sure:
            hour, minute = one.value()
            yield Candidate(EntityKind.TIME, one.start, one.end, f"{hour:02d}:{minute:02d}", one.part)
        place += 1


def _range(one: _Clock, other: _Clock) -> Candidate:
    """下午两点到四点 is in the afternoon as a whole, and so is "2 to 4 pm"; "9 to 5 pm" is not."""
    last = other.value(one.part)
    if not other.part and last[0] < one.value()[0] and last[0] + 12 < 24 and one.part:
        last = (last[0] + 12, last[1])
    first = one.value()
    if not (one.part or other.part) and 1 <= first[0] < last[0] <= _EVENING and first[0] < _MORNING_FROM:
        # 两点到四点 is offered to nobody at night.
        first, last = (first[0] + 12, first[1]), (last[0] + 12, last[1])
    if not one.part and other.part:
        taken = one.value(other.part)
        first = taken if taken < last else first
    return Candidate(
        EntityKind.TIME,
        one.start,
        other.end,
        f"{first[0]:02d}:{first[1]:02d}-{last[0]:02d}:{last[1]:02d}",
        one.part or other.part,
    )


def _read_zh(plain: str) -> Iterator[_Clock]:
    for found in _ZH.finditer(plain):
        clock = _clock_zh(found)
        if clock is not None:
            yield clock


def _clock_zh(found: re.Match[str]) -> _Clock | None:
    part = found["part"] or ""
    start = found.start() if part else next(found.start(name) for name in ("colon", "before", "hour") if found[name])
    if found["before"]:
        start = start if part else start - 1
    if part in _NAMES_DAY and not found["before"]:
        # 昨晚十一点 names a day as well, which is a date of its own.
        start = next(found.start(name) for name in ("colon", "hour") if found[name])
    if found["colon"]:
        hour, minute = (int(one) for one in re.split("[:：]", found["colon"]))
        return _Clock(start, found.end(), hour, minute, part, sure=True) if hour < 24 else None
    if found["to"]:
        hour, less = _integer(found["to"]), 15 if found["before"] == "一刻" else _integer(found["before"][:-1])
        if not 1 <= hour <= 24 or not 1 <= less < 60:
            return None
        return _Clock(start, found.end(), hour - 1 or 12, 60 - less, part, sure=True)
    hour = _integer(found["hour"])
    if not 0 <= hour <= 24:
        return None
    minute, end, sure = 0, found.end(), bool(part)
    if found["half"]:
        minute, sure = 30, True
    elif found["quarter"]:
        minute, sure = (15 if found["quarter"] == "一" else 45), True
    elif found["minute"]:
        minute, sure = _integer(found["minute"]), True
    elif found["less"]:
        hour, minute, sure = hour - 1 or 12, 60 - _integer(found["less"]), True
    elif found["sharp"]:
        sure = True
    elif found["bare"]:
        minute = _integer(found["bare"].removeprefix("零"))
        told = len(found["bare"]) >= 2
        if not told:
            # 三点五 is a decimal, unless a part of the day makes a clock of it; 下午三点五 is not said.
            minute, end = 0, found.start("bare")
            sure = sure and found["bare"] not in "零一二三四五六七八九"
        else:
            sure = True
    if not 0 <= minute <= 59:
        return None
    return _Clock(start, end, hour, minute, part, sure or _is_clock(found, hour))


def _is_clock(found: re.Match[str], hour: int) -> bool:
    """Whether a bare 八点 is a time: not 一点 (a little), 有三点要说 (points), 九点九折."""
    if found["bare"]:
        return False
    text, end = found.string, found.end()
    if text[end : end + 1] in "要建原意问儿击理区名" and text[end : end + 1]:
        return False
    before = text[max(0, found.start("hour") - 2) : found.start("hour")]
    timed = before.endswith(_BEFORE_CLOCK)
    after = _AFTER_CLOCK.match(text, end) is not None
    if hour in {1, 2} and found["hour"] in {"一"}:
        return False
    return (hour >= 3 and not before.endswith(("有", "这", "那", "几", "说"))) and (timed or after or not before)


def _integer(spoken: str) -> int:
    value = number_zh(spoken)
    return -1 if value is None else int(value)


def _read_en(plain: str) -> Iterator[_Clock]:
    for found in _EN.finditer(plain):
        clock = _clock_en(found, plain)
        if clock is not None:
            yield clock


def _clock_en(found: re.Match[str], plain: str) -> _Clock | None:
    part = next((found[name] for name in ("noon", "day", "late", "later", "after") if found[name]), "")
    if not part and (before := _PART_BEFORE.search(plain, max(0, found.start() - 30), found.start())):
        part = before["part"]
    end = found.start("late") - 1 if found["late"] else found.end()
    if found["word"]:
        return _Clock(found.start(), found.end("word"), 0 if found["word"] == "midnight" else 12, 0, "", sure=True)
    named = bool(_AT.search(plain, max(0, found.start() - 20), found.start()))
    if found["how"]:
        base = _number(found["base"])
        how = found["how"].removeprefix("a ").removesuffix(" minutes")
        minutes = {"half": 30, "quarter": 15}.get(how, _number(how))
        if not 1 <= base <= 12 or not 1 <= minutes < 60:
            return None
        if found["side"] in {"to", "till"}:
            return _Clock(
                found.start(),
                end,
                base - 1 or 12,
                60 - minutes,
                part,
                how in {"half", "quarter"} or bool(part) or "minutes" in found["how"] or named,
            )
        return _Clock(found.start(), end, base, minutes, part, sure=True)
    if found["colon"]:
        hour, minute = (int(one) for one in found["colon"].split(":"))
        return _Clock(found.start(), end, hour, minute, part, sure=True) if hour < 24 else None
    hour, minute = _number(found["hour"]), _number((found["minute"] or "zero").removeprefix("oh "))
    if not 0 <= hour <= 24 or not 0 <= minute <= 59:
        return None
    # A part of the day that stands before is one of this time only where a time is announced.
    sure = bool(part or found["clock"] or (named and found["minute"] and not found["hour"].isdigit()))
    return _Clock(found.start(), end, hour, minute, part, sure)


def _number(spoken: str) -> int:
    if spoken.isdigit():
        return int(spoken)
    words = re.split("[ -]", spoken)
    value = number_en(words) if all(word in SMALL or word in TENS for word in words) else None
    return -1 if value is None else int(value)
