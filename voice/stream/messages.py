"""The messages of Twilio's Media Streams, parsed strictly and written. No I/O.

Every message is one JSON object in a text frame with the member `event`. The provider sends `connected` and `start`
once, then `media`, `dtmf` and `mark`, and `stop` at the end; it may be sent `media`, `mark` and `clear`. Audio is
mu-law at 8 kHz, mono, in base64. Numbers travel as strings.

Source: Twilio, "Media Streams: WebSocket Messages" (twilio.com/docs/voice/media-streams/websocket-messages), 2026.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeAlias

import orjson

from voice.contracts.errors import StreamProtocolError

ENCODING: Final = "audio/x-mulaw"
LINE_RATE: Final = 8_000
"""Samples per second on the line; one byte each."""

MAX_PAYLOAD: Final = LINE_RATE
"""Bytes of audio in one message: 1 s. Providers send 20 ms, some up to 100."""

MAX_NAME: Final = 256
"""Characters of an identifier or of a custom parameter's name."""

MAX_PARAMETERS: Final = 32
MAX_VALUE: Final = 1024
"""Bounds of the custom parameters; a provider allows about 500 characters for a pair."""

LATEST_MS: Final = 24 * 3600 * 1000
"""No call lasts longer than a day; a time stamp beyond it is nonsense."""

_DIGITS: Final = frozenset("0123456789*#ABCD")


class Track(StrEnum):
    """Whose audio: `inbound` is what the caller says, `outbound` what the caller hears."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


@dataclass(frozen=True, slots=True)
class Connected:
    """The first message."""


@dataclass(frozen=True, slots=True)
class Start:
    """What is streamed.

    Attributes:
        stream: the stream's identifier; every later message carries it.
        call: the provider's identifier of the call; empty where it gives none.
        tracks: the tracks that will come.
        parameters: what whoever set the stream up wanted us to know.
    """

    stream: str
    call: str
    tracks: frozenset[Track]
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Media:
    """Audio of one track: mu-law bytes, `at_ms` after the stream's start."""

    stream: str
    track: Track
    at_ms: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Dtmf:
    """The caller pressed a key."""

    stream: str
    digit: str


@dataclass(frozen=True, slots=True)
class Mark:
    """What was sent before the mark of that name has been played, or was cleared."""

    stream: str
    name: str


@dataclass(frozen=True, slots=True)
class Stop:
    """The call or the stream is over."""

    stream: str


Message: TypeAlias = Connected | Start | Media | Dtmf | Mark | Stop


def parse_message(text: str) -> Message | None:
    """One message of the provider; None for an event that is not known, which a later version may bring.

    Raises:
        StreamProtocolError: no JSON object, or a known event with a member missing, of a wrong kind or out of bounds.
    """
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise StreamProtocolError("A media stream message is a JSON object; this is not JSON.") from None
    if not isinstance(document, dict):
        raise StreamProtocolError(f"A media stream message is a JSON object; got {type(document).__name__}.")
    event = _text(document, "event")
    match event:
        case "connected":
            return Connected()
        case "start":
            return _parse_start(document)
        case "media":
            return _parse_media(document)
        case "dtmf":
            digit = _text(_object(document, "dtmf"), "digit")
            if digit not in _DIGITS:
                raise StreamProtocolError("`dtmf.digit` is one of 0-9, *, #, A-D.")
            return Dtmf(_stream(document), digit)
        case "mark":
            return Mark(_stream(document), _text(_object(document, "mark"), "name"))
        case "stop":
            return Stop(_stream(document))
        case _:
            return None


def write_media(stream: str, payload: bytes) -> str:
    """Audio for the caller: mu-law bytes at 8 kHz."""
    return _write({"event": "media", "streamSid": stream, "media": {"payload": base64.b64encode(payload).decode()}})


def write_mark(stream: str, name: str) -> str:
    """A mark: it comes back once everything sent before it was played or cleared."""
    return _write({"event": "mark", "streamSid": stream, "mark": {"name": name}})


def write_clear(stream: str) -> str:
    """Drop what waits to be played."""
    return _write({"event": "clear", "streamSid": stream})


def _parse_start(document: dict[str, Any]) -> Start:
    start = _object(document, "start")
    stream = _stream(document)
    if start.get("streamSid", stream) != stream:
        raise StreamProtocolError("`start.streamSid` differs from `streamSid`.")
    form = _object(start, "mediaFormat")
    encoding, rate, channels = form.get("encoding"), _number(form, "sampleRate"), _number(form, "channels")
    if encoding != ENCODING or rate != LINE_RATE or channels != 1:
        raise StreamProtocolError(
            f"Expected {ENCODING}, {LINE_RATE} Hz, 1 channel; got {str(encoding)[:40]}, {rate} Hz, {channels}.",
            fix="Let the provider stream mu-law at 8 kHz.",
        )
    call = start.get("callSid", "")
    if not isinstance(call, str) or len(call) > MAX_NAME:
        raise StreamProtocolError(f"`start.callSid` is a text of at most {MAX_NAME} characters.")
    return Start(stream, call, _tracks(start.get("tracks", ["inbound"])), _parameters(start))


def _parse_media(document: dict[str, Any]) -> Media:
    media = _object(document, "media")
    at_ms = _number(media, "timestamp")
    if at_ms > LATEST_MS:
        raise StreamProtocolError(f"`media.timestamp` is at most {LATEST_MS} ms; got {at_ms}.")
    encoded = media.get("payload")
    if not isinstance(encoded, str) or len(encoded) > 4 * (MAX_PAYLOAD // 3 + 1):
        raise StreamProtocolError(f"`media.payload` is base64 of at most {MAX_PAYLOAD} bytes.")
    try:
        payload = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise StreamProtocolError("`media.payload` is not base64.") from None
    (track,) = _tracks([media.get("track", "inbound")])
    return Media(_stream(document), track, at_ms, payload)


def _tracks(names: object) -> frozenset[Track]:
    # Unidirectional streams write `inbound_track`, and dtmf messages do; both forms mean the same.
    if not isinstance(names, list) or not names or len(names) > len(Track):
        raise StreamProtocolError("`tracks` is a list of `inbound` and `outbound`.")
    found = set()
    for name in names:
        short = name.removesuffix("_track") if isinstance(name, str) else ""
        if short not in set(Track):
            raise StreamProtocolError("A track is `inbound` or `outbound`.")
        found.add(Track(short))
    return frozenset(found)


def _parameters(start: dict[str, Any]) -> dict[str, str]:
    found = start.get("customParameters") or {}
    if not isinstance(found, dict) or len(found) > MAX_PARAMETERS:
        raise StreamProtocolError(f"`customParameters` is an object of at most {MAX_PARAMETERS} members.")
    for name, value in found.items():
        if len(name) > MAX_NAME or not isinstance(value, str) or len(value) > MAX_VALUE:
            raise StreamProtocolError(f"A custom parameter is a text of at most {MAX_VALUE} characters.")
    return found


def _stream(document: dict[str, Any]) -> str:
    return _text(document, "streamSid")


def _object(document: dict[str, Any], name: str) -> dict[str, Any]:
    found = document.get(name)
    if not isinstance(found, dict):
        raise StreamProtocolError(f"`{name}` is an object; got {type(found).__name__}.")
    return found


def _text(document: dict[str, Any], name: str) -> str:
    found = document.get(name)
    if not isinstance(found, str) or not 0 < len(found) <= MAX_NAME:
        raise StreamProtocolError(f"`{name}` is a text of 1 to {MAX_NAME} characters.")
    return found


def _number(document: dict[str, Any], name: str) -> int:
    found = document.get(name)
    if isinstance(found, str) and found.isascii() and found.isdecimal() and len(found) <= 15:
        return int(found)
    if isinstance(found, int) and not isinstance(found, bool) and found >= 0:
        return found
    raise StreamProtocolError(f"`{name}` is a whole number from 0, as text or number.")


def _write(document: dict[str, Any]) -> str:
    return orjson.dumps(document).decode()
