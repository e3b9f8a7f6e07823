"""Events about serving the caller: knowledge, priority and route, what was said to them, hand-over, after-call work.

Part of the closed union in `routing.events`, which says how events are named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

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
    """Who shall serve. Stated when it changes; the first decision is always stated."""

    TYPE: ClassVar[str] = "route.decided"
    target: RouteTarget
    rule: str
    reason: Wording
    evidence: tuple[SegmentId, ...]
    policy_version: str


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
