"""Events about serving the caller: knowledge, priority and route, what was said to them, hand-over, after-call work.

Part of the closed union in `routing.events`, which says how events are named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from routing.desk.terms import SkillLevel
from routing.terms import HandoverFailure, HandoverReturn, RouteTarget, Wording
from voice.contracts.audio import SegmentId


@dataclass(frozen=True, slots=True)
class KnowledgeSuggested:
    """Knowledge entries offered to whoever serves."""

    TYPE: ClassVar[str] = "knowledge.suggested"
    segment: SegmentId
    entries: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class SuggestionUsed:
    """A suggestion was taken."""

    TYPE: ClassVar[str] = "suggestion.used"
    entry: str
    by: str


@dataclass(frozen=True, slots=True)
class FactFound:
    """One fact that a decision looked at.

    Attributes:
        fact: its name, as policies write it.
        value: as JSON.
        evidence: the segments it rests on.
    """

    fact: str
    value: str
    evidence: tuple[SegmentId, ...] = ()


@dataclass(frozen=True, slots=True)
class DecisionMade:
    """The policy was asked: what it looked at, and what it came to. The changes that follow are events of their own.

    With these facts and the same policy the decision can be made again; what they say of the desk and of the time of
    day stands nowhere else.

    Attributes:
        segment: the caller's turn that brought it about; None for a key.
        target: who shall serve.
        priority: 0 to 99.
        rules: every rule that took part, in the policy's order.
        facts: all that is not at its usual value, for example `negative` where something negative was said.
        policy_version: version of the policy and hash of its content.
        announce: what the caller shall be told, in the words of a rule that took part for the first time.
        hints: what whoever serves shall be told, likewise.
        because: names of the facts that made the rules hold; logs of older servers lack it.
        announced_by: the rule that announces; None where nothing is announced, and in logs of older servers.
    """

    TYPE: ClassVar[str] = "decision.made"
    segment: SegmentId | None
    target: RouteTarget
    priority: int
    rules: tuple[str, ...]
    facts: tuple[FactFound, ...]
    policy_version: str
    announce: Wording | None = None
    hints: tuple[Wording, ...] = ()
    because: tuple[str, ...] = ()
    announced_by: str | None = None


@dataclass(frozen=True, slots=True)
class PriorityChanged:
    """Priority 0 (can wait) to 99 (now). `previous` equals the `current` of the change before (0 at the start)."""

    TYPE: ClassVar[str] = "priority.changed"
    previous: int
    current: int
    rule: str
    reason: Wording
    evidence: tuple[SegmentId, ...]
    policy_version: str


@dataclass(frozen=True, slots=True)
class RouteDecided:
    """Who shall serve, and which people. Stated when any of it changes; the first decision is always stated.

    Attributes:
        queue: the desk's queue to wait in; None for the desk's default queue, and where the AI serves.
        skills: what whoever serves must be able to do, besides what the queue asks for.
    """

    TYPE: ClassVar[str] = "route.decided"
    target: RouteTarget
    rule: str
    reason: Wording
    evidence: tuple[SegmentId, ...]
    policy_version: str
    queue: str | None = None
    skills: tuple[SkillLevel, ...] = ()


@dataclass(frozen=True, slots=True)
class BotSaid:
    """The AI agent spoke."""

    TYPE: ClassVar[str] = "bot.said"
    text: str
    sources: tuple[str, ...]
    completed: bool


@dataclass(frozen=True, slots=True)
class PromptPlayed:
    """A prompt was played, to its end or cut; a `disclosure` may never be cut (R7)."""

    TYPE: ClassVar[str] = "prompt.played"
    prompt: str
    disclosure: bool
    completed: bool


@dataclass(frozen=True, slots=True)
class AnnouncementMade:
    """The caller is told what a rule announces: in writing on their page, and aloud where there is a clip.

    Attributes:
        rule: which rule.
        text: what they read.
        spoken: whether there is a recording of it in their language; `prompt.played` says how far it was heard.
    """

    TYPE: ClassVar[str] = "announcement.made"
    rule: str
    text: Wording
    spoken: bool


@dataclass(frozen=True, slots=True)
class HandoverRequested:
    """A human is asked for; `ticket` names the hand-over ticket."""

    TYPE: ClassVar[str] = "handover.requested"
    ticket: str
    reason: Wording


@dataclass(frozen=True, slots=True)
class HandoverOffered:
    """The ticket is offered to an agent."""

    TYPE: ClassVar[str] = "handover.offered"
    ticket: str
    agent: str


@dataclass(frozen=True, slots=True)
class HandoverAccepted:
    """The agent took it."""

    TYPE: ClassVar[str] = "handover.accepted"
    ticket: str
    agent: str


@dataclass(frozen=True, slots=True)
class HandoverBridged:
    """Caller and agent hear each other."""

    TYPE: ClassVar[str] = "handover.bridged"
    ticket: str
    agent: str


@dataclass(frozen=True, slots=True)
class HandoverFailed:
    """It did not come about, or broke off; `code` says why (R9).

    Attributes:
        agent: with whom; None where there was nobody.
        back_to: who looks after the caller, who keeps the place in the queue; None where the hand-over is over.
    """

    TYPE: ClassVar[str] = "handover.failed"
    ticket: str
    code: HandoverFailure
    agent: str | None = None
    back_to: HandoverReturn | None = None


@dataclass(frozen=True, slots=True)
class NoteWritten:
    """Somebody wrote a note."""

    TYPE: ClassVar[str] = "note.written"
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class SummaryPrepared:
    """The prepared summary of the call."""

    TYPE: ClassVar[str] = "summary.prepared"
    text: str
    evidence: tuple[SegmentId, ...]


@dataclass(frozen=True, slots=True)
class CallWrappedUp:
    """After-call work is done."""

    TYPE: ClassVar[str] = "call.wrapped_up"
    agent: str
    disposition: str
