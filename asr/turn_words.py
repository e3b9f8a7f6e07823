"""Judging a pause by the words before it, and by its sound where the words say nothing."""

from __future__ import annotations

from asr.text.dictation import is_unfinished
from asr.types import Language
from voice.turns.judge import Judge, Pause


class WordsJudge:
    """Judges pauses by what recognition has made of the utterance up to them; a `Judge`.

    The words are those of the final that is made ahead in the pause, so reading them costs nothing, and they depend on
    the audio alone.

    Args:
        language: what is spoken.
        sound: judges what the words leave open; None for no opinion.
    """

    def __init__(self, language: Language, sound: Judge | None = None) -> None:
        self._language = language
        self._sound = sound

    async def __call__(self, pause: Pause) -> float | None:
        """0 where the words are unfinished, otherwise what the sound says.

        Raises:
            ModelError: a model broke.
            FrameError: the audio cannot be judged by its sound.
        """
        words = await pause.words()
        if words is not None and is_unfinished(words, self._language):
            return 0.0
        return await self._sound(pause) if self._sound is not None else None
