"""The decision that facts lead to, and what the next one has to know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from routing.desk.terms import Skills
from routing.policy.facts import Facts
from routing.terms import CollaborationMode, RouteTarget, Wording
from voice.contracts.audio import SegmentId

MAX_PRIORITY: Final = 99


@dataclass(frozen=True, slots=True)
class Ruling:
    """What decided a target or a priority: the rule, why, and the segments it rests on."""

    rule: str
    reason: Wording
    evidence: tuple[SegmentId, ...] = ()


@dataclass(frozen=True, slots=True)
class Hold:
    """Until when a target is pinned: for good, or until both the turn and the moment have passed.

    Attributes:
        turn: the last caller turn at which it is pinned.
        at_s: seconds since the call began until which it is pinned.
        for_good: it never ends.
    """

    turn: int = -1
    at_s: float = 0.0
    for_good: bool = False

    def binds(self, facts: Facts) -> bool:
        """Whether the target is pinned still."""
        return self.for_good or facts.turns <= self.turn or facts.at_s < self.at_s

    def longer(self, other: Hold) -> Hold:
        """What pins while either does."""
        return Hold(max(self.turn, other.turn), max(self.at_s, other.at_s), self.for_good or other.for_good)


@dataclass(frozen=True, slots=True)
class Streak:
    """How long a condition has held without a break: in turns, and since which second of the call."""

    turns: int
    since_s: float


@dataclass(frozen=True, slots=True)
class Memory:
    """What the next decision has to know of this one beyond its outcome.

    Attributes:
        held: the target may only be left through a rule that releases it; None where it is not pinned.
        latched: conditions with hysteresis that hold at present, by rule and place.
        streaks: rules that wait until their condition has held for a while, and for how long it has.
        queue: the queue that was named last, whoever serves at present.
        skills: what was asked for so far.
        hinted: rules whose hint was given; each is given once.
        announced: rules whose announcement was made, likewise.
    """

    held: Hold | None = None
    latched: frozenset[str] = frozenset()
    streaks: Mapping[str, Streak] = field(default_factory=dict)
    queue: str | None = None
    skills: Skills = ()
    hinted: frozenset[str] = frozenset()
    announced: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Decision:
    """Who shall serve, and how urgently.

    Attributes:
        target: who shall serve.
        priority: 0 (can wait) to 99 (now).
        route: what decided the target, or else the queue and the skills; stays as it was while they do.
        urgency: what decided the priority; likewise.
        matched: every rule whose condition held, in the policy's order.
        because: the facts that made them hold, in alphabetical order.
        policy_version: version of the policy and hash of its content.
        queue: the desk's queue; None for the default one, and where the AI serves.
        skills: what whoever serves must be able to do; empty where the AI serves.
        announce: what the caller shall be told now.
        announced_by: the rule that announces it.
        hints: what whoever serves shall be told now.
        tier: the caller's, as the policy has it.
        mode: how AI and people share the work, likewise.
        memory: for the next decision.
    """

    target: RouteTarget
    priority: int
    route: Ruling
    urgency: Ruling
    matched: tuple[str, ...]
    policy_version: str
    queue: str | None = None
    skills: Skills = ()
    announce: Wording | None = None
    hints: tuple[Wording, ...] = ()
    tier: str | None = None
    mode: CollaborationMode = CollaborationMode.AI_FIRST
    because: tuple[str, ...] = ()
    announced_by: str | None = None
    memory: Memory = field(default_factory=Memory)

    @property
    def wanted(self) -> tuple[RouteTarget, str | None, Skills]:
        """Who shall serve, in which queue, with which skills."""
        return self.target, self.queue, self.skills
