"""Events as JSON and back, without loss.

The form is flat: `{"call", "seq", "at_ms", "type", …fields}`. Media time is written in milliseconds; a sample is
1/16 ms, which a float holds exactly, so reading gives back the very same sample count. A `Span` becomes
`{"start_ms", "end_ms"}`; fields counted in samples get the suffix `_ms`.

Reading is strict: an unknown type, an unknown or missing field, or a value of the wrong kind raises `EventError`.
"""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import orjson

from routing.events import EVENT_TYPES, CallEvent, Stamped
from voice.contracts.audio import SAMPLES_PER_MS, CallId, Span, to_ms
from voice.contracts.errors import EventError

T = TypeVar("T")

_SAMPLE_FIELDS: Final = frozenset({"start", "duration"})
"""Fields of an event that count samples, unless the event is one of `_TEXT_OFFSETS`."""

_TEXT_OFFSETS: Final = frozenset({"keypoint.found", "entity.found"})


def encode(stamped: Stamped) -> dict[str, Any]:
    """One event as a JSON-ready dict."""
    head = {"call": stamped.call, "seq": stamped.seq, "at_ms": to_ms(stamped.at), "type": stamped.event.TYPE}
    return head | _encode_event(stamped.event)


def encode_line(stamped: Stamped) -> bytes:
    """One event as a line of JSON, without the line break."""
    return orjson.dumps(encode(stamped))


def decode(document: object) -> Stamped:
    """One event from its JSON form.

    Raises:
        EventError: anything about the document is not as `encode` writes it.
    """
    if not isinstance(document, dict):
        raise EventError(f"An event is a JSON object; got {type(document).__name__}.")
    body = dict(document)
    call, seq = body.pop("call", None), body.pop("seq", None)
    at_ms, name = body.pop("at_ms", None), body.pop("type", None)
    if not isinstance(call, str) or not call:
        raise EventError(f"An event names its call; got {call!r}.")
    if not isinstance(seq, int) or isinstance(seq, bool) or seq < 0:
        raise EventError(f"'seq' is a whole number from 0; got {seq!r}.")
    kind = EVENT_TYPES.get(name) if isinstance(name, str) else None
    if kind is None:
        raise EventError(f"Unknown event type {name!r}.")
    event = _decode_fields(kind, body, where=kind.TYPE)
    return Stamped(CallId(call), seq, _samples(at_ms, f"{kind.TYPE}.at_ms"), cast(CallEvent, event))


def decode_line(line: bytes | str) -> Stamped:
    """One event from a line of JSON.

    Raises:
        EventError: not JSON, or not an event.
    """
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise EventError(f"Not a line of JSON: {error}.") from error
    return decode(document)


def encode_plain(value: object) -> Any:
    """A dataclass of plain values (text, numbers, enumerations, tuples, dataclasses) as JSON has it."""
    return _encode_value(value)


def decode_plain(kind: type[T], document: object, where: str) -> T:
    """A dataclass from what `encode_plain` made of it; as strict as reading an event.

    Raises:
        EventError: anything about the document is not as `encode_plain` writes it; `where` names it.
    """
    if not isinstance(document, dict):
        raise EventError(f"{where} is an object; got {type(document).__name__}.")
    return cast(T, _decode_fields(kind, document, where))


def _encode_event(event: CallEvent) -> dict[str, Any]:
    spoken = event.TYPE not in _TEXT_OFFSETS
    body: dict[str, Any] = {}
    for field in fields(event):
        value = getattr(event, field.name)
        if spoken and field.name in _SAMPLE_FIELDS:
            body[f"{field.name}_ms"] = to_ms(value)
        else:
            body[field.name] = _encode_value(value)
    return body


def _encode_value(value: object) -> Any:
    match value:
        case None | bool() | int() | float():
            return value
        case StrEnum():
            return value.value
        case str():
            return value
        case Span():
            return {"start_ms": to_ms(value.start), "end_ms": to_ms(value.end)}
        case tuple():
            return [_encode_value(item) for item in value]
        case _ if is_dataclass(value):
            return {field.name: _encode_value(getattr(value, field.name)) for field in fields(value)}
        case _:
            raise TypeError(f"No wire form for {type(value).__name__}.")


@cache
def _shape(kind: Any) -> dict[str, tuple[str, Any, bool]]:
    """Wire name → (attribute, type, required) of a dataclass."""
    hints = get_type_hints(kind)
    spoken = getattr(kind, "TYPE", None) not in _TEXT_OFFSETS
    shape = {}
    for field in fields(kind):
        samples = spoken and hasattr(kind, "TYPE") and field.name in _SAMPLE_FIELDS
        wire = f"{field.name}_ms" if samples else field.name
        required = field.default is field.default_factory  # both MISSING
        shape[wire] = (field.name, _samples if samples else hints[field.name], required)
    return shape


def _decode_fields(kind: type[Any], body: dict[Any, Any], where: str) -> object:
    shape = _shape(cast(Any, kind))
    if unknown := [str(name) for name in body if name not in shape]:
        raise EventError(f"{where} has no field {', '.join(sorted(unknown))}; it has {', '.join(shape)}.")
    values = {}
    for wire, (attribute, hint, required) in shape.items():
        if wire in body:
            values[attribute] = _decode_value(hint, body[wire], f"{where}.{wire}")
        elif required:
            raise EventError(f"{where} lacks the field {wire}.")
    try:
        return kind(**values)
    except ValueError as error:
        raise EventError(f"{where}: {error}") from error


def _decode_value(hint: Any, value: object, where: str) -> object:
    if hint is _samples:
        return _samples(value, where)
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        if value is None and NoneType in get_args(hint):
            return None
        (inner,) = (arg for arg in get_args(hint) if arg is not NoneType)
        return _decode_value(inner, value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise EventError(f"{where} is a list; got {type(value).__name__}.")
        item = get_args(hint)[0]
        return tuple(_decode_value(item, one, f"{where}[{index}]") for index, one in enumerate(value))
    hint = getattr(hint, "__supertype__", hint)  # NewType
    if hint is Span:
        return _decode_span(value, where)
    if is_dataclass(hint):
        if not isinstance(value, dict):
            raise EventError(f"{where} is an object; got {type(value).__name__}.")
        return _decode_fields(cast(type[Any], hint), value, where)
    if issubclass(hint, StrEnum):
        try:
            return hint(value)
        except ValueError as error:
            raise EventError(f"{where} is one of {', '.join(hint)}; got {value!r}.") from error
    return _decode_scalar(hint, value, where)


def _decode_scalar(hint: Any, value: object, where: str) -> object:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not hint:
        raise EventError(f"{where} is of type {hint.__name__}; got {value!r}.")
    if isinstance(value, float) and not math.isfinite(value):
        raise EventError(f"{where} is a finite number; got {value!r}.")
    return value


def _decode_span(value: object, where: str) -> Span:
    if not isinstance(value, dict) or set(value) != {"start_ms", "end_ms"}:
        raise EventError(f"{where} is an object with start_ms and end_ms; got {value!r}.")
    try:
        return Span(_samples(value["start_ms"], where), _samples(value["end_ms"], where))
    except ValueError as error:
        raise EventError(f"{where}: {error}") from error


def _samples(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise EventError(f"{where} is a time in milliseconds from 0; got {value!r}.")
    samples = value * SAMPLES_PER_MS
    if samples != int(samples):
        raise EventError(f"{where} is a whole number of samples (1/16 ms); got {value!r} ms.")
    return int(samples)
