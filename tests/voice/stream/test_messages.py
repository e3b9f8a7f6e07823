"""Media stream messages: what the provider documents is understood, everything else is a typed error."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.contracts.errors import StreamProtocolError
from voice.stream.messages import (
    Connected,
    Dtmf,
    Mark,
    Media,
    Start,
    Stop,
    Track,
    parse_message,
    write_clear,
    write_mark,
    write_media,
)

STREAM = "MZ18ad3ab5a668481ce02b83e7395059f0"
START: dict[str, Any] = {
    "event": "start",
    "sequenceNumber": "1",
    "start": {
        "accountSid": "AC0123",
        "streamSid": STREAM,
        "callSid": "CA0123",
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"language": "zh"},
    },
    "streamSid": STREAM,
}
MEDIA: dict[str, Any] = {
    "event": "media",
    "sequenceNumber": "3",
    "media": {"track": "outbound", "chunk": "1", "timestamp": "5", "payload": base64.b64encode(b"\xff\x00").decode()},
    "streamSid": STREAM,
}


def parse(document: object) -> object:
    return parse_message(json.dumps(document))


def changed(document: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """A copy with one member set, or taken out where the value is `...`."""
    copy = json.loads(json.dumps(document))
    *parents, last = path.split(".")
    inner = copy
    for parent in parents:
        inner = inner[parent]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return dict(copy)


def test_the_documented_messages() -> None:
    assert parse({"event": "connected", "protocol": "Call", "version": "1.0.0"}) == Connected()
    assert parse(START) == Start(STREAM, "CA0123", frozenset({Track.INBOUND}), {"language": "zh"})
    assert parse(MEDIA) == Media(STREAM, Track.OUTBOUND, 5, b"\xff\x00")
    dtmf = {
        "event": "dtmf",
        "streamSid": STREAM,
        "sequenceNumber": "5",
        "dtmf": {"track": "inbound_track", "digit": "1"},
    }
    assert parse(dtmf) == Dtmf(STREAM, "1")
    mark = {"event": "mark", "sequenceNumber": "4", "streamSid": STREAM, "mark": {"name": "my label"}}
    assert parse(mark) == Mark(STREAM, "my label")
    stop = {"event": "stop", "sequenceNumber": "5", "stop": {"accountSid": "A", "callSid": "C"}, "streamSid": STREAM}
    assert parse(stop) == Stop(STREAM)


def test_what_a_later_version_brings_is_passed_over() -> None:
    assert parse({"event": "weather", "streamSid": STREAM}) is None


def test_what_we_send() -> None:
    assert json.loads(write_media(STREAM, b"\x01\x02")) == {
        "event": "media",
        "streamSid": STREAM,
        "media": {"payload": "AQI="},
    }
    assert json.loads(write_mark(STREAM, "m1")) == {"event": "mark", "streamSid": STREAM, "mark": {"name": "m1"}}
    assert json.loads(write_clear(STREAM)) == {"event": "clear", "streamSid": STREAM}


@pytest.mark.parametrize(
    ("document", "path", "value"),
    [
        (START, "event", ...),
        (START, "event", 7),
        (START, "start", ...),
        (START, "start", "x"),
        (START, "streamSid", ...),
        (START, "streamSid", ""),
        (START, "streamSid", "x" * 257),
        (START, "start.streamSid", "another"),
        (START, "start.callSid", 5),
        (START, "start.tracks", "inbound"),
        (START, "start.tracks", []),
        (START, "start.tracks", ["sideways"]),
        (START, "start.tracks", [None]),
        (START, "start.tracks", ["inbound"] * 50),
        (START, "start.mediaFormat", ...),
        (START, "start.mediaFormat.encoding", "audio/opus"),
        (START, "start.mediaFormat.sampleRate", 16000),
        (START, "start.mediaFormat.channels", 2),
        (START, "start.mediaFormat.channels", True),
        (START, "start.customParameters", ["x"]),
        (START, "start.customParameters", {"a": 1}),
        (START, "start.customParameters", {"a": "x" * 1025}),
        (START, "start.customParameters", {str(n): "x" for n in range(33)}),
        (MEDIA, "media", None),
        (MEDIA, "media.payload", ...),
        (MEDIA, "media.payload", "not base64!"),
        (MEDIA, "media.payload", "AQI"),
        (MEDIA, "media.payload", "A" * 20_000),
        (MEDIA, "media.payload", 5),
        (MEDIA, "media.timestamp", ...),
        (MEDIA, "media.timestamp", "-5"),
        (MEDIA, "media.timestamp", -5),
        (MEDIA, "media.timestamp", "1e3"),
        (MEDIA, "media.timestamp", "٣"),
        (MEDIA, "media.timestamp", "9" * 400),
        (MEDIA, "media.timestamp", 10**15),
        (MEDIA, "media.track", "x"),
        (MEDIA, "media.track", {}),
    ],
)
def test_a_message_that_is_wrong_in_one_place(document: dict[str, Any], path: str, value: object) -> None:
    with pytest.raises(StreamProtocolError):
        parse(changed(document, path, value))


@pytest.mark.parametrize("text", ["", "{", "null", "[]", '"media"', "\x00", "[" * 5000, '{"event":"dtmf"}'])
def test_what_is_no_message(text: str) -> None:
    with pytest.raises(StreamProtocolError):
        parse_message(text)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
_MEMBERS = st.sampled_from(["event", "streamSid", "start", "media", "dtmf", "mark", "stop"])
_EVENTS = st.sampled_from(["connected", "start", "media", "dtmf", "mark", "stop", "x"])


@given(_EVENTS, st.dictionaries(_MEMBERS, _JSON))
def test_nothing_but_typed_errors(event: str, members: dict[str, Any]) -> None:
    try:
        parse({"event": event} | members)
    except StreamProtocolError:
        return


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    try:
        parse_message(text)
    except StreamProtocolError:
        return
