"""Whisper through CTranslate2, with an encoder context as short as the utterance allows.

Whisper was trained on windows of 30 s, and encoding 30 s for a sentence of three is most of its cost. The encoder takes
shorter windows as well, but it loops where speech fills the window to its edge or the window falls below about 9 s.
So an utterance is padded to the shortest of `WINDOWS_S` that leaves a margin.

Partials transcribe the utterance so far from its beginning, greedily; the final searches with a beam and aligns words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import ctranslate2
import numpy as np
import tokenizers

from asr.chinese import simplify, widen_punctuation
from asr.front_end import reduce_noise
from asr.guards import is_loop, is_no_speech, is_silent, is_training_subtitle, without_loop
from asr.models.layout import check_whisper
from asr.models.memory import is_lack_of_memory, lack_of_memory
from asr.types import Hypothesis, Language, Word
from asr.whisper_dictation import CHOICES, PROMPT, find_dictated, is_plausible, spell_dictated, spell_words
from asr.whisper_prompt import NEUTRAL, compose_prompt, repeats_prompt, tells_made_up_number
from asr.whisper_text import group_tokens, time_words
from voice.audio.mel import HOP, log_mel
from voice.contracts.audio import SAMPLE_RATE, Pcm, Samples, Span, from_ms, from_s, to_s
from voice.contracts.errors import ModelCorruptError, ModelError

WINDOWS_S: Final = (10, 15, 20, 30)
"""Encoder windows, seconds."""

WINDOW_MARGIN_S: Final = 1.0
"""Silence that a window keeps after the speech, except the longest."""

LONGEST: Final[Samples] = from_s(WINDOWS_S[-1])
"""Audio that one pass takes: 30 s. Longer utterances are cut at the quietest moment of the second half."""

_TOKENS_PER_S: Final = 14
_TOKENS_SPARE: Final = 16


@dataclass(frozen=True, slots=True)
class WhisperSettings:
    """How Whisper searches.

    Attributes:
        beam: hypotheses kept by the final pass; 1 is greedy.
        partial_every_s: new audio that a partial needs, seconds, for windows of 10 s; longer windows need
            proportionally more, so that the share of time spent on partials stays the same.
        word_times: whether finals carry words with times and confidences.
        terms: words of the business that the prompt names, the most important first; for Mandarin.
        reduce_noise: whether steady noise is reduced where there is much of it.
        prompt: what is told before every utterance; None composes it for the language.
        dictation: whether read-out Mandarin numbers are heard again as digits.
    """

    beam: int = 5
    partial_every_s: float = 1.0
    word_times: bool = True
    terms: tuple[str, ...] = ()
    reduce_noise: bool = True
    prompt: str | None = None
    dictation: bool = True


@dataclass(frozen=True, slots=True)
class _Pass:
    """One pass of the model over at most 30 s; from `dictated` on the text was heard as nothing but digits."""

    text: str
    tokens: list[int]
    encoded: ctranslate2.StorageView
    dictated: int | None = None


class WhisperRecognizer:
    """A loaded Whisper model; implements `Recognizer`. `load_whisper` makes it."""

    languages = frozenset((Language.ZH, Language.EN, Language.KO))

    def __init__(
        self,
        name: str,
        model: ctranslate2.models.Whisper,
        tokenizer: tokenizers.Tokenizer,
        settings: WhisperSettings,
    ) -> None:
        self.name = name
        self.settings = settings
        self._model = model
        self._tokenizer = tokenizer
        self._begin_call: Callable[[], None] = lambda: None

    def report_calls(self, begin: Callable[[], None]) -> None:
        """Tell of native calls; see `Reporting`."""
        self._begin_call = begin

    def begin(self, language: Language) -> WhisperUtterance:
        """Start an utterance.

        Raises:
            ModelError: `language` is not one of `languages`.
        """
        if language not in self.languages:
            raise ModelError(f"{self.name} recognizes {', '.join(sorted(self.languages))}; got {str(language)!r}.")
        return WhisperUtterance(self, language)

    def transcribe(self, pcm: Pcm, language: Language, *, beam: int, window_s: int | None = None) -> _Pass:
        """One pass over at most 30 s of audio.

        What might come from the prompt rather than from the caller is heard again with a prompt that suggests nothing.

        Args:
            pcm: shape (n,), n at most `LONGEST`.
            language: what is spoken.
            beam: 1 is greedy.
            window_s: encoder window; by default the shortest that fits.
        """
        seconds = window_s if window_s is not None else fit_window(len(pcm))
        heard = reduce_noise(pcm) if self.settings.reduce_noise else pcm
        features = log_mel(heard, seconds * SAMPLE_RATE // HOP, self._model.n_mels)[None]
        self._begin_call()
        encoded = self._model.encode(ctranslate2.StorageView.from_array(np.ascontiguousarray(features)))
        prompt = self.settings.prompt
        if prompt is None:
            prompt = compose_prompt(language, self.settings.terms)
        done = self._search(encoded, len(pcm), language, beam, prompt)
        wrong = tells_made_up_number(done.text, prompt) or is_loop(done.text, to_s(len(pcm)))
        if not wrong and not repeats_prompt(done.text, prompt):
            return done
        plain = self._search(encoded, len(pcm), language, beam, NEUTRAL.get(language, ""))
        return plain if wrong or not plain.text else done

    def _search(
        self, encoded: ctranslate2.StorageView, length: Samples, language: Language, beam: int, prompt: str
    ) -> _Pass:
        ids = self._ids("<|startoftranscript|>", f"<|{language.value}|>", "<|transcribe|>", "<|notimestamps|>")
        if prompt:
            before = self._tokenizer.encode(f" {prompt}", add_special_tokens=False).ids
            ids = [*self._ids("<|startofprev|>"), *before, *ids]
        self._begin_call()
        result = self._model.generate(
            encoded,
            [ids],
            beam_size=beam,
            max_length=min(448, len(ids) + _TOKENS_SPARE + int(to_s(length) * _TOKENS_PER_S)),
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        tokens: list[int] = result.sequences_ids[0]
        text = self._tokenizer.decode(tokens).strip()
        if is_no_speech(result.no_speech_prob, result.scores[0]) or is_training_subtitle(text):
            return _Pass("", [], encoded)
        return _Pass(text, tokens, encoded)

    def hear_dictated(self, done: _Pass, language: Language) -> _Pass:
        """The same pass, with a number that is read out to its end heard again as digits; see `whisper_dictation`."""
        start = find_dictated(done.text) if language is Language.ZH else None
        if start is None:
            return done
        before, heard = done.text[:start], done.text[start:]
        told = self._tokenizer.encode(f" {PROMPT}", add_special_tokens=False).ids
        ids = self._ids("<|startoftranscript|>", f"<|{language.value}|>", "<|transcribe|>", "<|notimestamps|>")
        ids += self._tokenizer.encode(before, add_special_tokens=False).ids
        self._begin_call()
        result = self._model.generate(
            done.encoded,
            [[*self._ids("<|startofprev|>"), *told, *ids]],
            beam_size=self.settings.beam,
            max_length=min(448, len(told) + len(ids) + _TOKENS_SPARE + 2 * len(heard)),
            suppress_blank=False,
            suppress_tokens=[-1, *self._never_digits],
        )[0]
        tokens: list[int] = result.sequences_ids[0]
        text = self._tokenizer.decode(tokens).strip()
        if not text.startswith(before) or not is_plausible(heard, text[start:]):
            return done
        return _Pass(before + spell_dictated(text[start:]), tokens, done.encoded, start)

    @cached_property
    def digit_tokens(self) -> frozenset[int]:
        """Tokens that the second pass over a number may choose from: those of `CHOICES`, and the end of the text."""
        chosen = self._tokenizer.encode(CHOICES, add_special_tokens=False).ids
        return frozenset(chosen) | frozenset(self._ids("<|endoftext|>"))

    @cached_property
    def _never_digits(self) -> list[int]:
        return [token for token in range(self._tokenizer.get_vocab_size()) if token not in self.digit_tokens]

    def align(self, done: _Pass, within: Span, language: Language) -> tuple[Word, ...]:
        """Words of a pass with times relative to the utterance; `within` is where its audio lies there."""
        frames = max(2, within.length // HOP)
        start = self._ids("<|startoftranscript|>", f"<|{language.value}|>", "<|transcribe|>")
        self._begin_call()
        alignment = self._model.align(done.encoded, start, [done.tokens], frames)[0]
        groups = group_tokens(done.tokens, self._tokenizer.decode, language)
        words = time_words(groups, alignment.alignments, alignment.text_token_probs, within, language)
        return words if done.dictated is None else spell_words(words, done.dictated)

    def _ids(self, *tokens: str) -> list[int]:
        found = (self._tokenizer.token_to_id(token) for token in tokens)
        return [token for token in found if token is not None]


class WhisperUtterance:
    """One utterance; implements `SettlingUtterance`. Hearing costs nothing; partials and the final cost a pass each."""

    def __init__(self, recognizer: WhisperRecognizer, language: Language) -> None:
        self._recognizer = recognizer
        self._language = language
        self._chunks: list[Pcm] = []
        self._length: Samples = 0
        self._partial_at: Samples = 0
        self._settled: list[str] = []
        self._settled_to: Samples = 0
        self._final: Hypothesis | None = None

    def accept(self, pcm: Pcm) -> None:
        """Hear more audio; samples that are no numbers are silence."""
        self._chunks.append(np.nan_to_num(pcm.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0))
        self._length += len(pcm)
        self._final = None

    def partial(self) -> Hypothesis | None:
        """What was said so far, without word times; None until enough new audio has come.

        The first `LONGEST` samples of a long utterance are transcribed once and not again.
        """
        open_length = min(self._length - self._settled_to, LONGEST)
        scale = fit_window(open_length) / WINDOWS_S[0]
        if self._length - self._partial_at < from_s(self._recognizer.settings.partial_every_s * scale):
            return None
        self._partial_at = self._length
        pcm = self._audio()
        while len(pcm) - self._settled_to > LONGEST:
            cut = quiet_cut(pcm[self._settled_to : self._settled_to + LONGEST])
            self._settled.append(self._greedy(pcm[self._settled_to : self._settled_to + cut]))
            self._settled_to += cut
        text = _join([*self._settled, self._greedy(pcm[self._settled_to :])], self._language)
        return Hypothesis(text) if text else None

    def settle(self) -> Hypothesis:
        """The final ahead; `finish` answers it again as long as nothing more is heard."""
        self._partial_at = self._length
        self._final = self._final or self._finish()
        return self._final

    def finish(self) -> Hypothesis:
        """The final hypothesis with words."""
        return self._final or self._finish()

    def _finish(self) -> Hypothesis:
        pcm = self._audio()
        texts: list[str] = []
        words: list[Word] = []
        start: Samples = 0
        while start < len(pcm):
            piece = pcm[start : start + LONGEST]
            if start + len(piece) < len(pcm):
                piece = piece[: quiet_cut(piece)]
            text, timed = self._finish_piece(piece, start)
            texts.append(text)
            words.extend(timed)
            start += len(piece)
        return Hypothesis(_join(texts, self._language), tuple(words))

    def _finish_piece(self, pcm: Pcm, start: Samples) -> tuple[str, tuple[Word, ...]]:
        if is_silent(pcm):
            return "", ()
        recognizer, settings = self._recognizer, self._recognizer.settings
        done = recognizer.transcribe(pcm, self._language, beam=settings.beam)
        if is_loop(done.text, to_s(len(pcm))):
            # A window as in training rarely loops; three times the cost for the few that did.
            done = recognizer.transcribe(pcm, self._language, beam=settings.beam, window_s=WINDOWS_S[-1])
            if is_loop(done.text, to_s(len(pcm))):
                return _script(without_loop(done.text), self._language), ()
        if settings.dictation:
            done = recognizer.hear_dictated(done, self._language)
        if not done.text or not settings.word_times:
            return _script(done.text, self._language), ()
        return _script(done.text, self._language), recognizer.align(done, Span(start, start + len(pcm)), self._language)

    def _greedy(self, pcm: Pcm) -> str:
        if is_silent(pcm):
            return ""
        text = self._recognizer.transcribe(pcm, self._language, beam=1).text
        return _script(without_loop(text) if is_loop(text, to_s(len(pcm))) else text, self._language)

    def _audio(self) -> Pcm:
        if len(self._chunks) != 1:
            self._chunks = [np.concatenate(self._chunks) if self._chunks else np.zeros(0, dtype=np.float32)]
        return self._chunks[0]


def load_whisper(folder: Path, *, threads: int = 1, settings: WhisperSettings | None = None) -> WhisperRecognizer:
    """Load a CTranslate2 conversion of a multilingual Whisper model. Takes about half a second; blocks.

    Args:
        folder: holds what `check_whisper` asks for.
        threads: utterances that are recognized at the same time, one core each.
        settings: how to search.

    Raises:
        ModelMissingError: the folder or one of its files is not there.
        ModelCorruptError: the files are not a Whisper model.
        ModelError: memory does not suffice.
    """
    check_whisper(folder)
    try:
        model = ctranslate2.models.Whisper(
            str(folder), device="cpu", compute_type="int8", inter_threads=threads, intra_threads=1
        )
        tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # both libraries raise bare RuntimeError, ValueError and Exception
        if is_lack_of_memory(error):
            raise lack_of_memory(f"whisper/{folder.name}") from error
        raise _corrupt(folder, str(error)) from error
    needed = ["<|startoftranscript|>", "<|startofprev|>", "<|transcribe|>", "<|notimestamps|>"]
    needed += [f"<|{language.value}|>" for language in sorted(WhisperRecognizer.languages)]
    unknown = [token for token in needed if tokenizer.token_to_id(token) is None]
    if unknown or not model.is_multilingual:
        raise _corrupt(folder, f"not a multilingual Whisper model (tokens missing: {', '.join(unknown) or 'none'})")
    return WhisperRecognizer(f"whisper/{folder.name}", model, tokenizer, settings or WhisperSettings())


def fit_window(length: Samples) -> int:
    """The shortest window in seconds for `length` samples, at most `LONGEST`."""
    needed = to_s(length) + WINDOW_MARGIN_S
    return next((window for window in WINDOWS_S if window >= needed), WINDOWS_S[-1])


def quiet_cut(pcm: Pcm) -> Samples:
    """Where to cut: the middle of the quietest 200 ms in the second half."""
    block, step = from_ms(200), from_ms(50)
    starts = range(len(pcm) // 2, max(len(pcm) // 2 + 1, len(pcm) - block), step)
    quietest = min(starts, key=lambda start: float(np.sum(np.square(pcm[start : start + block]))))
    return quietest + block // 2


def _script(text: str, language: Language) -> str:
    return widen_punctuation(simplify(text)) if language is Language.ZH else text


def _join(texts: list[str], language: Language) -> str:
    joint = "" if language is Language.ZH else " "
    return joint.join(text for text in texts if text)


def _corrupt(folder: Path, what: str) -> ModelCorruptError:
    return ModelCorruptError(
        f"{folder} cannot be loaded as a Whisper model: {what}.",
        fix=f"Run: warmline models verify {folder.name}",
    )
