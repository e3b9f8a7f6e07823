"""What every tone model keeps. A new one joins by a line in `MODELS`."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from prosody.features import measure
from prosody.normal import CallerNormal
from prosody.ports import ToneModel
from prosody.tone_linear import LinearToneModel
from prosody.tone_onnx import OnnxToneModel
from prosody.types import ToneInput, ToneRating, VoiceNormal
from tests.prosody.onnx_graph import classes_model, dimensions_model
from voice.audio.decode import AudioFile
from voice.contracts.audio import Pcm


class PitchModel:
    """The fake: higher is more aroused. Never sure."""

    name = "pitch/1"

    def rate(self, utterance: ToneInput) -> ToneRating | None:
        f0_hz = utterance.features.f0_median_hz
        if f0_hz is None:
            return None
        return ToneRating(math.tanh(math.log2(f0_hz / 150)), None, 0.5, self.name)


Make = Callable[[Path], ToneModel]
MODELS: dict[str, Make] = {
    "linear": lambda _folder: LinearToneModel.load(),
    "onnx dimensions": lambda folder: OnnxToneModel.load(dimensions_model(folder)),
    "onnx classes": lambda folder: OnnxToneModel.load(classes_model(folder)),
    "fake": lambda _folder: PitchModel(),
}


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ToneModel:
    return MODELS[request.param](tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def utterances(shared_data: Path) -> list[ToneInput]:
    """Eight utterances of one reader (AISHELL-1), each with the normal of those before it."""
    caller, found = CallerNormal(), []
    for path in sorted((shared_data / "speech" / "aishell1-sample").glob("BAC009S0150*.flac"))[:8]:
        with AudioFile(path) as file:
            pcm = np.concatenate(list(file.blocks()), axis=1)[0]
        features = measure(pcm)
        found.append(ToneInput(pcm, features, caller.normal()))
        caller.learn(features)
    return found


def hostile() -> list[Pcm]:
    generator = np.random.default_rng(5)
    moments = np.arange(32_000) / 16_000
    dtmf = 0.2 * np.sin(2 * np.pi * 697 * moments) + 0.2 * np.sin(2 * np.pi * 1209 * moments)
    return [
        np.zeros(0, np.float32),
        np.zeros(16_000, np.float32),
        np.full(16_000, 0.5, np.float32),
        (0.1 * generator.standard_normal(320)).astype(np.float32),
        np.clip(generator.standard_normal(16_000), -1, 1).astype(np.float32),
        dtmf.astype(np.float32),
        np.sign(np.sin(2 * np.pi * 120 * moments)).astype(np.float32),
    ]


def test_it_has_a_name_and_signs_with_it(model: ToneModel, utterances: list[ToneInput]) -> None:
    assert "/" in model.name
    assert {rating.model for rating in map(model.rate, utterances) if rating} == {model.name}


def test_speech_is_judged_within_range(model: ToneModel, utterances: list[ToneInput]) -> None:
    ratings = [model.rate(utterance) for utterance in utterances]
    assert all(rating is not None for rating in ratings[1:])
    for rating in ratings:
        if rating is None:
            continue
        assert 0 <= rating.confidence <= 1
        for value in (rating.arousal, rating.valence):
            assert value is None or -1 <= value <= 1
        assert rating.arousal is not None or rating.valence is not None


def test_the_same_utterance_gets_the_same_rating(model: ToneModel, utterances: list[ToneInput]) -> None:
    alone = [model.rate(utterance) for utterance in utterances]
    assert [model.rate(utterance) for utterance in reversed(utterances)] == alone[::-1]


def test_threads_share_it(model: ToneModel, utterances: list[ToneInput]) -> None:
    alone = [model.rate(utterance) for utterance in utterances]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(model.rate, utterances * 4)) == alone * 4


def test_without_a_voice_there_is_no_rating(model: ToneModel, utterances: list[ToneInput]) -> None:
    whispered = replace(utterances[-1], features=replace(utterances[-1].features, f0_median_hz=None))
    assert model.rate(whispered) is None


def test_nothing_that_sounds_breaks_it(model: ToneModel, utterances: list[ToneInput]) -> None:
    for pcm in hostile():
        rating = model.rate(ToneInput(pcm, measure(pcm), utterances[-1].normal))
        assert rating is None or 0 <= rating.confidence <= 1


def test_an_unknown_caller_is_no_error(model: ToneModel, utterances: list[ToneInput]) -> None:
    rating = model.rate(replace(utterances[0], normal=VoiceNormal()))
    assert rating is None or 0 <= rating.confidence <= 1
