"""Rooms for calls under test: everything real but the words, which are scripted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache

import anyio
import numpy as np

from asr.ports import Recognizer
from asr.types import Hypothesis, Language, Word
from asr.worker import RecognitionWorker
from routing.call import Rooms
from routing.policy.file import load_policy
from routing.understanding.turn import Understander
from voice.audio.framing import Framer
from voice.contracts.audio import SAMPLE_RATE, AudioFrame, Party, Pcm, Span, from_s
from voice.contracts.errors import ModelError
from voice.vad.segmenter import Segmenter, SegmenterSettings


class LoudnessDetector:
    """Speech is what is louder than -40 dBFS: exact on synthetic audio, so tests know every boundary."""

    def probability(self, pcm: Pcm) -> float:
        return float(np.sqrt(np.mean(np.square(pcm))) > 0.01)

    def reset(self) -> None:
        """It has no past."""


class ScriptedRecognizer:
    """Answers prepared texts, one per utterance; `None` breaks that utterance."""

    name = "scripted/test"
    languages = frozenset({Language.ZH, Language.EN})

    def __init__(self, texts: Sequence[str | None]) -> None:
        self._texts = list(texts)

    def begin(self, language: Language) -> ScriptedUtterance:
        return ScriptedUtterance(self)

    def next(self) -> str | None:
        return self._texts.pop(0) if self._texts else ""


class ScriptedUtterance:
    """Knows its text only when it is finished, so that the order of the finals is that of the segments."""

    def __init__(self, script: ScriptedRecognizer) -> None:
        self._script = script
        self._heard = 0
        self._told = 0

    def accept(self, pcm: Pcm) -> None:
        self._heard += pcm.size

    def partial(self) -> Hypothesis | None:
        if self._heard == self._told:
            return None
        self._told = self._heard
        return Hypothesis("…")

    def finish(self) -> Hypothesis:
        text = self._script.next()
        if text is None:
            raise ModelError("This utterance breaks.")
        words = (Word(text, Span(0, self._heard), 0.9),) if text else ()
        return Hypothesis(text, words)


@cache
def load_understander() -> Understander:
    """One for all tests: it never changes."""
    return Understander.load()


@asynccontextmanager
async def open_rooms(recognizer: Recognizer, *, threads: int = 1) -> AsyncIterator[Rooms]:
    """Rooms with a recognizer of the test's choice."""
    policy = load_policy()
    async with RecognitionWorker(recognizer, threads=threads) as worker:
        yield Rooms(
            new_segmenter=lambda party: Segmenter(LoudnessDetector(), SegmenterSettings(), party),
            worker=worker,
            understander=load_understander(),
            policy=lambda: policy,
            threads=anyio.CapacityLimiter(2),
        )


def voice_of(count: int, *, f0_hz: float = 180.0, gain: float = 0.1) -> Pcm:
    """Audio of `count` utterances of one second, each after one second of silence, one second at the end."""
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    tone = sum(np.sin(2 * np.pi * f0_hz * k * time) / k for k in range(1, 12))
    utterance = (gain * tone * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * time))).astype(np.float32)
    silence = np.zeros(from_s(1), np.float32)
    return np.concatenate([part for _ in range(count) for part in (silence, utterance)] + [silence])


def frames_of(party: Party, pcm: Pcm) -> list[AudioFrame]:
    """Cuts audio into frames from media time 0 on."""
    framer = Framer(party)
    return [*framer.feed(pcm, None), *framer.flush()]
