"""Judging a pause by the words before it, and by its sound where the words say nothing."""

from __future__ import annotations

from asr.ports import Recognizer
from asr.text.dictation import is_unfinished
from asr.types import Language
from voice.contracts.audio import Pcm
from voice.turns.judge import Judge


class WordsJudge:
    """Judges pauses from what a recognizer makes of the audio up to them.

    Every pause is decoded for itself, beside the utterance under way: partials come when there is time for them, and
    what ends a turn must not depend on that. It costs a final of at most eight seconds per pause.

    Args:
        recognizer: a loaded model.
        language: what is spoken.
        sound: judges what the words leave open; None for no opinion.
    """

    def __init__(self, recognizer: Recognizer, language: Language, sound: Judge | None = None) -> None:
        self._recognizer = recognizer
        self._language = language
        self._sound = sound

    def __call__(self, pcm: Pcm) -> float | None:
        """0 where the words are unfinished, otherwise what the sound says.

        Raises:
            ModelError: a model broke.
            FrameError: the audio cannot be judged by its sound.
        """
        utterance = self._recognizer.begin(self._language)
        utterance.accept(pcm)
        if is_unfinished(utterance.finish().text, self._language):
            return 0.0
        return self._sound(pcm) if self._sound is not None else None
