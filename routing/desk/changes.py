"""What becomes of a caller who stays at the desk: wishes, place, rest. Part of the fold in `routing.desk.ledger`."""

from __future__ import annotations

from typing import TypeAlias, assert_never

from routing.desk.events import (
    CallbackRequested,
    ContactAddressed,
    ContactMoved,
    ContactReleased,
    ContactReprioritized,
    ContactSlept,
    ContactWoken,
)
from routing.desk.records import ContactRecord
from routing.desk.terms import ContactKind, ContactState

ContactChange: TypeAlias = (
    ContactReprioritized
    | ContactMoved
    | ContactReleased
    | ContactSlept
    | ContactWoken
    | CallbackRequested
    | ContactAddressed
)


def change(contact: ContactRecord, event: ContactChange, now: float) -> None:
    """Take an event about one caller in as a fact; who waits is taken out of their lane before, and put in after."""
    match event:
        case ContactReprioritized(priority=priority):
            contact.priority = priority
        case ContactMoved(queue=queue, skills=skills):
            contact.queue, contact.queued_since = queue, now
            contact.skills = contact.skills if skills is None else skills
            contact.held_until = None
        case ContactReleased():
            contact.held_until = None
        case ContactSlept(until=until):
            contact.state, contact.asleep_until = ContactState.ASLEEP, until
            contact.part()
        case ContactWoken():
            contact.state, contact.asleep_until = ContactState.WAITING, None
        case CallbackRequested(address=address):
            contact.kind, contact.address, contact.with_ai = ContactKind.CALLBACK, address, False
        case ContactAddressed(address=address):
            contact.address = address
        case _:
            assert_never(event)
