"""Vosk: streaming recognition with Kaldi. Partials come while somebody speaks and cost nothing extra.

The same audio must give the same words, and left to itself Kaldi breaks that twice. It decides about end points
whenever it is handed audio, so audio goes to it in blocks of fixed length. And it dithers with a random generator that
all utterances of the process share, so its dither is off and each utterance brings its own, which begins anew.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import vosk

from asr.chinese import simplify
from asr.models.layout import check_vosk
from asr.types import Hypothesis, Language, Word
from voice.contracts.audio import SAMPLE_RATE, Pcm, Samples, Span, from_ms, from_s
from voice.contracts.errors import ModelCorruptError, ModelError

BLOCK: Final[Samples] = from_ms(200)
"""Audio that Kaldi gets at once: 200 ms."""

DITHER_STEPS: Final = 1.0
"""Standard deviation of the noise that replaces Kaldi's own, in steps of 16 bits; Kaldi's default. Models are trained
with it, and digital silence without it is like nothing they know."""


class VoskRecognizer:
    """Loaded Vosk models, one per language; implements `Recognizer`. `load_vosk` makes the models."""

    def __init__(self, models: Mapping[Language, tuple[str, vosk.Model]]) -> None:
        self._models = dict(models)
        self.name = "vosk/" + "+".join(dict.fromkeys(name for name, _ in self._models.values()))
        self.languages = frozenset(self._models)

    def begin(self, language: Language) -> VoskUtterance:
        """Start an utterance.

        Raises:
            ModelError: `language` is not one of `languages`, or Kaldi refuses.
        """
        if language not in self._models:
            raise ModelError(f"{self.name} recognizes {', '.join(sorted(self.languages))}; got {str(language)!r}.")
        name, model = self._models[language]
        return VoskUtterance(name, _new_recognizer(name, model), language)


class VoskUtterance:
    """One utterance; implements `Utterance`. Hearing is the costly part, partials are cheap."""

    def __init__(self, model: str, recognizer: vosk.KaldiRecognizer, language: Language) -> None:
        self._model = model
        self._recognizer = recognizer
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
        return Hypothesis(join_words(self._texts, self._language), tuple(self._words))

    def _feed(self, block: Pcm) -> None:
        self._length += len(block)
        noise = self._dither.standard_normal(len(block), dtype=np.float32) * np.float32(DITHER_STEPS)
        steps = np.clip(np.rint(block * np.float32(32768.0) + noise), -32768, 32767).astype("<i2")
        try:
            ended = self._recognizer.AcceptWaveform(steps.tobytes())
        except Exception as error:  # vosk raises bare Exception
            raise ModelError(f"Vosk model {self._model} broke on this utterance: {error}.") from error
        if ended:
            self._keep(self._recognizer.Result())

    def _keep(self, result: str) -> None:
        """Take over what Kaldi has settled."""
        for entry in json.loads(result).get("result", ()):
            word = _read_word(entry, self._language, self._length)
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
    """
    check_vosk(folder)
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


def _read_word(entry: Any, language: Language, length: Samples) -> Word:
    text = str(entry["word"])
    start = min(from_s(float(entry["start"])), length)
    end = max(start, min(from_s(float(entry["end"])), length))
    confidence = round(min(1.0, max(0.0, float(entry["conf"]))), 3)
    return Word(simplify(text) if language is Language.ZH else text, Span(start, end), confidence)
