"""Ports of recognition. `tests/conformance/test_recognizer.py` runs against every implementation."""

from __future__ import annotations

from typing import Protocol

from asr.types import Hypothesis, Language
from voice.contracts.audio import Pcm


class Utterance(Protocol):
    """One utterance being recognized. Used by one thread at a time; never on the event loop."""

    def accept(self, pcm: Pcm) -> None:
        """Hear more audio: 16 kHz mono float32, any length.

        Raises:
            ModelError: the engine broke.
        """
        ...

    def partial(self) -> Hypothesis | None:
        """The hypothesis so far, or None where nothing new can be said yet. May be costly; callers may skip it."""
        ...

    def finish(self) -> Hypothesis:
        """The final hypothesis of everything heard. Called once, last. Word spans are relative to the utterance."""
        ...


class Recognizer(Protocol):
    """A loaded model, shared by all calls. `begin` may be called from any thread."""

    @property
    def name(self) -> str:
        """Engine and model, for example `whisper/whisper-base`."""
        ...

    @property
    def languages(self) -> frozenset[Language]:
        """Languages that `begin` accepts."""
        ...

    def begin(self, language: Language) -> Utterance:
        """Start an utterance.

        Raises:
            ModelError: `language` is not one of `languages`.
        """
        ...
