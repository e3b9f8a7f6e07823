"""A caller's normal: which features are compared with it, and how one utterance stands against it.

Only features that differ from person to person and move with the state of a person are listed. The spreads within calm
speech were measured on neutral utterances of EMO-DB and AISHELL-1 through 300-3400 Hz µ-law and widened, because
reading varies less than talking and a phone is held by hand. The spreads from call to call are assumptions about
handsets and days: 6 dB of level, 2.5 dB of tilt, one semitone of pitch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from prosody.baseline import Deviation, RunningBaseline, Spread, compare
from prosody.types import FeatureNormal, ProsodyFeatures, VoiceNormal
from voice.contracts.errors import EmotionInputError


@dataclass(frozen=True, slots=True)
class Measure:
    """One feature that has a normal.

    Attributes:
        name: as it appears in contributions and in `FeatureNormal`.
        read: the feature, or None where it was not measured.
        spread: what is normal variation within a calm speaker.
        farthest: a value further than this from the caller's normal, in the feature's unit, is taken for a mistake of
            the measurement and left out. For F0 it is 17 semitones: of the acted utterances of EMO-DB the angriest lies
            18 above its speaker's neutral, while a tracker that follows the third harmonic lands 19 above.
    """

    name: str
    read: Callable[[ProsodyFeatures], float | None]
    spread: Spread
    farthest: float = math.inf


def _semitones(features: ProsodyFeatures) -> float | None:
    """Median F0 in semitones above 1 Hz, so that voices high and low are measured alike."""
    return None if features.f0_median_hz is None else 12 * math.log2(features.f0_median_hz)


def _log_flux(features: ProsodyFeatures) -> float | None:
    """Natural logarithm of spectral flux."""
    return math.log(features.flux) if features.flux else None


def _timbre_movement(features: ProsodyFeatures) -> float | None:
    """Mean standard deviation of MFCC 8 to 13: how much the fine shape of the spectrum moves, harmonics included."""
    fine = features.mfcc_sd[7:]
    return sum(fine) / len(fine) if fine else None


MEASURES: Final = (
    Measure("f0_median", _semitones, Spread(1.5, 1.0, 1.0), farthest=17.0),
    Measure("f0_range", lambda features: features.f0_range_st, Spread(3.5, 2.5, 1.5)),
    Measure("intensity", lambda features: features.intensity_mean_db, Spread(2.5, 1.0, 6.0)),
    Measure("spectral_tilt", lambda features: features.spectral_tilt_db, Spread(1.8, 1.5, 2.5)),
    Measure("articulation_rate", lambda features: features.articulation_rate_hz, Spread(0.8, 0.6, 0.4)),
    Measure("spectral_flux", _log_flux, Spread(0.13, 0.1, 0.15)),
    Measure("timbre_movement", _timbre_movement, Spread(0.45, 0.35, 0.45)),
)
PITCH: Final = "f0_median"
_BY_NAME: Final[Mapping[str, Measure]] = {measure.name: measure for measure in MEASURES}


def voiced_s(features: ProsodyFeatures) -> float:
    """Voiced time of an utterance, seconds."""
    return features.voiced_ratio * features.duration_s


def deviations(normal: VoiceNormal, features: ProsodyFeatures) -> dict[str, Deviation]:
    """How an utterance stands against a caller's normal, by the measure's name, in the order of `MEASURES`.

    Empty without a pitch: what has no voice (tones, noise, a door) is compared with nothing. A measure is absent where
    it was not measured, where nothing is known of it, and where it lies too far away to be true.
    """
    if features.f0_median_hz is None:
        return {}
    known = {one.name: one for one in normal.features}
    seconds, found = voiced_s(features), {}
    for measure in MEASURES:
        value, feature = measure.read(features), known.get(measure.name)
        if value is None or feature is None:
            continue
        deviation = compare(feature, measure.spread, value, seconds)
        if deviation is not None and abs(deviation.distance) <= measure.farthest:
            found[measure.name] = deviation
    return found


class CallerNormal:
    """The baselines of one caller, one for each measure.

    Args:
        carried: what an earlier call of the same caller learned; None for an unknown caller. Measures that this version
            does not know are left out.

    Raises:
        EmotionInputError: a value that no call can have learned.
    """

    def __init__(self, carried: VoiceNormal | None = None) -> None:
        earlier = {} if carried is None else {one.name: one for one in carried.features if one.name in _BY_NAME}
        for one in earlier.values():
            _check(one)
        self._baselines = {one.name: RunningBaseline(one.spread, earlier.get(one.name)) for one in MEASURES}

    @property
    def learned(self) -> float:
        """How many full utterances of this call the pitch rests on."""
        return self._baselines[PITCH].learned

    @property
    def weight(self) -> float:
        """How many full utterances the pitch rests on, those that an earlier call stands for included."""
        return self._baselines[PITCH].weight

    @property
    def usual_hz(self) -> float | None:
        """The caller's usual F0; None before the first voiced utterance of an unknown caller."""
        pitch = self._baselines[PITCH].normal(PITCH)
        return None if pitch is None else float(2 ** (pitch.location / 12))

    def learn(self, features: ProsodyFeatures, share: float = 1.0) -> None:
        """Take an utterance as this caller's normal; without a pitch there is nothing to learn.

        Args:
            features: of the utterance.
            share: of its weight, (0, 1].
        """
        seconds = voiced_s(features)
        if features.f0_median_hz is None or seconds <= 0:
            return
        for measure in MEASURES:
            value = measure.read(features)
            if value is not None:
                self._baselines[measure.name].learn(value, seconds, share)

    def normal(self) -> VoiceNormal:
        """What is known by now, of this call and what was carried over."""
        known = (baseline.normal(name) for name, baseline in self._baselines.items())
        return VoiceNormal(tuple(one for one in known if one is not None))


def _check(one: FeatureNormal) -> None:
    """Refuse numbers that no call learns."""
    finite = all(math.isfinite(value) for value in (one.location, one.scale, one.weight))
    if not finite or one.scale <= 0 or one.weight < 0:
        raise EmotionInputError(
            f"A normal has a finite location, a scale above 0 and a weight of at least 0; {one.name} came with "
            f"{one.location}, {one.scale} and {one.weight}."
        )
