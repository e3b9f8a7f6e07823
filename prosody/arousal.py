"""Arousal from tone: a sum of deviations from the caller's own normal, open to inspection.

Which features, and with which sign: Banse, R. and Scherer, K. R. (1996), "Acoustic profiles in vocal emotion
expression", J. Personality and Social Psychology 70(3), table 6; Juslin, P. N. and Laukka, P. (2003), "Communication of
emotions in vocal expression and music performance", Psychological Bulletin 129(5), table 7; Scherer, K. R. (2003),
"Vocal communication of emotion", Speech Communication 40, table 2. All three find F0 level, F0 range, intensity, rate
and high-frequency energy raised in the aroused states (anger, fear, joy) and lowered in sadness and boredom. Pitch
level is the strongest and survives the telephone, so it weighs most; intensity depends on the handset and on gain
control, rate is the least consistent of the five. The weights are set by hand from that order, not trained.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from prosody.baseline import RunningBaseline, Spread
from prosody.types import Contribution, ProsodyFeatures

_LARGEST_Z: Final = 3.0
"""A deviation beyond this says no more (and may be an octave error)."""

_HALF_WAY: Final = 1.6
"""Weighted deviation at which arousal reaches tanh(1) = 0.76."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One feature of the arousal model.

    Attributes:
        name: as it appears in contributions.
        read: the feature, or None where it was not measured.
        weight: share in the sum; the weights of all cues add up to 1.
        spread: what is normal variation within a calm speaker (measured on neutral utterances of EMO-DB and AISHELL-1
            through 300-3400 Hz µ-law, and widened: reading varies less than talking, and a phone is held by hand).
        farthest: a value further than this from the caller's normal, in the feature's unit, is taken for a mistake of
            the measurement and left out. For F0 it is 17 semitones: of 138 acted utterances of EMO-DB the angriest lies
            18 above its speaker's neutral, while a tracker that follows the third harmonic lands 19 above.
    """

    name: str
    read: Callable[[ProsodyFeatures], float | None]
    weight: float
    spread: Spread
    farthest: float = math.inf


def _semitones(features: ProsodyFeatures) -> float | None:
    """Median F0 in semitones above 1 Hz, so that voices high and low are measured alike."""
    return None if features.f0_median_hz is None else 12 * math.log2(features.f0_median_hz)


CUES: Final = (
    Cue("f0_median", _semitones, 0.4, Spread(1.5, 1.0), farthest=17.0),
    Cue("spectral_tilt", lambda features: features.spectral_tilt_db, 0.2, Spread(1.8, 1.5)),
    Cue("intensity", lambda features: features.intensity_mean_db, 0.2, Spread(2.5, 1.0)),
    Cue("f0_range", lambda features: features.f0_range_st, 0.1, Spread(3.5, 2.5)),
    Cue("articulation_rate", lambda features: features.articulation_rate_hz, 0.1, Spread(0.8, 0.6)),
)


@dataclass(frozen=True, slots=True)
class Arousal:
    """What tone says about one utterance.

    Attributes:
        value: in [-1, 1], relative to the caller's normal; 0 where nothing can be said.
        confidence: in [0, 1): little voice, few measured cues or a young baseline lower it.
        contributions: one for each cue that could be compared; they add up to `value`.
    """

    value: float
    confidence: float
    contributions: tuple[Contribution, ...]


UNKNOWN: Final = Arousal(0.0, 0.0, ())
"""An utterance without voice, or the caller's first."""


class CallerVoice:
    """The baselines of one caller, one for each cue."""

    def __init__(self) -> None:
        self._baselines = {cue.name: RunningBaseline(cue.spread) for cue in CUES}

    @property
    def utterances(self) -> float:
        """How many full utterances the pitch baseline rests on."""
        return self._baselines["f0_median"].weight

    def rate(self, features: ProsodyFeatures) -> Arousal:
        """Compare an utterance with what was learned; learns nothing."""
        voiced_s = features.voiced_ratio * features.duration_s
        pushes: list[tuple[str, float]] = []
        trust = 0.0
        for cue in CUES:
            value = cue.read(features)
            deviation = None if value is None else self._baselines[cue.name].compare(value, voiced_s)
            if deviation is not None:
                if abs(deviation.distance) > cue.farthest:
                    continue
                pushes.append((cue.name, cue.weight * max(-_LARGEST_Z, min(_LARGEST_Z, deviation.z))))
                trust += cue.weight * deviation.settled
        if not pushes:
            return UNKNOWN
        total = sum(push for _, push in pushes)
        value = math.tanh(total / _HALF_WAY)
        # tanh squeezes the sum; every cue is squeezed by the same factor, so that they still add up.
        squeeze = value / total if abs(total) > 1e-9 else 1 / _HALF_WAY
        contributions = tuple(Contribution(name, "arousal", push * squeeze) for name, push in pushes)
        return Arousal(value, trust * (1 - math.exp(-voiced_s / 0.5)), contributions)

    def learn(self, features: ProsodyFeatures) -> None:
        """Take an utterance as this caller's normal."""
        voiced_s = features.voiced_ratio * features.duration_s
        for cue in CUES:
            value = cue.read(features)
            if value is not None and voiced_s > 0:
                self._baselines[cue.name].learn(value, voiced_s)
