"""The live websocket's messages: what a browser may say, and how the server's answers are spelled. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeAlias

import orjson

from agent_console.live.summary import CallSummary
from agent_console.qa.recordings import CALL_ID
from voice.contracts.audio import CallId
from voice.contracts.errors import WarmlineError

MAX_FRAME_BYTES: Final = 65_536
"""Longest message in either direction; a longer one from a browser closes with 1009."""

MAX_SEQ: Final = 2**53 - 1
"""The largest whole number that JavaScript holds exactly."""

MAX_PING_TEXT: Final = 64


class MessageError(WarmlineError):
    """A message that is not as the protocol has it."""

    code: ClassVar[str] = "ws.malformed"


class UnknownOperationError(MessageError):
    """A message whose `op` does not exist."""

    code: ClassVar[str] = "ws.unknown_op"


class TooManyWatchesError(MessageError):
    """One watch more than a console may have."""

    code: ClassVar[str] = "ws.too_many_watches"


class FloodError(MessageError):
    """More messages than a console may send."""

    code: ClassVar[str] = "ws.flood"


@dataclass(frozen=True, slots=True)
class ListCalls:
    """Send the list of calls, then every change."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Send the events of a call with `seq` > `after`, then each new one."""

    call: CallId
    after: int


@dataclass(frozen=True, slots=True)
class Unwatch:
    """Send no more events of a call."""

    call: CallId


@dataclass(frozen=True, slots=True)
class Ping:
    """Answer with the same `id`."""

    id: int | str


ClientMessage: TypeAlias = ListCalls | Watch | Unwatch | Ping

_FIELDS: Final[dict[str, frozenset[str]]] = {
    "list": frozenset(),
    "watch": frozenset({"call", "after"}),
    "unwatch": frozenset({"call"}),
    "ping": frozenset({"id"}),
}


def parse_client_message(text: str | None) -> ClientMessage:
    """A browser's message; None stands for one that was not text.

    Raises:
        MessageError: not JSON, not an object, a field too many or missing or of the wrong kind.
        UnknownOperationError: `op` is none of list, watch, unwatch, ping.
    """
    if text is None:
        raise MessageError("A text message was expected; got a binary one.")
    try:
        document = orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError) as error:
        raise MessageError("A JSON object was expected; this is not JSON.") from error
    if not isinstance(document, dict):
        raise MessageError(f"A JSON object was expected; got {_kind(document)}.")
    op = document.pop("op", None)
    if not isinstance(op, str) or op not in _FIELDS:
        shown = repr(op[:32]) if isinstance(op, str) else _kind(op)
        raise UnknownOperationError(f"'op' is one of {', '.join(_FIELDS)}; got {shown}.")
    if surplus := document.keys() - _FIELDS[op]:
        raise MessageError(f"'{op}' has no field {min(surplus)[:32]!r}.")
    match op:
        case "watch":
            return Watch(_call(document), _after(document))
        case "unwatch":
            return Unwatch(_call(document))
        case "ping":
            return Ping(_ping_id(document))
        case _:
            return ListCalls()


def calls_message(summaries: Sequence[CallSummary]) -> str:
    """The whole list."""
    return orjson.dumps({"op": "calls", "calls": [summary.model_dump() for summary in summaries]}).decode()


def call_message(summary: CallSummary) -> str:
    """One call of the list, changed or new."""
    return orjson.dumps({"op": "call", "call": summary.model_dump()}).decode()


def events_message(call: CallId, events: Iterable[str]) -> str:
    """Events of one call, in order; each is given as the JSON that `routing.wire` writes."""
    return f'{{"op":"events","call":{orjson.dumps(call).decode()},"events":[{",".join(events)}]}}'


def caught_up_message(call: CallId, last_seq: int) -> str:
    """Everything stored so far was sent; what follows is live."""
    return orjson.dumps({"op": "caught_up", "call": call, "last_seq": last_seq}).decode()


def pong_message(ping: Ping) -> str:
    """The answer to a ping."""
    return orjson.dumps({"op": "pong", "id": ping.id}).decode()


def error_message(error: WarmlineError, call: CallId | None = None) -> str:
    """What went wrong; the connection stays open."""
    about = {} if call is None else {"call": call}
    return orjson.dumps({"op": "error", "code": error.code, "message": str(error), **about}).decode()


def _call(document: dict[str, Any]) -> CallId:
    call = document.get("call")
    if not isinstance(call, str) or CALL_ID.fullmatch(call) is None:
        raise MessageError(f"'call' is the id of a call; got {_kind(call)}.")
    return CallId(call)


def _after(document: dict[str, Any]) -> int:
    after = document.get("after")
    if not isinstance(after, int) or isinstance(after, bool) or not -1 <= after <= MAX_SEQ:
        raise MessageError(f"'after' is a whole number from -1; got {_kind(after)}.")
    return after


def _ping_id(document: dict[str, Any]) -> int | str:
    value = document.get("id")
    if isinstance(value, str) and len(value) <= MAX_PING_TEXT:
        return value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_SEQ:
        return value
    raise MessageError(f"'id' is a whole number or a text of up to {MAX_PING_TEXT} characters; got {_kind(value)}.")


def _kind(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool() | int() | float():
            return f"{value!r}"[:32]
        case str():
            return "a text that is not one" if value else "an empty text"
        case list():
            return "a list"
        case _:
            return "an object"
