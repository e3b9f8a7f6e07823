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
    """

    text: str
    span: Span
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What an utterance says, as far as it has been heard.

    Attributes:
        text: the display text; may be empty.
        words: in order of time; empty where the engine gives no times for this hypothesis.
    """

    text: str
    words: tuple[Word, ...] = ()
