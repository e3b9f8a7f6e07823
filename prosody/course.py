"""The course of one caller's emotion: two smoothed curves, the level that follows from them, and the risk."""

from __future__ import annotations

from dataclasses import dataclass

from prosody.curve import DEFAULT_CURVE, Curve, CurveSettings
from prosody.fusion import Affect
from prosody.risk import DEFAULT_RISK, Risk, RiskSettings
from prosody.shift import DEFAULT_SHIFT, ShiftDetector, ShiftSettings, distress, distress_sd
from prosody.types import EmotionLevel, EmotionShift
from voice.contracts.audio import SegmentId, Span


@dataclass(frozen=True, slots=True)
class CoursePoint:
    """The course at the end of one utterance.

    Attributes:
        arousal: of the curve, [-1, 1].
        valence: of the curve, [-1, 1].
        arousal_sd: standard deviation of `arousal`, (0, 1]; 1 where nothing is known.
        valence_sd: likewise.
        risk: [0, 1], see `prosody.risk`.
        shift: that this utterance confirms, if any.
    """

    arousal: float
    valence: float
    arousal_sd: float
    valence_sd: float
    risk: float
    shift: EmotionShift | None


class Course:
    """Curves, level and risk of one caller. Synchronous, pure; depends on media time only."""

    def __init__(
        self,
        curve: CurveSettings = DEFAULT_CURVE,
        shift: ShiftSettings = DEFAULT_SHIFT,
        risk: RiskSettings = DEFAULT_RISK,
    ) -> None:
        self._arousal = Curve(curve)
        self._valence = Curve(curve)
        self._shifts = ShiftDetector(shift)
        self._risk = Risk(risk)

    @property
    def level(self) -> EmotionLevel:
        """Where the caller stands now."""
        return self._shifts.level

    def take(self, segment: SegmentId, span: Span, affect: Affect) -> CoursePoint:
        """Follow one utterance; utterances come in the order of segments.

        Args:
            segment: its id.
            span: its media time.
            affect: what it says.
        """
        arousal = self._arousal.follow(span, affect.arousal, affect.confidence)
        valence = self._valence.follow(span, affect.valence, affect.confidence)
        shift = self._shifts.observe(
            segment,
            span,
            own=(affect.arousal, affect.valence),
            curve=(arousal, valence),
            confidence=affect.confidence,
        )
        risk = self._risk.follow(span.end, distress(arousal, valence), distress_sd(self._arousal.sd, self._valence.sd))
        return CoursePoint(arousal, valence, self._arousal.sd, self._valence.sd, risk, shift)
