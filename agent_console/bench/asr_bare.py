"""What recognition would cost with nothing around it: each library in the shortest loop that does the same work.

Whoever writes such a loop by hand knows the utterance and when partials are wanted, and calls the library: no threads
that share work, no hand-over, no guards, no text work. Models, windows, beam, prompt and blocks are those of the
product; partials are made at the very lengths of audio at which the product made them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol

import ctranslate2
import numpy as np
import sherpa_onnx
import tokenizers
import vosk

from asr.models.entry import Engine
from asr.models.sherpa_layout import SherpaFiles, SherpaKind, check_sherpa
from asr.sherpa_streaming import PARAFORMER_TAIL
from asr.types import Language
from asr.vosk import BLOCK
from asr.whisper import WhisperSettings, fit_window
from asr.whisper_prompt import compose_prompt
from voice.audio.mel import HOP, log_mel
from voice.contracts.audio import SAMPLE_RATE, Pcm, Samples, from_ms, to_s

_SHERPA_TAIL: Final[Samples] = from_ms(660)
"""Silence that brings a transducer's last frames, as sherpa-onnx's own examples add it."""


@dataclass(frozen=True, slots=True)
class Chance:
    """A partial was due when `heard` samples of the utterance were there; `told` whether one came of it."""

    heard: Samples
    told: bool


class BareLoop(Protocol):
    """A library used directly. Used by several threads at a time."""

    what: ClassVar[str]
    """What the loop does, for people."""

    def recognize(self, pcm: Pcm, language: Language, chances: Sequence[Chance]) -> str:
        """The text of an utterance, after its partials."""
        ...


class BareWhisper:
    """CTranslate2."""

    what: ClassVar[str] = (
        "CTranslate2 itself, same folder, int8, inter_threads as the product, intra_threads 1: log-mel features (the "
        "project's; the library has none) padded to the same window, encode, generate with the same prompt and limit; "
        "greedy and decoded to text at each length of audio at which the product told a partial, then with the same "
        "beam, decoded to text and aligned for word times"
    )

    def __init__(self, folder: Path, threads: int) -> None:
        self._model: Any = ctranslate2.models.Whisper(
            str(folder), device="cpu", compute_type="int8", inter_threads=threads, intra_threads=1
        )
        self._tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._settings = WhisperSettings()

    def recognize(self, pcm: Pcm, language: Language, chances: Sequence[Chance]) -> str:
        """Transcribe what is there at each partial, then all."""
        for chance in chances:
            if chance.told:
                self._pass(pcm[: chance.heard], language, beam=1)
        encoded, tokens, text = self._pass(pcm, language, self._settings.beam)
        if tokens and self._settings.word_times:
            start = self._ids("<|startoftranscript|>", f"<|{language.value}|>", "<|transcribe|>")
            self._model.align(encoded, start, [tokens], max(2, len(pcm) // HOP))
        return text

    def _pass(self, pcm: Pcm, language: Language, beam: int) -> tuple[Any, list[int], str]:
        features = log_mel(pcm, fit_window(len(pcm)) * SAMPLE_RATE // HOP, self._model.n_mels)[None]
        encoded = self._model.encode(ctranslate2.StorageView.from_array(np.ascontiguousarray(features)))
        prompt = self._ids("<|startoftranscript|>", f"<|{language.value}|>", "<|transcribe|>", "<|notimestamps|>")
        if before := compose_prompt(language):
            said = self._tokenizer.encode(f" {before}", add_special_tokens=False).ids
            prompt = [*self._ids("<|startofprev|>"), *said, *prompt]
        limit = min(448, len(prompt) + 16 + int(to_s(len(pcm)) * 14))
        result = self._model.generate(encoded, [prompt], beam_size=beam, max_length=limit)[0]
        tokens: list[int] = result.sequences_ids[0]
        return encoded, tokens, self._tokenizer.decode(tokens)

    def _ids(self, *tokens: str) -> list[int]:
        found = (self._tokenizer.token_to_id(token) for token in tokens)
        return [token for token in found if token is not None]


class BareVosk:
    """Vosk."""

    what: ClassVar[str] = (
        "Vosk itself, same folder, with Kaldi's own dither: 16-bit audio in blocks of the product's length, "
        "PartialResult at each length of audio at which the product asked for a partial, then FinalResult with words; "
        "JSON read"
    )

    def __init__(self, folder: Path) -> None:
        vosk.SetLogLevel(-1)
        self._model = vosk.Model(str(folder))

    def recognize(self, pcm: Pcm, language: Language, chances: Sequence[Chance]) -> str:  # noqa: ARG002  the model's
        """Feed block by block."""
        recognizer = vosk.KaldiRecognizer(self._model, SAMPLE_RATE)
        recognizer.SetWords(True)
        audio = np.clip(np.rint(pcm * np.float32(32768.0)), -32768, 32767).astype("<i2")
        texts: list[str] = []
        asked = 0
        for start in range(0, len(audio), BLOCK):
            if recognizer.AcceptWaveform(audio[start : start + BLOCK].tobytes()):
                texts.append(json.loads(recognizer.Result())["text"])
            while asked < len(chances) and chances[asked].heard < start + 2 * BLOCK:
                json.loads(recognizer.PartialResult())
                asked += 1
        texts.append(json.loads(recognizer.FinalResult())["text"])
        return " ".join(texts)


class BareSherpaStreaming:
    """A streaming model of sherpa-onnx."""

    what: ClassVar[str] = (
        "sherpa-onnx itself, same files, one thread, greedy: accept_waveform in pieces of 100 ms, decode_stream while "
        "ready, get_result at each length of audio at which the product asked for a partial, silence, get_result"
    )

    def __init__(self, files: SherpaFiles) -> None:
        self._tail = PARAFORMER_TAIL
        networks = {role: str(path) for role, path in files.networks.items()}
        load = sherpa_onnx.OnlineRecognizer.from_paraformer
        if files.kind is SherpaKind.ZIPFORMER:
            self._tail = _SHERPA_TAIL
            load = partial(sherpa_onnx.OnlineRecognizer.from_transducer, model_type=files.model_type)
        self._native: Any = load(tokens=str(files.tokens), **networks, num_threads=1)

    def recognize(self, pcm: Pcm, language: Language, chances: Sequence[Chance]) -> str:  # noqa: ARG002  the model's
        """Feed piece by piece."""
        stream = self._native.create_stream()
        piece = from_ms(100)
        wanted = {chance.heard for chance in chances}
        for start in range(0, len(pcm), piece):
            self._feed(stream, pcm[start : start + piece])
            if start + piece in wanted:
                self._native.get_result(stream)
        self._feed(stream, np.zeros(self._tail, np.float32))
        return str(self._native.get_result(stream))

    def _feed(self, stream: Any, pcm: Pcm) -> None:
        stream.accept_waveform(SAMPLE_RATE, pcm)
        while self._native.is_ready(stream):
            self._native.decode_stream(stream)


class BareSenseVoice:
    """SenseVoice through sherpa-onnx."""

    what: ClassVar[str] = (
        "sherpa-onnx itself, same file, one thread: one pass over the utterance so far at each length of audio at "
        "which the product told a partial, then one over all of it"
    )

    def __init__(self, files: SherpaFiles, languages: Sequence[Language]) -> None:
        self._natives: dict[Language, Any] = {
            language: sherpa_onnx.OfflineRecognizer.from_sense_voice(
                model=str(files.networks["model"]),
                tokens=str(files.tokens),
                num_threads=1,
                language=language.value,
                use_itn=False,
            )
            for language in languages
        }

    def recognize(self, pcm: Pcm, language: Language, chances: Sequence[Chance]) -> str:
        """Transcribe what is there at each partial, then all."""
        native = self._natives[language]
        text = ""
        for heard in [*(chance.heard for chance in chances if chance.told), len(pcm)]:
            stream = native.create_stream()
            stream.accept_waveform(SAMPLE_RATE, pcm[:heard])
            native.decode_stream(stream)
            text = str(stream.result.text)
        return text


def load_bare(engine: str, folder: Path, languages: Sequence[Language], threads: int) -> BareLoop | None:
    """The loop for an engine's model, which the product has loaded and thereby verified; None for the fake.

    Args:
        engine: whose library.
        folder: of the model.
        languages: what will be recognized.
        threads: utterances recognized at the same time.
    """
    match engine:
        case Engine.WHISPER:
            return BareWhisper(folder, threads)
        case Engine.VOSK:
            return BareVosk(folder)
        case Engine.SHERPA:
            files = check_sherpa(folder)
            if files.kind is SherpaKind.SENSE_VOICE:
                return BareSenseVoice(files, languages)
            return BareSherpaStreaming(files)
        case _:
            return None
