"""Fonts that can show what a picture says, Chinese included."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import matplotlib as mpl
from matplotlib.font_manager import FontProperties, findfont, fontManager
from matplotlib.ft2font import FT2Font

_LATIN: Final = "DejaVu Sans"
"""Comes with matplotlib."""

_CHINESE: Final = (
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "Noto Sans SC",
    "Noto Sans CJK JP",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "SimHei",
    "Noto Serif CJK SC",
    "Noto Serif CJK JP",
    "Droid Sans Fallback",
)
_PROBE: Final = "时间基频声级情绪激动愉悦没有找到语音"
_STAND_IN: Final = "?"


@dataclass(frozen=True, slots=True)
class Typeface:
    """Fonts in the order in which a character is looked for.

    Attributes:
        families: names as matplotlib knows them.
        characters: code points that at least one of them holds.
    """

    families: tuple[str, ...]
    characters: frozenset[int]

    @property
    def speaks_chinese(self) -> bool:
        """Whether Chinese labels can be drawn."""
        return all(ord(character) in self.characters for character in _PROBE)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Draw with these fonts, whatever the user's own settings are, and leave no trace in them."""
        with mpl.rc_context():
            mpl.rcdefaults()
            mpl.rcParams["font.family"] = list(self.families)
            mpl.rcParams["svg.hashsalt"] = "warmline"
            yield

    def safe(self, text: str) -> str:
        """The text with a question mark for each character that none of the fonts holds, as in a file's name."""
        return "".join(c if ord(c) in self.characters else _STAND_IN for c in text)


def find_typeface() -> Typeface:
    """What this machine has; Chinese where one of the common fonts is installed."""
    latin = Typeface((_LATIN,), _characters(_LATIN))
    installed = {font.name for font in fontManager.ttflist}
    for name in _CHINESE:
        if name in installed:
            both = Typeface((_LATIN, name), latin.characters | _characters(name))
            if both.speaks_chinese:
                return both
    return latin


def _characters(name: str) -> frozenset[int]:
    return frozenset(FT2Font(findfont(FontProperties(family=[name]), fallback_to_default=False)).get_charmap())
