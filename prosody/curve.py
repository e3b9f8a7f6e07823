"""The emotion curve: one point per utterance, smoothed causally in media time, with its uncertainty.

Value and uncertainty follow a state that drifts back to rest and is measured once per utterance.

- Between utterances the state is an Ornstein-Uhlenbeck process with mean 0 and standard deviation 1 (Uhlenbeck, G. E.
  and Ornstein, L. S. (1930), "On the theory of the Brownian motion", Physical Review 36). After t seconds of silence,
  with d = exp(-t / rest_s): value m := d m, variance P := 1 - (1 - P) d^2. A long silence thus leads to rest, and to
  knowing nothing.
- An utterance of value z pulls by k = 1 - exp(-e / tau), where its evidence e is its length times its confidence: a
  long, clear utterance moves the curve nearly all the way, a cough not at all. m := m + k (z - m) and
  P := (1 - k)^2 P + k^2 R, which holds for any gain, not only for the optimal one (Bucy, R. S. and Joseph, P. D.
  (1968), "Filtering for Stochastic Processes with Applications to Guidance"). R is the variance of measuring.

The gain is not Kalman's because tau differs for the way up and the way down; the variance is that of the estimate
which this gain makes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from voice.contracts.audio import Samples, Span, to_s
from voice.contracts.errors import SettingsError

GAP_S: Final = 20.0
"""Seconds without a word from the caller after which a curve is interrupted: drawn as two pieces, and what was said
before no longer counts as "in a row" with what is said after. The standard deviation has by then grown to at least 0.6,
the curve says more about silence than about the caller."""


@dataclass(frozen=True, slots=True)
class CurveSettings:
    """Time constants, in seconds of media time, and the error of measuring.

    Attributes:
        rise_s: of confident speech, when a point lies further from rest than the curve.
        fall_s: of confident speech, when it lies nearer; longer, because people calm down more slowly than they flare
            up.
        rest_s: of time in which the caller says nothing, towards rest; silence is weak evidence of calm.
        error: standard deviation of a fully confident utterance of one second around what the caller feels.
        least_error: what remains of it however long the utterance is.

    Raises:
        SettingsError: one of them is not a positive, finite number.
    """

    rise_s: float = 1.0
    fall_s: float = 4.0
    rest_s: float = 90.0
    error: float = 0.2
    least_error: float = 0.1

    def __post_init__(self) -> None:
        for name in ("rise_s", "fall_s", "rest_s", "error", "least_error"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise SettingsError(f"The curve's {name} is a positive, finite number; got {value}.")


DEFAULT_CURVE: Final = CurveSettings()


def is_interrupted(before: Span, after: Span) -> bool:
    """Whether so much silence lies between two utterances of one caller that a curve is drawn as two pieces."""
    return to_s(after.start - before.end) >= GAP_S


class Curve:
    """A smoothed value in [-1, 1] that begins at rest, 0, and the standard deviation of it, which begins at 1.

    The result depends on media time only.
    """

    def __init__(self, settings: CurveSettings = DEFAULT_CURVE) -> None:
        self._settings = settings
        self._value = 0.0
        self._variance = 1.0
        self._heard: Samples | None = None

    @property
    def value(self) -> float:
        """Where the curve stands after the last utterance."""
        return self._value

    @property
    def sd(self) -> float:
        """Standard deviation of `value`, in (0, 1]; 1 where nothing is known."""
        return math.sqrt(self._variance)

    def follow(self, span: Span, value: float, confidence: float) -> float:
        """Take an utterance's value into account; answers the curve's value at its end.

        Args:
            span: media time of the utterance; utterances come in order.
            value: in [-1, 1].
            confidence: in [0, 1].
        """
        self._rest(0.0 if self._heard is None else max(0.0, to_s(span.start - self._heard)))
        self._heard = span.end
        evidence_s = to_s(span.length) * confidence
        if evidence_s > 0:
            self._learn(value, evidence_s)
        return self._value

    def _rest(self, silence_s: float) -> None:
        """Let silence pass."""
        remains = math.exp(-silence_s / self._settings.rest_s)
        self._value *= remains
        self._variance = 1 - (1 - self._variance) * remains**2

    def _learn(self, value: float, evidence_s: float) -> None:
        """Move towards a measured value."""
        away = abs(value) > abs(self._value) or value * self._value < 0
        tau_s = self._settings.rise_s if away else self._settings.fall_s
        pull = -math.expm1(-evidence_s / tau_s)
        self._value = max(-1.0, min(1.0, self._value + pull * (value - self._value)))
        error = self._settings.error**2 / evidence_s + self._settings.least_error**2
        self._variance = min(1.0, (1 - pull) ** 2 * self._variance + pull**2 * error)
