"""How urgently a supervisor should look at a call: where the caller's distress is heading.

Risk is the distress that the curve would reach in `ahead_s` seconds if it went on as it did over the last `window_s`:

    risk = clip(D + ahead_s * s, 0, 1)

D is distress of the curve now (raised arousal and lowered valence, `prosody.shift.distress`), s its slope per second. A
call that is upset but settling ranks below one that is tense and getting worse.

The slope is a weighted least-squares line with a normal prior around 0 (Hoerl, A. E. and Kennard, R. W. (1970), "Ridge
regression", Technometrics 12, equation 2.1, on one centred regressor), so that two points close together, or points of
which little is known, make no trend:

    s = sum w (t - t') (D - D') / (sum w (t - t')^2 + 1 / steepest^2),    w = 1 / sd^2

with t' and D' the weighted means.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

from voice.contracts.audio import Samples, from_s, to_s
from voice.contracts.errors import SettingsError

_REMEMBERED: Final = 64
"""Points of a window at most; more than one a second for half a minute."""


@dataclass(frozen=True, slots=True)
class RiskSettings:
    """What a trend is.

    Attributes:
        window_s: media time that a trend looks back on, seconds.
        ahead_s: media time that a trend is followed ahead, seconds.
        steepest: standard deviation of slopes that are expected beforehand, distress per second.

    Raises:
        SettingsError: one of them is not a positive, finite number.
    """

    window_s: float = 25.0
    ahead_s: float = 20.0
    steepest: float = 0.02

    def __post_init__(self) -> None:
        for name in ("window_s", "ahead_s", "steepest"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise SettingsError(f"The risk's {name} is a positive, finite number; got {value}.")


DEFAULT_RISK: Final = RiskSettings()


class Risk:
    """Risk of one call, point by point."""

    def __init__(self, settings: RiskSettings = DEFAULT_RISK) -> None:
        self._settings = settings
        self._points: deque[tuple[Samples, float, float]] = deque(maxlen=_REMEMBERED)

    def follow(self, moment: Samples, distress: float, sd: float) -> float:
        """Take a point of the curve into account; answers the risk at it, [0, 1].

        Args:
            moment: media time of the point; points come in order.
            distress: of the smoothed curve, [0, 1].
            sd: standard deviation of `distress`, above 0.
        """
        self._points.append((moment, distress, sd))
        while self._points[0][0] < moment - from_s(self._settings.window_s):
            self._points.popleft()
        return max(0.0, min(1.0, distress + self._settings.ahead_s * self._slope()))

    def _slope(self) -> float:
        """Distress per second over the window."""
        times = [to_s(moment) for moment, _, _ in self._points]
        values = [value for _, value, _ in self._points]
        weights = [1 / sd**2 for _, _, sd in self._points]
        total = math.fsum(weights)
        time = math.fsum(w * t for w, t in zip(weights, times, strict=True)) / total
        value = math.fsum(w * v for w, v in zip(weights, values, strict=True)) / total
        above = math.fsum(w * (t - time) * (v - value) for w, t, v in zip(weights, times, values, strict=True))
        below = math.fsum(w * (t - time) ** 2 for w, t in zip(weights, times, strict=True))
        return above / (below + self._settings.steepest**-2)
