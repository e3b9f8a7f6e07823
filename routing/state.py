"""What is known of a call: a fold over its events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never

from asr.types import Language
from prosody.types import EmotionBasis, EmotionLevel, EmotionScore
from routing.callback_events import Callback, CallbackAnswered, CallbackDialled, CallbackFailed, CallbackRequested
from routing.callback_events import follow as follow_callback
from routing.events import (
    AgentToneAllowed,
    AgentToneScored,
    CallEnded,
    CallStarted,
    CoachingHinted,
    DtmfReceived,
    EmotionScored,
    EmotionShifted,
    EntityFound,
    IntentRecognized,
    KeyPointFound,
    ProsodyMeasured,
    ReportableEvent,
    SpeechEnded,
    SpeechStarted,
    StageFailed,
    Stamped,
    TranscriptFinal,
    TranscriptPartial,
    VoiceLearned,
    VoiceRecalled,
)
from routing.handover import Handover, follow
from routing.leg_events import (
    AgentAwaited,
    AudioDropped,
    CallHeld,
    CallResumed,
    LegReplaced,
    MediaMeasured,
    PartyJoined,
    PartyLeft,
    PartyMuted,
    PartyUnmuted,
    RecordingPaused,
    RecordingResumed,
    SupervisionChanged,
    SupervisionEnded,
    SupervisionStarted,
)
from routing.service_events import (
    AnnouncementMade,
    BotSaid,
    CallWrappedUp,
    DecisionMade,
    HandoverAccepted,
    HandoverBridged,
    HandoverFailed,
    HandoverOffered,
    HandoverRequested,
    KnowledgeSuggested,
    NoteWritten,
    PriorityChanged,
    PromptPlayed,
    RouteDecided,
    SuggestionUsed,
    SummaryPrepared,
)
from routing.terms import Channel, RouteTarget, SupervisionMode, Wording
from routing.transfer_events import (
    ConsultAnswered,
    ConsultAwaited,
    ConsultEnded,
    ConsultStarted,
    TransferAccepted,
    TransferCompleted,
    TransferFailed,
    TransferRequested,
)
from routing.transferring import Transferring
from routing.transferring import follow as follow_transfer
from voice.contracts.audio import CallId, Party, Samples, SegmentId, Span


@dataclass(frozen=True, slots=True)
class SegmentState:
    """One utterance as far as it is known; `final` tells whether `text` may still change."""

    party: Party
    start: Samples
    span: Span | None = None
    text: str = ""
    final: bool = False
    emotion: EmotionScore | None = None


@dataclass(frozen=True, slots=True)
class CallState:
    """A call as its events tell it.

    `apply` answers the state after one more event; a state is never changed in place, so whoever holds one may keep it.

    Attributes:
        agent: who serves, where it is an agent whose name is known.
        supervisors: who else is on the call, and how.
        holds: who holds the call: the agent, the caller's own telephone.
        handover: the newest hand-over and how far it has come.
        transferring: consultation and transfer, as far as they are under way.
        callback: the wish to be called back, and what became of it.
        risk: of the newest score that words went into, [0, 1], as `level` follows from those scores alone; 0 before.
    """

    call: CallId
    last_seq: int = -1
    at: Samples = 0
    started: CallStarted | None = None
    ended: CallEnded | None = None
    holds: frozenset[Party] = frozenset()
    muted: frozenset[Party] = frozenset()
    recording_paused: bool = False
    parties: frozenset[Party] = frozenset()
    agent: str | None = None
    supervisors: Mapping[str, SupervisionMode] = field(default_factory=dict)
    segments: dict[SegmentId, SegmentState] = field(default_factory=dict)
    intent: IntentRecognized | None = None
    priority: int = 0
    route: RouteDecided | None = None
    level: EmotionLevel = EmotionLevel.SETTLED
    risk: float = 0.0
    digits: str = ""
    handover: Handover | None = None
    transferring: Transferring = field(default_factory=Transferring)
    callback: Callback | None = None
    failures: tuple[StageFailed, ...] = ()

    @property
    def language(self) -> Language | None:
        """What the caller speaks."""
        return self.started.language if self.started else None

    @property
    def channel(self) -> Channel | None:
        """How the caller reached us."""
        return self.started.channel if self.started else None

    @property
    def target(self) -> RouteTarget | None:
        """Who shall serve, once decided."""
        return self.route.target if self.route else None

    @property
    def route_reason(self) -> Wording | None:
        """Why, in both languages."""
        return self.route.reason if self.route else None

    @property
    def last_text(self) -> str:
        """The newest words of the caller, partial or final."""
        said = (s.text for s in reversed(self.segments.values()) if s.party is Party.CALLER and s.text)
        return next(said, "")

    def apply(self, stamped: Stamped) -> CallState:
        """The state after `stamped`."""
        base = replace(self, last_seq=stamped.seq, at=stamped.at)
        # No fold takes an agent's tone (P6): `_take` cannot, by its type.
        return base if isinstance(stamped.event, AgentToneScored) else base._take(stamped.event)

    def _take(self, event: ReportableEvent) -> CallState:
        match event:
            case CallStarted() as started:
                return replace(self, started=started)
            case CallEnded() as ended:
                return replace(self, ended=ended)
            case PartyJoined(party=party, agent=agent):
                serving = agent if party is Party.AGENT else self.agent
                return replace(self, parties=self.parties | {party}, agent=serving)
            case PartyLeft(party=party):
                serving = None if party is Party.AGENT else self.agent
                return replace(self, parties=self.parties - {party}, muted=self.muted - {party}, agent=serving)
            case PartyMuted(party=party):
                return replace(self, muted=self.muted | {party})
            case PartyUnmuted(party=party):
                return replace(self, muted=self.muted - {party})
            case SupervisionStarted(supervisor=who, mode=mode) | SupervisionChanged(supervisor=who, mode=mode):
                return replace(self, supervisors={**self.supervisors, who: mode})
            case SupervisionEnded(supervisor=who):
                return replace(self, supervisors={one: mode for one, mode in self.supervisors.items() if one != who})
            case RecordingPaused():
                return replace(self, recording_paused=True)
            case RecordingResumed():
                return replace(self, recording_paused=False)
            case CallHeld(party=party):
                return replace(self, holds=self.holds | {party})
            case CallResumed(party=party):
                return replace(self, holds=self.holds - {party})
            case IntentRecognized() as intent:
                return replace(self, intent=intent)
            case PriorityChanged(current=current):
                return replace(self, priority=current)
            case RouteDecided() as route:
                return replace(self, route=route)
            case EmotionShifted(shift=shift):
                return replace(self, level=shift.current)
            case (
                HandoverRequested() | HandoverOffered() | HandoverAccepted() | HandoverBridged() | HandoverFailed()
            ) as step:
                return replace(self, handover=follow(self.handover, step))
            case (
                ConsultStarted()
                | ConsultAnswered()
                | ConsultAwaited()
                | ConsultEnded()
                | TransferRequested()
                | TransferAccepted()
                | TransferCompleted()
                | TransferFailed()
            ) as step:
                return replace(self, transferring=follow_transfer(self.transferring, step))
            case CallbackRequested() | CallbackDialled() | CallbackAnswered() | CallbackFailed() as step:
                return replace(self, callback=follow_callback(self.callback, step))
            case DtmfReceived(digit=digit):
                return replace(self, digits=self.digits + digit)
            case StageFailed() as failure:
                return replace(self, failures=(*self.failures, failure))
            case SpeechStarted(party=party, segment=number, start=start):
                return self._with_segment(number, SegmentState(party, start))
            case SpeechEnded(segment=number, span=span):
                return self._with_segment(number, replace(self.segments[number], span=span))
            case TranscriptPartial(segment=number, text=text):
                return self._with_segment(number, replace(self.segments[number], text=text))
            case TranscriptFinal(segment=number, text=text):
                return self._with_segment(number, replace(self.segments[number], text=text, final=True))
            case EmotionScored(segment=number, score=score):
                fused = score.basis is EmotionBasis.TONE_AND_WORDS
                known = replace(self, risk=score.risk) if fused else self
                return known._with_segment(number, replace(self.segments[number], emotion=score))
            case (
                AgentAwaited()
                | LegReplaced()
                | AudioDropped()
                | MediaMeasured()
                | ProsodyMeasured()
                | VoiceRecalled()
                | VoiceLearned()
                | CoachingHinted()
                | AgentToneAllowed()
                | KeyPointFound()
                | EntityFound()
                | DecisionMade()
                | KnowledgeSuggested()
                | SuggestionUsed()
                | BotSaid()
                | PromptPlayed()
                | AnnouncementMade()
                | NoteWritten()
                | SummaryPrepared()
                | CallWrappedUp()
            ):
                return self
            case _:
                assert_never(event)

    def _with_segment(self, number: SegmentId, segment: SegmentState) -> CallState:
        return replace(self, segments=self.segments | {number: segment})


def fold(events: Iterable[Stamped], state: CallState) -> CallState:
    """The state after `events`, which follow on `state`; `CallState(call)` is the state before the first."""
    for stamped in events:
        state = state.apply(stamped)
    return state
