"""From Whisper's tokens to words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from asr.chinese import simplify, widen_punctuation
from asr.types import Language, Word
from voice.contracts.audio import Samples, Span

ALIGNMENT_STEP: Final[Samples] = 320
"""Samples of one encoder position, the grid of word times: 20 ms."""

_INCOMPLETE: Final = "\ufffd"
_PUNCTUATION: Final = frozenset(",.!?;:，。！？；：、…\"'”’)）")


@dataclass(frozen=True, slots=True)
class TokenGroup:
    """Tokens `first` to `last` (half open) that make one word with its following punctuation."""

    text: str
    first: int
    last: int


def group_tokens(tokens: Sequence[int], decode: Callable[[list[int]], str], language: Language) -> list[TokenGroup]:
    """Join tokens to words.

    A character may be spread over several byte-level tokens, so tokens are joined until they decode to whole
    characters. Mandarin, written without spaces, is cut there; other languages where a space begins. Punctuation
    belongs to the word before it.

    Args:
        tokens: text tokens without special ones.
        decode: turns tokens into text.
        language: what is spoken.
    """
    groups: list[TokenGroup] = []
    first = 0
    for last in range(1, len(tokens) + 1):
        text = decode(list(tokens[first:last]))
        if _INCOMPLETE in text and last < len(tokens):
            continue
        text = text.replace(_INCOMPLETE, "")
        joins = bool(groups) and (
            (language is not Language.ZH and not text.startswith(" "))
            or (language is Language.ZH and text.isascii() and text.isalnum() and groups[-1].text[-1:].isascii())
            or all(character in _PUNCTUATION for character in text.strip())
        )
        if joins:
            before = groups.pop()
            groups.append(TokenGroup(before.text + text, before.first, last))
        else:
            groups.append(TokenGroup(text, first, last))
        first = last
    return groups


def time_words(
    groups: Sequence[TokenGroup],
    alignment: Sequence[tuple[int, int]],
    probabilities: Sequence[float],
    within: Span,
    language: Language,
) -> tuple[Word, ...]:
    """Words with their spans and confidences.

    Args:
        groups: words as token ranges.
        alignment: pairs (token, encoder position), rising in both, as dynamic time warping over the cross-attention
            answers them (Radford et al. 2022; published with Whisper's word timestamps).
        probabilities: of each token.
        within: the aligned audio's place in the utterance; spans stay inside.
        language: what is spoken.

    Returns:
        Words in order of time, each span inside `within`. A word's confidence is the mean probability
        of its tokens.
    """
    starts: dict[int, Samples] = {}
    for token, position in alignment:
        starts.setdefault(token, min(within.start + position * ALIGNMENT_STEP, within.end))
    words: list[Word] = []
    at = within.start
    for group in groups:
        text = group.text.strip()
        begin = max(at, starts.get(group.first, at))
        end = max(begin, starts.get(group.last, within.end))
        at = end
        if not text:
            continue
        likely = probabilities[group.first : group.last]
        confidence = sum(likely) / len(likely) if likely else None
        shown = widen_punctuation(simplify(text)) if language is Language.ZH else text
        words.append(Word(shown, Span(begin, end), _rounded(confidence)))
    return tuple(words)


def _rounded(confidence: float | None) -> float | None:
    return None if confidence is None else round(min(1.0, max(0.0, confidence)), 3)
