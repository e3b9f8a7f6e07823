"""What the desk knows of an agent, a caller and a queue. Changed by `routing.desk.ledger` alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from asr.types import Language
from routing.desk.terms import (
    AgentId,
    AgentProfile,
    ContactKind,
    ContactState,
    OfferId,
    Presence,
    QueueId,
    Skills,
)
from voice.contracts.audio import CallId

REMEMBERED: Final = 200
"""Calls that a running mean looks back on, about: an older one counts for less and less."""

ACCEPTED: Final = "accepted"
"""How an offer ended that was accepted; other ends have the code of the failure or of the departure."""

TAKEN: Final = "taken"
"""How an offer ended whose caller a supervisor took."""


@dataclass(slots=True)
class AgentRecord:
    """One agent.

    Attributes:
        id: who.
        profile: what they can do.
        fixed: whether the profile stands in the desk's file.
        presence: what the agent does, as far as told.
        until: when after-call work ends by itself.
        offer: the open offer; an agent has one at most.
        calls: whom the agent serves or is being connected with.
        idle_since: since when the agent waits for work; an offer that ends through no fault of theirs keeps it.
        idle_order: of those idle since the same moment, who was first; counted by the log.
        wrapping: the queue whose call the after-call work belongs to.
        wrapping_since: since when.
        asked_by: the call to which a colleague asks them; they get nobody meanwhile.
        asked_until: until when, unless it is said again.
    """

    id: AgentId
    profile: AgentProfile
    fixed: bool = False
    presence: Presence = Presence.OFFLINE
    until: float | None = None
    offer: OfferId | None = None
    calls: tuple[CallId, ...] = ()
    idle_since: float = 0.0
    idle_order: int = 0
    wrapping: QueueId | None = None
    wrapping_since: float = 0.0
    asked_by: CallId | None = None
    asked_until: float | None = None

    @property
    def free(self) -> bool:
        """Whether a caller may be offered to this agent now."""
        waits = self.presence is Presence.READY and self.offer is None and self.asked_by is None
        return waits and len(self.calls) < self.profile.capacity

    def ask(self, call: CallId, until: float) -> None:
        """A colleague asks the agent to a call."""
        self.asked_by, self.asked_until = call, until

    def excuse(self) -> None:
        """Nobody asks the agent any more."""
        self.asked_by = self.asked_until = None

    @property
    def signed_in(self) -> bool:
        """Whether the agent will serve again without being asked: neither away nor on a break."""
        return self.presence not in (Presence.OFFLINE, Presence.BREAK)

    @property
    def shown(self) -> Presence:
        """What people are shown: a ready agent without capacity left, or whom a colleague asks, is busy."""
        full = len(self.calls) >= self.profile.capacity or self.asked_by is not None
        return Presence.BUSY if self.presence is Presence.READY and full else self.presence


@dataclass(frozen=True, slots=True)
class Offer:
    """A caller is reserved for an agent until `expires_at`."""

    id: OfferId
    agent: AgentId
    made_at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class EndedOffer:
    """How an offer ended that is open no longer; `console` where it was accepted."""

    agent: AgentId
    how: str
    console: str | None = None


@dataclass(frozen=True, slots=True)
class Exclusion:
    """An agent who did not take this caller, and until when they are not offered the caller again."""

    agent: AgentId
    until: float


@dataclass(slots=True)
class ContactRecord:
    """One caller at the desk.

    Attributes:
        call: which call.
        ticket: its hand-over ticket.
        queue: where they wait.
        language: what they speak.
        skills: wanted beyond what the queue asks for.
        priority: 0 to 99, as the policy has it.
        since: what the place counts from.
        order: of those since the same moment, who was first; counted by the log.
        queued_since: since when in this queue.
        kind: on the line, or to be called back.
        state: where they are.
        sticky: the agent they know.
        held_until: until when they are held for that agent; None where they are not.
        asleep_until: when a resting callback is due.
        address: whom to call back, or where that could be done; None where that is not known.
        with_ai: whether the AI looks after them while they wait.
        offer: the open offer, or the one that was accepted.
        agent: who accepted.
        console: where.
        connect_by: when the audio has to be through.
        accepted_at: when it was accepted.
        bridged_at: when the audio was through.
        offers: how many offers there were.
        attempts: callback attempts that did not reach the caller.
        exclusions: agents who did not take them.
        told_nobody: they were told that nobody is there.
        told_callback: they were offered a callback.
    """

    call: CallId
    ticket: str
    queue: QueueId
    language: Language
    skills: Skills
    priority: int
    since: float
    order: int
    queued_since: float
    kind: ContactKind = ContactKind.LIVE
    state: ContactState = ContactState.WAITING
    sticky: AgentId | None = None
    held_until: float | None = None
    asleep_until: float | None = None
    address: str | None = None
    with_ai: bool = False
    offer: Offer | None = None
    agent: AgentId | None = None
    console: str | None = None
    connect_by: float | None = None
    accepted_at: float | None = None
    bridged_at: float | None = None
    offers: int = 0
    attempts: int = 0
    exclusions: tuple[Exclusion, ...] = ()
    told_nobody: bool = False
    told_callback: bool = False

    def bars(self, agent: AgentId, now: float) -> bool:
        """Whether this caller may not be offered to the agent at a moment, able as they may be."""
        if self.held_until is not None and self.held_until > now and self.sticky != agent:
            return True
        return any(one.agent == agent and one.until > now for one in self.exclusions)

    def part(self) -> None:
        """No agent has accepted them, or has them any more."""
        self.offer = self.agent = self.console = None
        self.connect_by = self.accepted_at = self.bridged_at = None

    def come_by(self, call: CallId, ticket: str, connect_by: float) -> None:
        """They are on the line, by another call than before."""
        self.call, self.ticket, self.connect_by = call, ticket, connect_by
        self.kind, self.told_callback = ContactKind.LIVE, False

    @property
    def taken_by(self) -> AgentId | None:
        """Who is offered, connected or serving; None where nobody is."""
        return self.agent if self.agent is not None else self.offer.agent if self.offer is not None else None


@dataclass(slots=True)
class Mean:
    """A running mean that forgets: its newest `REMEMBERED` values count most."""

    value: float = 0.0
    count: int = 0

    def add(self, value: float) -> None:
        """Take in one value."""
        self.count = min(self.count + 1, REMEMBERED)
        self.value += (value - self.value) / self.count


@dataclass(slots=True)
class QueueRecord:
    """What was counted of a queue.

    Attributes:
        id: which.
        handle: seconds from acceptance to the end of the call.
        wrap_up: seconds of after-call work.
        wait: seconds from entering to acceptance, of those who were served.
        answered: callers whom an agent accepted.
        answered_in_target: of them, within the queue's threshold.
        abandoned: callers who hung up before.
        patience_s: seconds that callers waited in all, older ones fading; exposure of `patience_lost`.
        patience_lost: abandonments in that time, fading likewise.
    """

    id: QueueId
    handle: Mean = field(default_factory=Mean)
    wrap_up: Mean = field(default_factory=Mean)
    wait: Mean = field(default_factory=Mean)
    answered: int = 0
    answered_in_target: int = 0
    abandoned: int = 0
    patience_s: float = 0.0
    patience_lost: float = 0.0

    def wait_ended(self, waited_s: float, *, abandoned: bool) -> None:
        """A wait came to an end."""
        fade = 1 - 1 / REMEMBERED
        self.patience_s = self.patience_s * fade + waited_s
        self.patience_lost = self.patience_lost * fade + abandoned

    def answer(self, waited_s: float, *, in_target: bool) -> None:
        """A caller is an agent's from now on."""
        self.wait_ended(waited_s, abandoned=False)
        self.wait.add(waited_s)
        self.answered += 1
        self.answered_in_target += in_target

    @property
    def abandonment_rate(self) -> float:
        """Abandonments per second of waiting: the maximum likelihood of exponential patience, censored by service."""
        return self.patience_lost / self.patience_s if self.patience_s > 0 else 0.0
