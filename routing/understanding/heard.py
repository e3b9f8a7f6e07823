"""A turn's text as it is matched: folded, squeezed, and as it sounds, with the way back to the original's offsets.

Recognizers write a wrong character that sounds right far more often than a wrong sound, so Chinese is matched by its
toneless syllables: every Han character stands for one private-use character per syllable. All forms of a text have one
length, so an offset in one is an offset in all.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from asr.chinese import is_han, simplify
from routing.understanding.taxonomy import DATA
from voice.contracts.errors import UnderstandingDataError

FIRST_SYLLABLE: Final = 0xE000
"""Private-use character of the first syllable."""

HAN: Final = r"\u3400-\u4dbf\u4e00-\u9fff"
BREAKS: Final = frozenset('，。！？；：、,.!?;:…\n\r\t()（）"“”<>[]{}|/\\~～')
"""Where a clause ends; a match never reaches over one."""

CURLY: Final = {"’": "'", "‘": "'", "`": "'"}
GAP: Final = re.compile(
    rf"(?<=[{HAN}]) +(?=[{HAN}0-9a-zA-Z])|(?<=[0-9a-zA-Z]) +(?=[{HAN}])|(?<=(?<!\d)\d) (?=\d(?!\d))"
)
WORD: Final = re.compile(r"[a-z0-9]+(?:'[a-z]+)*")


@cache
def syllables(folder: Path = DATA) -> dict[str, str]:
    """Han character to the private-use character of its toneless syllable.

    Made from pypinyin's dictionary (MIT), one reading a character, so that equal-sounding characters are equal.

    Raises:
        UnderstandingDataError: the table is missing or not in the form `syllable characters`, one syllable a line.
    """
    path = folder / "syllables.txt"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as broken:
        raise UnderstandingDataError(f"{path.name}: cannot be read ({broken}).") from None
    table: dict[str, str] = {}
    for number, line in enumerate(lines):
        syllable, _, characters = line.partition(" ")
        if not syllable.isascii() or not characters or number >= 1000:
            raise UnderstandingDataError(
                f"{path.name}, line {number + 1}: expected `syllable characters`; got {line[:40]!r}."
            )
        table.update(dict.fromkeys(characters, chr(FIRST_SYLLABLE + number)))
    return table


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a Latin-script stretch; offsets into the squeezed text."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Heard:
    """A text ready to be matched.

    Attributes:
        text: the original.
        plain: lower case, half width, without the spaces that recognizers put between Chinese words and between digits.
        sounds: `plain` with every Han character as its syllable; same length.
        at: offset of each character of `plain` in the original, and the original's length at the end.
    """

    text: str
    plain: str
    sounds: str
    at: tuple[int, ...]

    def offsets(self, start: int, end: int) -> tuple[int, int]:
        """Offsets into the original of a stretch of `plain` that is not empty."""
        return self.at[start], self.at[end - 1] + 1

    @property
    def words(self) -> tuple[Token, ...]:
        """The Latin-script words."""
        return tuple(Token(found[0], found.start(), found.end()) for found in WORD.finditer(self.plain))

    @property
    def has_han(self) -> bool:
        """Whether there is any Chinese in it."""
        return self.sounds != self.plain


@lru_cache(maxsize=4096)
def fold(character: str) -> str:
    """One character in lower case, half width and Simplified, always one character."""
    folded = unicodedata.normalize("NFKC", CURLY.get(character, character)).lower()
    if is_han(folded[:1]):
        folded = simplify(folded)
    return folded if len(folded) == 1 else character


def hear(text: str) -> Heard:
    """Prepare a text for matching; linear in its length."""
    folded = "".join(map(fold, text))
    dropped = {offset for gap in GAP.finditer(folded) for offset in range(gap.start(), gap.end())}
    kept = [offset for offset in range(len(folded)) if offset not in dropped] if dropped else range(len(folded))
    plain = "".join(folded[offset] for offset in kept) if dropped else folded
    return Heard(text, plain, sound(plain), (*kept, len(text)))


def sound(plain: str) -> str:
    """A folded text with its Han characters as syllables."""
    table = syllables()
    return "".join(table.get(character, character) for character in plain)


def by_sound(pattern: str) -> re.Pattern[str]:
    """A pattern whose Han characters match by their syllables, for use on `Heard.sounds`.

    A range in a class must not end in Han characters; everything else of the language of `re` may be used.
    """
    return re.compile(sound(pattern))
