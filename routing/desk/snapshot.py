"""The desk's log and state as JSON and back, without loss."""

from __future__ import annotations

from typing import Any, Final, TypeVar

import orjson

from routing.desk.config import DeskConfig
from routing.desk.events import DESK_EVENT_TYPES, Logged
from routing.desk.ledger import Ledger
from routing.desk.records import AgentRecord, ContactRecord, EndedOffer, QueueRecord
from routing.desk.terms import OfferId
from routing.wire import decode_plain, encode_plain
from voice.contracts.errors import DeskLogError, EventError

FORMAT: Final = 1

T = TypeVar("T")


def encode_logged(logged: Logged) -> bytes:
    """One event of the desk's log as a line of JSON."""
    head = {"seq": logged.seq, "at": logged.at, "type": logged.event.TYPE}
    return orjson.dumps(head | encode_plain(logged.event))


def decode_logged(line: bytes | str) -> Logged:
    """One event of the desk's log.

    Raises:
        DeskLogError: the line is not as `encode_logged` writes it.
    """
    document = _load(line, "an event of the desk")
    seq, at, name = (document.pop(key, None) for key in ("seq", "at", "type"))
    kind = DESK_EVENT_TYPES.get(name) if isinstance(name, str) else None
    if type(seq) is not int or not isinstance(at, int | float) or kind is None:
        raise DeskLogError(f"An event of the desk has seq, at and a known type; got {seq!r}, {at!r}, {name!r}.")
    try:
        return Logged(seq, float(at), decode_plain(kind, document, kind.TYPE))
    except EventError as error:
        raise DeskLogError(f"Desk event {seq}: {error}") from error


def freeze(ledger: Ledger) -> bytes:
    """The state as it is after the event before `next_seq`."""
    document = {
        "format": FORMAT,
        "now": ledger.now,
        "next_seq": ledger.next_seq,
        "agents": [encode_plain(one) for one in ledger.agents.values()],
        "contacts": [encode_plain(one) for one in ledger.contacts.values()],
        "queues": [encode_plain(one) for one in ledger.queues.values()],
        "ended": {offer: encode_plain(one) for offer, one in ledger.ended.items()},
    }
    return orjson.dumps(document)


def thaw(frozen: bytes | str, config: DeskConfig) -> Ledger:
    """The state that `freeze` wrote, under the set-up in force.

    Raises:
        DeskLogError: it is not as `freeze` writes it.
    """
    document = _load(frozen, "a snapshot of the desk")
    if document.get("format") != FORMAT:
        raise DeskLogError(f"A snapshot of the desk has format {FORMAT}; got {document.get('format')!r}.")
    now, next_seq = document.get("now"), document.get("next_seq")
    if not isinstance(now, int | float) or type(next_seq) is not int:
        raise DeskLogError("A snapshot of the desk has a time and a place in the log.")
    ledger = Ledger(config)
    try:
        ledger.restore(
            _all(AgentRecord, document, "agents"),
            _all(ContactRecord, document, "contacts"),
            _all(QueueRecord, document, "queues"),
            now=float(now),
            next_seq=next_seq,
        )
        for offer, one in document.get("ended", {}).items():
            ledger.ended[OfferId(offer)] = decode_plain(EndedOffer, one, "ended")
    except (EventError, LookupError, AttributeError) as error:
        raise DeskLogError(f"The snapshot of the desk cannot be read: {error}.") from error
    return ledger


def _all(kind: type[T], document: dict[str, Any], name: str) -> list[T]:
    return [decode_plain(kind, one, f"{name}[{number}]") for number, one in enumerate(document.get(name, ()))]


def _load(text: bytes | str, what: str) -> dict[str, Any]:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise DeskLogError(f"Not {what}: {error}.") from error
    if not isinstance(document, dict):
        raise DeskLogError(f"Not {what}: expected an object; got {type(document).__name__}.")
    return document
