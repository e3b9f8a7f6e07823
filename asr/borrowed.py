"""Recognition that runs elsewhere, for those who want a recognizer of their own on a thread."""

from __future__ import annotations

import anyio.from_thread

from asr.ports import Recognition
from asr.types import Hypothesis, Language
from voice.contracts.audio import Pcm
from voice.contracts.errors import ModelError


class BorrowedRecognizer:
    """Recognizes through a running `Recognition`; implements `Recognizer`.

    Its utterances are used on threads that anyio started from the event loop, and wait there; they make no partials.
    """

    def __init__(self, recognition: Recognition) -> None:
        self._recognition = recognition
        self.name = recognition.name
        self.languages = recognition.languages

    def begin(self, language: Language) -> BorrowedUtterance:
        """Start an utterance.

        Raises:
            ModelError: `language` is not one of `languages`.
        """
        if language not in self.languages:
            raise ModelError(f"{self.name} recognizes {', '.join(sorted(self.languages))}; got {str(language)!r}.")
        return BorrowedUtterance(self._recognition, language)


class BorrowedUtterance:
    """One utterance; implements `Utterance`."""

    def __init__(self, recognition: Recognition, language: Language) -> None:
        self._recognition = recognition
        self._language = language
        self._heard: list[Pcm] = []

    def accept(self, pcm: Pcm) -> None:
        """Hear more audio."""
        self._heard.append(pcm)

    def partial(self) -> Hypothesis | None:
        """Nothing."""
        return None

    def finish(self) -> Hypothesis:
        """The final of everything heard, as the engine heard it."""
        return anyio.from_thread.run(self._finish)

    async def _finish(self) -> Hypothesis:
        utterance = self._recognition.begin(self._language, lambda _: None)
        for pcm in self._heard:
            utterance.push(pcm)
        final = await utterance.finish()
        return Hypothesis(final.raw or final.text, final.words)
