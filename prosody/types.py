"""Tone: what is measured and what it is taken to mean."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from voice.contracts.audio import SegmentId, Span


@dataclass(frozen=True, slots=True)
class ProsodyFeatures:
    """Prosody of one utterance. What cannot be measured (no voiced frame, too short) is None, never NaN.

    Attributes:
        duration_s: length of the audio, seconds. The extent is what lies between the first and the last active frame of
            10 ms; silence before and after (pre-roll, hang-over) counts for neither rates nor pauses.
        voiced_ratio: voiced share of all analysis frames, [0, 1].
        f0_median_hz: median fundamental frequency over voiced frames, hertz.
        f0_range_st: 5 % to 95 % range of F0, semitones.
        f0_slope_st_per_s: least-squares slope of F0, semitones per second.
        intensity_mean_db: power mean over active frames below 4 kHz, dB relative to full scale (dBFS; a full-scale sine
            has -3.01).
        intensity_range_db: 5 % to 95 % range of level over active frames, dB.
        speech_rate_hz: syllable nuclei per second of the extent, pauses included.
        articulation_rate_hz: syllable nuclei per second of the extent, pauses excluded.
        pause_count: silent stretches of at least 200 ms inside the extent.
        pause_ratio: share of the extent that is pause, [0, 1].
        spectral_tilt_db: alpha ratio: level of 1-4 kHz over level of 50-1000 Hz, mean over voiced frames, dB; usually
            negative, higher means a brighter, more pressed voice.
    """

    duration_s: float
    voiced_ratio: float
    f0_median_hz: float | None
    f0_range_st: float | None
    f0_slope_st_per_s: float | None
    intensity_mean_db: float | None
    intensity_range_db: float | None
    speech_rate_hz: float | None
    articulation_rate_hz: float | None
    pause_count: int
    pause_ratio: float
    spectral_tilt_db: float | None


class EmotionLabel(StrEnum):
    """A coarse name for a place on the arousal-valence plane."""

    CALM = "calm"
    NEUTRAL = "neutral"
    PLEASED = "pleased"
    ANXIOUS = "anxious"
    FRUSTRATED = "frustrated"
    ANGRY = "angry"
    SAD = "sad"
    UNCERTAIN = "uncertain"


class EmotionBasis(StrEnum):
    """What a score rests on."""

    TONE = "tone"
    TONE_AND_WORDS = "tone_and_words"


@dataclass(frozen=True, slots=True)
class Contribution:
    """How much one feature moved the score; `value` is in units of arousal or valence, signed."""

    feature: str
    dimension: str
    value: float


@dataclass(frozen=True, slots=True)
class EmotionScore:
    """Emotion of one utterance.

    Attributes:
        arousal: calm -1 to excited 1, relative to the caller's own baseline.
        valence: unpleasant -1 to pleasant 1.
        confidence: in [0, 1].
        label: coarse name.
        basis: tone alone, or tone and words.
        contributions: what moved the score, largest first.
        curve_arousal: the smoothed curve's value at this utterance, [-1, 1].
        curve_valence: likewise.
    """

    arousal: float
    valence: float
    confidence: float
    label: EmotionLabel
    basis: EmotionBasis
    contributions: tuple[Contribution, ...]
    curve_arousal: float
    curve_valence: float


class EmotionLevel(StrEnum):
    """Where the smoothed curve stands, with hysteresis."""

    SETTLED = "settled"
    TENSE = "tense"
    UPSET = "upset"


@dataclass(frozen=True, slots=True)
class EmotionShift:
    """The smoothed curve crossed a threshold and stayed.

    Attributes:
        previous: level before.
        current: level now.
        span: from the first utterance that led there to the one that confirmed it.
        segments: those utterances.
        reason: machine-readable, for example `arousal_high+valence_low`.
    """

    previous: EmotionLevel
    current: EmotionLevel
    span: Span
    segments: tuple[SegmentId, ...]
    reason: str
