"""Tone: what is measured and what it is taken to mean."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from voice.contracts.audio import Pcm, SegmentId, Span


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
        f0_contour_hz: F0 every 50 ms from the start of the audio on, hertz; None where no voice sounds.
        f0_final_st: F0 at the end of the last voiced stretch less F0 before it, semitones; positive rises.
        intensity_slope_db_per_s: least-squares slope of level over active frames, dB per second.
        jitter_local: mean difference of neighbouring periods over the mean period, a ratio (0.01 is one per cent).
        jitter_rap: relative average perturbation over three periods, a ratio.
        shimmer_local: mean difference of neighbouring peak amplitudes over the mean amplitude, a ratio.
        shimmer_apq3: amplitude perturbation over three periods, a ratio.
        hnr_db: harmonics-to-noise ratio, mean over voiced frames, dB.
        hammarberg_db: strongest partial below 2 kHz over strongest from 2 to 4 kHz, mean over voiced frames, dB.
        spectral_slope_db_per_khz: least-squares slope of the level spectrum from 300 to 3400 Hz, mean over voiced
            frames, dB per kilohertz.
        centroid_hz: centre of gravity of the power spectrum, mean over active frames, hertz.
        flux: change of the normalised spectrum from frame to frame, mean over active frames, [0, 2].
        loudness: perceived loudness by a compressed auditory spectrum, mean over active frames, relative units.
        mfcc_mean: mel-frequency cepstral coefficients 1 to 13, mean over active frames; empty where nothing sounds.
        mfcc_sd: their standard deviations.
        f1_hz: first formant, median over voiced frames, hertz.
        f2_hz: second formant.
        f3_hz: third formant.
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
    f0_contour_hz: tuple[float | None, ...] = ()
    f0_final_st: float | None = None
    intensity_slope_db_per_s: float | None = None
    jitter_local: float | None = None
    jitter_rap: float | None = None
    shimmer_local: float | None = None
    shimmer_apq3: float | None = None
    hnr_db: float | None = None
    hammarberg_db: float | None = None
    spectral_slope_db_per_khz: float | None = None
    centroid_hz: float | None = None
    flux: float | None = None
    loudness: float | None = None
    mfcc_mean: tuple[float, ...] = ()
    mfcc_sd: tuple[float, ...] = ()
    f1_hz: float | None = None
    f2_hz: float | None = None
    f3_hz: float | None = None


@dataclass(frozen=True, slots=True)
class FeatureNormal:
    """What is normal of one feature for one caller.

    Attributes:
        name: the feature, as it appears in contributions.
        location: the usual value, in the feature's unit.
        scale: standard deviation from utterance to utterance, same unit.
        weight: full utterances that it rests on.
    """

    name: str
    location: float
    scale: float
    weight: float


@dataclass(frozen=True, slots=True)
class VoiceNormal:
    """How a caller usually sounds: what one call learned, and what the next call of the same caller begins with."""

    features: tuple[FeatureNormal, ...] = ()


@dataclass(frozen=True, slots=True)
class ToneInput:
    """What a tone model is given of one utterance.

    Attributes:
        pcm: shape (n,), mono, 16 kHz.
        features: of the same audio.
        normal: the caller's normal before this utterance; empty for the first one of an unknown caller.
    """

    pcm: Pcm
    features: ProsodyFeatures
    normal: VoiceNormal


@dataclass(frozen=True, slots=True)
class ToneRating:
    """What a tone model says about one utterance; None where it does not judge a dimension.

    Attributes:
        arousal: [-1, 1], relative to the caller's normal.
        valence: [-1, 1].
        confidence: in [0, 1], calibrated: the share of such judgements that hold.
        model: name and version.
    """

    arousal: float | None
    valence: float | None
    confidence: float
    model: str


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
        curve_arousal_sd: standard deviation of `curve_arousal`, [0, 1]; 1 where nothing is known.
        curve_valence_sd: likewise.
        risk: how urgently a supervisor should look, [0, 1]: a curve that rises in arousal and falls in valence.
        models: name and version of every trained model that had a say.
    """

    arousal: float
    valence: float
    confidence: float
    label: EmotionLabel
    basis: EmotionBasis
    contributions: tuple[Contribution, ...]
    curve_arousal: float
    curve_valence: float
    curve_arousal_sd: float = 1.0
    curve_valence_sd: float = 1.0
    risk: float = 0.0
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AgentTone:
    """Tone of an agent's utterance. A type of its own, so that nothing that takes a caller's score can take this one.

    Attributes:
        arousal: [-1, 1], relative to the agent's own normal in this call.
        confidence: in [0, 1].
    """

    arousal: float
    confidence: float


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
