"""Streaming Zipformer and Paraformer through sherpa-onnx: partials while somebody speaks, at no extra cost.

Both advance in chunks of a fixed number of frames counted from the beginning of the utterance, so the same audio gives
the same words however it is handed over.

Zipformer tells when each symbol was emitted, which is some tenths of a second after it began to sound; that is not
taken back. Paraformer tells no times at all. Its symbols are spread over the 600 ms of the chunk in which they came,
so a word's time there is good to about 300 ms.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from asr.guards import is_loop, is_silent, without_loop
from asr.sherpa_words import Symbol, join_words, write_words
from asr.types import Hypothesis, Language
from voice.contracts.audio import SAMPLE_RATE, Pcm, Samples, from_ms, from_s, to_s
from voice.contracts.errors import ModelError

FRAME: Final[Samples] = from_ms(10)

PARAFORMER_STEP: Final[Samples] = from_ms(600)
PARAFORMER_BEHIND: Final[Samples] = from_ms(180)
"""A chunk of Paraformer answers for 600 ms that begin 180 ms before it: three stacked frames of 60 ms are looked at as
what is to come and settled with the next chunk."""

PARAFORMER_TAIL: Final[Samples] = from_ms(800)
"""Silence after the utterance that brings Paraformer's last chunk and what it looks ahead."""

EMISSION_DELAY: Final[Samples] = from_ms(200)
"""How long after its sound a transducer may still emit a symbol; silence of this length follows the last chunk."""

_LEVEL_BLOCK: Final[Samples] = from_ms(100)


@dataclass(frozen=True, slots=True)
class StreamingModel:
    """A loaded model and how it is talked to.

    Attributes:
        native: sherpa-onnx's recognizer; its methods may be called from any thread.
        tail: silence that is added after the utterance so that its last frames are decoded.
        timed: whether symbols carry times; otherwise chunks of `PARAFORMER_STEP` give them.
        lower: whether Latin letters are written small.
    """

    native: Any
    tail: Samples
    timed: bool
    lower: bool


class StreamingRecognizer:
    """A streaming model of sherpa-onnx; implements `Recognizer`. `asr.sherpa.load_sherpa` makes it."""

    def __init__(self, name: str, languages: frozenset[Language], model: StreamingModel) -> None:
        self.name = name
        self.languages = languages
        self._model = model

    def begin(self, language: Language) -> StreamingUtterance:
        """Start an utterance.

        Raises:
            ModelError: `language` is not one of `languages`.
        """
        if language not in self.languages:
            raise ModelError(f"{self.name} recognizes {', '.join(sorted(self.languages))}; got {str(language)!r}.")
        return StreamingUtterance(self.name, self._model, language)


class StreamingUtterance:
    """One utterance; implements `Utterance`. Hearing is the costly part, partials are cheap."""

    def __init__(self, name: str, model: StreamingModel, language: Language) -> None:
        self._name = name
        self._model = model
        self._language = language
        self._stream = model.native.create_stream()
        self._length: Samples = 0
        self._rest: Pcm = np.zeros(0, dtype=np.float32)
        self._loud = False
        self._chunks = 0
        self._starts: list[Samples] = []
        self._seen: list[str] = []
        self._told = ""

    def accept(self, pcm: Pcm) -> None:
        """Hear more audio.

        Raises:
            ModelError: the engine broke.
        """
        audio = sound_only(pcm)
        self._length += len(audio)
        self._listen_for_sound(audio)
        self._feed(audio)

    def partial(self) -> Hypothesis | None:
        """The text so far without word times, or None where it has not changed."""
        if not self._loud:
            return None
        with breakage_named(self._name):
            symbols: list[str] = self._model.native.tokens(self._stream)
        if symbols == self._seen:
            return None
        self._seen = symbols
        text = self._hypothesis().text
        if not text or text == self._told:
            return None
        self._told = text
        return Hypothesis(text)

    def finish(self) -> Hypothesis:
        """The final text with words and their times; confidences where the model gives them.

        Raises:
            ModelError: the engine broke.
        """
        if not self._loud and is_silent(self._rest):
            return Hypothesis("")
        self._feed(np.zeros(self._model.tail, dtype=np.float32))
        return self._hypothesis()

    def _feed(self, audio: Pcm) -> None:
        native = self._model.native
        with breakage_named(self._name):
            self._stream.accept_waveform(SAMPLE_RATE, audio)
            while native.is_ready(self._stream):
                native.decode_stream(self._stream)
                if not self._model.timed:
                    self._time_chunk(len(native.tokens(self._stream)))

    def _time_chunk(self, count: int) -> None:
        """Spread the symbols that a chunk brought over the time that it answers for."""
        begin = self._chunks * PARAFORMER_STEP - PARAFORMER_BEHIND
        self._chunks += 1
        new = count - len(self._starts)
        self._starts += [max(0, begin + PARAFORMER_STEP * (2 * number + 1) // (2 * new)) for number in range(new)]

    def _hypothesis(self) -> Hypothesis:
        words = write_words(self._symbols(), self._language, self._length, lower=self._model.lower)
        text = join_words(words)
        if is_loop(text, to_s(self._length)):
            return Hypothesis(without_loop(text))
        return Hypothesis(text, words)

    def _symbols(self) -> list[Symbol]:
        with breakage_named(self._name):
            result = self._model.native.get_result_all(self._stream)
        texts: list[str] = result.tokens
        if self._model.timed:
            scores: list[float] = result.ys_probs
            sure = [min(1.0, math.exp(score)) for score in scores] if len(scores) == len(texts) else [None] * len(texts)
            times = [from_s(time) for time in result.timestamps]
            return [Symbol(*parts) for parts in zip(texts, times, sure, strict=True)]
        # Paraformer sets no spaces: every symbol in Latin letters begins a word unless @@ says otherwise.
        spaced = (f" {text}" if text[:1].isascii() else text for text in texts)
        return [Symbol(text, start) for text, start in zip(spaced, self._starts, strict=True)]

    def _listen_for_sound(self, audio: Pcm) -> None:
        """Note whether anything louder than silence was heard, in blocks that do not depend on how audio comes."""
        if self._loud:
            return
        heard = np.concatenate([self._rest, audio])
        whole = len(heard) - len(heard) % _LEVEL_BLOCK
        self._loud = not is_silent(heard[:whole])
        self._rest = heard[whole:]


@contextmanager
def breakage_named(name: str) -> Iterator[None]:
    """What the native code throws, whatever it is, as a `ModelError` of that recognizer."""
    try:
        yield
    except Exception as error:
        raise ModelError(f"{name} broke on this utterance: {type(error).__name__}.") from error


def sound_only(pcm: Pcm) -> Pcm:
    """A copy of the audio with samples in [-1, 1]; what is no number is silence."""
    return np.clip(np.nan_to_num(pcm.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0), -1.0, 1.0)
