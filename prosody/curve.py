"""The emotion curve: one point per utterance, smoothed causally in media time, with its uncertainty.

What the caller feels is taken for an Ornstein-Uhlenbeck process with mean 0 (rest) and standard deviation 1 (Uhlenbeck,
G. E. and Ornstein, L. S. (1930), "On the theory of the Brownian motion", Physical Review 36), and every utterance for a
noisy measurement of it. The curve is the Kalman filter of the two (Kalman, R. E. (1960), "A new approach to linear
filtering and prediction problems", J. Basic Engineering 82), in one dimension. With t seconds from the end of the last
utterance to the end of this one, its value z and the variance R of its error:

    m := d m,  P := 1 - (1 - P) d^2          d = exp(-t / rest_s)
    m := m + k (z - m),  P := (1 - k) P      k = P / (P + R)
    R = (error^2 / length_s + least_error^2) / confidence

So a long, clear utterance moves the curve further than a short one, and a cough not at all; after a silence the next
utterance counts for more, because little is known any longer; and a long silence leads to rest and to knowing nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Final

from voice.contracts.audio import Samples, Span, to_s
from voice.contracts.errors import SettingsError

GAP_S: Final = 20.0
"""Seconds without a word from the caller after which a curve is interrupted: drawn as two pieces, and what was said
before no longer counts as "in a row" with what is said after. The standard deviation has by then grown to at least 0.6:
the curve says more about silence than about the caller."""


@dataclass(frozen=True, slots=True)
class CurveSettings:
    """How fast people change, and how well an utterance is measured.

    Attributes:
        rest_s: time constant towards rest, seconds of media time; silence is weak evidence of calm.
        error: standard deviation of what a fully confident utterance of one second says, around what the caller feels,
            beyond `least_error`.
        least_error: what remains of it however long the utterance is.

    The two errors were fitted by maximum likelihood to the arousal of 3454 neutral utterances of fourteen voices. By
    telephone 69 % of the curve's points lie within one standard deviation of rest, where who speaks neutrally is, and
    95 % within 1.96; in the studio 65 % and 93 %.

    Raises:
        SettingsError: one of them is not a positive, finite number.
    """

    rest_s: float = 90.0
    error: float = 0.27
    least_error: float = 0.16

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value > 0):
                raise SettingsError(f"The curve's {field.name} has to be a positive, finite number; got {value}.")


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
            confidence: in [0, 1]; 0 leaves the utterance out.
        """
        if self._heard is not None:
            remains = math.exp(-max(0.0, to_s(span.end - self._heard)) / self._settings.rest_s)
            self._value *= remains
            self._variance = 1 - (1 - self._variance) * remains**2
        self._heard = span.end
        if confidence > 0 and span.length > 0:
            error = self._settings.error**2 / to_s(span.length) + self._settings.least_error**2
            pull = self._variance / (self._variance + error / confidence)
            self._value = max(-1.0, min(1.0, self._value + pull * (value - self._value)))
            self._variance *= 1 - pull
        return self._value
