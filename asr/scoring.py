"""Counting errors: what was heard against what was said, both written the same way first. The only door to jiwer.

Error rate = (substitutions + deletions + insertions) / length of the reference, over all utterances together, by the
smallest edit distance (Levenshtein 1966). Characters count for Mandarin and Korean (CER), words for English (WER).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import jiwer

from asr.chinese import simplify
from asr.text.digits import write_digits
from asr.text.draft import Draft
from asr.text.fillers import drop_fillers
from asr.text.numbers import write_numbers
from asr.types import Language

BY_CHARACTER: Final = frozenset((Language.ZH, Language.KO))
"""Languages whose errors are counted in characters; spaces mean little there."""

LONGEST_CONFUSION: Final = 4
"""Characters or words of a stretch that counts as one thing taken for another; longer ones were not understood."""

_ZH_ONES: Final = "零一二三四五六七八九"
_ZH_DIGITS: Final = str.maketrans("零〇一二三四五六七八九两幺", "0012345678921")
_ZH_SHORT: Final = re.compile(r"(?<![\d.:/])\d{1,2}(?=[十百千点])(?!点\d)|(?<=[十百千])\d{1,2}(?![\d.:/])")
"""Half-written numbers (3点半, 2千, 1千5): the digits go back to words, so that the number is written as a whole."""
_ZH_LEFT: Final = re.compile(r"[二三四五六七八九]?十[一二三四五六七八九]?")
_ZH_WHOLE: Final = re.compile(r"(\d+)万(\d{4})(?!\d)")
_ZH_ROUND: Final = re.compile(r"(?<![\d.])(\d{1,4})0000(?![\d.])")
_ZH_PERCENT: Final = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_ZH_SHARE: Final = re.compile(r"(\d+)/(\d+)")
_ZH_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2})")

_EN_NUMERALS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_EN_ONES: Final = dict(zip(_EN_NUMERALS, "0123456789", strict=True))
_EN_SAME: Final = _EN_ONES | {"mister": "mr", "missus": "mrs", "doctor": "dr", "ok": "okay"}
_EN_MONEY: Final = re.compile(r"\$\s*(\d[\d.,]*\d|\d)")
_EN_ORDINAL: Final = re.compile(r"\b(\d+)(?:st|nd|rd|th)\b")
_EN_NOON: Final = re.compile(r"\b([ap])\.\s?m\b\.?")
_THOUSANDS: Final = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


@dataclass(frozen=True, slots=True)
class Edits:
    """Errors against a reference of `length` characters or words; sums add up."""

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    length: int = 0

    def __add__(self, other: Edits) -> Edits:
        return Edits(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.length + other.length,
        )

    @property
    def errors(self) -> int:
        """All kinds together."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Errors per character or word of the reference; above 1 where much was invented.

        Raises:
            ZeroDivisionError: the reference is empty.
        """
        return self.errors / self.length


@dataclass(frozen=True, slots=True)
class Comparison:
    """One utterance, said and heard.

    Attributes:
        edits: the fewest that lead from one to the other.
        replaced: stretches of at most `LONGEST_CONFUSION` that were heard as something else, in order: (said, heard).
    """

    edits: Edits
    replaced: tuple[tuple[str, str], ...]


def units(text: str, language: Language) -> list[str]:
    """What errors are counted in, written one way: characters or words without punctuation, case and fillers.

    Numbers count alike whether they are spelled or in digits (六二二 and 622, 百分之五 and 5%), by the rules that write
    finals. What no rule decides stays as it is, so that a rare spelling may still count as an error.
    """
    text = unicodedata.normalize("NFKC", text).lower()
    if language in BY_CHARACTER:
        shaped = _shape_zh(simplify(text)) if language is Language.ZH else text
        return [character for character in shaped if character.isalnum()]
    text = text.replace("'", "").replace("’", "")
    shaped = _shape_en(text) if language is Language.EN else text
    words = "".join(c if c.isalnum() else " " for c in shaped.replace("%", " percent ").lower()).split()
    return [_EN_SAME.get(word, word) for word in words] if language is Language.EN else words


def compare(reference: Sequence[str], hypothesis: Sequence[str], joint: str = "") -> Comparison:
    """Count the edits that turn one sequence of units into the other.

    Args:
        reference: what was said.
        hypothesis: what was heard.
        joint: what stands between the units of a stretch that is listed: a space for words.
    """
    if not reference:
        return Comparison(Edits(insertions=len(hypothesis)), ())
    found = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
    replaced = tuple(
        (
            joint.join(reference[chunk.ref_start_idx : chunk.ref_end_idx]),
            joint.join(hypothesis[chunk.hyp_start_idx : chunk.hyp_end_idx]),
        )
        for chunk in found.alignments[0]
        if chunk.type == "substitute" and chunk.ref_end_idx - chunk.ref_start_idx <= LONGEST_CONFUSION
    )
    return Comparison(Edits(found.substitutions, found.deletions, found.insertions, len(reference)), replaced)


def compare_texts(said: str, heard: str, language: Language) -> Comparison:
    """The same for texts."""
    joint = "" if language in BY_CHARACTER else " "
    return compare(units(said, language), units(heard, language), joint)


def _shape_zh(text: str) -> str:
    text = _THOUSANDS.sub("", text).replace("°c", "摄氏度")
    text = _ZH_SHORT.sub(lambda match: _spell_zh(int(match.group())), text)
    text = _write(text, Language.ZH)
    text = _ZH_PERCENT.sub(r"百分之\1", text)
    text = _ZH_SHARE.sub(r"\2分之\1", text)
    text = _ZH_CLOCK.sub(lambda match: f"{int(match[1])}点{match[2]}", text)
    text = _ZH_ROUND.sub(r"\1万", _ZH_WHOLE.sub(r"\1\2", text))
    text = _ZH_LEFT.sub(lambda match: _read_zh(match.group()), text)
    return text.translate(_ZH_DIGITS)


def _shape_en(text: str) -> str:
    text = _EN_NOON.sub(r"\1m", _THOUSANDS.sub("", text))
    text = _EN_MONEY.sub(r"\1 dollars", _write(text, Language.EN))
    text = _EN_NOON.sub(r"\1m", text)
    return _EN_ORDINAL.sub(r"\1", _THOUSANDS.sub("", text))


def _write(text: str, language: Language) -> str:
    draft = Draft(text)
    write_digits(draft, language)
    drop_fillers(draft, language)
    write_numbers(draft, language)
    return draft.text


def _read_zh(spoken: str) -> str:
    """十 to 九十九 in digits."""
    tens, _, ones = spoken.partition("十")
    return str(10 * (_ZH_ONES.index(tens) if tens else 1) + (_ZH_ONES.index(ones) if ones else 0))


def _spell_zh(number: int) -> str:
    """0 to 99 in words: 三, 十, 十五, 二十五."""
    tens, ones = divmod(number, 10)
    if not tens:
        return _ZH_ONES[ones]
    return ("" if tens == 1 else _ZH_ONES[tens]) + "十" + (_ZH_ONES[ones] if ones else "")
