"""What is known of a call when a decision is due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from asr.types import Language
from prosody.types import EmotionLevel, EmotionScore, EmotionShift
from routing.terms import Channel, CollaborationMode, Grade
from routing.understanding.repetition import Ask, repeated
from routing.understanding.turn import TurnMeaning
from voice.contracts.audio import SegmentId

REMEMBERED_TURNS: Final = 12
"""Caller turns that the repetition signal looks back on."""

TREND_TURNS: Final = 3
"""Scored utterances that a trend reaches back: the curve now against the curve so many utterances ago."""

NEGATIVE_TURN: Final = 0.3
"""Strength of negative words from which a turn counts in `negative_turns`; below lies mere impatience."""

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

OF_TURN: Final = frozenset(
    {
        "intent",
        "grade",
        "confidence",
        "negative",
        "sentiment",
        "word_valence",
        "escalate",
        "asked_for_human",
        "turns",
    }
)
"""Facts that rest on the newest turn alone."""


@dataclass(frozen=True, slots=True)
class QueueLoad:
    """How busy a queue of the desk is.

    Attributes:
        queue: its name.
        open: whether callers are taken.
        waiting: callers in it.
        longest_wait_s: how long the longest of them has waited.
        agents: people at work who can serve it, busy ones included.
        free: those of them to whom a caller could be offered now.
    """

    queue: str
    open: bool = True
    waiting: int = 0
    longest_wait_s: float = 0.0
    agents: int = 0
    free: int = 0


@dataclass(frozen=True, slots=True)
class Situation:
    """What the desk says at one moment.

    Attributes:
        queues: how busy they are, the default queue first; empty where no desk can be asked (a replay).
        waited_s: how long this caller has waited for a person; None for one who does not wait.
    """

    queues: tuple[QueueLoad, ...] = ()
    waited_s: float | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a call when a decision is due. Policies name these fields in their conditions.

    `hear`, `feel` and `press` answer the facts after a turn, a score and a key, `stand` those at a moment, so a call's
    facts are a fold. What is not known is None, and no comparison with None holds.

    Attributes:
        language: what the caller speaks.
        channel: how they reached us; None where that is not known.
        caller: their address; conditions ask for the `tier` that the policy gives it.
        called: the address that was called.
        tier: the caller's tier, from the policy's list; None for none.
        mode: how AI and people share the work now, from the policy's schedule.
        turns: caller turns so far, the empty ones included.
        at_s: seconds since the call began.
        waited_s: seconds that the caller has waited for a person; None while they do not.
        local_time: date and time where the business is; None where it is not known.
        queues: how busy the desk's queues are, the default one first.
        intent: what the newest turn is about, `unknown` where that was not understood; None before the first turn.
        grade: how demanding that is.
        confidence: of the intent, [0, 1].
        negative: strength of negative words in the newest turn, [0, 1].
        sentiment: what kinds of discontent they show, and `positive`.
        negative_turns: turns so far that held negative words.
        word_valence: what the words of the newest turn say, [-1, 1].
        escalate: the newest turn holds an escalating word that is not negated.
        asked_for_human: the newest turn asks for a human.
        unclear_turns: newest turns in a row that said something and were not understood.
        repetition: earlier turns that asked the same as the newest.
        dtmf: the key that brought this decision about; None at a turn.
        arousal: arousal of the newest utterance against the caller's own baseline, [-1, 1].
        valence: valence likewise.
        curve_arousal: smoothed arousal, [-1, 1].
        curve_valence: smoothed valence, [-1, 1].
        arousal_trend: how far smoothed arousal rose over the last three utterances, [-2, 2]; None before the second.
        valence_trend: likewise for valence.
        risk: how urgently a supervisor should look, [0, 1].
        emotion: level of the emotion curve.
        evidence: name of a fact to the segments it rests on.
        asked: what the turns asked that the repetition signal looks back on, newest last.
        course: the curve at the last utterances, oldest first: segment, arousal, valence.
    """

    language: Language
    channel: Channel | None = None
    caller: str = ""
    called: str = ""
    tier: str | None = None
    mode: CollaborationMode = CollaborationMode.AI_FIRST
    turns: int = 0
    at_s: float = 0.0
    waited_s: float | None = None
    local_time: datetime | None = None
    queues: tuple[QueueLoad, ...] = ()
    intent: str | None = None
    grade: Grade | None = None
    confidence: float | None = None
    negative: float = 0.0
    sentiment: frozenset[str] = frozenset()
    negative_turns: int = 0
    word_valence: float | None = None
    escalate: bool = False
    asked_for_human: bool = False
    unclear_turns: int = 0
    repetition: int = 0
    dtmf: str | None = None
    arousal: float | None = None
    valence: float | None = None
    curve_arousal: float | None = None
    curve_valence: float | None = None
    arousal_trend: float | None = None
    valence_trend: float | None = None
    risk: float | None = None
    emotion: EmotionLevel = EmotionLevel.SETTLED
    evidence: Mapping[str, tuple[SegmentId, ...]] = field(default_factory=dict)
    asked: tuple[tuple[SegmentId, Ask], ...] = ()
    course: tuple[tuple[SegmentId, float, float], ...] = ()

    @property
    def weekday(self) -> str | None:
        """`mon` to `sun`, where the business is."""
        return None if self.local_time is None else WEEKDAYS[self.local_time.weekday()]

    @property
    def minute(self) -> int | None:
        """Minutes since local midnight."""
        return None if self.local_time is None else self.local_time.hour * 60 + self.local_time.minute

    def load(self, queue: str | None) -> QueueLoad | None:
        """How busy a queue is, None for the default one; None where that is not known."""
        if queue is None:
            return self.queues[0] if self.queues else None
        return next((one for one in self.queues if one.queue == queue), None)

    def hear(self, segment: SegmentId, meaning: TurnMeaning) -> Facts:
        """The facts after the caller's turn in `segment`."""
        here = (segment,)
        negative = meaning.sentiment.strength
        is_negative = negative >= NEGATIVE_TURN
        unclear = self.unclear_turns + 1 if meaning.unclear else 0
        same = tuple(self.asked[place][0] for place in repeated([ask for _, ask in self.asked], meaning.ask))
        fresh: dict[str, tuple[SegmentId, ...]] = dict.fromkeys(OF_TURN, here)
        if is_negative:
            fresh["negative_turns"] = (*self.evidence.get("negative_turns", ()), segment)
        fresh["unclear_turns"] = (*self.evidence.get("unclear_turns", ()), segment) if unclear else ()
        fresh["repetition"] = (*same, segment) if same else ()
        return replace(
            self,
            turns=self.turns + 1,
            intent=meaning.intent.label,
            grade=meaning.grade,
            confidence=meaning.intent.confidence,
            negative=negative,
            sentiment=frozenset(term.category for term in meaning.sentiment.terms if not term.negated),
            negative_turns=self.negative_turns + is_negative,
            word_valence=meaning.sentiment.valence,
            escalate=meaning.sentiment.escalate,
            asked_for_human=meaning.asks_human,
            unclear_turns=unclear,
            repetition=len(same),
            dtmf=None,
            evidence={**self.evidence, **fresh},
            asked=(*self.asked, (segment, meaning.ask))[-REMEMBERED_TURNS:],
        )

    def feel(self, segment: SegmentId, score: EmotionScore, shift: EmotionShift | None = None) -> Facts:
        """The facts after the emotion of `segment` was scored and, where it did, the curve's level shifted."""
        course = (*self.course, (segment, score.curve_arousal, score.curve_valence))[-TREND_TURNS - 1 :]
        fresh: dict[str, tuple[SegmentId, ...]] = dict.fromkeys(
            ("arousal", "valence", "curve_arousal", "curve_valence", "risk"), (segment,)
        )
        fresh |= dict.fromkeys(("arousal_trend", "valence_trend"), tuple(one for one, _, _ in course))
        if shift:
            fresh["emotion"] = shift.segments
        rises = len(course) > 1
        return replace(
            self,
            arousal=score.arousal,
            valence=score.valence,
            curve_arousal=score.curve_arousal,
            curve_valence=score.curve_valence,
            arousal_trend=course[-1][1] - course[0][1] if rises else None,
            valence_trend=course[-1][2] - course[0][2] if rises else None,
            risk=score.risk,
            emotion=shift.current if shift else self.emotion,
            evidence={**self.evidence, **fresh},
            course=course,
        )

    def press(self, digit: str) -> Facts:
        """The facts after a key was pressed; what the turn before asked for has had its decision already."""
        return replace(self, dtmf=digit, asked_for_human=False, escalate=False)

    def stand(self, at_s: float, local_time: datetime | None, situation: Situation) -> Facts:
        """The facts at a moment of the call, with what the desk says then."""
        return replace(self, at_s=at_s, local_time=local_time, queues=situation.queues, waited_s=situation.waited_s)
