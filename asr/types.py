"""Words: what a recognizer answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from voice.contracts.audio import Span


class Language(StrEnum):
    """Languages that callers speak; BCP 47 primary subtags."""

    ZH = "zh"
    EN = "en"
    KO = "ko"


@dataclass(frozen=True, slots=True)
class Word:
    """One recognized word.

    Attributes:
        text: as written, Simplified Chinese for zh.
        span: media time; relative to the utterance inside `asr`, to the call in events.
        confidence: in [0, 1]; None where the engine gives none.
        offset: place of its first character in the raw text it belongs to; None where that is not known.
    """

    text: str
    span: Span
    confidence: float | None = None
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of the display text and the stretch of the raw text that it was written from; half open, in characters.

    The stretches of a text follow each other in both texts; between them both texts are the same, character for
    character. A dropped filler has an empty display stretch, an added punctuation mark an empty raw one.
    """

    raw_start: int
    raw_end: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Repair:
    """A span of the raw text that was taken for a misheard domain term; `start` and `end` count characters of it.

    `gain` is by how much the log probability of the sentence rose (natural logarithm).
    """

    start: int
    end: int
    before: str
    after: str
    gain: float


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What an utterance says, as far as it has been heard.

    Attributes:
        text: the display text; may be empty.
        words: in order of time, as in `raw`; empty where the engine gives no times for this hypothesis.
        raw: what the engine heard, fillers and spoken digits included; empty where it equals `text`.
        stretches: how `text` follows from `raw`; empty where they are equal.
        repairs: domain terms put in place of what sounded alike.
        tags: what the engine heard besides words, for example `emotion:angry` or `event:laughter`.
    """

    text: str
    words: tuple[Word, ...] = ()
    raw: str = ""
    stretches: tuple[Stretch, ...] = ()
    repairs: tuple[Repair, ...] = ()
    tags: tuple[str, ...] = ()
