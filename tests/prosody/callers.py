"""Made-up callers, and calls played with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from prosody.emotion import EmotionTracker
from prosody.types import EmotionScore, EmotionShift, ProsodyFeatures, ToneRating, VoiceNormal
from voice.contracts.audio import SegmentId, Span

CALM = ProsodyFeatures(
    duration_s=3.0,
    voiced_ratio=0.6,
    f0_median_hz=140.0,
    f0_range_st=8.0,
    f0_slope_st_per_s=-1.0,
    intensity_mean_db=-26.0,
    intensity_range_db=18.0,
    speech_rate_hz=4.0,
    articulation_rate_hz=4.5,
    pause_count=0,
    pause_ratio=0.0,
    spectral_tilt_db=-12.0,
    flux=0.2,
    mfcc_sd=(6.0,) * 13,
)
RAISED = replace(
    CALM,
    f0_median_hz=190.0,
    intensity_mean_db=-19.0,
    spectral_tilt_db=-8.0,
    articulation_rate_hz=5.4,
    flux=0.25,
    mfcc_sd=(6.5,) * 13,
)
UNVOICED = replace(
    CALM, voiced_ratio=0.0, f0_median_hz=None, f0_range_st=None, articulation_rate_hz=None, spectral_tilt_db=None
)

Scored = tuple[EmotionScore, EmotionScore, EmotionShift | None]
Words = tuple[float | None, float]
Heard = tuple[ToneRating | None, ToneRating | None]
SILENT: Words = (None, 0.0)


def span_of(number: int) -> Span:
    return Span(number * 96_000, number * 96_000 + 48_000)


def play(
    features: Sequence[ProsodyFeatures | None],
    words: Sequence[Words] | None = None,
    heard: Sequence[Heard] | None = None,
) -> list[Scored]:
    """One call, words right after tone; `heard` is a model's rating and a recognizer's tag."""
    tracker = EmotionTracker()
    said = words or [SILENT] * len(features)
    opinions = heard or [(None, None)] * len(features)
    results = []
    for number, (measured, (valence, strength), (rating, tag)) in enumerate(zip(features, said, opinions, strict=True)):
        tone = tracker.score_tone(SegmentId(number), span_of(number), measured, rating)
        results.append((tone, *tracker.score_words(SegmentId(number), valence, strength, tag)))
    return results


def learned(features: Sequence[ProsodyFeatures]) -> VoiceNormal:
    tracker = EmotionTracker()
    for number, one in enumerate(features):
        tracker.score_tone(SegmentId(number), span_of(number), one)
    return tracker.normal()
