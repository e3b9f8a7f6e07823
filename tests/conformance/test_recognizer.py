"""What every recognizer promises: the fake, Whisper and Vosk on real models, sherpa-onnx on tiny ones made here.

The tiny models know nothing, so what they prove of sherpa-onnx is everything but accuracy.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from asr.engines import load_recognizer
from asr.ports import Recognizer
from asr.types import Hypothesis, Language
from tests.asr.tiny_sherpa import BUILDERS
from voice.contracts.audio import Pcm
from voice.contracts.errors import ModelError


@dataclass(frozen=True)
class Subject:
    """A recognizer, a language it speaks, and real speech."""

    recognizer: Recognizer
    language: Language
    speech: list[Pcm]


@pytest.fixture(
    scope="module",
    params=[
        "fake",
        pytest.param("whisper", marks=pytest.mark.model),
        pytest.param("vosk", marks=pytest.mark.model),
        *(f"sherpa/{kind}" for kind in BUILDERS),
    ],
)
def subject(
    request: pytest.FixtureRequest,
    need_model: Callable[[str], Path],
    models_folder: Path,
    shared_data: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Subject:
    name: str = request.param
    engine, _, kind = name.partition("/")
    if engine == "sherpa":
        models_folder = tmp_path_factory.mktemp("models")
        name = f"sherpa/tiny-{kind}-zh-en"
        BUILDERS[kind](models_folder / f"tiny-{kind}-zh-en")
    model = {"fake": "", "whisper": "whisper-base", "vosk": "vosk-ko"}.get(name, "")
    if model:
        need_model(model)
    # Mandarin goes to the Korean model as well: there is no free Korean speech at hand, and what is promised here holds
    # for any speech.
    language = Language.KO if name == "vosk" else Language.ZH
    loaded = load_recognizer(name, models_folder, [language], threads=2)
    folder = shared_data / "speech" / "aishell1-sample"
    speech = [sf.read(folder / f"BAC009S0150W{n}.flac", dtype="float32")[0] for n in ("0031", "0032", "0050")]
    # Mandarin in the Korean model keeps Kaldi's beam wide: half a CPU second per second.
    longest = 2 * 16_000 if name == "vosk" else 5 * 16_000
    return Subject(loaded.recognizer, language, [pcm[:longest] for pcm in speech])


def recognize(subject: Subject, pcm: Pcm, chunk: int = 320) -> tuple[Hypothesis, list[Hypothesis]]:
    utterance = subject.recognizer.begin(subject.language)
    partials = []
    for start in range(0, len(pcm), chunk):
        utterance.accept(pcm[start : start + chunk])
        partial = utterance.partial()
        if partial is not None:
            partials.append(partial)
    return utterance.finish(), partials


def test_it_has_a_name_and_languages(subject: Subject) -> None:
    engine, _, model = subject.recognizer.name.partition("/")
    assert engine
    assert model
    assert subject.language in subject.recognizer.languages


def test_speech_gives_partials_and_a_final(subject: Subject) -> None:
    final, partials = recognize(subject, subject.speech[0])
    assert final.text
    assert partials
    assert all(partial.text for partial in partials)


def test_partials_come_before_the_end(subject: Subject) -> None:
    utterance = subject.recognizer.begin(subject.language)
    utterance.accept(np.concatenate(subject.speech))
    assert utterance.partial() is not None
    assert utterance.partial() is None, "nothing new was heard"
    assert utterance.finish().text


@pytest.mark.parametrize("chunk", [160, 1111, 8000, 10**9])
def test_the_final_does_not_depend_on_the_chunks(subject: Subject, chunk: int) -> None:
    pcm = subject.speech[1]
    assert recognize(subject, pcm, chunk)[0] == recognize(subject, pcm)[0]


def test_partials_do_not_change_the_final(subject: Subject) -> None:
    pcm = subject.speech[2]
    utterance = subject.recognizer.begin(subject.language)
    utterance.accept(pcm)
    assert utterance.finish() == recognize(subject, pcm)[0]


def test_an_utterance_leaves_no_trace_in_the_next(subject: Subject) -> None:
    first = recognize(subject, subject.speech[0])[0]
    recognize(subject, subject.speech[1])
    assert recognize(subject, subject.speech[0])[0] == first


def test_words_are_in_order_inside_the_utterance(subject: Subject) -> None:
    pcm = np.concatenate(subject.speech)
    final, _ = recognize(subject, pcm)
    assert final.words
    assert all(0 <= word.span.start <= word.span.end <= len(pcm) for word in final.words)
    assert all(before.span.end <= after.span.start for before, after in pairwise(final.words))
    assert all(word.text and (word.confidence is None or 0 <= word.confidence <= 1) for word in final.words)
    spoken = "".join(word.text for word in final.words)
    assert spoken.replace(" ", "") == final.text.replace(" ", "")


def test_words_lie_where_the_speech_is(subject: Subject) -> None:
    quiet = np.zeros(2 * 16_000, dtype=np.float32)
    pcm = np.concatenate([quiet, subject.speech[0], quiet])
    final, _ = recognize(subject, pcm)
    spoken = [word.span for word in final.words]
    inside = sum(span.end > len(quiet) and span.start < len(pcm) - len(quiet) for span in spoken)
    assert inside >= len(spoken) * 0.8


@pytest.mark.parametrize("seconds", [0.0, 0.005, 0.3, 3.0])
def test_silence_is_not_made_into_words(subject: Subject, seconds: float) -> None:
    final, partials = recognize(subject, np.zeros(round(seconds * 16_000), dtype=np.float32))
    assert final == Hypothesis("")
    assert partials == []


def test_faint_noise_is_harmless(subject: Subject) -> None:
    noise = np.random.default_rng(7).standard_normal(4 * 16_000).astype(np.float32) * np.float32(0.0005)
    final, _ = recognize(subject, noise)
    assert len(final.text) <= 4


def test_an_utterance_may_be_given_up(subject: Subject) -> None:
    utterance = subject.recognizer.begin(subject.language)
    utterance.accept(subject.speech[0])
    del utterance
    assert recognize(subject, subject.speech[0])[0].text


def test_the_audio_is_left_as_it_was(subject: Subject) -> None:
    pcm = subject.speech[0].copy()
    recognize(subject, pcm)
    assert np.array_equal(pcm, subject.speech[0])


def test_audio_that_changes_after_it_was_heard_does_not_matter(subject: Subject) -> None:
    pcm = subject.speech[0]
    utterance = subject.recognizer.begin(subject.language)
    buffer = np.empty(1600, dtype=np.float32)
    whole = len(pcm) - len(pcm) % 1600
    for start in range(0, whole, 1600):
        buffer[:] = pcm[start : start + 1600]
        utterance.accept(buffer)
    assert utterance.finish() == recognize(subject, pcm[:whole])[0]


def test_two_at_once_give_what_each_gives_alone(subject: Subject) -> None:
    alone = [recognize(subject, pcm)[0] for pcm in subject.speech[:2]]
    with ThreadPoolExecutor(2) as threads:
        together = list(threads.map(lambda pcm: recognize(subject, pcm)[0], subject.speech[:2]))
    assert together == alone


def test_another_language_is_refused(subject: Subject) -> None:
    others = [language for language in Language if language not in subject.recognizer.languages]
    for language in [*others, "tlh"]:
        with pytest.raises(ModelError):
            subject.recognizer.begin(language)  # type: ignore[arg-type]  # Klingon is no Language
