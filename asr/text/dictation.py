"""Whether a speaker is in the middle of saying a number or a sentence, by the words so far.

People pause between the groups of a phone or order number, and the sound of such a group is that of a finished turn.
What tells is the words: a number was announced or begun, and is not whole yet. A filler at the end says the same.
Wrong guesses cost patience only: the turn ends some hundred milliseconds later. So that few turns pay it, a number
counts as announced only while nothing but digits follows: whoever goes on with other words speaks of a phone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from asr.text.digits import ZH_BETWEEN, ZH_DIGIT, sounds_like_digit
from asr.types import Language

WHOLE: Final = frozenset({11, 18})
"""Digits of a mobile number and of an identity card: then nothing more is waited for."""

WHOLE_END: Final = 4
"""Digits of the end of a number, where only that is said."""

ANNOUNCED_WITHIN: Final = 30
"""Characters after which the announcement of a number is forgotten."""

_LIKE_SHARE: Final = 0.7
"""Of what follows the announcement, the share that has to be digits or sound like them."""


@dataclass(frozen=True, slots=True)
class _Grammar:
    """What a language's numbers look like.

    Attributes:
        digit: one digit.
        run: digits with what may be said between them.
        rest: what may follow the last digit.
        announced: the words that announce a number, up to where it begins.
        goes_on: an end that is none.
        does: words that do something with what a number belongs to, or ask for the number, instead of announcing it.
        end_only: the words that announce the end of a number, with the words before them.
    """

    digit: re.Pattern[str]
    run: re.Pattern[str]
    rest: re.Pattern[str]
    announced: re.Pattern[str]
    goes_on: re.Pattern[str]
    does: re.Pattern[str]
    end_only: re.Pattern[str]


_EN_DIGIT: Final = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple|\d)"
_EN_BETWEEN: Final = r"(?:[\s,.…-]|\buh+\b|\bum+\b)*"

_ZH: Final = _Grammar(
    digit=re.compile(ZH_DIGIT),
    run=re.compile(rf"{ZH_DIGIT}(?:{ZH_BETWEEN}{ZH_DIGIT})*"),
    rest=re.compile(rf"{ZH_BETWEEN}$"),
    announced=re.compile(
        r"(?:手机|电话|座机|订单|运单|单号|尾号|卡号|[账帐]号|编号|身份证|验证码|号码|[这那]个号|[我你您的]号)(?:号码?|编号|码)?"
        rf"(?:就?是|为|改成|吧|啊|呢|呐|开头|我?[念报]给[你您]听?|[你您]?记一?下|[:：]|{ZH_BETWEEN[:-1]})*"
    ),
    goes_on=re.compile(r"(?:那个|就是|然后|因为|但是|呃|(?:^|(?<=[\s，,、。]))额+)[\s，,、。.…]*$"),
    does=re.compile(r"改|换|查|打|接|绑|问|取消|麻烦|请|报一下|提供|告诉"),
    end_only=re.compile(r"(?:尾号|[后末][四4]位)(?:数?[是为]?)$"),
)
_EN: Final = _Grammar(
    digit=re.compile(_EN_DIGIT, re.IGNORECASE),
    run=re.compile(rf"\b{_EN_DIGIT}(?:{_EN_BETWEEN}{_EN_DIGIT})*\b", re.IGNORECASE),
    rest=re.compile(rf"{_EN_BETWEEN}$", re.IGNORECASE),
    announced=re.compile(
        r"\b(?:(?:number|code|phone|account|reference|digits)[\s,]+(?:is|was|it'?s|are)|ends? in|ending in)\b",
        re.IGNORECASE,
    ),
    goes_on=re.compile(r"\b(?:uh+|um+|erm|and|but|because|so|or)[\s,.…]*$", re.IGNORECASE),
    does=re.compile(r"\b(?:what|which|give|tell|may|can|could)\b", re.IGNORECASE),
    end_only=re.compile(r"\b(?:ends? in|ending in|last four(?: digits)?(?: are| is)?)[\s,]*$", re.IGNORECASE),
)
_NOT_READ_OUT: Final = re.compile(r"(?:打(?:了|过)?|[十百千万亿点])$")
"""What stands before digits that are the end of an amount, or a number that is called: nobody dictates those."""

_COPULA: Final = re.compile(r"(?:[是为吧啊呢呐]|改成|[念报]给[你您]听?|记一?下|is|was|are|[:：])[\s,，、。.…-]*$")
"""Ends of an announcement after which a number is sure to come."""

LEAST_COUNT: Final = 3
"""Syllables from which one may be misheard."""

_LETTERS: Final = re.compile(r"(?<![A-Za-z])[A-Z]{1,2}(?![A-Za-z])")


def is_unfinished(text: str, language: Language) -> bool:
    """Whether the words so far announce or hold a number that is not whole yet, or end in a filler.

    Args:
        text: what was heard of the turn up to the pause, as the engine wrote it.
        language: what is spoken; any but Mandarin is read as English.
    """
    grammar = _ZH if language is Language.ZH else _EN
    # Letters that are read out, as order numbers begin with, are no words.
    text = _LETTERS.sub(lambda letters: " " * len(letters.group()), text)
    if grammar.goes_on.search(text):
        return True
    runs = [
        (match.start(), match.end(), len(grammar.digit.findall(match.group()))) for match in grammar.run.finditer(text)
    ]
    announced = [match.end() for match in grammar.announced.finditer(text)]
    if any(count in WHOLE for _, end, count in runs if not announced or end >= announced[-1]):
        return False
    if any(count == WHOLE_END and grammar.end_only.search(text, 0, start) for start, _, count in runs):
        return False
    ending = grammar.rest.search(text)
    at_end = bool(runs) and ending is not None and runs[-1][1] >= ending.start()
    if at_end and runs[-1][2] >= 2 and not _NOT_READ_OUT.search(text, 0, runs[-1][0]):
        return True
    return any(_is_number_so_far(text[:end], text[end:], grammar) for end in announced)


def _is_number_so_far(before: str, said: str, grammar: _Grammar) -> bool:
    """Whether what follows an announcement is nothing, or a number as an engine may have misheard it."""
    if len(said) > ANNOUNCED_WITHIN:
        return False
    if not any(character.isalnum() for character in said):
        return bool(_COPULA.search(before)) or not grammar.does.search(before)
    rest = grammar.run.sub("", said)
    strange = [character for character in rest if character.isalnum()]
    if grammar is _EN:
        return not strange
    count = sum(character.isalnum() for character in said)
    most = max(1 if count >= LEAST_COUNT else 0, (1 - _LIKE_SHARE) * count)
    return sum(not sounds_like_digit(each) for each in strange) <= most
