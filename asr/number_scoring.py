"""Whether a dictated number came through: as people read it, and digit by digit.

Digits are compared however they are spelled (幺三八, 138), because how a number is written is a question of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from asr.scoring import BY_CHARACTER, Edits, compare, units
from asr.types import Language

_SEPARATOR: Final = re.compile(r"[\s,，-]+")
_RUN: Final = re.compile(r"[0-9]+")


def holds_number(text: str, forms: Sequence[str]) -> bool:
    """Whether a text holds a number as people would copy it: in Arabic digits, whole, and no longer than it is.

    Spaces and hyphens may stand between its characters (010-1367 2584); other digits may not stand next to it.

    Args:
        text: a final.
        forms: ways of writing the number, each of which will do.
    """
    return any(_pattern(form).search(text) for form in forms)


def spoken_digits(texts: Sequence[str], language: Language) -> str:
    """All digits of several texts, in order, spelled ones included; one that stands alone is a word (一下, "one")."""
    return "".join(run for text in texts for run in _runs(text, language) if len(run) > 1)


def digit_edits(value: str, texts: Sequence[str], language: Language) -> Edits:
    """Errors in the digits of a number, all finals of its call together.

    Args:
        value: the number; letters in it do not count.
        texts: finals, in order.
        language: what is spoken.
    """
    return compare(list(digits_of(value)), list(spoken_digits(texts, language))).edits


def digits_of(value: str) -> str:
    """The digits of a number alone."""
    return re.sub(r"[^0-9]", "", value)


def same_number(found: str, forms: Sequence[str]) -> bool:
    """Whether a normalised value is one of those, however it is separated and whatever the case of its letters."""
    return _bare(found) in {_bare(form) for form in forms}


def _runs(text: str, language: Language) -> list[str]:
    found = units(text, language)
    if language in BY_CHARACTER:
        return _RUN.findall("".join(found))
    # In English digits stand in words of their own, several to a word or one.
    runs, run = [], ""
    for word in [*found, ""]:
        if word.isdigit():
            run += word
        elif word.isalnum() and (mixed := _RUN.findall(word)):
            run += "".join(mixed)
        else:
            runs.append(run)
            run = ""
    return [run for run in runs if run]


def _bare(value: str) -> str:
    plain = _SEPARATOR.sub("", value).upper()
    return re.sub(r"\.0+$|(?<=\.\d)0+$", "", plain)


def _pattern(form: str) -> re.Pattern[str]:
    body = r"[\s-]*".join(re.escape(character) for character in form)
    return re.compile(rf"(?<![0-9A-Za-z])(?<![0-9][\s.,-]){body}(?![0-9A-Za-z]|[.,]\d|[\s-]\d)", re.IGNORECASE)
