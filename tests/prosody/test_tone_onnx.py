"""A network is taken for what its sidecar says, or refused with a reason; what it answers is bounded."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prosody.tone_onnx import OnnxToneModel
from prosody.types import ProsodyFeatures, ToneInput, VoiceNormal
from tests.prosody.onnx_graph import (
    CLASSES,
    DIMENSIONS,
    classes_model,
    describe,
    dimensions_model,
    loudness_head,
    node,
    not_a_number,
    port,
    write_model,
)
from voice.contracts.audio import Pcm
from voice.contracts.errors import ModelCorruptError, ModelError, ModelMissingError

VOICED = ProsodyFeatures(
    duration_s=1.0,
    voiced_ratio=0.6,
    f0_median_hz=140.0,
    f0_range_st=8.0,
    f0_slope_st_per_s=0.0,
    intensity_mean_db=-26.0,
    intensity_range_db=18.0,
    speech_rate_hz=4.0,
    articulation_rate_hz=4.5,
    pause_count=0,
    pause_ratio=0.0,
    spectral_tilt_db=-12.0,
)


def noise(level: float, seconds: float = 1.0) -> Pcm:
    return (level * np.random.default_rng(3).standard_normal(round(seconds * 16_000))).astype(np.float32)


def heard(pcm: Pcm, features: ProsodyFeatures = VOICED) -> ToneInput:
    return ToneInput(pcm, replace(features, duration_s=len(pcm) / 16_000), VoiceNormal())


def test_dimensions_become_a_place_on_the_plane(tmp_path: Path) -> None:
    model = OnnxToneModel.load(dimensions_model(tmp_path))
    soft, loud = model.rate(heard(noise(0.001))), model.rate(heard(noise(0.1)))
    assert soft is not None
    assert loud is not None
    assert soft.arousal is not None
    assert soft.arousal == pytest.approx(2 * (0.3 + 4 * 0.001 * math.sqrt(2 / math.pi)) - 1, abs=0.001)
    assert soft.valence == pytest.approx(-soft.arousal, abs=1e-5)
    assert loud.arousal == pytest.approx(2 * (0.3 + 0.4 * math.sqrt(2 / math.pi)) - 1, abs=0.02)
    assert loud.confidence == 0.6
    assert loud.model == model.name
    assert model.name.startswith("test-dimensions/")
    assert model.licence == "made by the test"


def test_classes_become_a_place_on_the_plane(tmp_path: Path) -> None:
    model = OnnxToneModel.load(classes_model(tmp_path))
    soft, loud = model.rate(heard(noise(0.001))), model.rate(heard(noise(0.3)))
    assert soft is not None
    assert soft.arousal is not None
    assert abs(soft.arousal) < 0.1
    assert soft.confidence > 0.9
    assert loud is not None
    assert loud.arousal == pytest.approx(0.59, abs=0.01)
    assert loud.valence == pytest.approx(-0.51, abs=0.01)
    assert loud.confidence == pytest.approx(1.0, abs=0.01)


def test_a_hesitant_network_is_less_sure(tmp_path: Path) -> None:
    path = loudness_head(tmp_path / "even.onnx", [0.0, 0.0, 0.0], [0.4, 0.4, 0.0])
    rating = OnnxToneModel.load(describe(path, CLASSES)).rate(heard(noise(0.1)))
    assert rating is not None
    assert 0.5 < rating.confidence < 0.7
    cooler = OnnxToneModel.load(describe(path, CLASSES | {"temperature": 0.05})).rate(heard(noise(0.1)))
    assert cooler is not None
    assert cooler.valence != rating.valence


def test_the_neutral_point_is_zero_and_the_range_is_one(tmp_path: Path) -> None:
    path = loudness_head(tmp_path / "scale.onnx", [0.0, 0.0], [2.0, 7.0])
    scale = DIMENSIONS | {"order": ["arousal", "valence"], "range": [1, 7], "neutral": 3}
    rating = OnnxToneModel.load(describe(path, scale)).rate(heard(noise(0.1)))
    assert rating is not None
    assert rating.arousal == pytest.approx(-0.5)
    assert rating.valence == 1.0


def test_a_network_without_valence_leaves_it_open(tmp_path: Path) -> None:
    path = loudness_head(tmp_path / "arousal.onnx", [1.0], [0.5])
    rating = OnnxToneModel.load(describe(path, DIMENSIONS | {"order": ["arousal"]})).rate(heard(noise(0.1)))
    assert rating is not None
    assert rating.valence is None


@pytest.mark.parametrize(("kind", "gain"), [("none", 10.0), ("unit_variance", 1.0), ("peak", 1.0)])
def test_samples_are_normalised_as_asked(tmp_path: Path, kind: str, gain: float) -> None:
    path = loudness_head(tmp_path / "level.onnx", [0.05], [0.2])
    model = OnnxToneModel.load(describe(path, DIMENSIONS | {"order": ["arousal"], "normalisation": kind}))
    soft, loud = model.rate(heard(noise(0.01))), model.rate(heard(noise(0.1)))
    assert soft is not None
    assert loud is not None
    assert soft.arousal is not None
    assert loud.arousal is not None
    assert (loud.arousal + 0.6) / (soft.arousal + 0.6) == pytest.approx(gain, rel=0.02)


def test_what_is_too_long_loses_its_beginning(tmp_path: Path) -> None:
    path = dimensions_model(tmp_path)
    model = OnnxToneModel.load(describe(path, DIMENSIONS | {"longest_s": 1.0}))
    long = np.concatenate([noise(0.3, 90), noise(0.02)])
    assert model.rate(heard(long)) == model.rate(heard(noise(0.02)))


def test_a_network_of_fixed_length_gets_silence_after_what_is_short(tmp_path: Path) -> None:
    path = loudness_head(tmp_path / "fixed.onnx", [4.0], [0.3], length=32_000)
    model = OnnxToneModel.load(describe(path, DIMENSIONS | {"order": ["arousal"], "longest_s": 2.0}))
    half, whole = model.rate(heard(noise(0.05, 1))), model.rate(heard(noise(0.05, 2)))
    assert half is not None
    assert whole is not None
    assert half.arousal is not None
    assert whole.arousal is not None
    assert (whole.arousal + 0.4) / (half.arousal + 0.4) == pytest.approx(2, rel=0.02)


def test_a_network_for_eight_kilohertz_gets_half_the_samples(tmp_path: Path) -> None:
    path = loudness_head(tmp_path / "narrow.onnx", [4.0], [0.3], length=16_000)
    narrow = DIMENSIONS | {"order": ["arousal"], "longest_s": 2.0, "sampling_rate": 8_000}
    model = OnnxToneModel.load(describe(path, narrow))
    tone = (0.1 * np.sin(2 * np.pi * 440 * np.arange(32_000) / 16_000)).astype(np.float32)
    rating = model.rate(heard(tone))
    assert rating is not None
    assert rating.arousal == pytest.approx(2 * (0.3 + 0.4 * 2 / math.pi) - 1, abs=0.01)


@pytest.mark.parametrize(
    "utterance",
    [
        heard(noise(0.1, 0.1)),
        heard(noise(0.1), replace(VOICED, f0_median_hz=None)),
        heard(np.zeros(0, np.float32)),
    ],
    ids=["short", "no voice", "empty"],
)
def test_what_cannot_be_judged_is_not(tmp_path: Path, utterance: ToneInput) -> None:
    assert OnnxToneModel.load(dimensions_model(tmp_path)).rate(utterance) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sampling_rat": 16_000}, "Did you mean 'sampling_rate'"),
        ({"zzz": 1}, "unknown key 'zzz'"),
        ({"name": None}, "'name' is expected to be text"),
        ({"name": " "}, "'name' is expected to be text"),
        ({"sampling_rate": 44_100}, "from 8000 to 16000"),
        ({"sampling_rate": 11_025}, "8000 or 16000"),
        ({"sampling_rate": "16000"}, "a number"),
        ({"sampling_rate": True}, "a number"),
        ({"meaning": "dimension"}, "one of dimensions, classes"),
        ({"normalisation": ["none"]}, "one of none"),
        ({"order": []}, "a list of names"),
        ({"order": ["arousal", "arousal", "valence"]}, "names that differ"),
        ({"order": ["arousal", "boredom", "valence"]}, "arousal, valence, dominance"),
        ({"order": ["dominance"]}, "at least one of the first two"),
        ({"range": [1, 0]}, "lower one first"),
        ({"range": [0, "1"]}, "two numbers"),
        ({"range": 3}, "two numbers"),
        ({"neutral": 1.0}, "inside the range"),
        ({"neutral": 2.0}, "from 0 to 1"),
        ({"confidence": 1.01}, "from 0 to 1"),
        ({"confidence": math.nan}, "from 0 to 1"),
        ({"longest_s": 3_600}, "to 30"),
        ({"longest_s": 0.2}, "at most longest_s"),
        ({"is_logits": 1}, "true or false"),
        ({"classes": []}, "an object of names"),
        ({"meaning": "classes"}, "each name of order"),
        ({"meaning": "classes", "classes": {"arousal": "cross", "dominance": "sad", "valence": "sad"}}, "each name"),
        ({"input": "samples"}, "Expected one input samples"),
        ({"output": "logits"}, "Expected an output logits"),
        ({"order": ["arousal", "valence"]}, "expected to answer 2 numbers"),
    ],
)
def test_a_sidecar_that_does_not_fit_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = describe(dimensions_model(tmp_path), DIMENSIONS | change)
    with pytest.raises(ModelCorruptError) as refused:
        OnnxToneModel.load(path)
    assert message in str(refused.value)


@pytest.mark.parametrize("key", ["name", "licence", "sampling_rate", "input", "output", "meaning", "order"])
def test_every_needed_key_is_missed(tmp_path: Path, key: str) -> None:
    path = describe(dimensions_model(tmp_path), {name: one for name, one in DIMENSIONS.items() if name != key})
    with pytest.raises(ModelCorruptError, match=f"lacks the key '{key}'"):
        OnnxToneModel.load(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [(b"{", "is not JSON"), (b"[]", "one JSON object"), (b"\xff", "not JSON"), (b" " * 70_000, "larger")],
)
def test_a_sidecar_that_is_none_is_refused(tmp_path: Path, text: bytes, message: str) -> None:
    path = dimensions_model(tmp_path)
    path.with_suffix(".json").write_bytes(text)
    with pytest.raises(ModelCorruptError, match=message):
        OnnxToneModel.load(path)


def test_missing_files_are_named(tmp_path: Path) -> None:
    path = dimensions_model(tmp_path)
    path.unlink()
    with pytest.raises(ModelMissingError, match=r"dimensions\.onnx"):
        OnnxToneModel.load(path)
    with pytest.raises(ModelMissingError, match=r"nothing\.json"):
        OnnxToneModel.load(tmp_path / "nothing.onnx")


def test_files_that_are_no_network_are_refused(tmp_path: Path) -> None:
    path = describe(tmp_path / "noise.onnx", DIMENSIONS)
    for data in (b"", b"not a network", np.random.default_rng(0).bytes(4_000)):
        path.write_bytes(data)
        with pytest.raises(ModelCorruptError, match=r"cannot be loaded|Expected"):
            OnnxToneModel.load(path)


def test_networks_of_another_shape_are_refused(tmp_path: Path) -> None:
    flat = write_model(
        tmp_path / "flat.onnx",
        [node("Abs", ["signal"], "scores")],
        [],
        [port("signal", ["n"])],
        [port("scores", ["n"])],
    )
    batch = loudness_head(tmp_path / "batch.onnx", [1.0], [0.0], batch=8)
    other = loudness_head(tmp_path / "other.onnx", [1.0], [0.0], length=16_000)
    arousal = DIMENSIONS | {"order": ["arousal"]}
    for path, message in ((flat, "shape (1, n)"), (batch, "shape (1, n)"), (other, 'Say `"longest_s": 1`')):
        with pytest.raises(ModelCorruptError) as refused:
            OnnxToneModel.load(describe(path, arousal))
        assert message in str(refused.value)


def test_a_network_that_answers_nan_is_refused(tmp_path: Path) -> None:
    path = describe(not_a_number(tmp_path / "nan.onnx"), DIMENSIONS | {"order": ["arousal", "valence"]})
    with pytest.raises(ModelCorruptError, match="NaN"):
        OnnxToneModel.load(path)


def test_a_network_that_breaks_in_a_call_says_so(tmp_path: Path) -> None:
    """NaN only for loud speech, so that trying it out finds nothing."""
    head = loudness_head(tmp_path / "late.onnx", [1e38, 0.0], [0.0, 0.0])
    model = OnnxToneModel.load(
        describe(head, CLASSES | {"order": ["ang", "neu"], "classes": {"ang": "angry", "neu": "sad"}})
    )
    with pytest.raises(ModelError, match="NaN or infinity"):
        model.rate(heard(np.full(16_000, 100.0, np.float32)))


def test_logits_that_pass_for_probabilities_are_refused(tmp_path: Path) -> None:
    path = describe(loudness_head(tmp_path / "raw.onnx", [0.0] * 3, [2.0, 1.0, 0.5]), CLASSES | {"is_logits": False})
    with pytest.raises(ModelCorruptError, match="is_logits"):
        OnnxToneModel.load(path)
    sound = describe(loudness_head(tmp_path / "sure.onnx", [0.0] * 3, [0.7, 0.2, 0.1]), CLASSES | {"is_logits": False})
    rating = OnnxToneModel.load(sound).rate(heard(noise(0.1)))
    assert rating is not None
    assert rating.arousal == pytest.approx(0.7 * 0.59 + 0.1 * 0.51, abs=1e-5)


def test_the_sidecar_is_utf_8(tmp_path: Path) -> None:
    path = dimensions_model(tmp_path)
    text = json.dumps(DIMENSIONS | {"licence": "仅供研究"}, ensure_ascii=False)
    path.with_suffix(".json").write_text(text, encoding="utf-8")
    assert OnnxToneModel.load(path).licence == "仅供研究"
