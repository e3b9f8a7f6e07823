"""Arousal from tone: a sum of deviations from the caller's own normal, open to inspection.

Which features, and with which sign: Banse, R. and Scherer, K. R. (1996), "Acoustic profiles in vocal emotion
expression", J. Personality and Social Psychology 70(3), table 6; Juslin, P. N. and Laukka, P. (2003), "Communication of
emotions in vocal expression and music performance", Psychological Bulletin 129(5), table 7; Scherer, K. R. (2003),
"Vocal communication of emotion", Speech Communication 40, table 2. All three find F0 level, F0 range, intensity, rate
and high-frequency energy raised in the aroused states (anger, fear, joy) and lowered in sadness and boredom. Pitch
level is the strongest and survives the telephone, so it weighs most; intensity depends on the handset and on gain
control, rate is the least consistent of the five. Two more were taken up because they separate the aroused states on
five corpora in five languages alike, clean and by telephone, which jitter, shimmer, HNR, formants and the Hammarberg
index do not: spectral flux, and how much the fine shape of the spectrum moves (the spread of MFCC 8 to 13). The weights
are set by hand, round numbers, not trained.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from prosody.normal import CallerNormal, deviations
from prosody.types import Contribution, ProsodyFeatures, VoiceNormal

WEIGHTS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "f0_median": 0.3,
        "intensity": 0.15,
        "spectral_flux": 0.15,
        "timbre_movement": 0.15,
        "articulation_rate": 0.1,
        "spectral_tilt": 0.1,
        "f0_range": 0.05,
    }
)
"""Share of each measure in the sum; they add up to 1."""

_LARGEST_Z: Final = 3.0
"""A deviation beyond this says no more (and may be an octave error)."""

_HALF_WAY: Final = 1.4
"""Weighted deviation at which arousal reaches tanh(1) = 0.76."""

_AROUSED: Final = 0.45
_STEEPNESS: Final = 4.0
"""A logistic curve of arousal says how likely the speaker is aroused: even at `_AROUSED`, steepness per unit. Fitted on
EMO-DB, clean and by telephone, with normals of one to eight utterances, it would be 0.51 and 8.1. Half that steepness
is used, because a corpus that one has seen flatters: with 8.1 the expected calibration error on four corpora in other
languages is 8 to 17 %, as it is here 2 to 9 %, at the price of too little confidence on EMO-DB itself (13 %)."""


@dataclass(frozen=True, slots=True)
class Arousal:
    """What tone says about one utterance.

    Attributes:
        value: in [-1, 1], relative to the caller's normal; 0 where nothing can be said.
        confidence: how likely the judgement holds that the speaker is aroused, or is not; in [0.5, 1), near 0.5 for a
            value between the two and where little voice, a young normal or missing cues leave it open; 0 where nothing
            can be said.
        contributions: one for each cue that could be compared; they add up to `value`.
    """

    value: float
    confidence: float
    contributions: tuple[Contribution, ...]


UNKNOWN: Final = Arousal(0.0, 0.0, ())
"""An utterance without voice, or the first one of an unknown caller."""


def rate_arousal(normal: VoiceNormal, features: ProsodyFeatures) -> Arousal:
    """Compare an utterance with a caller's normal."""
    found = {name: one for name, one in deviations(normal, features).items() if name in WEIGHTS}
    if not found:
        return UNKNOWN
    pushes = {name: WEIGHTS[name] * max(-_LARGEST_Z, min(_LARGEST_Z, one.z)) for name, one in found.items()}
    total = sum(pushes.values())
    value = math.tanh(total / _HALF_WAY)
    # tanh squeezes the sum; every cue is squeezed by the same factor, so that they still add up.
    squeeze = value / total if abs(total) > 1e-9 else 1 / _HALF_WAY
    contributions = tuple(Contribution(name, "arousal", push * squeeze) for name, push in pushes.items())
    weight = sum(WEIGHTS[name] for name in found)
    sharpness = sum(WEIGHTS[name] * one.sharpness for name, one in found.items()) / weight
    return Arousal(value, 0.5 + weight * (_likely(value, sharpness) - 0.5), contributions)


def _likely(value: float, sharpness: float) -> float:
    """How likely it is that `value` lies on the right side.

    What cannot be seen sharply comes out smaller, aroused or not, so the boundary comes down with it. A voice far below
    normal is no better evidence of calm than a usual one: fear and surprise lower some voices too.
    """
    likely = 1 / (1 + math.exp(-_STEEPNESS * (max(value, 0.0) - _AROUSED * sharpness)))
    return max(likely, 1 - likely)


class CallerVoice(CallerNormal):
    """A caller's normal, and arousal against it."""

    def rate(self, features: ProsodyFeatures) -> Arousal:
        """Compare an utterance with what was learned; learns nothing."""
        return rate_arousal(self.normal(), features)
