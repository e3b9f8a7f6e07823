"""SenseVoice through sherpa-onnx: whole utterances, with the language, emotion and events that it hears besides words.

It is not a streaming model. Partials transcribe the utterance so far, rarely enough that their share of time stays the
same; at about a twentieth of real time per pass on one core that is affordable.

Reference: An et al. 2024, "FunAudioLLM", section 2.2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from asr.guards import is_loop, is_silent, is_training_subtitle, without_loop
from asr.sherpa_streaming import breakage_named, sound_only
from asr.sherpa_words import Symbol, join_words, write_words
from asr.types import Hypothesis, Language, Word
from asr.whisper import quiet_cut
from voice.contracts.audio import SAMPLE_RATE, Pcm, Samples, from_ms, from_s, to_s
from voice.contracts.errors import ModelError

LONGEST: Final[Samples] = from_s(30)
"""Audio that one pass takes, as in training. Longer utterances are cut at a quiet moment."""

SHORTEST: Final[Samples] = from_ms(500)
"""Shorter audio is followed by silence up to this length: seven frames of 10 ms are the least that can be stacked."""

PARTIAL_SHARE: Final = 0.25
"""New audio that a partial needs, as a share of what is transcribed anew."""

_MARK: Final = re.compile(r"<\|(.+?)\|>")
_NO_SPEECH: Final = "nospeech"
_SPEECH_EVENT: Final = "speech"
_UNKNOWN: Final = frozenset(("", "emo_unknown", "event_unk", "unk"))
_MEANINGLESS: Final = frozenset(("嗯", "啊", "哦", "呃", "the", "i", "yeah", "oh", "um", "uh", "음"))


@dataclass(frozen=True, slots=True)
class SenseVoiceSettings:
    """How SenseVoice is used.

    Attributes:
        partial_every_s: new audio that a partial needs at least, seconds.
    """

    partial_every_s: float = 1.0


@dataclass(frozen=True, slots=True)
class _Heard:
    """What one pass heard."""

    words: tuple[Word, ...]
    text: str
    tags: tuple[str, ...]


class SenseVoiceRecognizer:
    """A loaded SenseVoice model, once per language; implements `Recognizer`. `asr.sherpa.load_sherpa` makes it.

    The language is a setting of the native recognizer and not of the utterance, so each language has its own.
    """

    def __init__(self, name: str, natives: dict[Language, Any], settings: SenseVoiceSettings) -> None:
        self.name = name
        self.settings = settings
        self.languages = frozenset(natives)
        self._natives = dict(natives)

    def begin(self, language: Language) -> SenseVoiceUtterance:
        """Start an utterance.

        Raises:
            ModelError: `language` is not one of `languages`.
        """
        if language not in self.languages:
            raise ModelError(f"{self.name} recognizes {', '.join(sorted(self.languages))}; got {str(language)!r}.")
        return SenseVoiceUtterance(self, language)

    def transcribe(self, pcm: Pcm, language: Language, start: Samples) -> _Heard:
        """One pass over at most `LONGEST` of audio that begins at `start` of the utterance.

        Raises:
            ModelError: the engine broke.
        """
        padded = np.pad(pcm, (0, max(0, SHORTEST - len(pcm))))
        native = self._natives[language]
        with breakage_named(self.name):
            stream = native.create_stream()
            stream.accept_waveform(SAMPLE_RATE, padded)
            native.decode_stream(stream)
            result = stream.result
        if not result.lang:
            # The native code catches the runtime's failures itself and answers with nothing at all.
            raise ModelError(f"{self.name} broke on this utterance: its network failed.")
        spoken, emotion, event = (_name(mark) for mark in (result.lang, result.emotion, result.event))
        tags = _tags(spoken, emotion, event)
        symbols = [
            Symbol(text, start + from_s(time)) for text, time in zip(result.tokens, result.timestamps, strict=True)
        ]
        words = write_words(symbols, language, start + len(pcm), lower=False)
        text = join_words(words)
        if spoken == _NO_SPEECH or is_training_subtitle(text) or _is_noise(text, event):
            return _Heard((), "", tags)
        if is_loop(text, to_s(len(pcm))):
            return _Heard((), without_loop(text), tags)
        return _Heard(words, text, tags)


class SenseVoiceUtterance:
    """One utterance; implements `SettlingUtterance`. Hearing costs nothing; partials and the final cost a pass each."""

    def __init__(self, recognizer: SenseVoiceRecognizer, language: Language) -> None:
        self._recognizer = recognizer
        self._language = language
        self._chunks: list[Pcm] = []
        self._length: Samples = 0
        self._partial_at: Samples = 0
        self._settled: list[_Heard] = []
        self._settled_to: Samples = 0
        self._told = ""
        self._final: Hypothesis | None = None

    def accept(self, pcm: Pcm) -> None:
        """Hear more audio."""
        self._chunks.append(sound_only(pcm))
        self._length += len(pcm)
        self._final = None

    def partial(self) -> Hypothesis | None:
        """What was said so far, without word times; None until enough new audio has come or where nothing changed.

        The first `LONGEST` samples of a long utterance are transcribed once and not again.

        Raises:
            ModelError: the engine broke.
        """
        least = from_s(self._recognizer.settings.partial_every_s)
        open_length = self._length - self._settled_to
        if self._length - self._partial_at < max(least, round(PARTIAL_SHARE * min(open_length, LONGEST))):
            return None
        self._partial_at = self._length
        text = join_words([word for heard in self._pieces() for word in heard.words])
        if not text or text == self._told:
            return None
        self._told = text
        return Hypothesis(text)

    def settle(self) -> Hypothesis:
        """The final ahead; `finish` answers it again as long as nothing more is heard.

        Raises:
            ModelError: the engine broke.
        """
        self._partial_at = self._length
        self._final = self._final or self._finish()
        return self._final

    def finish(self) -> Hypothesis:
        """The final hypothesis with words, their times, and tags for language, emotion and events.

        Raises:
            ModelError: the engine broke.
        """
        return self._final or self._finish()

    def _finish(self) -> Hypothesis:
        pieces = self._pieces()
        words = tuple(word for heard in pieces for word in heard.words)
        if all(heard.words or not heard.text for heard in pieces):
            text = join_words(words)
        else:
            words, text = (), " ".join(heard.text for heard in pieces if heard.text)
        return Hypothesis(text, words, tags=tuple(dict.fromkeys(tag for heard in pieces for tag in heard.tags)))

    def _pieces(self) -> list[_Heard]:
        """What each piece of the utterance says; pieces that more audio cannot change are kept.

        A piece is cut where a whole `LONGEST` of audio lies open and more follows, so that partials, which come at any
        time, change nothing about where the final is cut.
        """
        pcm = self._audio()
        while len(pcm) - self._settled_to > LONGEST:
            piece = pcm[self._settled_to : self._settled_to + LONGEST]
            cut = quiet_cut(piece)
            self._settled.append(self._hear(piece[:cut], self._settled_to))
            self._settled_to += cut
        return [*self._settled, self._hear(pcm[self._settled_to :], self._settled_to)]

    def _hear(self, pcm: Pcm, start: Samples) -> _Heard:
        if is_silent(pcm):
            return _Heard((), "", ())
        return self._recognizer.transcribe(pcm, self._language, start)

    def _audio(self) -> Pcm:
        if len(self._chunks) != 1:
            self._chunks = [np.concatenate(self._chunks) if self._chunks else np.zeros(0, dtype=np.float32)]
        return self._chunks[0]


def _name(mark: str) -> str:
    """`<|ANGRY|>` as `angry`."""
    match = _MARK.fullmatch(mark)
    return (match.group(1) if match else mark).lower()


def _tags(spoken: str, emotion: str, event: str) -> tuple[str, ...]:
    """Tags of what is known; that there is speech goes without saying."""
    tags = [f"language:{spoken}"] if spoken not in _UNKNOWN | {_NO_SPEECH} else []
    tags += [f"emotion:{emotion}"] if emotion not in _UNKNOWN else []
    tags += [f"event:{event}"] if event not in _UNKNOWN | {_SPEECH_EVENT} else []
    return tuple(tags)


def _is_noise(text: str, event: str) -> bool:
    """Whether a lone particle stands beside an event that is not speech: what CTC models put into noise and music."""
    return event not in _UNKNOWN | {_SPEECH_EVENT} and text.strip(" .,。，").lower() in _MEANINGLESS
