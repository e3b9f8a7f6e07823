"""How the desk is set up: queues, agents that the file names, opening hours. Read by `routing.desk.file`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from asr.types import Language
from routing.desk.hours import Hours
from routing.desk.terms import AgentId, AgentProfile, ContactKind, Demand, QueueId, Skills, Strategy, merge
from routing.terms import HandoverReturn, Wording

NEWCOMER: Final = AgentProfile("", (), (Language.ZH, Language.EN))
"""What is thought of an agent of whom nothing is known."""


@dataclass(frozen=True, slots=True)
class Overflow:
    """After `after_s` in the queue a caller moves on to another, with the place kept."""

    after_s: float
    queue: QueueId


@dataclass(frozen=True, slots=True)
class CallbackTerms:
    """When a callback is offered and how it is made.

    Attributes:
        above_s: offered to callers whose expected wait is longer.
        attempts: how often the caller is called at most.
        retry_s: rest between two attempts.
        ring_s: how long the caller's telephone may ring.
    """

    above_s: float = 180.0
    attempts: int = 3
    retry_s: float = 600.0
    ring_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue. Times are in seconds.

    Attributes:
        id: its name in the file.
        title: for people.
        priority: the least priority of its callers, 0 to 99.
        ageing: points of priority that waiting is worth, per minute; above 0, so that nobody starves.
        skills: what an agent needs to serve it.
        match_language: whether the agent must speak the caller's language.
        strategy: which of several free agents gets a call.
        offer_timeout_s: how long an agent may take to accept.
        connect_timeout_s: how long the audio may take afterwards.
        wrap_up_s: after-call work; 0 for none.
        sticky_s: how long a caller is held for the agent they know.
        reoffer_after_s: how long an agent who did not take a caller is not offered the same caller again.
        rest_after_no_answer: whether an agent who does not answer is taken for away (on a break).
        after_failure: who looks after a caller when a hand-over failed.
        hours: opening hours; None for always.
        overflow: where callers go who wait for too long, in order of time.
        announce_s: how often a waiting caller is told position and wait.
        callback: callbacks; None for none.
        expected_handle_s: what a call takes until enough were counted.
        target_s: the service level's threshold.
    """

    id: QueueId
    title: Wording
    priority: int = 0
    ageing: float = 3.0
    skills: Skills = ()
    match_language: bool = True
    strategy: Strategy = Strategy.LONGEST_IDLE
    offer_timeout_s: float = 15.0
    connect_timeout_s: float = 10.0
    wrap_up_s: float = 20.0
    sticky_s: float = 30.0
    reoffer_after_s: float = 60.0
    rest_after_no_answer: bool = True
    after_failure: HandoverReturn = HandoverReturn.QUEUE
    hours: Hours | None = None
    overflow: tuple[Overflow, ...] = ()
    announce_s: float = 45.0
    callback: CallbackTerms | None = None
    expected_handle_s: float = 240.0
    target_s: float = 20.0

    def connect_s(self, kind: ContactKind) -> float:
        """How long the audio may take after an agent has accepted: who is called back has to pick up first."""
        if kind is ContactKind.LIVE:
            return self.connect_timeout_s
        return self.connect_timeout_s + (self.callback or CallbackTerms()).ring_s

    @property
    def slope(self) -> float:
        """Points of priority per second of waiting."""
        return self.ageing / 60.0

    def demand(self, language: Language, skills: Skills) -> Demand:
        """What a caller of this queue needs of an agent."""
        return Demand(self.id, language if self.match_language else None, merge(self.skills, skills))

    def is_open(self, at: float) -> bool:
        """Whether callers are taken at a moment."""
        return self.hours is None or self.hours.is_open(at)

    def opens_at(self, at: float) -> float | None:
        """When callers are next taken; None where that is more than a year away."""
        return at if self.hours is None else self.hours.opens_at(at)


@dataclass(frozen=True, slots=True)
class DeskConfig:
    """The desk's set-up.

    Attributes:
        version: the file's version and a hash of its content.
        title: for people.
        default_queue: where callers go whom nothing sends elsewhere.
        skills: every skill there is, with its wording.
        queues: by id.
        agents: the agents that the file names; others are made known while the desk runs.
        newcomer: what an agent can do of whom nothing else is known.
        lease_s: how long after the last sign of life an agent is taken for lost; 0 for never.
    """

    version: str
    title: Wording
    default_queue: QueueId
    skills: Mapping[str, Wording]
    queues: Mapping[QueueId, Queue]
    agents: Mapping[AgentId, AgentProfile] = field(default_factory=dict)
    newcomer: AgentProfile = NEWCOMER
    lease_s: float = 60.0

    def queue(self, queue: QueueId) -> Queue:
        """A queue; the default one where it is not (or no longer) there."""
        return self.queues.get(queue) or self.queues[self.default_queue]
