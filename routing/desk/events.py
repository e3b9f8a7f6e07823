"""What happened at the desk: a closed union. The desk's state is a fold over these and nothing else.

Each stands in the desk's log as `Logged(seq, at, event)`. Whoever restores the log restores who waits since when, who
was offered to whom until when, and who serves whom.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, TypeAlias, get_args

from asr.types import Language
from routing.desk.terms import (
    AgentId,
    AgentProfile,
    ContactKind,
    Departure,
    MoveReason,
    OfferId,
    Presence,
    QueueId,
    Skills,
)
from routing.terms import HandoverFailure, HandoverReturn, TransferFailure
from voice.contracts.audio import CallId


@dataclass(frozen=True, slots=True)
class AgentProfiled:
    """An agent is known, or known otherwise. A `fixed` profile stands in the desk's file and is changed there only."""

    TYPE: ClassVar[str] = "agent.profiled"
    agent: AgentId
    profile: AgentProfile
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class AgentRemoved:
    """An agent is no longer known."""

    TYPE: ClassVar[str] = "agent.removed"
    agent: AgentId


@dataclass(frozen=True, slots=True)
class PresenceChanged:
    """An agent does something else.

    Attributes:
        cause: a stable code: `asked`, `served`, `wrap_up_over`, `no_answer`, `lost`.
        until: when after-call work ends by itself.
        queue: whose call the after-call work belongs to.
    """

    TYPE: ClassVar[str] = "presence.changed"
    agent: AgentId
    presence: Presence
    cause: str
    until: float | None = None
    queue: QueueId | None = None


@dataclass(frozen=True, slots=True)
class AgentAsked:
    """A colleague who serves `call` asks the agent to come to it: nobody is offered to them until a moment."""

    TYPE: ClassVar[str] = "agent.asked"
    agent: AgentId
    call: CallId
    until: float


@dataclass(frozen=True, slots=True)
class AgentExcused:
    """Nobody asks the agent any more."""

    TYPE: ClassVar[str] = "agent.excused"
    agent: AgentId


@dataclass(frozen=True, slots=True)
class ContactQueued:
    """A caller waits from now on; the place counts from `since`."""

    TYPE: ClassVar[str] = "contact.queued"
    call: CallId
    ticket: str
    queue: QueueId
    since: float
    priority: int
    language: Language
    skills: Skills = ()
    kind: ContactKind = ContactKind.LIVE
    sticky: AgentId | None = None
    held_until: float | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class ContactTurnedAway:
    """The queue is closed; `opens_at` is when it opens next, None where that is further than a year away."""

    TYPE: ClassVar[str] = "contact.turned_away"
    call: CallId
    ticket: str
    queue: QueueId
    opens_at: float | None


@dataclass(frozen=True, slots=True)
class ContactReprioritized:
    """The call's priority changed while it was at the desk."""

    TYPE: ClassVar[str] = "contact.reprioritized"
    call: CallId
    priority: int


@dataclass(frozen=True, slots=True)
class ContactMoved:
    """A caller stands in another queue from now on, or wants other skills, with the place kept.

    Attributes:
        skills: what they want of an agent from now on; None where that stays.
    """

    TYPE: ClassVar[str] = "contact.moved"
    call: CallId
    queue: QueueId
    reason: MoveReason
    skills: Skills | None = None


@dataclass(frozen=True, slots=True)
class ContactReleased:
    """A caller who was held for one agent may now be served by any."""

    TYPE: ClassVar[str] = "contact.released"
    call: CallId


@dataclass(frozen=True, slots=True)
class ContactSlept:
    """A callback rests until a moment."""

    TYPE: ClassVar[str] = "contact.slept"
    call: CallId
    until: float


@dataclass(frozen=True, slots=True)
class ContactWoken:
    """A callback is due again."""

    TYPE: ClassVar[str] = "contact.woken"
    call: CallId


@dataclass(frozen=True, slots=True)
class CallbackRequested:
    """A caller hangs up and wants to be called at `address`; the place is kept."""

    TYPE: ClassVar[str] = "callback.requested"
    call: CallId
    address: str


@dataclass(frozen=True, slots=True)
class ContactAddressed:
    """It is known where a caller who waits on the line could be called back."""

    TYPE: ClassVar[str] = "contact.addressed"
    call: CallId
    address: str


@dataclass(frozen=True, slots=True)
class CallbackAnswered:
    """Who was to be called back has answered: the caller is known by the call `by` from now on, and is on the line.

    Attributes:
        ticket: of the hand-over on that call.
        connect_by: when agent and caller have to hear each other.
    """

    TYPE: ClassVar[str] = "callback.answered"
    call: CallId
    agent: AgentId
    by: CallId
    ticket: str
    connect_by: float


@dataclass(frozen=True, slots=True)
class CallbackMissed:
    """A caller was called back and not reached; what follows is a rest, or the end of trying."""

    TYPE: ClassVar[str] = "callback.missed"
    call: CallId
    agent: AgentId
    code: TransferFailure


@dataclass(frozen=True, slots=True)
class OfferMade:
    """A caller is offered to an agent, who has until `expires_at` to accept."""

    TYPE: ClassVar[str] = "offer.made"
    offer: OfferId
    call: CallId
    agent: AgentId
    expires_at: float


@dataclass(frozen=True, slots=True)
class OfferAccepted:
    """The agent accepted, at one console; the audio has to be through by `connect_by`."""

    TYPE: ClassVar[str] = "offer.accepted"
    offer: OfferId
    call: CallId
    agent: AgentId
    console: str
    connect_by: float


@dataclass(frozen=True, slots=True)
class ContactBridged:
    """Caller and agent hear each other."""

    TYPE: ClassVar[str] = "contact.bridged"
    call: CallId
    agent: AgentId


@dataclass(frozen=True, slots=True)
class ContactTaken:
    """A supervisor has taken the caller over and serves them; whoever did, or was to, does not any more.

    Attributes:
        former: who served or had accepted; None where nobody had.
        offer: which open offer ended thereby, if one did.
    """

    TYPE: ClassVar[str] = "contact.taken"
    call: CallId
    agent: AgentId
    former: AgentId | None = None
    offer: OfferId | None = None


@dataclass(frozen=True, slots=True)
class ContactReturned:
    """A hand-over failed; the caller is back at the old place, for the time being with the AI or on hold.

    Attributes:
        agent: with whom it failed; None where there was nobody to offer to.
        offer: which offer ended thereby, if one did.
        excluded_until: until when this agent is not offered this caller again.
    """

    TYPE: ClassVar[str] = "contact.returned"
    call: CallId
    code: HandoverFailure
    back_to: HandoverReturn
    agent: AgentId | None = None
    offer: OfferId | None = None
    excluded_until: float | None = None


@dataclass(frozen=True, slots=True)
class ContactLeft:
    """A caller is no longer at the desk; `offer` ended with it if one was open."""

    TYPE: ClassVar[str] = "contact.left"
    call: CallId
    departure: Departure
    agent: AgentId | None = None
    offer: OfferId | None = None


@dataclass(frozen=True, slots=True)
class DeskResumed:
    """The desk was away for `away_s` seconds; deadlines of agents and of connections move on by as much."""

    TYPE: ClassVar[str] = "desk.resumed"
    away_s: float


AgentEvent: TypeAlias = AgentProfiled | AgentRemoved | PresenceChanged | AgentAsked | AgentExcused
"""What is about an agent alone."""

DeskEvent: TypeAlias = (
    AgentEvent
    | ContactQueued
    | ContactTurnedAway
    | ContactReprioritized
    | ContactMoved
    | ContactReleased
    | ContactSlept
    | ContactWoken
    | CallbackRequested
    | ContactAddressed
    | CallbackAnswered
    | CallbackMissed
    | OfferMade
    | OfferAccepted
    | ContactBridged
    | ContactTaken
    | ContactReturned
    | ContactLeft
    | DeskResumed
)

DESK_EVENT_TYPES: Final[dict[str, type[DeskEvent]]] = {event.TYPE: event for event in get_args(DeskEvent)}
"""Name in the log to class."""


@dataclass(frozen=True, slots=True)
class Logged:
    """An event with its place in the desk's log: `seq` is gapless from 0, `at` desk time that never falls."""

    seq: int
    at: float
    event: DeskEvent
