"""Vosk: streaming recognition with Kaldi. Partials come while somebody speaks and cost nothing extra.

The same audio must give the same words, and left to itself Kaldi breaks that twice. It decides about end points
whenever it is handed audio, so audio goes to it in blocks of fixed length. And it dithers with a random generator that
all utterances of the process share, so its dither is off and each utterance brings its own, which begins anew.

Kaldi joins the two halves of its search graph as it goes and keeps what it joined with the recognizer. A new one finds
nothing joined, which is two thirds of the work and more; so recognizers are used again. What they keep is a cache: the
words are the same.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import vosk

from asr.chinese import simplify
from asr.models.layout import check_vosk
from asr.models.memory import demand_memory
from asr.types import Hypothesis, Language, Word
from voice.contracts.audio import SAMPLE_RATE, Pcm, Samples, Span, from_ms, from_s
from voice.contracts.errors import ModelCorruptError, ModelError

BLOCK: Final[Samples] = from_ms(200)
"""Audio that Kaldi gets at once: 200 ms."""

TIME_STEP: Final[Samples] = from_ms(10)
"""Kaldi's times are multiples of its frames of 10 ms."""

DITHER_STEPS: Final = 1.0
"""Standard deviation of the noise that replaces Kaldi's own, in steps of 16 bits; Kaldi's default. Models are trained
with it, and digital silence without it is like nothing they know."""


LOADED_TIMES: Final = 2.0
"""Memory of a loaded model, as a multiple of what its files weigh; as measured of vosk-ko."""

MAX_IDLE: Final = 4
"""Native recognizers of a model that are kept while no utterance needs them: as many as calls speak at once in one
process. The joined graph of each grows to 200 MB within `LONGEST_USE` where the model understands little, which has
Kaldi look everywhere; that is the most that was seen."""

LONGEST_USE: Final[Samples] = from_s(480)
"""Audio after which a native recognizer is let go: 8 min. It counts in 32 bits of floating point, which hold whole
samples up to 17 min."""


class _NativePool:
    """Native recognizers of one model, to be used one utterance after the other, from any thread."""

    def __init__(self, name: str, model: vosk.Model) -> None:
        self.name = name
        self._model = model
        self._lock = threading.Lock()
        self._idle: list[tuple[vosk.KaldiRecognizer, Samples]] = []

    def take(self) -> tuple[vosk.KaldiRecognizer, Samples]:
        """One that nobody uses, the one used last, and how much audio it has heard.

        Raises:
            ModelCorruptError: Kaldi refuses to make one.
        """
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return _new_recognizer(self.name, self._model), 0

    def give_back(self, native: vosk.KaldiRecognizer, heard: Samples) -> None:
        """Keep one that has given its final result, or let it go."""
        with self._lock:
            if heard < LONGEST_USE and len(self._idle) < MAX_IDLE:
                self._idle.append((native, heard))

    def let_go(self) -> None:
        """Keep none of them."""
        with self._lock:
            self._idle.clear()


class VoskRecognizer:
    """Loaded Vosk models, one per language; implements `Recognizer`. `load_vosk` makes the models."""

    def __init__(self, models: Mapping[Language, tuple[str, vosk.Model]]) -> None:
        self._models = {language: _NativePool(name, model) for language, (name, model) in models.items()}
        self.name = "vosk/" + "+".join(dict.fromkeys(pool.name for pool in self._models.values()))
        self.languages = frozenset(self._models)

    def begin(self, language: Language) -> VoskUtterance:
        """Start an utterance.

        Raises:
            ModelError: `language` is not one of `languages`, or Kaldi refuses.
        """
        if language not in self._models:
            raise ModelError(f"{self.name} recognizes {', '.join(sorted(self.languages))}; got {str(language)!r}.")
        return VoskUtterance(self._models[language], language)

    def let_go(self) -> None:
        """Let go of native recognizers that no utterance uses; see `Keeping`."""
        for pool in self._models.values():
            pool.let_go()


class VoskUtterance:
    """One utterance; implements `Utterance`. Hearing is the costly part, partials are cheap."""

    def __init__(self, pool: _NativePool, language: Language) -> None:
        self._pool = pool
        self._recognizer, self._before = pool.take()
        self._language = language
        self._rest: Pcm = np.zeros(0, dtype=np.float32)
        self._length: Samples = 0
        self._texts: list[str] = []
        self._words: list[Word] = []
        self._told = ""
        self._dither = np.random.default_rng(seed=0)

    def accept(self, pcm: Pcm) -> None:
        """Hear more audio; samples that are no numbers are silence.

        Raises:
            ModelError: Kaldi broke.
        """
        audio = np.concatenate([self._rest, np.nan_to_num(pcm, nan=0.0, posinf=0.0, neginf=0.0)])
        whole = len(audio) - len(audio) % BLOCK
        for start in range(0, whole, BLOCK):
            self._feed(audio[start : start + BLOCK])
        self._rest = audio[whole:]

    def partial(self) -> Hypothesis | None:
        """The text so far without word times, or None where it has not changed."""
        going_on = json.loads(self._recognizer.PartialResult()).get("partial", "")
        text = join_words([*self._texts, *going_on.split()], self._language)
        if not text or text == self._told:
            return None
        self._told = text
        return Hypothesis(text)

    def finish(self) -> Hypothesis:
        """The final text with words, their times and confidences.

        Raises:
            ModelError: Kaldi broke.
        """
        if len(self._rest):
            self._feed(self._rest)
        self._keep(self._recognizer.FinalResult())
        # One that an utterance left in its middle is not used again: it would go on with that.
        self._pool.give_back(self._recognizer, self._before + self._length)
        return Hypothesis(join_words(self._texts, self._language), tuple(self._words))

    def _feed(self, block: Pcm) -> None:
        self._length += len(block)
        noise = self._dither.standard_normal(len(block), dtype=np.float32) * np.float32(DITHER_STEPS)
        steps = np.clip(np.rint(block * np.float32(32768.0) + noise), -32768, 32767).astype("<i2")
        try:
            ended = self._recognizer.AcceptWaveform(steps.tobytes())
        except Exception as error:  # vosk raises bare Exception
            raise ModelError(f"Vosk model {self._pool.name} broke on this utterance: {error}.") from error
        if ended:
            self._keep(self._recognizer.Result())

    def _keep(self, result: str) -> None:
        """Take over what Kaldi has settled."""
        for entry in json.loads(result).get("result", ()):
            word = _read_word(entry, self._language, self._before, self._length)
            start = max(word.span.start, self._words[-1].span.end if self._words else 0)
            self._words.append(Word(word.text, Span(start, max(start, word.span.end)), word.confidence))
            self._texts.append(word.text)


def load_vosk(folder: Path) -> vosk.Model:
    """Load a Vosk model. Takes about a second; blocks.

    Kaldi crashes the process on files whose beginning is sound and whose body is not, so models with a manifest
    should be verified before.

    Raises:
        ModelMissingError: the folder or one of its files is not there.
        ModelCorruptError: the files are not a Vosk model.
        ModelError: memory does not suffice.
    """
    check_vosk(folder)
    demand_memory(f"vosk/{folder.name}", folder, times=LOADED_TIMES)
    vosk.SetLogLevel(-1)
    try:
        with _without_dither(folder) as view:
            model = vosk.Model(str(view))
    except Exception as error:  # vosk raises bare Exception
        raise ModelCorruptError(
            f"{folder} cannot be loaded as a Vosk model.", fix=f"Run: warmline models verify {folder.name}"
        ) from error
    _new_recognizer(folder.name, model)  # some faults show only here
    return model


def join_words(words: list[str], language: Language) -> str:
    """Words as text: Mandarin without spaces, except between two that are written in Latin letters."""
    if language is not Language.ZH:
        return " ".join(words)
    text = ""
    for word in words:
        text += f" {word}" if text[-1:].isascii() and text and word[:1].isascii() else word
    return text


@contextmanager
def _without_dither(folder: Path) -> Iterator[Path]:
    """A view of a model folder whose configuration turns Kaldi's dither off; the model's own files stay as they are."""
    with tempfile.TemporaryDirectory(prefix="warmline-vosk-") as place:
        view = Path(place)
        for entry in folder.iterdir():
            if entry.name != "conf":
                (view / entry.name).symlink_to(entry.resolve())
        shutil.copytree(folder / "conf", view / "conf", copy_function=shutil.copyfile)
        with (view / "conf" / "mfcc.conf").open("a", encoding="utf-8") as options:
            options.write("\n--dither=0\n")
        yield view


def _new_recognizer(name: str, model: vosk.Model) -> vosk.KaldiRecognizer:
    try:
        recognizer = vosk.KaldiRecognizer(model, SAMPLE_RATE)
    except Exception as error:  # vosk raises bare Exception
        raise ModelCorruptError(
            f"Vosk model {name} loads but cannot recognize.", fix=f"Run: warmline models verify {name}"
        ) from error
    recognizer.SetWords(True)
    return recognizer


def _read_word(entry: Any, language: Language, before: Samples, length: Samples) -> Word:
    """A word; Kaldi's times count from the first utterance of its recognizer, in steps of 10 ms after `before`."""
    text = str(entry["word"])
    start, end = (
        min(max(0, round((from_s(float(entry[key])) - before) / TIME_STEP) * TIME_STEP), length)
        for key in ("start", "end")
    )
    end = max(start, end)
    confidence = round(min(1.0, max(0.0, float(entry["conf"]))), 3)
    return Word(simplify(text) if language is Language.ZH else text, Span(start, end), confidence)
