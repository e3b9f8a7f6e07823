"""Punctuation for engines that write none: a mark at the end, commas where the speaker paused.

Rules, not a model: a wrong comma is easier to forgive than a wrong word, and what an engine has punctuated is left as
it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from asr.text.draft import Draft
from asr.types import Language, Word
from voice.contracts.audio import Samples, from_ms

COMMA_PAUSE: Final[Samples] = from_ms(400)
"""Silence between two words from which a comma stands there."""

_MARKS: Final = re.compile(r"[，。？！；：、,.?!;:]")
_END: Final = re.compile(r"[。？！.?!…]$")
_ZH_QUESTION: Final = re.compile(
    r"(?:吗|么|呢)$|什么|怎么|为啥|多少|哪[里儿个些天]|几[点时号个天次块]|谁|是不是|能不能|可不可以|有没有|行不行|要不要|好不好"
)
_ZH_NO_QUESTION: Final = re.compile(r"没什么|不怎么|不知道|什么都|怎么都|什么也|怎么也|谁都|无论|不管|没有谁")
_EN_QUESTION: Final = re.compile(
    r"^(?:what|when|where|who|why|how|which|can|could|do|does|did|is|are|was|were|will|would|may|should|have|has)\b",
    re.IGNORECASE,
)
_EN_I: Final = re.compile(r"\bi(?=\b|')")


def write_punctuation(draft: Draft, language: Language, words: Sequence[Word]) -> None:
    """Complete the punctuation.

    Args:
        draft: the text; its raw text is what `words` have their offsets in.
        language: zh or en; others stay as they are.
        words: in order of time, with offsets where they are known.
    """
    if language not in (Language.ZH, Language.EN) or not draft.text.strip():
        return
    bare = not _MARKS.search(draft.raw)
    if bare:
        for place in reversed(_pauses(draft, words)):
            draft.replace(place, place, "，" if language is Language.ZH else ",")
    if language is Language.EN and bare:
        _capitalise(draft)
    text = draft.text.rstrip()
    if not _END.search(text):
        trailing = re.search(r"[，、,;；:：]$", text)
        mark = _end_mark(text, language)
        draft.replace(len(text) - (1 if trailing else 0), len(text), mark)


def _end_mark(text: str, language: Language) -> str:
    if language is Language.ZH:
        asks = _ZH_QUESTION.search(text) and not _ZH_NO_QUESTION.search(text)
        return "？" if asks else "。"
    return "?" if _EN_QUESTION.search(text) else "."


def _pauses(draft: Draft, words: Sequence[Word]) -> list[int]:
    """Places in the present text at which the speaker paused, rising; none inside a number."""
    text, places = draft.text, []
    for before, after in pairwise(words):
        if after.offset is None or after.span.start - before.span.end < COMMA_PAUSE:
            continue
        place = place_of(draft, after.offset)
        if place is None or place == 0:
            continue
        while place > 0 and text[place - 1] == " ":
            place -= 1
        around = text[place - 1 : place] + text[place : place + 1].strip()
        if not around.isdigit() and not _MARKS.search(around):
            places.append(place)
    return sorted(set(places))


def place_of(draft: Draft, raw_offset: int) -> int | None:
    """Where a character of the raw text stands in the present one; None where it is part of an edit."""
    shift = 0
    for stretch in draft.stretches():
        if raw_offset < stretch.raw_start:
            break
        if raw_offset < stretch.raw_end:
            return stretch.start if raw_offset == stretch.raw_start else None
        shift = stretch.end - stretch.raw_end
    return raw_offset + shift


def _capitalise(draft: Draft) -> None:
    for match in reversed(list(_EN_I.finditer(draft.text))):
        draft.replace(match.start(), match.end(), "I")
    first = re.search(r"\S", draft.text)
    if first and first.group().islower():
        draft.replace(first.start(), first.end(), first.group().upper())
