"""Emotion of one caller, utterance by utterance: first from tone, then from tone and words.

Two lines run side by side. The tone line (baseline, tone curve, tone level) hears tone only and decides what the
baseline learns; the fused line (fused curve, level, shifts) moves when the words of a segment arrive. Nothing flows
from words back into tone, so the results do not depend on how far recognition lags behind.
"""

from __future__ import annotations

import math
from typing import Final

from prosody.arousal import UNKNOWN, CallerVoice
from prosody.curve import Curve
from prosody.fusion import Affect, affect_of_tone, fuse, name_affect
from prosody.shift import ShiftDetector
from prosody.types import EmotionBasis, EmotionLevel, EmotionScore, EmotionShift, ProsodyFeatures
from voice.contracts.audio import SegmentId, Span
from voice.contracts.errors import CapacityError, EmotionInputError

MOST_WAITING: Final = 256
"""Segments whose words may be outstanding: more than ten minutes of speech that recognition lags behind."""

_FIRST_UTTERANCES: Final = 3.0
"""Full utterances that are learned whatever they sound like; without a normal there is nothing to be upset against."""
_LEARNED_AROUSAL: Final = 0.55
"""An utterance more aroused than this is not learned as normal, even while the level is still settled."""


class _Line:
    """Two smoothed curves and the level that follows from them."""

    def __init__(self) -> None:
        self._arousal = Curve()
        self._valence = Curve()
        self._shifts = ShiftDetector()

    @property
    def level(self) -> EmotionLevel:
        """Where the line stands now."""
        return self._shifts.level

    def take(self, segment: SegmentId, span: Span, affect: Affect) -> tuple[float, float, EmotionShift | None]:
        """Follow one utterance; answers both curve values and a confirmed shift."""
        curve = (
            self._arousal.follow(span, affect.arousal, affect.confidence),
            self._valence.follow(span, affect.valence, affect.confidence),
        )
        own = (affect.arousal, affect.valence)
        shift = self._shifts.observe(segment, span, own=own, curve=curve, confidence=affect.confidence)
        return (*curve, shift)


class EmotionTracker:
    """The emotion of one caller through one call. Synchronous, pure, deterministic; one instance per caller.

    For every caller segment, `score_tone` and later `score_words` are called once each, both in the order of segments.
    The two may interleave in any way as long as a segment's tone comes before its words: the results are the same.
    """

    def __init__(self) -> None:
        self._voice = CallerVoice()
        self._tone = _Line()
        self._fused = _Line()
        self._waiting: dict[SegmentId, tuple[Span, Affect]] = {}
        self._last_tone: SegmentId | None = None

    @property
    def level(self) -> EmotionLevel:
        """The caller's level after the last segment whose words came."""
        return self._fused.level

    def score_tone(self, segment: SegmentId, span: Span, features: ProsodyFeatures | None) -> EmotionScore:
        """Score a segment from its tone, relative to the caller's own earlier utterances.

        Args:
            segment: its id, higher than that of the call before.
            span: its media time.
            features: from `prosody.features.measure`; None where measuring failed.

        Returns:
            A score with basis `tone`; `curve_*` are those of tone alone.

        Raises:
            EmotionInputError: segments out of order.
            CapacityError: the words of 256 earlier segments are still outstanding.
        """
        if self._last_tone is not None and segment <= self._last_tone:
            raise EmotionInputError(f"Tone comes in the order of segments; got {segment} after {self._last_tone}.")
        if len(self._waiting) >= MOST_WAITING:
            raise CapacityError(
                f"The words of {MOST_WAITING} segments are outstanding.",
                fix="Call score_words for every segment, with valence None where nothing was recognized.",
            )
        self._last_tone = segment
        rated = UNKNOWN if features is None else self._voice.rate(features)
        affect = affect_of_tone(rated)
        arousal, valence, _ = self._tone.take(segment, span, affect)
        self._waiting[segment] = (span, affect)
        if features is not None and self._is_normal(affect):
            self._voice.learn(features)
        return _score(affect, EmotionBasis.TONE, arousal, valence)

    def score_words(
        self, segment: SegmentId, valence: float | None, strength: float
    ) -> tuple[EmotionScore, EmotionShift | None]:
        """Score a segment again, now that its words are known.

        Args:
            segment: the earliest one whose words have not come yet; its tone was scored.
            valence: of the words, in [-1, 1]; None where there are none or they say nothing.
            strength: how strongly they say it, in [0, 1].

        Returns:
            A score with basis `tone_and_words`, and the shift that this segment confirms, if any.

        Raises:
            EmotionInputError: not the next segment, or a value outside its range.
        """
        expected = next(iter(self._waiting), None)
        if segment != expected:
            wanted = "none is waiting" if expected is None else f"segment {expected} is next"
            raise EmotionInputError(f"Words come in the order of segments, after their tone: {wanted}; got {segment}.")
        if not 0 <= strength <= 1 or (valence is not None and not -1 <= valence <= 1):
            raise EmotionInputError(
                f"Words have a valence in [-1, 1] or None and a strength in [0, 1]; got {valence} and {strength}."
            )
        span, tone = self._waiting.pop(segment)
        affect = fuse(tone, valence, strength)
        curve_arousal, curve_valence, shift = self._fused.take(segment, span, affect)
        return _score(affect, EmotionBasis.TONE_AND_WORDS, curve_arousal, curve_valence), shift

    def _is_normal(self, affect: Affect) -> bool:
        """Whether an utterance may shape the baseline: the first ones always, an aroused or upset one never."""
        if self._voice.utterances < _FIRST_UTTERANCES:
            return True
        return self._tone.level is EmotionLevel.SETTLED and math.fabs(affect.arousal) < _LEARNED_AROUSAL


def _score(affect: Affect, basis: EmotionBasis, curve_arousal: float, curve_valence: float) -> EmotionScore:
    return EmotionScore(
        arousal=affect.arousal,
        valence=affect.valence,
        confidence=affect.confidence,
        label=name_affect(affect),
        basis=basis,
        contributions=affect.contributions,
        curve_arousal=curve_arousal,
        curve_valence=curve_valence,
    )
