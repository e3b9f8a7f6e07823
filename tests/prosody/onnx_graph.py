"""Writes small ONNX networks without the onnx package: just enough of the protobuf wire format (onnx.proto3)."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FLOAT = 1
OPSET = 13


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def node(kind: str, inputs: Sequence[str], output: str, **integers: int | list[int]) -> bytes:
    """One operator; attributes are integers or lists of them."""
    attributes = b""
    for name, value in integers.items():
        if isinstance(value, int):
            body = _bytes(1, name) + _number(3, value) + _number(20, 2)
        else:
            body = _bytes(1, name) + b"".join(_number(8, one) for one in value) + _number(20, 7)
        attributes += _bytes(5, body)
    return b"".join(_bytes(1, one) for one in inputs) + _bytes(2, output) + _bytes(4, kind) + attributes


def constant(name: str, shape: Sequence[int], values: Sequence[float]) -> bytes:
    """A float tensor."""
    dims = b"".join(_number(1, one) for one in shape)
    return dims + _number(2, FLOAT) + _bytes(8, name) + _bytes(9, struct.pack(f"<{len(values)}f", *values))


def port(name: str, shape: Sequence[int | str], element: int = FLOAT) -> bytes:
    """An input or output; a dimension given as text is open."""
    dims = b"".join(_bytes(1, _number(1, one) if isinstance(one, int) else _bytes(2, one)) for one in shape)
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, element) + _bytes(2, dims)))


def write_model(
    path: Path, nodes: Sequence[bytes], constants: Sequence[bytes], inputs: Sequence[bytes], outputs: Sequence[bytes]
) -> Path:
    """A whole file."""
    graph = b"".join(_bytes(1, one) for one in nodes) + _bytes(2, "tone")
    for field, parts in ((5, constants), (11, inputs), (12, outputs)):
        graph += b"".join(_bytes(field, one) for one in parts)
    path.write_bytes(_number(1, 7) + _bytes(7, graph) + _bytes(8, _number(2, OPSET)))
    return path


def loudness_head(
    path: Path, weights: Sequence[float], biases: Sequence[float], length: int | str = "time", batch: int | str = 1
) -> Path:
    """A network whose outputs are linear in the mean magnitude of the samples: louder is more."""
    count = len(weights)
    return write_model(
        path,
        [
            node("Abs", ["signal"], "magnitude"),
            node("ReduceMean", ["magnitude"], "loudness", axes=[1], keepdims=1),
            node("MatMul", ["loudness", "weights"], "scaled"),
            node("Add", ["scaled", "biases"], "scores"),
        ],
        [constant("weights", [1, count], weights), constant("biases", [count], biases)],
        [port("signal", [batch, length])],
        [port("scores", [1, count])],
    )


def not_a_number(path: Path) -> Path:
    """A network that answers NaN: the square root of what is below zero."""
    return write_model(
        path,
        [
            node("Abs", ["signal"], "magnitude"),
            node("ReduceMean", ["magnitude"], "loudness", axes=[1], keepdims=1),
            node("MatMul", ["loudness", "weights"], "scaled"),
            node("Add", ["scaled", "biases"], "below"),
            node("Sqrt", ["below"], "scores"),
        ],
        [constant("weights", [1, 2], [0, 0]), constant("biases", [2], [-1, -1])],
        [port("signal", [1, "time"])],
        [port("scores", [1, 2])],
    )


DIMENSIONS: dict[str, Any] = {
    "name": "test-dimensions",
    "licence": "made by the test",
    "sampling_rate": 16_000,
    "input": "signal",
    "output": "scores",
    "meaning": "dimensions",
    "order": ["arousal", "dominance", "valence"],
}
CLASSES: dict[str, Any] = DIMENSIONS | {
    "name": "test-classes",
    "meaning": "classes",
    "order": ["ang", "neu", "hap"],
    "classes": {"ang": "angry", "neu": "neutral", "hap": "happy"},
}


def describe(path: Path, document: object) -> Path:
    """Write the sidecar of a model; answers the model's path."""
    path.with_suffix(".json").write_text(json.dumps(document), encoding="utf-8")
    return path


def dimensions_model(folder: Path) -> Path:
    """Arousal grows with loudness, valence falls."""
    path = loudness_head(folder / "dimensions.onnx", [4.0, 0.0, -4.0], [0.3, 0.5, 0.7])
    return describe(path, DIMENSIONS)


def classes_model(folder: Path) -> Path:
    """Loud is angry, soft is neutral."""
    path = loudness_head(folder / "classes.onnx", [60.0, 0.0, 0.0], [-3.0, 1.0, -2.0])
    return describe(path, CLASSES)
