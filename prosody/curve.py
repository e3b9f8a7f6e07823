"""The emotion curve: one point per utterance, smoothed causally in media time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from voice.contracts.audio import Samples, Span, to_s


@dataclass(frozen=True, slots=True)
class CurveSettings:
    """Time constants, in seconds of media time.

    Attributes:
        rise_s: of confident speech, when a point lies further from rest than the curve.
        fall_s: of confident speech, when it lies nearer; longer, because people calm down more slowly than they flare
            up.
        rest_s: of time in which the caller says nothing, towards rest; silence is weak evidence of calm.
    """

    rise_s: float = 1.0
    fall_s: float = 4.0
    rest_s: float = 90.0


DEFAULT_CURVE: Final = CurveSettings()


class Curve:
    """A smoothed value in [-1, 1] that begins at rest, 0.

    Each utterance pulls the curve by 1 - exp(-e / tau), where e is the utterance's length times its confidence: a long,
    clear utterance moves it nearly all the way, a cough not at all. The result depends on media time only.
    """

    def __init__(self, settings: CurveSettings = DEFAULT_CURVE) -> None:
        self._settings = settings
        self._value = 0.0
        self._heard: Samples | None = None

    @property
    def value(self) -> float:
        """Where the curve stands after the last utterance."""
        return self._value

    def follow(self, span: Span, value: float, confidence: float) -> float:
        """Take an utterance's value into account; answers the curve's value at its end.

        Args:
            span: media time of the utterance; utterances come in order.
            value: in [-1, 1].
            confidence: in [0, 1].
        """
        silence_s = 0.0 if self._heard is None else max(0.0, to_s(span.start - self._heard))
        self._heard = span.end
        self._value *= math.exp(-silence_s / self._settings.rest_s)
        away = abs(value) > abs(self._value) or value * self._value < 0
        tau_s = self._settings.rise_s if away else self._settings.fall_s
        pull = -math.expm1(-to_s(span.length) * confidence / tau_s)
        self._value = max(-1.0, min(1.0, self._value + pull * (value - self._value)))
        return self._value
