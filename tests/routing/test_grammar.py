"""A good log passes; each single fault in it is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from asr.types import Language
from prosody.types import (
    AgentTone,
    EmotionBasis,
    EmotionLabel,
    EmotionLevel,
    EmotionScore,
    EmotionShift,
    FeatureNormal,
    ProsodyFeatures,
    VoiceNormal,
)
from routing.events import (
    AgentToneAllowed,
    AgentToneScored,
    CallEnded,
    CallEvent,
    CallStarted,
    CoachingHinted,
    EmotionScored,
    EmotionShifted,
    IntentRecognized,
    KeyPointFound,
    ProsodyMeasured,
    SpeechEnded,
    SpeechStarted,
    StageFailed,
    Stamped,
    TranscriptFinal,
    TranscriptPartial,
    VoiceLearned,
    VoiceRecalled,
)
from routing.grammar import check_log
from routing.leg_events import (
    CallHeld,
    CallResumed,
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
    DecisionMade,
    FactFound,
    HandoverAccepted,
    HandoverBridged,
    HandoverOffered,
    HandoverRequested,
    NoteWritten,
    PriorityChanged,
    RouteDecided,
)
from routing.terms import (
    CallEndReason,
    Channel,
    Direction,
    Grade,
    HintKind,
    KeyPointTag,
    RouteTarget,
    Stage,
    SupervisionMode,
    Wording,
)
from voice.contracts.audio import CallId, Party, SegmentId, Span
from voice.contracts.errors import LogGrammarError
from voice.contracts.speech import EndReason

S0, S1 = SegmentId(0), SegmentId(1)
WHY = Wording("原因", "reason")
FEATURES = ProsodyFeatures(1.0, 0.5, 200.0, 4.0, 0.0, -20.0, 10.0, 4.0, 5.0, 0, 0.0, -10.0)
NORMAL = VoiceNormal((FeatureNormal("f0_median", 90.0, 1.5, 5.0),))


def score(basis: EmotionBasis, segment: SegmentId = S0) -> EmotionScored:
    return EmotionScored(segment, EmotionScore(0.1, 0.0, 0.5, EmotionLabel.NEUTRAL, basis, (), 0.1, 0.0))


EVENTS: dict[str, CallEvent] = {
    "started": CallStarted(Direction.INBOUND, Channel.WEBRTC, "a", "b", Language.ZH, "2026-01-01T00:00:00Z"),
    "joined": PartyJoined(Party.CALLER),
    "agent joined": PartyJoined(Party.AGENT),
    "allowed": AgentToneAllowed("occupational safety, works agreement 7"),
    "recalled": VoiceRecalled(NORMAL, CallId("c-earlier")),
    "speech": SpeechStarted(Party.CALLER, S0, 0),
    "partial": TranscriptPartial(S0, "我要"),
    "speech end": SpeechEnded(Party.CALLER, S0, Span(0, 16000), EndReason.SILENCE),
    "prosody": ProsodyMeasured(S0, FEATURES),
    "tone": score(EmotionBasis.TONE),
    "speech 1": SpeechStarted(Party.AGENT, S1, 16000),
    "final": TranscriptFinal(S0, "我要投诉", (), "fake"),
    "intent": IntentRecognized(S0, "complaint", Grade.COMPLEX, 0.9, "1"),
    "key point": KeyPointFound(S0, KeyPointTag.REQUEST, 2, 4, "投诉"),
    "fused": score(EmotionBasis.TONE_AND_WORDS),
    "shift": EmotionShifted(EmotionShift(EmotionLevel.SETTLED, EmotionLevel.TENSE, Span(0, 16000), (S0,), "x")),
    "decision": DecisionMade(S0, RouteTarget.HUMAN, 60, ("r",), (FactFound("escalate", "true", (S0,)),), "1"),
    "priority": PriorityChanged(0, 60, "r", WHY, (S0,), "1"),
    "route": RouteDecided(RouteTarget.HUMAN, "r", WHY, (S0,), "1"),
    "request": HandoverRequested("t", WHY),
    "offer": HandoverOffered("t", "ann"),
    "accept": HandoverAccepted("t", "ann"),
    "bridge": HandoverBridged("t", "ann"),
    "speech 1 end": SpeechEnded(Party.AGENT, S1, Span(16000, 32000), EndReason.SILENCE),
    "agent tone": AgentToneScored(S1, AgentTone(0.2, 0.5)),
    "final 1": TranscriptFinal(S1, "", (), "fake"),
    "held": CallHeld("ann"),
    "held by the caller": CallHeld("caller", Party.CALLER),
    "resumed": CallResumed("ann"),
    "resumed by the caller": CallResumed("caller", Party.CALLER),
    "muted": PartyMuted(Party.CALLER),
    "unmuted": PartyUnmuted(Party.CALLER),
    "supervised": SupervisionStarted("sue", SupervisionMode.LISTEN),
    "whispering": SupervisionChanged("sue", SupervisionMode.WHISPER),
    "unsupervised": SupervisionEnded("sue"),
    "paused": RecordingPaused("ann"),
    "recording again": RecordingResumed("ann"),
    "measured": MediaMeasured(Party.CALLER, None, 0.05, 0.01, 0.02, 12.0, 40.0, None, 4.1),
    "hint": CoachingHinted(HintKind.TALKING_OVER, Span(0, 16000), WHY, WHY, (S0, S1)),
    "learned": VoiceLearned(NORMAL),
    "left": PartyLeft(Party.CALLER),
    "ended": CallEnded(CallEndReason.CALLER_HUNG_UP, 40000),
    "note": NoteWritten("qa", "ok"),
}


def stamp(events: dict[str, CallEvent]) -> list[Stamped]:
    return [Stamped(CallId("c"), seq, seq * 320, event) for seq, event in enumerate(events.values())]


def without(name: str) -> dict[str, CallEvent]:
    return {key: event for key, event in EVENTS.items() if key != name}


def twice(name: str) -> dict[str, CallEvent]:
    events: dict[str, CallEvent] = {}
    for key, event in EVENTS.items():
        events[key] = event
        if key == name:
            events["again"] = event
    return events


def swapped(one: str, other: str) -> dict[str, CallEvent]:
    names = list(EVENTS)
    i, j = names.index(one), names.index(other)
    names[i], names[j] = names[j], names[i]
    return {name: EVENTS[name] for name in names}


def changed(name: str, event: CallEvent) -> dict[str, CallEvent]:
    return EVENTS | {name: event}


def test_the_good_log_is_good() -> None:
    check_log(stamp(EVENTS))


@pytest.mark.parametrize("length", range(1, len(EVENTS) + 1))
def test_every_beginning_of_it_is_good_while_the_call_lasts(length: int) -> None:
    check_log(stamp(EVENTS)[:length], complete=False)


@pytest.mark.parametrize(
    "name",
    [
        "started",
        "joined",
        "speech",
        "speech end",
        "prosody",
        "speech 1",
        "final",
        "final 1",
        "speech 1 end",
        "ended",
        "request",
        "offer",
        "allowed",
        "agent joined",
    ],
)
def test_a_missing_event_is_found(name: str) -> None:
    with pytest.raises(LogGrammarError):
        check_log(stamp(without(name)))


@pytest.mark.parametrize(
    "name",
    sorted(
        set(EVENTS) - {"partial", "intent", "key point", "decision", "route", "note", "hint", "whispering", "measured"}
    ),
)
def test_a_doubled_event_is_found(name: str) -> None:
    with pytest.raises(LogGrammarError):
        check_log(stamp(twice(name)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("started", "joined"),
        ("speech end", "final"),
        ("final", "fused"),
        ("prosody", "tone"),
        ("tone", "fused"),
        ("partial", "final"),
        ("final", "key point"),
        ("offer", "accept"),
        ("speech", "speech 1"),
        ("recalled", "speech"),
        ("allowed", "speech"),
        ("allowed", "agent tone"),
        ("speech 1 end", "agent tone"),
        ("speech 1 end", "learned"),
        ("learned", "ended"),
        ("agent joined", "hint"),
        ("left", "ended"),
        ("held", "resumed"),
        ("muted", "unmuted"),
        ("paused", "recording again"),
        ("supervised", "whispering"),
        ("whispering", "unsupervised"),
    ],
)
def test_a_wrong_order_is_found(one: str, other: str) -> None:
    with pytest.raises(LogGrammarError):
        check_log(stamp(swapped(one, other)))


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("measured", MediaMeasured(Party.CALLER, None, 1.05, 0.01, 0.02, 12.0, 40.0, None, 4.1)),
        ("measured", MediaMeasured(Party.CALLER, None, 0.05, 0.01, 0.02, 12.0, 40.0, None, 4.1, -0.1)),
        ("muted", PartyMuted(Party.AGENT, "ann")),
        ("whispering", SupervisionChanged("tom", SupervisionMode.WHISPER)),
        ("key point", KeyPointFound(S0, KeyPointTag.REQUEST, 0, 2, "投诉")),
        ("decision", DecisionMade(None, RouteTarget.AI, 100, (), (), "1")),
        ("decision", DecisionMade(SegmentId(7), RouteTarget.AI, 0, (), (), "1")),
        ("decision", DecisionMade(None, RouteTarget.AI, 0, (), (FactFound("x", "1", (SegmentId(7),)),), "1")),
        ("priority", PriorityChanged(5, 60, "r", WHY, (), "1")),
        ("priority", PriorityChanged(0, 100, "r", WHY, (), "1")),
        ("route", RouteDecided(RouteTarget.HUMAN, "r", WHY, (SegmentId(7),), "1")),
        ("prosody", ProsodyMeasured(SegmentId(1), FEATURES)),
        ("tone", score(EmotionBasis.TONE, S1)),
        ("fused", score(EmotionBasis.TONE_AND_WORDS, S1)),
        ("agent tone", AgentToneScored(S0, AgentTone(0.2, 0.5))),
        ("agent tone", AgentToneScored(SegmentId(9), AgentTone(0.2, 0.5))),
        ("hint", CoachingHinted(HintKind.TALKING_OVER, Span(0, 1), WHY, WHY, (SegmentId(9),))),
        ("shift", EmotionShifted(EmotionShift(EmotionLevel.SETTLED, EmotionLevel.TENSE, Span(0, 1), (S1,), "x"))),
        ("speech 1", SpeechStarted(Party.AGENT, SegmentId(2), 16000)),
        ("speech 1", SpeechStarted(Party.CALLER, SegmentId(5), 16000)),
        ("speech end", SpeechEnded(Party.CALLER, S0, Span(320, 16000), EndReason.SILENCE)),
        ("speech end", SpeechEnded(Party.AGENT, S0, Span(0, 16000), EndReason.SILENCE)),
    ],
)
def test_a_wrong_event_is_found(name: str, event: CallEvent) -> None:
    with pytest.raises(LogGrammarError):
        check_log(stamp(changed(name, event)))


def test_an_agents_tone_may_not_be_measured() -> None:
    events = dict(EVENTS)
    events["left"] = ProsodyMeasured(S1, FEATURES)
    with pytest.raises(LogGrammarError, match="only the caller"):
        check_log(stamp(events), complete=False)


@pytest.mark.parametrize("event", [score(EmotionBasis.TONE, S1), score(EmotionBasis.TONE_AND_WORDS, S1)])
def test_an_agents_emotion_may_not_be_scored(event: CallEvent) -> None:
    with pytest.raises(LogGrammarError, match="only the caller"):
        check_log(stamp(EVENTS | {"left": event}), complete=False)


def test_an_agents_tone_needs_permission() -> None:
    with pytest.raises(LogGrammarError, match=r"agent\.tone_allowed"):
        check_log(stamp(without("allowed")))


def test_a_hint_needs_an_agent() -> None:
    with pytest.raises(LogGrammarError, match="agent who is on the call"):
        check_log(stamp(without("agent joined")))


def test_a_failed_stage_excuses_missing_prosody() -> None:
    events = {
        name: StageFailed(Stage.PROSODY, "x", S0) if name == "prosody" else event
        for name, event in EVENTS.items()
        if name not in ("tone", "fused")
    }
    check_log(stamp(events))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda one: replace(one, seq=one.seq + 1),
        lambda one: replace(one, seq=one.seq - 1),
        lambda one: replace(one, at=0),
        lambda one: replace(one, call=CallId("other")),
    ],
)
def test_a_wrong_stamp_is_found(spoil: Callable[[Stamped], Stamped]) -> None:
    log = stamp(EVENTS)
    log[5] = spoil(log[5])
    with pytest.raises(LogGrammarError):
        check_log(log)


def test_an_empty_log_is_none() -> None:
    with pytest.raises(LogGrammarError, match="empty"):
        check_log([])
