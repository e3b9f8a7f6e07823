"""What is normal of one feature for one caller: a robust location and scale that begin with a prior and outgrow it.

Location is a weighted median, scale a weighted median absolute deviation, so that single odd utterances and single
octave errors move neither. The scale begins as a prior that stands for eight utterances. The location has no prior for
an unknown caller, because each is compared with themselves and never with a population; for a caller who is known from
earlier calls, what was learned then stands for a few utterances, fewer for what a handset changes than for what it does
not, and for none if this call contradicts it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from prosody.types import FeatureNormal

REMEMBERED: Final = 40
"""Utterances that a baseline remembers; about four minutes of the caller's own speech."""

_PRIOR_UTTERANCES: Final = 8.0
_MOST_CARRIED: Final = 4.0
"""Utterances that an earlier call stands for at most, however long it was."""

_CONTRADICTED: Final = 2.5
"""Standard deviations between this call's location and an earlier call's at which the earlier one counts half."""

_MAD_TO_SIGMA: Final = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


@dataclass(frozen=True, slots=True)
class Spread:
    """What is known beforehand about how far a feature strays within one calm speaker, in the feature's unit.

    Attributes:
        between: standard deviation from utterance to utterance.
        short: standard deviation that is added, in squares, by measuring only one second of voice; it falls with the
            square root of the voiced time.
        calls: standard deviation of the location from one call of a caller to the next: the day, the handset, the line.
    """

    between: float
    short: float
    calls: float = math.inf


@dataclass(frozen=True, slots=True)
class Deviation:
    """How far a value stands from the caller's normal.

    Attributes:
        distance: value less location, in the feature's unit.
        z: in units of what would be expected, positive above normal.
        sharpness: how well such a deviation can be seen, in (0, 1]: the caller's own spread over what would be
            expected, which a young normal and little voice widen.
    """

    distance: float
    z: float
    sharpness: float


def compare(normal: FeatureNormal, spread: Spread, value: float, voiced_s: float) -> Deviation | None:
    """How unusual a value is for a caller; None where nothing is known of the caller or nothing was voiced.

    The expected deviation joins three variances: the caller's own spread, the uncertainty of a location that rests on
    few utterances (1/n), and that of a measurement on little voice.

    Args:
        normal: of the feature, before this utterance.
        spread: of the feature.
        value: in the feature's unit.
        voiced_s: voiced time of the utterance, seconds.
    """
    if normal.weight <= 0 or voiced_s <= 0:
        return None
    variance = normal.scale**2 * (1 + 1 / normal.weight) + spread.short**2 / voiced_s
    distance = value - normal.location
    expected = math.sqrt(variance)
    return Deviation(distance, distance / expected, normal.scale / expected)


class RunningBaseline:
    """Location and scale of one feature for one caller.

    Args:
        spread: what is known beforehand.
        carried: what an earlier call of the same caller learned; None for an unknown caller.
    """

    def __init__(self, spread: Spread, carried: FeatureNormal | None = None) -> None:
        self._spread = spread
        self._carried = carried if carried is not None and carried.weight > 0 else None
        self._past: deque[tuple[float, float]] = deque(maxlen=REMEMBERED)

    @property
    def learned(self) -> float:
        """How many full utterances of this call it rests on."""
        return sum(weight for _, weight in self._past)

    @property
    def weight(self) -> float:
        """How many full utterances it rests on, those that an earlier call stands for included."""
        return self.learned + self._standing_for(self._own_location())

    def compare(self, value: float, voiced_s: float) -> Deviation | None:
        """How unusual a value is for this caller; None before the first utterance of an unknown one."""
        weight = self.weight
        if weight <= 0:
            return None
        return compare(FeatureNormal("", self.location(), self.scale(), weight), self._spread, value, voiced_s)

    def learn(self, value: float, voiced_s: float, share: float = 1.0) -> None:
        """Take an utterance as normal.

        Args:
            value: in the feature's unit.
            voiced_s: one second of voice and more counts fully, less counts in proportion.
            share: of its weight, (0, 1]; below 1 for what may not be normal.
        """
        self._past.append((value, share * min(voiced_s, 1.0)))

    def location(self) -> float:
        """Weighted median of what was learned, drawn towards what an earlier call learned.

        Raises:
            ValueError: nothing was learned yet, in this call or an earlier one.
        """
        own = self._own_location()
        carried = self._carried
        if own is None:
            if carried is None:
                raise ValueError("A baseline has no location before the first utterance.")
            return carried.location
        if carried is None:
            return own
        earlier, count = self._standing_for(own), self.learned
        return (earlier * carried.location + count * own) / (earlier + count)

    def scale(self) -> float:
        """Standard deviation from utterance to utterance: the prior and the caller's own, weighted by their counts.

        The caller's own never counts as less than four fifths of the prior: a monotonous start is no reason to take the
        first lively sentence for alarm.
        """
        least = 0.8 * self._spread.between
        total, variance = _PRIOR_UTTERANCES, _PRIOR_UTTERANCES * self._spread.between**2
        if self._carried is not None:
            count = min(self._carried.weight, _PRIOR_UTTERANCES)
            total, variance = total + count, variance + count * max(self._carried.scale, least) ** 2
        centre = self._own_location()
        if centre is not None:
            weights = [weight for _, weight in self._past]
            own = _MAD_TO_SIGMA * _weighted_median([abs(value - centre) for value, _ in self._past], weights)
            count = self.learned
            total, variance = total + count, variance + count * max(own, least) ** 2
        return math.sqrt(variance / total)

    def normal(self, name: str) -> FeatureNormal | None:
        """What is known by now, for the next utterance and the next call; None before the first utterance."""
        weight = self.weight
        return FeatureNormal(name, self.location(), self.scale(), weight) if weight > 0 else None

    def _own_location(self) -> float | None:
        """Weighted median of this call's utterances."""
        if self.learned <= 0:
            return None
        return _weighted_median([value for value, _ in self._past], [weight for _, weight in self._past])

    def _standing_for(self, own: float | None) -> float:
        """Utterances that the earlier call stands for, seen from this call's location.

        A location that differs by `calls` from call to call is worth as much as (between / calls)^2 utterances of this
        call; contradiction takes it away (redescending, as Hampel, F. R. et al. (1986), "Robust Statistics", section
        2.6, has outliers counted), for then it is another person or another line.
        """
        if self._carried is None:
            return 0.0
        between, calls = self._spread.between, self._spread.calls
        worth = min(self._carried.weight, _MOST_CARRIED, (between / calls) ** 2)
        if own is None:
            return worth
        # Half a utterance at least: the wildest single one must not make the variance of a location infinite.
        expected = math.sqrt(calls**2 + self.scale() ** 2 / max(self.learned, 0.5))
        return worth / (1 + (abs(own - self._carried.location) / (_CONTRADICTED * expected)) ** 4)


def _weighted_median(values: Sequence[float], weights: Sequence[float]) -> float:
    """The value at which half of the weight lies on either side; the mean of two where it falls between them."""
    order = np.argsort(values, kind="stable")
    ordered = np.asarray(values, np.float64)[order]
    cumulated = np.cumsum(np.asarray(weights, np.float64)[order])
    half = cumulated[-1] / 2
    place = int(np.searchsorted(cumulated, half * (1 - 1e-12)))
    if place + 1 < len(ordered) and cumulated[place] <= half * (1 + 1e-12):
        return float((ordered[place] + ordered[place + 1]) / 2)
    return float(ordered[place])
