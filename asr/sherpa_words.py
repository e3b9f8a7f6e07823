"""From the symbols that sherpa-onnx answers to words.

Three ways of marking where words begin come together here: Zipformer and SenseVoice put a space before a symbol that
begins a word, Paraformer puts @@ behind one that is gone on with, and ideographs stand for themselves.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from asr.chinese import is_han, simplify
from asr.types import Language, Word
from voice.contracts.audio import Samples, Span, from_ms

LONGEST_IDEOGRAPH: Final[Samples] = from_ms(400)
LONGEST_WORD: Final[Samples] = from_ms(1000)
"""How long a word may last where only its beginning is known and the next one is far."""

_BYTE: Final = re.compile(r"<0x([0-9A-F]{2})>")
_SPECIAL: Final = re.compile(r"<[^<>]*>")
_CLOSING: Final = frozenset(",.!?;:%，。！？；：、…”’）》)")


@dataclass(frozen=True, slots=True)
class Symbol:
    """One symbol: as it is written in the table, where it begins, how sure the model is."""

    text: str
    start: Samples
    confidence: float | None = None


@dataclass(slots=True)
class _Draft:
    text: str
    start: Samples
    confidences: list[float]
    open: bool = False

    def go_on(self, draft: _Draft) -> None:
        """Put more of the word behind it."""
        self.text += draft.text.lstrip()
        self.confidences += draft.confidences
        self.open = draft.open

    @property
    def confidence(self) -> float | None:
        """The mean over its symbols."""
        return round(sum(self.confidences) / len(self.confidences), 3) if self.confidences else None


def write_words(symbols: Sequence[Symbol], language: Language, end: Samples, *, lower: bool) -> tuple[Word, ...]:
    """The words that symbols spell: an ideograph each for Mandarin, whole words for scripts that are put together.

    Models tell where a symbol begins and not where it ends, so a word ends where the next one begins, at the latest
    after `LONGEST_IDEOGRAPH` or `LONGEST_WORD`.

    Args:
        symbols: in order of time.
        language: what is spoken; Mandarin is written in Simplified characters.
        end: length of the utterance; no word reaches beyond.
        lower: write Latin letters small, for models that know capitals only.
    """
    drafts: list[_Draft] = []
    apart = True
    for symbol in _join_bytes(symbols):
        for draft in _pieces(symbol):
            if not draft.text.strip():
                apart = True
            elif not apart and _joins(drafts[-1], draft):
                drafts[-1].go_on(draft)
            else:
                drafts.append(draft)
                apart = False
    starts = list(accumulate((min(max(0, draft.start), end) for draft in drafts), max))
    words = []
    for draft, start, following in zip(drafts, starts, [*starts, end][1:], strict=True):
        text = draft.text.strip()
        longest = LONGEST_IDEOGRAPH if is_han(text[0]) else LONGEST_WORD
        shown = simplify(text) if language is Language.ZH else text
        span = Span(start, min(following, start + longest))
        words.append(Word(shown.lower() if lower else shown, span, draft.confidence))
    return tuple(words)


def join_words(words: Sequence[Word]) -> str:
    """Words as text: a space between two of them unless an ideograph stands at the seam."""
    text = ""
    for word in words:
        seam = text and not is_han(text[-1]) and not is_han(word.text[0])
        text += f" {word.text}" if seam else word.text
    return text


def knows_capitals_only(symbols: Sequence[str]) -> bool:
    """Whether a table of symbols has capital Latin letters and no small ones; names in angle brackets do not count."""
    letters = [c for symbol in symbols if not _SPECIAL.fullmatch(symbol) for c in symbol if c.isascii() and c.isalpha()]
    return bool(letters) and all(letter.isupper() for letter in letters)


def _pieces(symbol: Symbol) -> list[_Draft]:
    """A symbol, cut after every ideograph; what begins a word keeps the space before it."""
    text = symbol.text.replace("\u2581", " ")
    goes_on = text.endswith("@@")
    text = text.removesuffix("@@")
    sure = [symbol.confidence] if symbol.confidence is not None else []
    parts = [part for part in re.split(r"(?<=[\u4e00-\u9fff])|(?=[\u4e00-\u9fff])", text) if part]
    if len(parts) > 1 and not parts[0].strip():
        parts[:2] = [parts[0] + parts[1]]
    drafts = [_Draft(part, symbol.start, list(sure)) for part in parts]
    if goes_on and drafts:
        drafts[-1].open = True
    return drafts


def _joins(before: _Draft, draft: _Draft) -> bool:
    """Whether a piece goes on with the word before it."""
    first = draft.text.lstrip()[0]
    if first in _CLOSING:
        return True
    if is_han(first) or is_han(before.text[-1]):
        return False
    return before.open or not draft.text[0].isspace()


def _join_bytes(symbols: Sequence[Symbol]) -> list[Symbol]:
    """Symbols that stand for single bytes of UTF-8, put together to characters."""
    joined: list[Symbol] = []
    held = bytearray()
    first: Symbol | None = None
    for symbol in (*symbols, None):
        match = _BYTE.fullmatch(symbol.text) if symbol is not None else None
        if match and symbol is not None:
            first = first or symbol
            held.append(int(match.group(1), 16))
            continue
        if first is not None:
            joined.append(Symbol(held.decode("utf-8", "ignore"), first.start, first.confidence))
            held, first = bytearray(), None
        if symbol is not None and not _SPECIAL.fullmatch(symbol.text):
            joined.append(symbol)
    return joined
