"""Every event survives the wire; whatever is malformed is refused with a typed error."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.events import EVENT_TYPES, CallEvent, EmotionScored, ProsodyMeasured, Stamped
from routing.wire import decode, decode_line, encode, encode_line
from voice.contracts.audio import CallId, Span
from voice.contracts.errors import EventError

finite = st.floats(allow_nan=False, allow_infinity=False)


def values(hint: Any) -> st.SearchStrategy[Any]:
    """A strategy for every kind of field that an event may have."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return st.one_of(*(st.none() if arg is NoneType else values(arg) for arg in get_args(hint)))
    if origin is tuple:
        return st.lists(values(get_args(hint)[0]), max_size=3).map(tuple)
    hint = getattr(hint, "__supertype__", hint)
    if hint is Span:
        return st.tuples(st.integers(0, 2**40), st.integers(0, 2**20)).map(lambda s: Span(s[0], s[0] + s[1]))
    if is_dataclass(hint):
        return dataclasses_of(hint)
    if issubclass(hint, StrEnum):
        return st.sampled_from(list(hint))
    return {str: st.text(max_size=20), int: st.integers(0, 2**40), float: finite, bool: st.booleans()}[hint]


def dataclasses_of(kind: Any) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    return st.builds(kind, **{field.name: values(hints[field.name]) for field in fields(kind)})


EVENTS: dict[type[CallEvent], st.SearchStrategy[CallEvent]] = {k: dataclasses_of(k) for k in EVENT_TYPES.values()}
events = st.one_of(*EVENTS.values())
stamps = st.builds(
    Stamped, st.text(min_size=1, max_size=9).map(CallId), st.integers(0, 2**31), st.integers(0, 2**40), events
)


@settings(deadline=None)  # a busy machine breaks nothing
@given(stamps)
def test_every_event_survives_the_wire(stamped: Stamped) -> None:
    assert decode_line(encode_line(stamped)) == stamped


@pytest.mark.parametrize("kind", EVENT_TYPES.values(), ids=list(EVENT_TYPES))
@settings(deadline=None)  # a busy machine breaks nothing
@given(data=st.data())
def test_each_type_has_the_fixed_head(kind: type[CallEvent], data: st.DataObject) -> None:
    document = encode(Stamped(CallId("c"), 3, 17, data.draw(EVENTS[kind])))
    assert list(document)[:4] == ["call", "seq", "at_ms", "type"]
    assert document["type"] == kind.TYPE
    assert document["at_ms"] == 17 / 16
    assert decode(orjson.loads(orjson.dumps(document))).event.TYPE == kind.TYPE


GOOD: dict[str, Any] = {
    "call": "c",
    "seq": 0,
    "at_ms": 20.0,
    "type": "speech.ended",
    "party": "caller",
    "segment": 0,
    "span": {"start_ms": 0, "end_ms": 20.0625},
    "reason": "silence",
}


def test_the_good_document_is_good() -> None:
    assert decode(GOOD).seq == 0


@pytest.mark.parametrize(
    "change",
    [
        {"call": ""},
        {"call": 7},
        {"seq": -1},
        {"seq": True},
        {"seq": 0.0},
        {"at_ms": -1},
        {"at_ms": 0.001},
        {"at_ms": "0"},
        {"type": "speech.stopped"},
        {"type": None},
        {"type": []},
        {"party": "robot"},
        {"segment": "0"},
        {"segment": True},
        {"span": [0, 20]},
        {"span": {"start_ms": 20, "end_ms": 0}},
        {"span": {"start_ms": 0, "end_ms": 20, "x": 1}},
        {"reason": None},
        {"surplus": 1},
    ],
    ids=str,
)
def test_a_wrong_field_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(EventError):
        decode(GOOD | change)


OLD: dict[str, dict[str, Any]] = {
    "prosody.measured": {
        "segment": 0,
        "features": {
            "duration_s": 2.4,
            "voiced_ratio": 0.5,
            "f0_median_hz": 201.5,
            "f0_range_st": None,
            "f0_slope_st_per_s": -1.5,
            "intensity_mean_db": -24.0,
            "intensity_range_db": 12.0,
            "speech_rate_hz": 4.0,
            "articulation_rate_hz": 4.5,
            "pause_count": 1,
            "pause_ratio": 0.1,
            "spectral_tilt_db": -11.0,
        },
    },
    "emotion.scored": {
        "segment": 0,
        "score": {
            "arousal": 0.1,
            "valence": 0.0,
            "confidence": 0.5,
            "label": "neutral",
            "basis": "tone",
            "contributions": [{"feature": "f0_median", "dimension": "arousal", "value": 0.1}],
            "curve_arousal": 0.1,
            "curve_valence": 0.0,
        },
    },
    "transcript.final": {
        "segment": 0,
        "text": "你好",
        "words": [{"text": "你好", "span": {"start_ms": 0, "end_ms": 20}, "confidence": None}],
        "engine": "whisper/base",
    },
}
"""Bodies as version 0.1.0 wrote them, before the features, uncertainty and risk that came later."""


@pytest.mark.parametrize("name", list(OLD))
def test_a_log_of_an_older_version_is_read(name: str) -> None:
    stamped = decode({"call": "c", "seq": 1, "at_ms": 20, "type": name} | OLD[name])
    assert isinstance(stamped.event, EVENT_TYPES[name])
    assert decode_line(encode_line(stamped)) == stamped


def test_what_an_older_version_did_not_measure_is_unknown() -> None:
    measured = decode({"call": "c", "seq": 1, "at_ms": 20, "type": "prosody.measured"} | OLD["prosody.measured"]).event
    scored = decode({"call": "c", "seq": 2, "at_ms": 20, "type": "emotion.scored"} | OLD["emotion.scored"]).event
    assert isinstance(measured, ProsodyMeasured)
    assert isinstance(scored, EmotionScored)
    later = measured.features.hnr_db, measured.features.f1_hz, measured.features.mfcc_mean
    assert later == (None, None, ())
    assert (scored.score.curve_arousal_sd, scored.score.risk, scored.score.models) == (1.0, 0.0, ())


@pytest.mark.parametrize("name", list(GOOD))
def test_a_missing_field_is_refused(name: str) -> None:
    with pytest.raises(EventError):
        decode({key: value for key, value in GOOD.items() if key != name})


@settings(deadline=None)  # a busy machine breaks nothing
@given(st.binary(max_size=200))
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(EventError):
        decode_line(noise)
