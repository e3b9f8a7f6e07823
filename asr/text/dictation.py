"""Whether a speaker is in the middle of saying a number or a sentence, by the words so far.

People pause between the groups of a phone or order number, and the sound of such a group is that of a finished turn.
What tells is the words: a number was announced or begun, and is not whole yet. A filler at the end says the same.
Wrong guesses cost patience only: the turn ends some hundred milliseconds later.
"""

from __future__ import annotations

import re
from typing import Final

from asr.text.digits import ZH_BETWEEN, ZH_DIGIT
from asr.types import Language

WHOLE: Final = frozenset({11, 18})
"""Digits of a mobile number and of an identity card: then nothing more is waited for."""

ANNOUNCED_WITHIN: Final = 30
"""Characters after which the announcement of a number is forgotten."""

_ZH_RUN: Final = re.compile(rf"{ZH_DIGIT}(?:{ZH_BETWEEN}{ZH_DIGIT})*")
_ZH_REST: Final = re.compile(rf"{ZH_BETWEEN}$")
_ZH_DIGITS: Final = re.compile(ZH_DIGIT)
_ZH_NUMBER: Final = re.compile(r"手机|电话|号码|单号|订单号|尾号|卡号|账号|编号|身份证|验证码|号是")
_ZH_GOES_ON: Final = re.compile(r"(?:那个|就是|然后|因为|但是|呃|额)[\s，,、。.…]*$")

_EN_DIGIT: Final = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple|\d)"
_EN_BETWEEN: Final = r"(?:[\s,.…-]|\buh+\b|\bum+\b)*"
_EN_RUN: Final = re.compile(rf"\b{_EN_DIGIT}(?:{_EN_BETWEEN}{_EN_DIGIT})*\b", re.IGNORECASE)
_EN_REST: Final = re.compile(rf"{_EN_BETWEEN}$", re.IGNORECASE)
_EN_NUMBER: Final = re.compile(r"\b(?:number|code|phone|account|reference|ends? in|digits)\b", re.IGNORECASE)
_EN_GOES_ON: Final = re.compile(r"\b(?:uh+|um+|erm|and|but|because|so|or)[\s,.…]*$", re.IGNORECASE)
_EN_DIGITS: Final = re.compile(_EN_DIGIT, re.IGNORECASE)


def is_unfinished(text: str, language: Language) -> bool:
    """Whether the words so far announce or hold a number that is not whole yet, or end in a filler.

    Args:
        text: what was heard of the turn up to the pause, as the engine wrote it.
        language: what is spoken; any but Mandarin is read as English.
    """
    mandarin = language is Language.ZH
    run, rest, number, goes_on = (
        (_ZH_RUN, _ZH_REST, _ZH_NUMBER, _ZH_GOES_ON) if mandarin else (_EN_RUN, _EN_REST, _EN_NUMBER, _EN_GOES_ON)
    )
    if goes_on.search(text):
        return True
    digit = _ZH_DIGITS if mandarin else _EN_DIGITS
    runs = [(match.end(), len(digit.findall(match.group()))) for match in run.finditer(text)]
    announced = [match.end() for match in number.finditer(text)]
    if any(count in WHOLE for end, count in runs if not announced or end >= announced[-1]):
        return False
    ending = rest.search(text)
    at_end = bool(runs) and ending is not None and runs[-1][0] >= ending.start()
    if at_end and runs[-1][1] >= 2:
        return True
    return bool(announced) and len(text) - announced[-1] <= ANNOUNCED_WITHIN
