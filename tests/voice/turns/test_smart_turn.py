"""Smart Turn: what it takes, what it refuses; and, where the weights are present, what it hears in real speech."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from voice.contracts.audio import Pcm
from voice.contracts.errors import FrameError, ModelCorruptError, ModelMissingError
from voice.turns.smart_turn import HEARD, MODEL_FILE, SmartTurn

Shape = Sequence[str | int]
TAKES: Shape = ["n", 80, 800]
GIVES: Shape = ["n", 1]


def write_model(
    path: Path,
    *,
    takes: Shape = TAKES,
    gives: Shape = GIVES,
    kind: int = TensorProto.FLOAT,
    add: float = 0.5,
    bounded: bool = True,
) -> Path:
    """A network of the same shape that answers its input's mean plus `add`, bounded to a probability or not."""
    mean = helper.make_node("ReduceMean", ["input_features"], ["mean"], axes=[1, 2], keepdims=0)
    column = helper.make_node("Unsqueeze", ["mean", "one"], ["column"])
    moved = helper.make_node("Add", ["column", "half"], ["moved"])
    answer = helper.make_node("Sigmoid" if bounded else "Exp", ["moved"], ["logits"])
    constants = [
        helper.make_tensor("one", TensorProto.INT64, [1], [1]),
        helper.make_tensor("half", kind, [1], [add]),
    ]
    graph = helper.make_graph(
        [mean, column, moved, answer],
        "turn",
        [helper.make_tensor_value_info("input_features", kind, takes)],
        [helper.make_tensor_value_info("logits", kind, gives)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(path))
    return path


def test_a_missing_model_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match="warmline models pull smart-turn"):
        SmartTurn.load(tmp_path)
    with pytest.raises(ModelMissingError, match="No such file"):
        SmartTurn.load(tmp_path / "turn.onnx")


@pytest.mark.parametrize("content", [b"", b"not a network", b"\x08\x08\x12"])
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / MODEL_FILE
    file.write_bytes(content)
    with pytest.raises(ModelCorruptError):
        SmartTurn.load(file)


@pytest.mark.parametrize(
    "wrong", [{"takes": ["n", 80, 3000]}, {"takes": ["n", 128, 800]}, {"kind": TensorProto.DOUBLE}]
)
def test_another_network_is_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(ModelCorruptError, match="Expected a Smart Turn network"):
        SmartTurn.load(write_model(tmp_path / MODEL_FILE, **wrong))  # type: ignore[arg-type]  # one of three


def test_the_detector_is_no_judge_of_turns(project: Path) -> None:
    with pytest.raises(ModelCorruptError, match="Expected a Smart Turn network"):
        SmartTurn.load(project / "voice" / "vad" / "silero_vad.onnx")


def test_a_network_that_answers_no_probability_is_refused(tmp_path: Path) -> None:
    model = SmartTurn.load(write_model(tmp_path / MODEL_FILE, add=7.0, bounded=False))
    with pytest.raises(ModelCorruptError, match="Expected a probability"):
        model.probability(np.ones(320, np.float32))


@pytest.fixture
def tiny(tmp_path: Path) -> SmartTurn:
    """Weights of our own in the shape of the real ones."""
    return SmartTurn.load(write_model(tmp_path / MODEL_FILE, add=0.1))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_refused(tiny: SmartTurn, wrong: float) -> None:
    pcm = np.zeros(16_000, np.float32)
    pcm[8_000] = wrong
    with pytest.raises(FrameError, match="finite"):
        tiny.probability(pcm)


def test_no_audio_and_two_channels_are_refused(tiny: SmartTurn) -> None:
    for pcm in (np.zeros(0, np.float32), np.zeros((2, 320), np.float32)):
        with pytest.raises(FrameError, match="one row"):
            tiny.probability(pcm)


def test_it_hears_the_last_eight_seconds_at_any_level(tiny: SmartTurn) -> None:
    speech: Pcm = np.random.default_rng(4).standard_normal(HEARD).astype(np.float32) * np.float32(0.1)
    before = np.concatenate([np.full(48_000, 0.9, np.float32), speech])
    assert tiny.probability(before) == tiny.probability(speech)
    assert tiny.probability(speech * np.float32(0.25)) == pytest.approx(tiny.probability(speech), abs=1e-4)


@pytest.mark.parametrize("seconds", [1 / 16_000, 0.02, 8, 60])
def test_silence_and_any_length_are_judged(tiny: SmartTurn, seconds: float) -> None:
    assert 0 <= tiny.probability(np.zeros(round(seconds * 16_000), np.float32)) <= 1


@pytest.mark.model
def test_the_real_weights_hear_that_read_sentences_are_complete(
    need_model: Callable[[str], Path], utterances: list[Pcm]
) -> None:
    """Ten whole Mandarin sentences with 240 ms of their own background after them."""
    model = SmartTurn.load(need_model("smart-turn"))
    answers = [model.probability(utterance) for utterance in utterances]
    assert np.mean(np.array(answers) >= 0.5) >= 0.9
    assert answers == [model.probability(utterance) for utterance in utterances], "the same every time"


@pytest.mark.model
def test_the_real_weights_judge_anything_without_breaking(need_model: Callable[[str], Path]) -> None:
    model = SmartTurn.load(need_model("smart-turn"))
    generator = np.random.default_rng(8)
    noise = generator.standard_normal(HEARD).astype(np.float32)
    for pcm in (np.zeros(HEARD, np.float32), noise * 10, np.sign(noise), np.ones(1, np.float32), noise * 1e-30):
        assert 0 <= model.probability(pcm.astype(np.float32)) <= 1
