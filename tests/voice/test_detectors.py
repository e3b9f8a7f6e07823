"""Detectors by name, and what is particular to each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import voice.vad.silero
from voice.contracts.audio import FRAME_SAMPLES, Pcm
from voice.contracts.errors import ModelCorruptError, ModelMissingError, SettingsError, UnknownEngineError
from voice.vad.detectors import DETECTORS, load_detectors, make_detector
from voice.vad.silero import SileroModel, SileroVad
from voice.vad.webrtc import WebRtcVad


@pytest.mark.parametrize("name", DETECTORS)
def test_every_name_makes_a_detector(name: str) -> None:
    assert make_detector(name).probability(np.zeros(FRAME_SAMPLES, np.float32)) == 0.0


@pytest.mark.parametrize(("name", "hint"), [("silro", "'silero'"), ("WebRTC", "'webrtc'"), ("webrtcvad", "'webrtc'")])
def test_a_misspelt_name_is_met_with_the_right_one(name: str, hint: str) -> None:
    with pytest.raises(UnknownEngineError, match=name) as caught:
        load_detectors(name)
    assert hint in caught.value.fix


def test_a_name_like_nothing_lists_what_there_is() -> None:
    with pytest.raises(UnknownEngineError) as caught:
        load_detectors("qqq")
    assert all(name in caught.value.fix for name in DETECTORS)


@pytest.mark.parametrize("aggressiveness", [-1, 4])
def test_an_impossible_aggressiveness_is_refused_before_the_first_call(aggressiveness: int) -> None:
    with pytest.raises(SettingsError, match=str(aggressiveness)):
        load_detectors("webrtc", aggressiveness=aggressiveness)


def test_more_aggressive_passes_less(utterances: list[Pcm]) -> None:
    noisy = utterances[0] + np.random.default_rng(9).normal(0, 0.02, utterances[0].size).astype(np.float32)
    noisy = noisy[: noisy.size // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    passed = []
    for aggressiveness in range(4):
        detector = WebRtcVad(aggressiveness)
        passed.append(sum(detector.probability(frame) for frame in noisy))
    assert passed == sorted(passed, reverse=True)
    assert passed[0] > passed[3]


def test_silero_frames_get_the_newest_window_that_has_ended(utterances: list[Pcm]) -> None:
    """Against the definition: windows of 512 after 64 of context, one after the other, and a look-up by time."""
    model, audio = SileroModel.load(), utterances[0][:32_000]
    state, context, windows = np.zeros((2, 1, 128), np.float32), np.zeros(64, np.float32), []
    for start in range(0, audio.size - 511, 512):
        window = audio[start : start + 512]
        probability, state = model.run(np.concatenate([context, window])[None], state)
        windows.append(probability)
        context = window[-64:]
    detector = SileroVad(model)
    for end in range(FRAME_SAMPLES, audio.size + 1, FRAME_SAMPLES):
        newest = end // 512
        assert detector.probability(audio[end - FRAME_SAMPLES : end]) == (windows[newest - 1] if newest else 0.0)
    assert max(windows) > 0.9


def test_a_missing_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match=r"none\.onnx") as caught:
        SileroModel.load(tmp_path / "none.onnx")
    assert caught.value.fix


def test_a_corrupt_model_says_so(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    with pytest.raises(ModelCorruptError):
        SileroModel.load(broken)


def test_a_shipped_model_that_was_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = Path(voice.vad.silero.__file__).with_name("silero_vad.onnx")
    changed = tmp_path / "silero_vad.onnx"
    changed.write_bytes(shipped.read_bytes()[:-1] + b"\0")
    monkeypatch.setattr(voice.vad.silero, "_SHIPPED", changed)
    with pytest.raises(ModelCorruptError, match="not the shipped one"):
        SileroModel.load()


def test_the_licence_lies_beside_the_model() -> None:
    licence = Path(voice.vad.silero.__file__).with_name("silero_vad.LICENSE").read_text()
    assert licence.startswith("MIT License")
    assert "Silero Team" in licence
