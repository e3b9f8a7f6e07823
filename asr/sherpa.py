"""Loading models for sherpa-onnx: streaming Zipformer and Paraformer, and SenseVoice. The one door to that library.

The native code ends the process over a model that is not what it expects, so `check_sherpa` looks first, and a second
of faint noise is decoded before a model counts as loaded.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import sherpa_onnx

from asr.models.memory import is_lack_of_memory, lack_of_memory
from asr.models.onnx_header import read_header
from asr.models.sherpa_layout import SherpaFiles, SherpaKind, check_sherpa, read_symbols
from asr.sherpa_sense_voice import SenseVoiceRecognizer, SenseVoiceSettings
from asr.sherpa_streaming import (
    EMISSION_DELAY,
    FRAME,
    PARAFORMER_TAIL,
    StreamingModel,
    StreamingRecognizer,
)
from asr.sherpa_words import knows_capitals_only
from asr.types import Language
from voice.contracts.audio import SAMPLE_RATE, Samples
from voice.contracts.errors import ModelCorruptError, ModelError

SENSE_VOICE_LANGUAGES: Final = frozenset((Language.ZH, Language.EN, Language.KO))

_log = logging.getLogger(__name__)

SherpaRecognizer = StreamingRecognizer | SenseVoiceRecognizer


@dataclass(frozen=True, slots=True)
class SherpaSettings:
    """How sherpa-onnx searches.

    Attributes:
        terms: words of the business that a transducer should rather hear; they cost it a beam search. Paraformer and
            SenseVoice take none.
        term_score: what each character of a term adds to its hypothesis, natural logarithm.
        beam: hypotheses kept where there are terms; without terms the search is greedy. A character is favoured only
            where it is among the `beam` likeliest by its sound.
        sense_voice: how SenseVoice is used.
    """

    terms: tuple[str, ...] = ()
    term_score: float = 1.5
    beam: int = 4
    sense_voice: SenseVoiceSettings = field(default_factory=SenseVoiceSettings)


def load_sherpa(
    folder: Path, languages: Collection[Language], settings: SherpaSettings | None = None
) -> SherpaRecognizer:
    """Load a model. Takes about a second, longer for large ones; blocks.

    Each utterance is recognized on the thread that hears it; several threads may share a model. SenseVoice is loaded
    once for each language.

    Args:
        folder: holds what `check_sherpa` asks for.
        languages: what it is to recognize; a streaming model recognizes what it was trained on, whichever is named.
        settings: how to search.

    Raises:
        ModelMissingError: the folder or one of its files is not there.
        ModelCorruptError: the files are not such a model, or of a version that is not understood.
        ModelError: memory does not suffice, or SenseVoice does not speak one of `languages`.
    """
    files = check_sherpa(folder)
    settings = settings or SherpaSettings()
    name = f"sherpa/{folder.name}"
    recognizer: SherpaRecognizer
    try:
        match files.kind:
            case SherpaKind.ZIPFORMER:
                model = _load_zipformer(files, settings)
                recognizer = StreamingRecognizer(name, frozenset(languages), model)
            case SherpaKind.PARAFORMER:
                recognizer = StreamingRecognizer(name, frozenset(languages), _load_paraformer(files))
            case SherpaKind.SENSE_VOICE:
                _check_languages(name, languages)
                natives = {language: _load_sense_voice(files, language) for language in sorted(languages)}
                recognizer = SenseVoiceRecognizer(name, natives, settings.sense_voice)
        _try_out(recognizer)
    except ModelError:
        raise
    except Exception as error:  # the binding raises whatever C++ throws
        if is_lack_of_memory(error):
            raise lack_of_memory(name) from error
        raise ModelCorruptError(
            f"{folder} cannot be loaded by sherpa-onnx ({type(error).__name__}).",
            fix=f"Run: warmline models verify {folder.name}",
        ) from error
    return recognizer


def spell_terms(terms: Collection[str], symbols: Collection[str]) -> list[str]:
    """The terms that a model can spell, its symbols apart: ideographs one by one. The others cannot be biased."""
    known = frozenset(symbols)
    return [" ".join(term) for term in dict.fromkeys(terms) if term and all(character in known for character in term)]


def _load_zipformer(files: SherpaFiles, settings: SherpaSettings) -> StreamingModel:
    symbols = read_symbols(files.tokens).values()
    spelled = spell_terms(settings.terms, symbols)
    if len(spelled) < len(settings.terms):
        _log.info("%d of %d terms can be biased by the recognizer", len(spelled), len(settings.terms))
    with _term_file(spelled) as terms:
        native = sherpa_onnx.OnlineRecognizer.from_transducer(
            tokens=str(files.tokens),
            **{role: str(path) for role, path in files.networks.items()},
            num_threads=1,
            model_type=files.model_type,
            decoding_method="modified_beam_search" if spelled else "greedy_search",
            max_active_paths=settings.beam,
            hotwords_file=terms,
            hotwords_score=settings.term_score,
            modeling_unit="cjkchar",
        )
    chunk = int(read_header(files.networks["encoder"]).metadata["T"])
    tail: Samples = (chunk + 1) * FRAME + EMISSION_DELAY
    return StreamingModel(native, tail, timed=True, lower=knows_capitals_only(list(symbols)))


def _load_paraformer(files: SherpaFiles) -> StreamingModel:
    native = sherpa_onnx.OnlineRecognizer.from_paraformer(
        tokens=str(files.tokens), **{role: str(path) for role, path in files.networks.items()}, num_threads=1
    )
    return StreamingModel(native, PARAFORMER_TAIL, timed=False, lower=False)


def _load_sense_voice(files: SherpaFiles, language: Language) -> Any:
    # Numbers stay as they were spoken: asr/text writes them the same way for every engine.
    return sherpa_onnx.OfflineRecognizer.from_sense_voice(
        model=str(files.networks["model"]),
        tokens=str(files.tokens),
        num_threads=1,
        language=language.value,
        use_itn=False,
    )


def _check_languages(name: str, languages: Collection[Language]) -> None:
    others = sorted(set(languages) - SENSE_VOICE_LANGUAGES)
    if others:
        spoken = ", ".join(sorted(SENSE_VOICE_LANGUAGES))
        raise ModelError(f"{name} recognizes {spoken}; got {', '.join(others)}.")


def _try_out(recognizer: SherpaRecognizer) -> None:
    """Recognize a second of faint noise; faults between the networks show only then."""
    noise = np.random.default_rng(0).standard_normal(SAMPLE_RATE, dtype=np.float32) * np.float32(0.01)
    utterance = recognizer.begin(min(recognizer.languages))
    try:
        utterance.accept(noise)
        utterance.finish()
    except ModelError as error:
        raise ModelCorruptError(f"{recognizer.name} loads but cannot recognize.", fix="Fetch it again.") from error


@contextmanager
def _term_file(spelled: Collection[str]) -> Iterator[str]:
    """A file of terms for as long as the native code reads it; an empty name for none."""
    if not spelled:
        yield ""
        return
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="warmline-terms-", suffix=".txt") as file:
        file.write("\n".join(spelled) + "\n")
        file.flush()
        yield file.name
