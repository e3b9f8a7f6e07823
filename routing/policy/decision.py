"""Facts of a call and the decision they lead to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from asr.types import Language
from prosody.types import EmotionLevel, EmotionScore, EmotionShift
from routing.terms import Grade, RouteTarget, Wording
from routing.understanding.repetition import Ask, repeated
from routing.understanding.turn import TurnMeaning
from voice.contracts.audio import SegmentId

MAX_PRIORITY: Final = 99
REMEMBERED_TURNS: Final = 12
"""Caller turns that the repetition signal looks back on."""

NEGATIVE_TURN: Final = 0.3
"""Strength of negative words from which a turn counts in `negative_turns`; below lies mere impatience."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a call when a decision is due. Policies name these fields in their conditions.

    `hear`, `feel` and `press` answer the facts after a turn, a score and a key, so a call's facts are a fold. What
    is not known is None, and no comparison with None holds.

    Attributes:
        language: what the caller speaks.
        turns: caller turns so far, the empty ones included.
        intent: what the newest turn is about, `unknown` where that was not understood; None before the first turn.
        grade: how demanding that is.
        confidence: of the intent, [0, 1].
        negative: strength of negative words in the newest turn, [0, 1].
        negative_turns: turns so far that held negative words.
        word_valence: what the words of the newest turn say, [-1, 1].
        escalate: the newest turn holds an escalating word that is not negated.
        asked_for_human: the newest turn asks for a human.
        unclear_turns: newest turns in a row that said something and were not understood.
        repetition: earlier turns that asked the same as the newest.
        dtmf: the key that brought this decision about; None at a turn.
        arousal: arousal of the newest utterance, [-1, 1].
        valence: valence likewise.
        curve_arousal: smoothed arousal, [-1, 1].
        curve_valence: smoothed valence, [-1, 1].
        emotion: level of the emotion curve.
        evidence: name of a fact to the segments it rests on.
        asked: what the turns asked that the repetition signal looks back on, newest last.
    """

    language: Language
    turns: int = 0
    intent: str | None = None
    grade: Grade | None = None
    confidence: float | None = None
    negative: float = 0.0
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
    emotion: EmotionLevel = EmotionLevel.SETTLED
    evidence: Mapping[str, tuple[SegmentId, ...]] = field(default_factory=dict)
    asked: tuple[tuple[SegmentId, Ask], ...] = ()

    def hear(self, segment: SegmentId, meaning: TurnMeaning) -> Facts:
        """The facts after the caller's turn in `segment`."""
        here = (segment,)
        negative = meaning.sentiment.strength
        is_negative = negative >= NEGATIVE_TURN
        unclear = self.unclear_turns + 1 if meaning.unclear else 0
        same = tuple(self.asked[place][0] for place in repeated([ask for _, ask in self.asked], meaning.ask))
        fresh: dict[str, tuple[SegmentId, ...]] = dict.fromkeys(
            ("intent", "grade", "confidence", "negative", "word_valence", "escalate", "asked_for_human", "turns"), here
        )
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
        fresh: dict[str, tuple[SegmentId, ...]] = dict.fromkeys(
            ("arousal", "valence", "curve_arousal", "curve_valence"), (segment,)
        )
        if shift:
            fresh["emotion"] = shift.segments
        return replace(
            self,
            arousal=score.arousal,
            valence=score.valence,
            curve_arousal=score.curve_arousal,
            curve_valence=score.curve_valence,
            emotion=shift.current if shift else self.emotion,
            evidence={**self.evidence, **fresh},
        )

    def press(self, digit: str) -> Facts:
        """The facts after a key was pressed; what the turn before asked for has had its decision already."""
        return replace(self, dtmf=digit, asked_for_human=False, escalate=False)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What decided a target or a priority: the rule, why, and the segments it rests on."""

    rule: str
    reason: Wording
    evidence: tuple[SegmentId, ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    """What the next decision has to know of this one beyond its outcome.

    Attributes:
        held: the target may only be left through a rule that releases it.
        latched: conditions with hysteresis that hold at present, by rule and place.
        streaks: rules that wait for several matches in a row, and how many they have.
    """

    held: bool = False
    latched: frozenset[str] = frozenset()
    streaks: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """Who shall serve, and how urgently.

    Attributes:
        target: who shall serve.
        priority: 0 (can wait) to 99 (now).
        route: what decided the target; stays as it was while the target does.
        urgency: what decided the priority; likewise.
        matched: every rule whose condition held, in the policy's order.
        policy_version: version of the policy and hash of its content.
        memory: for the next decision.
    """

    target: RouteTarget
    priority: int
    route: Ruling
    urgency: Ruling
    matched: tuple[str, ...]
    policy_version: str
    memory: Memory = field(default_factory=Memory)
