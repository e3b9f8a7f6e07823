"""The trained model: what its file has to be, what it says, and that data and numbers belong together."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from prosody import train_tone
from prosody.normal import CallerNormal
from prosody.tone_linear import MODEL, LinearToneModel
from prosody.types import ProsodyFeatures, ToneInput, VoiceNormal
from voice.contracts.audio import Pcm
from voice.contracts.errors import ModelCorruptError, ModelError, ModelMissingError

SILENCE = np.zeros(0, np.float32)
CALM = ProsodyFeatures(
    duration_s=3.0,
    voiced_ratio=0.6,
    f0_median_hz=140.0,
    f0_range_st=8.0,
    f0_slope_st_per_s=-1.0,
    intensity_mean_db=-26.0,
    intensity_range_db=18.0,
    speech_rate_hz=4.0,
    articulation_rate_hz=4.5,
    pause_count=0,
    pause_ratio=0.0,
    spectral_tilt_db=-12.0,
    flux=0.2,
    mfcc_sd=(5.0,) * 13,
)
RAISED = replace(CALM, f0_median_hz=200.0, spectral_tilt_db=-7.0, flux=0.3, mfcc_sd=(6.0,) * 13)


@pytest.fixture(scope="module")
def model() -> LinearToneModel:
    return LinearToneModel.load()


def against_calm(features: ProsodyFeatures) -> ToneInput:
    caller = CallerNormal()
    for _ in range(4):
        caller.learn(CALM)
    return ToneInput(SILENCE, features, caller.normal())


def test_a_raised_voice_is_aroused_and_the_usual_one_is_not(model: LinearToneModel) -> None:
    usual, raised = model.rate(against_calm(CALM)), model.rate(against_calm(RAISED))
    assert usual is not None
    assert raised is not None
    assert usual.arousal == pytest.approx(0, abs=1e-9)
    assert usual.confidence > 0.7
    assert raised.arousal is not None
    assert raised.arousal > 0.6
    assert raised.confidence > 0.7
    assert raised.valence is None
    assert raised.model == model.name == f"tone-linear/{model.data_sha256[:8]}"


def test_level_says_nothing(model: LinearToneModel) -> None:
    assert model.rate(against_calm(replace(RAISED, intensity_mean_db=-6.0))) == model.rate(against_calm(RAISED))


@pytest.mark.parametrize(
    "utterance",
    [
        ToneInput(SILENCE, CALM, VoiceNormal()),
        against_calm(replace(CALM, f0_median_hz=None)),
        against_calm(replace(CALM, f0_median_hz=1000.0)),
    ],
    ids=["unknown caller", "no voice", "no such voice"],
)
def test_what_cannot_be_judged_is_not(model: LinearToneModel, utterance: ToneInput) -> None:
    assert model.rate(utterance) is None


def test_what_was_not_measured_does_not_count(model: LinearToneModel) -> None:
    rating = model.rate(against_calm(replace(RAISED, flux=None, mfcc_sd=(), spectral_tilt_db=None)))
    assert rating is not None
    assert rating.arousal is not None
    assert rating.arousal > 0.4


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match=r"none\.json"):
        LinearToneModel.load(tmp_path / "none.json")


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"weights": {}},
        {"weights": {"shoe_size": 1.0}},
        {"weights": {"f0_median": math.nan}},
        {"weights": {"f0_median": "much"}},
        {"weights": [1, 2]},
        {"steepness": 0},
        {"steepness": None},
        {"data_sha256": "abc"},
        {"metrics": None},
    ],
)
def test_a_file_that_no_training_wrote_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "model.json"
    path.write_text(json.dumps(json.loads(MODEL.read_text("utf-8")) | change), encoding="utf-8")
    with pytest.raises(ModelCorruptError, match="train_tone"):
        LinearToneModel.load(path)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"format": 1}'])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "model.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ModelCorruptError):
        LinearToneModel.load(path)


def write_corpus(folder: Path, harmonics: Callable[..., Pcm], speakers: dict[str, float]) -> Path:
    """Made-up speakers whose anger is higher and brighter than their neutral."""
    lines = []
    for speaker, f0_hz in speakers.items():
        for emotion, factor, tilt in (("neutral", 1.0, 9.0), ("anger", 1.5, 4.0), ("sadness", 0.95, 12.0)):
            for take in range(3):
                contour = f0_hz * factor * (1 + 0.03 * take) * (1 + 0.1 * np.sin(np.arange(32_000) / 3_000))
                voice = harmonics(contour, 2.0, range(1, 30), tilt)
                voice *= 0.55 + 0.45 * np.sin(2 * np.pi * 4 * np.arange(32_000) / 16_000).astype(np.float32)
                name = f"{speaker}-{emotion}-{take}.wav"
                soundfile.write(folder / name, voice, 16_000, subtype="PCM_16")
                lines.append(json.dumps({"audio": name, "speaker": speaker, "emotion": emotion}))
    (folder / "manifest.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_training_learns_and_repeats_itself(
    tmp_path: Path, harmonics: Callable[..., Pcm], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_corpus(tmp_path, harmonics, {"low": 110.0, "middle": 160.0, "high": 210.0})
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    assert train_tone.main([str(folder), "--out", str(first)]) == 0
    assert train_tone.main([str(folder), "--out", str(second)]) == 0
    assert first.read_bytes() == second.read_bytes()
    assert json.loads(capsys.readouterr().out.split("}\n{")[0] + "}")["format"] == 1
    model = LinearToneModel.load(first)
    assert model.weights["f0_median"] > 0
    assert model.metrics["loso_recall_aroused"] == 1.0
    assert model.metrics["speakers"] == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "line 1"), ('{"audio": "a.wav"}', "speaker"), ("3", "line 1")],
)
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "manifest.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=message):
        train_tone.read_corpus(tmp_path)
    with pytest.raises(ModelError, match="labelled recordings"):
        train_tone.read_corpus(tmp_path / "nowhere")


def test_one_speaker_teaches_nothing(tmp_path: Path, harmonics: Callable[..., Pcm]) -> None:
    folder = write_corpus(tmp_path, harmonics, {"alone": 140.0})
    with pytest.raises(ModelError, match="two speakers"):
        train_tone.train(*train_tone.read_corpus(folder))


def test_the_model_that_ships_is_the_one_that_its_data_teach(shared_data: Path, model: LinearToneModel) -> None:
    """A change of a measure or of the data without training anew fails here."""
    document = train_tone.train(*train_tone.read_corpus(shared_data / "speech" / "emodb"))
    assert document["data_sha256"] == model.data_sha256
    assert document["weights"] == pytest.approx(dict(model.weights), abs=0.02)
    assert document["steepness"] == pytest.approx(model.steepness, rel=0.1)
    assert document["metrics"] == pytest.approx(dict(model.metrics), abs=0.03)
