"""Where Whisper hears Mandarin digits as words that sound alike, and how they are heard again as digits.

Read-out numbers make no sense as a sentence, and small models write what makes more: 要 or 遥 for 幺, 自由法尔 for
四幺八二. What is mostly digits by its sound is therefore decoded once more with nothing but digits to choose from, the
words before it given. 幺 is rare in what the model has read; 要, which sounds alike, stands for it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from asr.text.digits import sounds_like_digit
from asr.types import Word

CHOICES: Final = "零一二三四五六七八九要,"
"""What the second pass may write: digits, and a comma for a pause."""

PROMPT: Final = "喂,你好。号码是要三八,零二四六,九七要五。"
"""What the second pass is told: how digits are written here. A number that nobody has."""

_SPELLED: Final = str.maketrans({"要": "幺"})

LEAST_DIGITS: Final = 4
"""Digits of the shortest number."""

LEAST_SURE: Final = 2
"""Digits that have to be written as such before sounds count as digits, where nobody announced a number."""

_SHARE: Final = 0.7
"""Of the syllables in a number, the share that has to be digits or sound like them; of two in a row one has to."""

_AMOUNT: Final = frozenset("十百千万亿块元毛年月岁天")
"""Characters of amounts, dates and ages, which are said as numbers and not digit by digit."""

_SPREAD: Final = 0.2
"""By how much more or fewer digits the second pass may hear than there were syllables."""

_DIGIT: Final = re.compile(r"[0-9零〇一二三四五六七八九幺]")
_END: Final = re.compile(r"[\s,，、。.!！?？…-]*$")
_ANNOUNCED: Final = re.compile(
    r"(?:手机号?|电话|座机|号码|单号|订单号?|尾号|卡号|账号|编号|运单号?|号)码?[是为改成吧把啊呢\s,，、:：]*"
)


def find_dictated(text: str) -> int | None:
    """Where a number that is read out to the end of a Mandarin text begins; None where there is none.

    Args:
        text: what was heard, before anything is written for people.
    """
    end = len(text) - len(_END.findall(text)[0])
    announced = max((match.end() for match in _ANNOUNCED.finditer(text, 0, end)), default=0)
    start = None
    count = like = sure = strangers = 0
    for place in range(end - 1, announced - 1, -1):
        character = text[place]
        if character in _AMOUNT:
            return None
        is_digit = bool(_DIGIT.match(character))
        if not is_digit and not character.isalnum():
            continue
        count += 1
        sure += is_digit
        fits = is_digit or sounds_like_digit(character)
        like += fits
        strangers = 0 if fits else strangers + 1
        if strangers > 1:
            break
        if fits and count >= LEAST_DIGITS and like >= _SHARE * count and (sure >= LEAST_SURE or announced):
            start = place
    return start


def spell_dictated(told: str) -> str:
    """What the second pass wrote, as the digits that it stands for; a pause before the first is none."""
    return told.lstrip(",，").translate(_SPELLED)


def spell_words(words: Sequence[Word], start: int) -> tuple[Word, ...]:
    """The same for words; what stands before the character `start` of their text stays."""
    spelled, place = [], 0
    for word in words:
        kept = max(0, start - place)
        place += len(word.text)
        spelled.append(replace(word, text=word.text[:kept] + spell_dictated(word.text[kept:])))
    return tuple(spelled)


def is_plausible(heard: str, told: str) -> bool:
    """Whether digits can be what was heard: nothing else among them, and about as many as there were syllables."""
    digits = sum(character not in ",，" for character in told)
    syllables = sum(character.isalnum() for character in heard)
    strange = set(told) - set(CHOICES) - {"，"}
    return not strange and abs(digits - syllables) <= max(1, _SPREAD * syllables)
