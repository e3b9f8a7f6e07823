"""Emotion of one caller, utterance by utterance: first from tone, then from tone and words.

Two lines run side by side. The tone line (normal, tone curve, tone level) hears tone only and decides what becomes
normal; the fused line (fused curve, level, shifts) moves when the words of a segment arrive. Nothing flows from words
back into tone, so the results do not depend on how far recognition lags behind.
"""

from __future__ import annotations

import math
from typing import Final

from prosody.arousal import CallerVoice
from prosody.course import Course, CoursePoint
from prosody.fusion import SILENT, Affect, affect_of_tone, fuse, name_affect
from prosody.learning import LearningRule
from prosody.types import (
    EmotionBasis,
    EmotionLevel,
    EmotionScore,
    EmotionShift,
    ProsodyFeatures,
    ToneRating,
    VoiceNormal,
)
from voice.contracts.audio import SegmentId, Span
from voice.contracts.errors import CapacityError, EmotionInputError

MOST_WAITING: Final = 256
"""Segments whose words may be outstanding: more than ten minutes of speech that recognition lags behind."""


class EmotionTracker:
    """The emotion of one caller through one call. Synchronous, pure, deterministic; one instance per caller.

    For every caller segment, `score_tone` and later `score_words` are called once each, both in the order of segments.
    The two may interleave in any way as long as a segment's tone comes before its words: the results are the same.

    Args:
        normal: what an earlier call of the same caller learned; None for an unknown caller, whose first utterance then
            stays `uncertain`.

    Raises:
        EmotionInputError: a normal that no call can have learned.
    """

    def __init__(self, normal: VoiceNormal | None = None) -> None:
        self._voice = CallerVoice(normal)
        self._learning = LearningRule(is_known=self._voice.weight > 0)
        self._tone = Course()
        self._fused = Course()
        self._waiting: dict[SegmentId, tuple[Span, Affect]] = {}
        self._last_tone: SegmentId | None = None

    @property
    def level(self) -> EmotionLevel:
        """The caller's level after the last segment whose words came."""
        return self._fused.level

    @property
    def usual_hz(self) -> float | None:
        """The caller's usual F0, for the next utterance's pitch tracking; None while it is unknown."""
        return self._voice.usual_hz

    def normal(self) -> VoiceNormal:
        """How the caller usually sounds by what tone was scored so far: for tone models, and for the next call."""
        return self._voice.normal()

    def score_tone(
        self, segment: SegmentId, span: Span, features: ProsodyFeatures | None, rating: ToneRating | None = None
    ) -> EmotionScore:
        """Score a segment from its tone, relative to the caller's own earlier utterances.

        Args:
            segment: its id, higher than that of the call before.
            span: its media time.
            features: from `prosody.features`; None where measuring failed. Without a pitch nothing is said.
            rating: of the same audio by a trained model; None where there is none.

        Returns:
            A score with basis `tone`; `curve_*` and `risk` are those of tone alone.

        Raises:
            EmotionInputError: segments out of order, or a rating outside its range.
            CapacityError: the words of 256 earlier segments are still outstanding.
        """
        if self._last_tone is not None and segment <= self._last_tone:
            raise EmotionInputError(f"Tone comes in the order of segments; got {segment} after {self._last_tone}.")
        if len(self._waiting) >= MOST_WAITING:
            raise CapacityError(
                f"The words of {MOST_WAITING} segments are outstanding.",
                fix="Call score_words for every segment, with valence None where nothing was recognized.",
            )
        _check(rating)
        self._last_tone = segment
        affect = SILENT
        if features is not None and features.f0_median_hz is not None:
            affect = affect_of_tone(self._voice.rate(features), rating)
        point = self._tone.take(segment, span, affect)
        self._waiting[segment] = (span, affect)
        if features is not None and affect.voiced:
            share = self._learning.share(span, affect.arousal, self._tone.level, self._voice.learned)
            if share > 0:
                self._voice.learn(features, share)
        return _score(affect, EmotionBasis.TONE, point)

    def score_words(
        self, segment: SegmentId, valence: float | None, strength: float, heard: ToneRating | None = None
    ) -> tuple[EmotionScore, EmotionShift | None]:
        """Score a segment again, now that its words are known.

        Args:
            segment: the earliest one whose words have not come yet; its tone was scored.
            valence: of the words, in [-1, 1]; None where there are none or they say nothing.
            strength: how strongly they say it, in [0, 1].
            heard: what the recognizer heard besides words, from `prosody.fusion.affect_of_tag`.

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
        _check(heard)
        span, tone = self._waiting.pop(segment)
        affect = fuse(tone, valence, strength, heard)
        point = self._fused.take(segment, span, affect)
        return _score(affect, EmotionBasis.TONE_AND_WORDS, point), point.shift


def _check(rating: ToneRating | None) -> None:
    """Refuse a rating that would carry NaN or more than 1 into the curve."""
    if rating is None:
        return
    values = [value for value in (rating.arousal, rating.valence) if value is not None]
    if not all(math.isfinite(value) and -1 <= value <= 1 for value in values) or not 0 <= rating.confidence <= 1:
        raise EmotionInputError(
            f"A rating has arousal and valence in [-1, 1] or None and a confidence in [0, 1]; {rating.model} said "
            f"{rating.arousal}, {rating.valence} and {rating.confidence}."
        )


def _score(affect: Affect, basis: EmotionBasis, point: CoursePoint) -> EmotionScore:
    return EmotionScore(
        arousal=affect.arousal,
        valence=affect.valence,
        confidence=affect.confidence,
        label=name_affect(affect),
        basis=basis,
        contributions=affect.contributions,
        curve_arousal=point.arousal,
        curve_valence=point.valence,
        curve_arousal_sd=point.arousal_sd,
        curve_valence_sd=point.valence_sd,
        risk=point.risk,
        models=affect.models,
    )
