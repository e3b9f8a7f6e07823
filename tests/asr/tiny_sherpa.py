"""Models for sherpa-onnx that are a few kilobytes and know nothing: hand-set weights, the real inputs and outputs.

They stand in for published weights where none are at hand. What they say follows from how loud the speech is in four
bands, so they prove everything but accuracy: loading, features, streaming states, decoding, times, tags, threads.
Nothing about how well sherpa-onnx recognizes speech can be learned from them.

`python -m tests.asr.tiny_sherpa FOLDER` writes one folder for each.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

CHARACTERS: Final = "我想查一下订单快递到哪里了请帮退款好的吗号码地址"
LATIN: Final = ("▁HELLO", "▁OR", "DER")
MELS: Final = 80
BANDS: Final = ((0, 12), (12, 28), (28, 52), (52, 80))
"""Mel bins of the four bands whose mean levels decide."""

_OPSET: Final = 13
_BLANK_LEVEL: Final = -11.5
"""Mean log mel energy of normalised samples below which nothing is said."""


def build_zipformer(folder: Path, *, version: int = 2) -> Path:
    """A streaming transducer with the inputs, states and metadata of Zipformer 1 or 2."""
    folder.mkdir(parents=True, exist_ok=True)
    symbols = ["<blk>", "<sos/eos>", "<unk>", *CHARACTERS, *LATIN]
    _write_tokens(folder, symbols)
    size = len(symbols)
    _write(folder / "encoder-epoch-99-avg-1.int8.onnx", _zipformer_encoder(version, size))
    # After a symbol the same one is unlikely, as a real decoder would have it.
    again = np.where(np.eye(size, dtype=bool), np.float32(-8.0), np.float32(0.0))
    again[:3] = 0.0
    decoder = _Graph()
    decoder.take("y", TensorProto.INT64, ["N", 2])
    decoder.put("last", "Gather", ["y", decoder.constant(np.int64(1))], axis=1)
    decoder.put("decoder_out", "Gather", [decoder.constant(again.astype(np.float32)), "last"], axis=0)
    decoder.give("decoder_out", TensorProto.FLOAT, ["N", size])
    _write(folder / "decoder-epoch-99-avg-1.onnx", decoder.model({"vocab_size": size, "context_size": 2}))
    joiner = _Graph()
    joiner.take("encoder_out", TensorProto.FLOAT, ["N", size])
    joiner.take("decoder_out", TensorProto.FLOAT, ["N", size])
    joiner.put("logit", "Add", ["encoder_out", "decoder_out"])
    joiner.give("logit", TensorProto.FLOAT, ["N", size])
    _write(folder / "joiner-epoch-99-avg-1.int8.onnx", joiner.model({"joiner_dim": size}))
    return folder


def build_paraformer(folder: Path) -> Path:
    """A streaming Paraformer: continuous integrate-and-fire in the encoder, one symbol per firing in the decoder."""
    folder.mkdir(parents=True, exist_ok=True)
    symbols = ["<blank>", "<s>", "</s>", *CHARACTERS, "hel@@", "lo", "<unk>"]
    _write_tokens(folder, symbols)
    size, width = len(symbols), len(BANDS)
    encoder = _Graph()
    encoder.take("speech", TensorProto.FLOAT, ["N", "T", 7 * MELS])
    encoder.take("speech_lengths", TensorProto.INT32, ["N"])
    encoder.put("enc", "MatMul", ["speech", encoder.constant(np.tile(_band_means(), (7, 1)) / 7)])
    encoder.put("level", "ReduceMean", ["enc"], axes=[2], keepdims=0)
    encoder.put("loud", "Greater", ["level", encoder.constant(np.float32(-2.0))])
    # A quarter each: one symbol per four loud frames of 60 ms.
    encoder.put("alphas", "Where", ["loud", encoder.constant(np.float32(0.25)), encoder.constant(np.float32(0))])
    encoder.put("enc_len", "Identity", ["speech_lengths"])
    encoder.give("enc", TensorProto.FLOAT, ["N", "T", width])
    encoder.give("enc_len", TensorProto.INT32, ["N"])
    encoder.give("alphas", TensorProto.FLOAT, ["N", "T"])
    # sherpa-onnx multiplies the inverse deviation by the root of the encoder's width, 2.
    metadata = {
        "model_type": "paraformer",
        "vocab_size": size,
        "lfr_window_size": 7,
        "lfr_window_shift": 6,
        "encoder_output_size": width,
        "decoder_num_blocks": 1,
        "decoder_kernel_size": 2,
        "neg_mean": _numbers(-10.0, 7 * MELS),
        "inv_stddev": _numbers(0.5, 7 * MELS),
    }
    _write(folder / "encoder.int8.onnx", encoder.model(metadata))
    decoder = _Graph()
    decoder.take("enc", TensorProto.FLOAT, ["N", "T", width])
    decoder.take("enc_len", TensorProto.INT32, ["N"])
    decoder.take("acoustic_embeds", TensorProto.FLOAT, ["N", "U", width])
    decoder.take("acoustic_embeds_len", TensorProto.INT32, ["N"])
    decoder.take("in_cache_0", TensorProto.FLOAT, ["N", width, 1])
    decoder.put("before", "Transpose", ["in_cache_0"], perm=[0, 2, 1])
    decoder.put("carried", "Mul", ["before", decoder.constant(np.float32(0.5))])
    decoder.put("together", "Add", ["acoustic_embeds", "carried"])
    decoder.put("level", "ReduceMean", ["together"], axes=[2], keepdims=1)
    decoder.put("mixed", "Sub", ["together", "level"])
    decoder.put("logits", "MatMul", ["mixed", decoder.constant(_choices(size, first=3, last=size - 1, seed=11))])
    decoder.put("sample_ids", "ArgMax", ["logits"], axis=2, keepdims=0)
    decoder.put("tail", "Slice", ["acoustic_embeds", *map(decoder.constant, _ints([-1], [2**31], [1]))])
    decoder.put("out_cache_0", "Transpose", ["tail"], perm=[0, 2, 1])
    decoder.give("logits", TensorProto.FLOAT, ["N", "U", size])
    decoder.give("sample_ids", TensorProto.INT64, ["N", "U"])
    decoder.give("out_cache_0", TensorProto.FLOAT, ["N", width, 1])
    _write(folder / "decoder.int8.onnx", decoder.model({}))
    return folder


LANGUAGE_TOKENS: Final = {"auto": 0, "zh": 3, "en": 4, "yue": 7, "ja": 11, "ko": 12, "nospeech": 13}


def build_sense_voice(
    folder: Path,
    *,
    emotion: str = "ANGRY",
    event: str = "Laughter",
    language: str = "",
    metadata: Mapping[str, object] | None = None,
) -> Path:
    """SenseVoice: CTC over whole utterances, after four symbols for language, emotion, event and number style.

    Args:
        folder: to fill.
        emotion: what it hears in every utterance.
        event: likewise.
        language: what it claims to hear; empty for what it was asked for.
        metadata: entries to change; None as a value leaves one out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    special = [f"<|{name}|>" for name in (*LANGUAGE_TOKENS, emotion, event, "woitn", "withitn")]
    symbols = ["<blank>", "<s>", "</s>", *special, *CHARACTERS, "▁hel", "lo", "▁or", "der"]
    _write_tokens(folder, symbols)
    size = len(symbols)
    graph = _Graph()
    graph.take("x", TensorProto.FLOAT, ["N", "T", 7 * MELS])
    graph.take("x_length", TensorProto.INT32, ["N"])
    graph.take("language", TensorProto.INT32, ["N"])
    graph.take("text_norm", TensorProto.INT32, ["N"])
    # One symbol on every fifth frame of 60 ms, blank between them.
    graph.put("bands", "MatMul", ["x", graph.constant(np.tile(_band_means(), (7, 1)) / 7)])
    graph.put("level", "ReduceMean", ["bands"], axes=[2], keepdims=1)
    graph.put("loud", "Greater", ["level", graph.constant(np.float32(-1.5))])
    graph.put("shape", "Shape", ["x"])
    graph.put("length", "Gather", ["shape", graph.constant(np.int64(1))], axis=0)
    graph.put("index", "Range", [graph.constant(np.int64(0)), "length", graph.constant(np.int64(1))])
    graph.put("phase", "Mod", ["index", graph.constant(np.int64(5))])
    graph.put("turn", "Equal", ["phase", graph.constant(np.int64(2))])
    graph.put("turns", "Unsqueeze", ["turn", graph.constant(np.array([0, 2], dtype=np.int64))])
    graph.put("speak", "And", ["loud", "turns"])
    weights = _choices(size, first=3 + len(special), last=size, seed=5)
    graph.put("shape_of_sound", "Sub", ["bands", "level"])
    graph.put("choice", "MatMul", ["shape_of_sound", graph.constant(weights)])
    blank = np.full((1, 1, size), -100.0, dtype=np.float32)
    blank[..., 0] = 100.0
    graph.put("spoken", "Where", ["speak", "choice", graph.constant(blank)])
    one_hot = np.eye(size, dtype=np.float32) * 100
    by_language = np.zeros((max(LANGUAGE_TOKENS.values()) + 1, size), dtype=np.float32)
    for name, identity in LANGUAGE_TOKENS.items():
        by_language[identity] = one_hot[symbols.index(f"<|{language or name}|>")]
    heard = np.stack([one_hot[symbols.index(f"<|{name}|>")] for name in (emotion, event)])[None]
    style = np.stack([one_hot[symbols.index("<|withitn|>")], one_hot[symbols.index("<|woitn|>")]])
    graph.put("in_language", "Gather", [graph.constant(by_language), "language"], axis=0)
    graph.put("first", "Unsqueeze", ["in_language", graph.constant(np.array([1], dtype=np.int64))])
    graph.put("offset", "Sub", ["text_norm", graph.constant(np.int32(14))])
    graph.put("in_style", "Gather", [graph.constant(style), "offset"], axis=0)
    graph.put("fourth", "Unsqueeze", ["in_style", graph.constant(np.array([1], dtype=np.int64))])
    graph.put("logits", "Concat", ["first", graph.constant(heard), "fourth", "spoken"], axis=1)
    graph.give("logits", TensorProto.FLOAT, ["N", "L", size])
    entries: dict[str, object] = {
        "model_type": "sense_voice_ctc",
        "version": 2,
        "vocab_size": size,
        "lfr_window_size": 7,
        "lfr_window_shift": 6,
        "normalize_samples": 0,
        "with_itn": 14,
        "without_itn": 15,
        "neg_mean": _numbers(-10.0, 7 * MELS),
        "inv_stddev": _numbers(1.0, 7 * MELS),
        **{f"lang_{name}": identity for name, identity in LANGUAGE_TOKENS.items()},
        **(metadata or {}),
    }
    _write(folder / "model.int8.onnx", graph.model({k: v for k, v in entries.items() if v is not None}))
    return folder


BUILDERS: Final[Mapping[str, Callable[[Path], Path]]] = {
    "zipformer": build_zipformer,
    "zipformer1": lambda folder: build_zipformer(folder, version=1),
    "paraformer": build_paraformer,
    "sense-voice": build_sense_voice,
}


class _Graph:
    """Nodes of a model, added one after the other."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._weights: list[Any] = []

    def take(self, name: str, kind: int, shape: list[int | str]) -> None:
        self._inputs.append(helper.make_tensor_value_info(name, kind, shape))

    def give(self, name: str, kind: int, shape: list[int | str]) -> None:
        self._outputs.append(helper.make_tensor_value_info(name, kind, shape))

    def put(self, name: str, operation: str, inputs: list[str], **attributes: Any) -> None:
        self._nodes.append(helper.make_node(operation, inputs, [name], **attributes))

    def constant(self, value: NDArray[Any] | np.generic) -> str:
        name = f"constant_{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def model(self, metadata: Mapping[str, object]) -> onnx.ModelProto:
        graph = helper.make_graph(self._nodes, "tiny", self._inputs, self._outputs, self._weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=8)
        helper.set_model_props(model, {key: str(value) for key, value in metadata.items()})
        return model


def _zipformer_encoder(version: int, size: int) -> onnx.ModelProto:
    graph = _Graph()
    graph.take("x", TensorProto.FLOAT, ["N", 45, MELS])
    states = _states_2() if version == 2 else _states_1()
    for name, kind, shape in states:
        graph.take(name, kind, shape)
    # 32 of the 45 frames are new; four of them make one of the eight output frames.
    graph.put("new", "Slice", ["x", *map(graph.constant, _ints([0], [32], [1]))])
    graph.put("bands", "MatMul", ["new", graph.constant(_band_means())])
    graph.put("chunk", "ReduceMean", ["bands"], axes=[1], keepdims=1)
    # What the chunk before was like takes part, by way of a state that is carried from chunk to chunk.
    carrier = "embed_states" if version == 2 else "cached_avg_0"
    axes = [1, 2, 3] if version == 2 else [0, 2]
    graph.put("told", "ReduceMean", [carrier], axes=axes, keepdims=0)
    graph.put("history", "Reshape", ["told", graph.constant(np.array([-1, 1, 1], dtype=np.int64))])
    graph.put("level", "ReduceMean", ["chunk"], axes=[2], keepdims=1)
    graph.put("relative", "Sub", ["chunk", "level"])
    graph.put("drift", "Sub", ["level", "history"])
    graph.put("scaled", "Mul", ["drift", graph.constant(np.float32(0.7))])
    graph.put("heard", "Concat", ["relative", "scaled"], axis=2)
    graph.put("choice", "MatMul", ["heard", graph.constant(_choices(size, first=3, last=size, seed=1, inputs=5))])
    # Blank falls below every symbol as the chunk grows louder, but one output frame of the eight speaks only.
    blank = np.zeros((1, 1, size), dtype=np.float32)
    blank[..., 0] = -20.0
    silent = np.full((1, 8, size), -1000.0, dtype=np.float32)
    silent[..., 0] = 0.0
    silent[:, 2, 3:] = 0.0
    graph.put("over", "Sub", ["level", graph.constant(np.float32(_BLANK_LEVEL))])
    graph.put("blank", "Mul", ["over", graph.constant(blank)])
    graph.put("spoken", "Add", ["choice", "blank"])
    graph.put("encoder_out", "Add", ["spoken", graph.constant(silent)])
    graph.give("encoder_out", TensorProto.FLOAT, ["N", 8, size])
    for name, kind, shape in states:
        if name == carrier:
            graph.put("flat", "Reshape", ["level", graph.constant(np.array(_level_shape(version), dtype=np.int64))])
            graph.put("zero", "Mul", [name, graph.constant(np.float32(0))])
            graph.put(f"new_{name}", "Add", ["zero", "flat"])
        elif name == "processed_lens":
            graph.put(f"new_{name}", "Add", [name, graph.constant(np.int64(16))])
        else:
            graph.put(f"new_{name}", "Identity", [name])
        graph.give(f"new_{name}", kind, shape)
    common = {
        "version": version,
        "encoder_dims": 4,
        "num_encoder_layers": 1,
        "cnn_module_kernels": 3,
        "left_context_len": 2,
        "T": 45,
        "decode_chunk_len": 32,
    }
    if version == 2:
        return graph.model(
            common | {"model_type": "zipformer2", "query_head_dims": 1, "value_head_dims": 1, "num_heads": 1}
        )
    return graph.model(common | {"model_type": "zipformer", "attention_dims": 2})


_State = tuple[str, int, list[int | str]]


def _states_2() -> list[_State]:
    floats = TensorProto.FLOAT
    return [
        ("cached_key_0", floats, [2, "N", 1]),
        ("cached_nonlin_attn_0", floats, [1, "N", 2, 3]),
        ("cached_val1_0", floats, [2, "N", 1]),
        ("cached_val2_0", floats, [2, "N", 1]),
        ("cached_conv1_0", floats, ["N", 4, 1]),
        ("cached_conv2_0", floats, ["N", 4, 1]),
        ("embed_states", floats, ["N", 128, 3, 19]),
        ("processed_lens", TensorProto.INT64, ["N"]),
    ]


def _states_1() -> list[_State]:
    floats = TensorProto.FLOAT
    return [
        ("cached_len_0", TensorProto.INT64, [1, "N"]),
        ("cached_avg_0", floats, [1, "N", 4]),
        ("cached_key_0", floats, [1, 2, "N", 2]),
        ("cached_val_0", floats, [1, 2, "N", 1]),
        ("cached_val2_0", floats, [1, 2, "N", 1]),
        ("cached_conv1_0", floats, [1, "N", 4, 2]),
        ("cached_conv2_0", floats, [1, "N", 4, 2]),
    ]


def _level_shape(version: int) -> list[int]:
    return [-1, 1, 1, 1] if version == 2 else [1, -1, 1]


def _band_means() -> NDArray[np.float32]:
    """Weights that turn 80 mel bins into the mean of each band."""
    weights = np.zeros((MELS, len(BANDS)), dtype=np.float32)
    for band, (low, high) in enumerate(BANDS):
        weights[low:high, band] = 1 / (high - low)
    return weights


def _choices(size: int, *, first: int, last: int, seed: int, inputs: int = len(BANDS)) -> NDArray[np.float32]:
    """Weights from bands to the symbols `first` to `last` (half open); the others stay at zero."""
    weights = np.zeros((inputs, size), dtype=np.float32)
    drawn = np.random.default_rng(seed).standard_normal((inputs, last - first))
    weights[:, first:last] = drawn / np.linalg.norm(drawn, axis=0)
    return weights


def _ints(*rows: list[int]) -> list[NDArray[np.int64]]:
    """Starts, ends and axes of a Slice."""
    return [np.array(row, dtype=np.int64) for row in rows]


def _numbers(value: float, count: int) -> str:
    return ",".join([str(value)] * count)


def _write_tokens(folder: Path, symbols: list[str]) -> None:
    lines = "".join(f"{symbol} {number}\n" for number, symbol in enumerate(symbols))
    (folder / "tokens.txt").write_text(lines, encoding="utf-8")


def _write(path: Path, model: onnx.ModelProto) -> None:
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())


if __name__ == "__main__":
    for _name, _build in BUILDERS.items():
        _build(Path(sys.argv[1]) / f"tiny-{_name}")
