"""What an ONNX file says of itself: its metadata and the names of its inputs and outputs, without loading it.

sherpa-onnx ends the process where a model lacks an entry of its metadata, so a model is read here before it is given
over. The wire format is that of protocol buffers (encoding guide of protobuf.dev), the fields are those of onnx.proto:
ModelProto.graph 7 and .metadata_props 14, GraphProto.initializer 5, .input 11 and .output 12, TensorProto.name 8,
ValueInfoProto.name 1, StringStringEntryProto.key 1 and .value 2. Everything else is skipped unread, weights included.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from voice.contracts.errors import ModelCorruptError

MAX_TEXT: Final = 1 << 20
"""Bytes of one name or metadata value; the longest that exporters write are tables of 560 numbers."""

MAX_ENTRIES: Final = 100_000
"""Metadata entries, or inputs, outputs and weights together; large encoders have some thousands."""

_GRAPH, _METADATA = 7, 14
_WEIGHT, _INPUT, _OUTPUT = 5, 11, 12
_NAME: Final = {_WEIGHT: 8, _INPUT: 1, _OUTPUT: 1}
_FIXED: Final = {1: 8, 5: 4}


@dataclass(frozen=True, slots=True)
class OnnxHeader:
    """What a model takes, gives and says of itself; weights that older exporters list as inputs are none."""

    metadata: dict[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def read_header(path: Path) -> OnnxHeader:
    """Read the header of an ONNX file.

    Raises:
        ModelCorruptError: the file is no ONNX model, ends early, or is larger in its text than any model.
        OSError: it cannot be read.
    """
    metadata: dict[str, str] = {}
    named: dict[int, list[str]] = {_WEIGHT: [], _INPUT: [], _OUTPUT: []}
    try:
        with path.open("rb") as file:
            end = path.stat().st_size
            for field, start, stop in _fields(file, 0, end):
                if field == _METADATA:
                    key, value = _texts(file, start, stop, (1, 2))
                    metadata[key] = value
                elif field == _GRAPH:
                    for inner, begin, close in _fields(file, start, stop):
                        if inner in named:
                            named[inner] += _texts(file, begin, close, (_NAME[inner],))
                        _limit(sum(map(len, named.values())))
                _limit(len(metadata))
    except _WireError as error:
        raise ModelCorruptError(
            f"{path.name} is not a sound ONNX file: {error}.", fix="Fetch the model again."
        ) from None
    weights = set(named[_WEIGHT])
    inputs = tuple(name for name in named[_INPUT] if name not in weights)
    if not inputs or not named[_OUTPUT]:
        raise ModelCorruptError(f"{path.name} is not an ONNX model: it has no inputs or no outputs.")
    return OnnxHeader(metadata, inputs, tuple(named[_OUTPUT]))


class _WireError(Exception):
    """The bytes are no protocol buffer."""


def _fields(file: BinaryIO, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
    """Number and place of every length-delimited field between two offsets; other kinds are passed over."""
    at = start
    while at < stop:
        file.seek(at)
        tag, at = _varint(file, at, stop)
        kind = tag & 7
        if kind == 0:
            _, at = _varint(file, at, stop)
        elif kind in _FIXED:
            at += _FIXED[kind]
        elif kind == 2:
            length, at = _varint(file, at, stop)
            if at + length > stop:
                raise _WireError("it ends early")
            yield tag >> 3, at, at + length
            at += length
        else:
            raise _WireError("its fields make no sense")
    if at != stop:
        raise _WireError("it ends early")


def _varint(file: BinaryIO, at: int, stop: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte or at >= stop:
            raise _WireError("it ends early")
        at += 1
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value, at
    raise _WireError("its fields make no sense")


def _texts(file: BinaryIO, start: int, stop: int, wanted: tuple[int, ...]) -> tuple[str, ...]:
    """The text fields of those numbers, empty where absent."""
    found = dict.fromkeys(wanted, "")
    for field, begin, close in _fields(file, start, stop):
        if field in found:
            if close - begin > MAX_TEXT:
                raise _WireError(f"it holds a text of {close - begin} bytes")
            file.seek(begin)
            found[field] = file.read(close - begin).decode("utf-8", "replace")
    return tuple(found[number] for number in wanted)


def _limit(count: int) -> None:
    if count > MAX_ENTRIES:
        raise _WireError(f"it names more than {MAX_ENTRIES} things")
