"""A hand-over to a human as a state machine: requested, offered, accepted, bridged; or failed, and offered again.

    requested ── offered ── accepted ── bridged
        │           │           │          │
        └───────────┴── failed ─┴──────────┘      failed ── offered …   (the place in the queue is kept)

A failure that leaves nobody to look after the caller (they hung up, or no human is wanted any more) ends it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeAlias

from routing.desk.events import (
    ContactBridged,
    ContactLeft,
    ContactReturned,
    ContactTurnedAway,
    DeskEvent,
    OfferAccepted,
    OfferMade,
)
from routing.desk.terms import Departure
from routing.service_events import (
    HandoverAccepted,
    HandoverBridged,
    HandoverFailed,
    HandoverOffered,
    HandoverRequested,
)
from routing.terms import HandoverFailure, HandoverReturn
from voice.contracts.errors import HandoverError

HandoverEvent: TypeAlias = HandoverRequested | HandoverOffered | HandoverAccepted | HandoverBridged | HandoverFailed


class HandoverStage(StrEnum):
    """How far a hand-over has come."""

    REQUESTED = "requested"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    BRIDGED = "bridged"
    FAILED = "failed"
    """For now: the caller keeps the place and is offered again."""

    OVER = "over"
    """For good: nobody is handed over any more."""


_FOLLOWS: Final[dict[type[HandoverEvent], frozenset[HandoverStage]]] = {
    HandoverOffered: frozenset({HandoverStage.REQUESTED, HandoverStage.FAILED}),
    HandoverAccepted: frozenset({HandoverStage.OFFERED}),
    HandoverBridged: frozenset({HandoverStage.ACCEPTED}),
    HandoverFailed: frozenset(HandoverStage) - {HandoverStage.OVER},
}
_FINAL: Final = frozenset({HandoverFailure.CALLER_GONE, HandoverFailure.WITHDRAWN})


@dataclass(frozen=True, slots=True)
class Handover:
    """One hand-over.

    Attributes:
        ticket: its ticket.
        stage: how far it has come.
        agent: to whom it is offered, who accepted or serves; None where nobody is.
        failure: why it failed last; None while it has not.
        attempts: how often it was offered.
    """

    ticket: str
    stage: HandoverStage = HandoverStage.REQUESTED
    agent: str | None = None
    failure: HandoverFailure | None = None
    attempts: int = 0

    @property
    def open(self) -> bool:
        """Whether the caller still waits for a human."""
        return self.stage not in (HandoverStage.BRIDGED, HandoverStage.OVER)


def follow(handover: Handover | None, event: HandoverEvent) -> Handover:
    """The hand-over after one more event; None is the state before the first.

    Raises:
        HandoverError: the event cannot follow.
    """
    if isinstance(event, HandoverRequested):
        if handover is not None and handover.ticket == event.ticket:
            raise HandoverError(f"ticket {event.ticket} was requested already.")
        return Handover(event.ticket)
    if handover is None or handover.ticket != event.ticket:
        raise HandoverError(f"ticket {event.ticket} was not requested.")
    if handover.stage not in _FOLLOWS[type(event)]:
        raise HandoverError(f"ticket {event.ticket} is {handover.stage}; {event.TYPE} cannot follow.")
    match event:
        case HandoverOffered(agent=agent):
            return replace(handover, stage=HandoverStage.OFFERED, agent=agent, attempts=handover.attempts + 1)
        case HandoverAccepted(agent=agent) | HandoverBridged(agent=agent):
            if agent != handover.agent:
                raise HandoverError(f"ticket {event.ticket} is with agent {handover.agent}, not {agent}.")
            accepted = isinstance(event, HandoverAccepted)
            return replace(handover, stage=HandoverStage.ACCEPTED if accepted else HandoverStage.BRIDGED)
        case HandoverFailed(code=code):
            stage = HandoverStage.OVER if code in _FINAL else HandoverStage.FAILED
            return replace(handover, stage=stage, agent=None, failure=code)


def given_up(handover: Handover | None) -> list[HandoverFailed]:
    """What ends a hand-over that is under way when the caller is gone; nothing where none is."""
    if handover is None or not handover.open:
        return []
    return [HandoverFailed(handover.ticket, HandoverFailure.CALLER_GONE, handover.agent)]


def report(event: DeskEvent, ticket: str) -> HandoverEvent | None:
    """What a desk's event about a caller says in the log of their call; None where it says nothing there."""
    match event:
        case OfferMade(agent=agent):
            return HandoverOffered(ticket, agent)
        case OfferAccepted(agent=agent):
            return HandoverAccepted(ticket, agent)
        case ContactBridged(agent=agent):
            return HandoverBridged(ticket, agent)
        case ContactReturned(code=code, agent=agent, back_to=back_to):
            return HandoverFailed(ticket, code, agent, back_to)
        case ContactTurnedAway():
            return HandoverFailed(ticket, HandoverFailure.CLOSED, None, HandoverReturn.AI)
        case ContactLeft(departure=Departure.SERVED):
            return None
        case ContactLeft(departure=Departure.WITHDRAWN):
            return HandoverFailed(ticket, HandoverFailure.WITHDRAWN, None, HandoverReturn.AI)
        case ContactLeft(agent=agent):
            return HandoverFailed(ticket, HandoverFailure.CALLER_GONE, agent)
        case _:
            return None
