"""What may be asked of the desk: typed, each with an idempotency key, answered by events or by a typed refusal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from asr.types import Language
from routing.desk.terms import AgentId, AgentProfile, ContactKind, Departure, OfferId, Presence, QueueId, Skills
from routing.terms import HandoverFailure, TransferFailure
from voice.contracts.audio import CallId


@dataclass(frozen=True, slots=True)
class PutAgent:
    """Make an agent known, or change what they can do."""

    key: str
    agent: AgentId
    profile: AgentProfile


@dataclass(frozen=True, slots=True)
class RemoveAgent:
    """Forget an agent who serves nobody."""

    key: str
    agent: AgentId


@dataclass(frozen=True, slots=True)
class SetPresence:
    """An agent says what they do from now on; with `enrol`, one who is not known is made known as a newcomer."""

    key: str
    agent: AgentId
    presence: Presence
    enrol: bool = False


@dataclass(frozen=True, slots=True)
class ShowLife:
    """An agent's console is still there."""

    key: str
    agent: AgentId


@dataclass(frozen=True, slots=True)
class LoseAgent:
    """An agent's console is gone."""

    key: str
    agent: AgentId


@dataclass(frozen=True, slots=True)
class EnterQueue:
    """A caller shall be served by a human.

    Attributes:
        ticket: names the hand-over; the same one again changes nothing.
        queue: where to wait; None for the default queue.
        sticky: the agent they know.
        kind: a `CALLBACK` may also be asked for while the queue is closed; it needs an `address`.
        address: where they are, or could be, called back; None where that is not known, and no callback is offered.
    """

    key: str
    call: CallId
    ticket: str
    language: Language
    queue: QueueId | None = None
    priority: int = 0
    skills: Skills = ()
    sticky: AgentId | None = None
    kind: ContactKind = ContactKind.LIVE
    address: str | None = None


@dataclass(frozen=True, slots=True)
class NoteAddress:
    """Where a caller who waits on the line could be called back, should they wish it."""

    key: str
    call: CallId
    address: str


@dataclass(frozen=True, slots=True)
class Reprioritize:
    """The call's priority is another now."""

    key: str
    call: CallId
    priority: int


@dataclass(frozen=True, slots=True)
class Reroute:
    """The caller shall wait elsewhere, or for somebody who can do something else; who waits no more stays as they are.

    Attributes:
        queue: where to wait; None for the default queue.
        skills: wanted beyond what the queue asks for.
    """

    key: str
    call: CallId
    queue: QueueId | None = None
    skills: Skills = ()


@dataclass(frozen=True, slots=True)
class RequestCallback:
    """A waiting caller wants to be called back at `address` instead of waiting."""

    key: str
    call: CallId
    address: str


@dataclass(frozen=True, slots=True)
class LeaveQueue:
    """The caller hung up, or no human is wanted any more."""

    key: str
    call: CallId
    departure: Departure = Departure.CALLER_GONE


@dataclass(frozen=True, slots=True)
class AcceptOffer:
    """An agent takes the caller who is offered, at one console."""

    key: str
    offer: OfferId
    agent: AgentId
    console: str


@dataclass(frozen=True, slots=True)
class DeclineOffer:
    """An agent does not take the caller who is offered."""

    key: str
    offer: OfferId
    agent: AgentId


@dataclass(frozen=True, slots=True)
class ConfirmBridge:
    """Caller and agent hear each other."""

    key: str
    call: CallId
    agent: AgentId


@dataclass(frozen=True, slots=True)
class TakeContact:
    """Somebody who supervises the call serves the caller from now on, whoever did or was to.

    Attributes:
        former: who served until now, as far as the asker knows; None where nobody did. Where another one does, it is
            refused.
        language: what the caller speaks; needed where they are not at the desk yet.
    """

    key: str
    call: CallId
    agent: AgentId
    former: AgentId | None
    language: Language


@dataclass(frozen=True, slots=True)
class FailBridge:
    """The audio between caller and agent did not come about, or is lost."""

    key: str
    call: CallId
    agent: AgentId
    code: HandoverFailure = HandoverFailure.TECHNICAL


@dataclass(frozen=True, slots=True)
class AnswerCallback:
    """Who was to be called back is on the line.

    Attributes:
        call: of the caller who asked for it.
        agent: who accepted them.
        by: the call that we made; from now on the caller is known at the desk by it.
        ticket: names the hand-over on that call.
    """

    key: str
    call: CallId
    agent: AgentId
    by: CallId
    ticket: str


@dataclass(frozen=True, slots=True)
class MissCallback:
    """The caller was called back and not reached; who may not be called from here is not tried again."""

    key: str
    call: CallId
    agent: AgentId
    code: TransferFailure = TransferFailure.NO_ANSWER


@dataclass(frozen=True, slots=True)
class FinishCall:
    """The agent has served the caller; after-call work begins."""

    key: str
    call: CallId
    agent: AgentId


@dataclass(frozen=True, slots=True)
class AskAgent:
    """An agent is asked to a colleague's call: they get no other caller for `for_s` seconds, unless told otherwise."""

    key: str
    call: CallId
    agent: AgentId
    for_s: float


@dataclass(frozen=True, slots=True)
class ExcuseAgent:
    """An agent has answered, or is asked no more."""

    key: str
    call: CallId
    agent: AgentId


DeskCommand: TypeAlias = (
    PutAgent
    | RemoveAgent
    | SetPresence
    | ShowLife
    | LoseAgent
    | EnterQueue
    | NoteAddress
    | Reprioritize
    | Reroute
    | RequestCallback
    | LeaveQueue
    | AcceptOffer
    | DeclineOffer
    | ConfirmBridge
    | TakeContact
    | FailBridge
    | AnswerCallback
    | MissCallback
    | FinishCall
    | AskAgent
    | ExcuseAgent
)

REFUSALS: Final = frozenset(
    {
        "agent.unknown",
        "agent.fixed",
        "agent.engaged",
        "agent.profile",
        "call.unknown",
        "call.queued",
        "call.state",
        "callback.none",
        "handover.code",
        "id.malformed",
        "offer.unknown",
        "offer.expired",
        "offer.taken",
        "offer.closed",
        "offer.not_yours",
        "priority.range",
        "queue.unknown",
        "skill.unknown",
    }
)
"""Why the desk refuses, every code there is."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a command was not carried out: a stable code, a message for people, how to mend it."""

    code: str
    message: str
    fix: str = ""
