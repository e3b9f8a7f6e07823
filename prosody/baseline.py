"""What is normal for this caller.

Each utterance is compared with the caller's own earlier ones, never with a population (P3). Location is a weighted
median, scale a weighted median absolute deviation, so that single odd utterances and single octave errors move neither.
The scale begins as a prior that stands for eight utterances and fades as the caller's own accumulate; the location has
no prior at all, so nothing can be said about a caller's first utterance.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

REMEMBERED: Final = 40
"""Utterances that a baseline remembers; about four minutes of the caller's own speech."""

_PRIOR_UTTERANCES: Final = 8.0
_MAD_TO_SIGMA: Final = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


@dataclass(frozen=True, slots=True)
class Spread:
    """What is known beforehand about how far a feature strays within one calm speaker, in the feature's unit.

    Attributes:
        between: standard deviation from utterance to utterance.
        short: standard deviation that is added, in squares, by measuring only one second of voice; it falls with the
            square root of the voiced time.
    """

    between: float
    short: float


@dataclass(frozen=True, slots=True)
class Deviation:
    """How far a value stands from the caller's normal.

    Attributes:
        distance: value less location, in the feature's unit.
        z: in units of what would be expected, positive above normal.
        settled: how much the baseline can be relied upon, in [0, 1).
    """

    distance: float
    z: float
    settled: float


class RunningBaseline:
    """Location and scale of one feature for one caller."""

    def __init__(self, spread: Spread) -> None:
        self._spread = spread
        self._past: deque[tuple[float, float]] = deque(maxlen=REMEMBERED)

    @property
    def weight(self) -> float:
        """How many full utterances it rests on."""
        return sum(weight for _, weight in self._past)

    def compare(self, value: float, voiced_s: float) -> Deviation | None:
        """How unusual a value is for this caller; None before the first utterance.

        The expected deviation joins three variances: the caller's own spread, the uncertainty of a location that rests
        on few utterances (1/n), and that of a measurement on little voice.
        """
        weight = self.weight
        if weight <= 0 or voiced_s <= 0:
            return None
        scale = self.scale()
        variance = scale**2 * (1 + 1 / weight) + self._spread.short**2 / voiced_s
        distance = value - self.location()
        return Deviation(distance, distance / float(np.sqrt(variance)), weight / (weight + 2))

    def learn(self, value: float, voiced_s: float) -> None:
        """Take an utterance as normal. Two seconds of voice and more count fully, less counts in proportion."""
        self._past.append((value, min(voiced_s / 2, 1.0)))

    def location(self) -> float:
        """Weighted median of what was learned.

        Raises:
            ValueError: nothing was learned yet.
        """
        if not self._past:
            raise ValueError("A baseline has no location before the first utterance.")
        return _weighted_median([value for value, _ in self._past], [weight for _, weight in self._past])

    def scale(self) -> float:
        """Standard deviation from utterance to utterance: the prior and the caller's own, weighted by their counts.

        The caller's own never counts as less than four fifths of the prior: a monotonous start is no reason to take the
        first lively sentence for alarm.
        """
        prior = self._spread.between**2
        if not self._past:
            return float(np.sqrt(prior))
        centre = self.location()
        weights = [weight for _, weight in self._past]
        own = _MAD_TO_SIGMA * _weighted_median([abs(value - centre) for value, _ in self._past], weights)
        own = max(own, 0.8 * self._spread.between)
        count = self.weight
        return float(np.sqrt((_PRIOR_UTTERANCES * prior + count * own**2) / (_PRIOR_UTTERANCES + count)))


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
