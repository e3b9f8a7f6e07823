"""Chinese script: output is Simplified, whatever the engine writes."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

import opencc

HAN: Final = ("\u4e00", "\u9fff")
"""First and last of the unified ideographs that Mandarin uses."""

_AFTER_HAN: Final = re.compile(f"(?<=[{HAN[0]}-{HAN[1]}])[,.?!:;]")
_FULL_WIDTH: Final = str.maketrans(",.?!:;", "，。？！：；")


def simplify(text: str) -> str:
    """Traditional characters as Simplified ones; everything else stays."""
    return str(_converter().convert(text))


def is_han(character: str) -> bool:
    """Whether a character is a Chinese ideograph."""
    return HAN[0] <= character <= HAN[1]


def widen_punctuation(text: str) -> str:
    """ASCII punctuation after an ideograph in its full-width form, as Chinese is written."""
    return _AFTER_HAN.sub(lambda match: match.group().translate(_FULL_WIDTH), text)


@cache
def _converter() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")
