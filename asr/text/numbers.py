"""Spoken numbers, amounts, percentages, dates and times in digits (inverse text normalisation).

The finite-state grammars are wetext's. Dates and times are written here, because its way of writing them (2026/11/22,
3:30p.m.) is not how Chinese reads.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

import vosk  # noqa: F401  # Three libraries here carry OpenFst; they bear each other only where vosk is loaded first.
from wetext import Normalizer
from wetext.alignment import AlignmentError

from asr.text.draft import Draft
from asr.types import Language

LONGEST: Final = 1000
"""Characters beyond which numbers stay as they are heard: more than two minutes of speech, and seconds of work."""

_ONES: Final = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_NUMBER: Final = "[零〇一二两三四五六七八九十]+"
_TIME: Final = re.compile(
    rf"(?P<day>上午|下午|早上|早晨|晚上|中午|傍晚|凌晨|今早|今晚|昨晚|明早|明晚)?(?P<hour>{_NUMBER})点"
    rf"(?:(?P<half>半)|(?P<quarter>[一三])刻|(?P<minute>{_NUMBER})分|(?P<sharp>[钟整])|(?P<bare>{_NUMBER}))?"
)
_TWO_DIGITS: Final = re.compile("[零一二三四五六七八九]{2}")
_ABBREVIATED: Final = re.compile(r"[A-Za-z°㎡]")
_LEADING_NUMBER: Final = re.compile(r"[零一二两三四五六七八九十百千万亿点负]+")
_YEAR: Final = re.compile(r"([零〇一二三四五六七八九]{4}|[零〇一二三四五六七八九]{2})年")
_MONTH_OR_DAY: Final = re.compile(r"([一二三四五六七八九十]{1,3})(月|日|号)")


def write_numbers(draft: Draft, language: Language) -> None:
    """Write what is a number in digits; single digits from one to nine and idioms (一点, 万一) stay words."""
    if language not in (Language.ZH, Language.EN) or not draft.text or len(draft.raw) > LONGEST:
        return
    if language is Language.ZH:
        for match in reversed(list(_TIME.finditer(draft.text))):
            if written := write_time(match):
                draft.replace(match.start(), match.end(), written)
    try:
        mappings = _normalizer(language).normalize_with_mapping(draft.text).mappings
    except AlignmentError:  # control characters and the like, which nobody speaks
        return
    for mapping in reversed(mappings):
        written = mapping.output_text
        match language, mapping.token_type:
            case _, "punctuation":
                continue
            case Language.ZH, _ if "~" in written or _TWO_DIGITS.fullmatch(mapping.input_text):
                continue  # 五六个 stays "five or six"; two bare digits are as often an idiom
            case Language.ZH, "time":
                continue  # a time that the rule above has left alone is none
            case Language.ZH, "date":
                written = write_date(mapping.input_text)
            case Language.ZH, _ if _ABBREVIATED.search(written):
                written = _keep_unit(mapping.input_text)
            case Language.EN, "time":
                written = written.removeprefix("0")
        if written != mapping.input_text:
            draft.replace(mapping.input_start, mapping.input_end, written)


def _keep_unit(spoken: str) -> str:
    """三点五公斤 as 3.5公斤: the number in digits, its unit as it was said."""
    match = _LEADING_NUMBER.match(spoken)
    if match is None:
        return spoken
    return str(_normalizer(Language.ZH).normalize(match.group())) + spoken[match.end() :]


def write_time(match: re.Match[str]) -> str | None:
    """下午三点半 as 下午3:30, 九点钟 as 9点钟; None where 点 is not that of a clock (一点意思, 三点五)."""
    day, hour = match["day"] or "", _count(match["hour"])
    if hour is None or hour > 24:
        return None
    if match["half"]:
        return f"{day}{hour}:30"
    if match["quarter"]:
        return f"{day}{hour}:{15 if match['quarter'] == '一' else 45}"
    if match["minute"] or (match["bare"] and day):
        minute = _count(match["minute"] or match["bare"])
        return None if minute is None or minute > 59 else f"{day}{hour}:{minute:02d}"
    if match["sharp"] or (day and not match["bare"]):
        return f"{day}{hour}点{match['sharp'] or ''}"
    return None


def write_date(spoken: str) -> str:
    """二零二六年十一月二十二号 as 2026年11月22号."""
    digits = _YEAR.sub(lambda match: "".join(str(_ONES[one]) for one in match[1]) + "年", spoken)

    def write(match: re.Match[str]) -> str:
        count = _count(match[1])
        return match[0] if count is None or count > 31 else f"{count}{match[2]}"

    return _MONTH_OR_DAY.sub(write, digits)


def _count(spoken: str) -> int | None:
    """A number from 0 to 99: 五, 零五, 十, 十五, 二十, 二十五; None for anything else."""
    tens, ten, ones = spoken.rpartition("十")
    if not ten:
        values = [_ONES.get(one) for one in spoken]
        if len(values) == 1:
            return values[0]
        return values[1] if len(values) == 2 and values[0] == 0 else None
    first = 1 if not tens else _ONES.get(tens)
    last = 0 if not ones else _ONES.get(ones)
    return None if first is None or last is None else 10 * first + last


@cache
def _normalizer(language: Language) -> Normalizer:
    return Normalizer(lang=language.value, operator="itn")
