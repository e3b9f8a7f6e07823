"""The fake hears sound, not silence, and tells the same of the same audio."""

from __future__ import annotations

import numpy as np
import pytest

from asr.fake import BLOCK, FakeRecognizer
from asr.types import Language
from voice.contracts.audio import Pcm


def hum(hertz: float, seconds: float, level: float = 0.2) -> Pcm:
    time = np.arange(round(seconds * 16_000)) / 16_000
    wave: Pcm = (level * np.sin(2 * np.pi * hertz * time)).astype(np.float32)
    return wave


def recognize(pcm: Pcm, language: Language = Language.ZH) -> tuple[str, ...]:
    utterance = FakeRecognizer().begin(language)
    utterance.accept(pcm)
    return tuple(word.text for word in utterance.finish().words)


def test_a_word_per_fifth_of_a_second_of_sound() -> None:
    pcm = np.concatenate([hum(300, 0.6), np.zeros(16_000, dtype=np.float32), hum(300, 0.5)])
    utterance = FakeRecognizer().begin(Language.EN)
    utterance.accept(pcm)
    final = utterance.finish()
    starts = [word.span.start // BLOCK for word in final.words]
    assert starts == [0, 1, 2, 8, 9, 10]
    assert final.words[-1].span.end == len(pcm)
    assert final.text == " ".join(word.text for word in final.words)


def test_other_sound_gives_other_words() -> None:
    texts = {recognize(hum(hertz, 1.0)) for hertz in (120, 310, 705, 1515)}
    assert len(texts) == 4


def test_partials_grow_and_are_told_once() -> None:
    utterance = FakeRecognizer().begin(Language.ZH)
    utterance.accept(hum(300, 0.1))
    assert utterance.partial() is None
    utterance.accept(hum(300, 0.1))
    first = utterance.partial()
    assert first is not None
    assert utterance.partial() is None
    utterance.accept(hum(700, 0.2))
    second = utterance.partial()
    assert second is not None
    assert second.text.startswith(first.text)


@pytest.mark.parametrize("language", list(Language))
def test_every_language_has_words(language: Language) -> None:
    assert recognize(hum(440, 1.0), language)
