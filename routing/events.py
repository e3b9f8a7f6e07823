"""The events of a call: a closed union. The journal of these is the single truth; everything else is a fold over it.

Names are past tense in Python and `noun.verb` on the wire (`TYPE`). `routing.wire` turns them into JSON and back,
`routing.grammar.check_log` states in which order they may come.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, TypeAlias, get_args

from asr.types import Language, Repair, Stretch, Word
from prosody.types import AgentTone, EmotionScore, EmotionShift, ProsodyFeatures, VoiceNormal
from routing.callback_events import CallbackAnswered, CallbackDialled, CallbackFailed, CallbackRequested
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
from routing.terms import (
    CallEndReason,
    Channel,
    Direction,
    Grade,
    HintKind,
    KeyPointTag,
    Stage,
    Wording,
)
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
from voice.contracts.audio import CallId, Party, Samples, SegmentId, Span
from voice.contracts.speech import EndReason


@dataclass(frozen=True, slots=True)
class CallAttribute:
    """Something that came with a call, as its transport names it: a trunk, a header. The other side's words."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class CallStarted:
    """The first event. `started_at` is UTC, ISO 8601; addresses are opaque (a number, a URI, a file name)."""

    TYPE: ClassVar[str] = "call.started"
    direction: Direction
    channel: Channel
    caller: str
    called: str
    language: Language
    started_at: str
    attributes: tuple[CallAttribute, ...] = ()


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The end of the call; only notes, the summary, the wrap-up and a callback may follow. `duration` in samples."""

    TYPE: ClassVar[str] = "call.ended"
    reason: CallEndReason
    duration: Samples


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Somebody began to speak; `start` includes the pre-roll."""

    TYPE: ClassVar[str] = "speech.started"
    party: Party
    segment: SegmentId
    start: Samples


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The segment is closed."""

    TYPE: ClassVar[str] = "speech.ended"
    party: Party
    segment: SegmentId
    span: Span
    reason: EndReason


@dataclass(frozen=True, slots=True)
class TranscriptPartial:
    """What a segment says so far; replaces the partial before."""

    TYPE: ClassVar[str] = "transcript.partial"
    segment: SegmentId
    text: str
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class TranscriptFinal:
    """What a segment says; exactly one per segment, empty text where nothing was understood.

    `text` is for people: digits, no hesitation, punctuation. `raw` is what the engine heard (empty where it is the
    same); `stretches` lead from one to the other, `words` have their offsets in it, `repairs` name the misheard terms.
    """

    TYPE: ClassVar[str] = "transcript.final"
    segment: SegmentId
    text: str
    words: tuple[Word, ...]
    engine: str
    raw: str = ""
    stretches: tuple[Stretch, ...] = ()
    repairs: tuple[Repair, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProsodyMeasured:
    """Tone of one caller segment."""

    TYPE: ClassVar[str] = "prosody.measured"
    segment: SegmentId
    features: ProsodyFeatures


@dataclass(frozen=True, slots=True)
class EmotionScored:
    """Emotion of one caller segment: first from tone, once more when the words are there."""

    TYPE: ClassVar[str] = "emotion.scored"
    segment: SegmentId
    score: EmotionScore


@dataclass(frozen=True, slots=True)
class EmotionShifted:
    """The smoothed curve crossed a threshold, with hysteresis."""

    TYPE: ClassVar[str] = "emotion.shifted"
    shift: EmotionShift


@dataclass(frozen=True, slots=True)
class VoiceRecalled:
    """How this caller usually sounds, known from the earlier call `source`; the baseline begins there."""

    TYPE: ClassVar[str] = "voice.recalled"
    normal: VoiceNormal
    source: CallId


@dataclass(frozen=True, slots=True)
class VoiceLearned:
    """How this caller sounded while nothing upset them; a later call of the same caller may begin with it."""

    TYPE: ClassVar[str] = "voice.learned"
    normal: VoiceNormal


@dataclass(frozen=True, slots=True)
class CoachingHinted:
    """Advice to the human agent, from the emotion curve and the timing of speech.

    `span` is the media time that led to it; `evidence` names the utterances where there are any.
    """

    TYPE: ClassVar[str] = "coaching.hinted"
    kind: HintKind
    span: Span
    reason: Wording
    suggestion: Wording
    evidence: tuple[SegmentId, ...]


@dataclass(frozen=True, slots=True)
class AgentToneAllowed:
    """The installation has the agents' tone measured, on the stated legal basis. Without this event no agent's tone."""

    TYPE: ClassVar[str] = "agent.tone_allowed"
    legal_basis: str


@dataclass(frozen=True, slots=True)
class AgentToneScored:
    """Tone of an agent's segment; never part of a report or KPI (P6), hence not a `ReportableEvent`."""

    TYPE: ClassVar[str] = "agent.tone_scored"
    segment: SegmentId
    tone: AgentTone


@dataclass(frozen=True, slots=True)
class IntentRecognized:
    """What the turn is about. `label` is one of the classifier's classes or `unknown` (rejected)."""

    TYPE: ClassVar[str] = "intent.recognized"
    segment: SegmentId
    label: str
    grade: Grade
    confidence: float
    model_version: str


@dataclass(frozen=True, slots=True)
class KeyPointFound:
    """A stretch of a final that matters. Offsets count characters of the final's text, half open."""

    TYPE: ClassVar[str] = "keypoint.found"
    segment: SegmentId
    tag: KeyPointTag
    start: int
    end: int
    text: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class EntityFound:
    """A named value in a final, for example an order number; `value` is normalised.

    `begun_in` is the caller's segment before, where the value was begun there and completed here: `value` is then the
    whole of it, while text and offsets are those of the part in this final.
    """

    TYPE: ClassVar[str] = "entity.found"
    segment: SegmentId
    kind: str
    start: int
    end: int
    text: str
    value: str
    begun_in: SegmentId | None = None


@dataclass(frozen=True, slots=True)
class DtmfReceived:
    """A key was pressed: 0-9, *, #, A-D."""

    TYPE: ClassVar[str] = "dtmf.received"
    party: Party
    digit: str


@dataclass(frozen=True, slots=True)
class StageFailed:
    """A stage broke; the call goes on without it (for this segment, or, where None, from now on)."""

    TYPE: ClassVar[str] = "stage.failed"
    stage: Stage
    code: str
    segment: SegmentId | None = None


ReportableEvent: TypeAlias = (
    CallStarted
    | CallEnded
    | PartyJoined
    | PartyLeft
    | PartyMuted
    | PartyUnmuted
    | CallHeld
    | CallResumed
    | SupervisionStarted
    | SupervisionChanged
    | SupervisionEnded
    | RecordingPaused
    | RecordingResumed
    | AgentAwaited
    | LegReplaced
    | AudioDropped
    | MediaMeasured
    | SpeechStarted
    | SpeechEnded
    | TranscriptPartial
    | TranscriptFinal
    | ProsodyMeasured
    | EmotionScored
    | EmotionShifted
    | VoiceRecalled
    | VoiceLearned
    | CoachingHinted
    | AgentToneAllowed
    | IntentRecognized
    | KeyPointFound
    | EntityFound
    | KnowledgeSuggested
    | SuggestionUsed
    | DecisionMade
    | PriorityChanged
    | RouteDecided
    | BotSaid
    | PromptPlayed
    | AnnouncementMade
    | HandoverRequested
    | HandoverOffered
    | HandoverAccepted
    | HandoverBridged
    | HandoverFailed
    | ConsultStarted
    | ConsultAnswered
    | ConsultAwaited
    | ConsultEnded
    | TransferRequested
    | TransferAccepted
    | TransferCompleted
    | TransferFailed
    | CallbackRequested
    | CallbackDialled
    | CallbackAnswered
    | CallbackFailed
    | DtmfReceived
    | NoteWritten
    | SummaryPrepared
    | CallWrappedUp
    | StageFailed
)
"""What reports and KPIs are computed from: every event but those about an agent's emotion."""

CallEvent: TypeAlias = ReportableEvent | AgentToneScored

EVENT_TYPES: Final[dict[str, type[CallEvent]]] = {event.TYPE: event for event in get_args(CallEvent)}
"""Wire name to class, for every event there is."""


@dataclass(frozen=True, slots=True)
class Stamped:
    """An event with its place in the call.

    Attributes:
        call: the call's id.
        seq: gapless from 0 within the call.
        at: media time in samples when it was recorded; never falls within a call.
        event: what happened.
    """

    call: CallId
    seq: int
    at: Samples
    event: CallEvent
