"""What is heard where a packet of G.711 or G.722 is missing: the last period of the voice, repeated and faded.

After ITU-T G.711, Appendix I (09/1999): the pitch is where the signal looks most like itself, its last period goes on
for 10 ms at full strength and fades by 20 % every 10 ms after that; where the voice comes back, the two overlap for a
quarter of a period. Unlike there, one period is repeated throughout and nothing is delayed.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from voice.contracts.audio import Pcm, Samples

_SHORTEST_S: Final = 0.005
"""200 Hz: what is higher repeats as two of its periods."""

_LONGEST_S: Final = 0.015
"""66 Hz."""

_WINDOW_S: Final = 0.02
_FULL_S: Final = 0.01
_GONE_S: Final = 0.06


class Concealment:
    """Keeps the last 40 ms of a voice, to go on with them.

    Args:
        rate: of the voice, Hz.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._shortest, self._longest = round(_SHORTEST_S * rate), round(_LONGEST_S * rate)
        self._window = round(_WINDOW_S * rate)
        self._kept = self._longest + self._window + self._longest // 4
        self._past = np.zeros(self._kept, np.float32)
        self._period: Pcm | None = None
        self._filled = 0

    def note(self, pcm: Pcm) -> Pcm:
        """What came, as it is heard: led over from what was made up, where it was.

        Args:
            pcm: shape (n,); any n.
        """
        if self._period is not None and pcm.size:
            overlap = min(pcm.size, self._period.size // 4)
            ramp = np.linspace(0, 1, overlap, dtype=np.float32)
            made = self._continued(overlap)
            pcm = pcm.copy()
            pcm[:overlap] = ramp * pcm[:overlap] + (1 - ramp) * made
            self._period = None
            self._filled = 0
        self._past = np.concatenate([self._past, pcm])[-self._kept :]
        return pcm

    def conceal(self, samples: Samples) -> Pcm:
        """The next samples of a voice that is missing.

        Args:
            samples: how many.
        """
        if self._period is None:
            self._period = self._find_period()
            self._filled = 0
        made = self._continued(samples)
        self._filled += samples
        return made

    def _continued(self, samples: Samples) -> Pcm:
        if self._period is None or samples <= 0:
            return np.zeros(max(0, samples), np.float32)
        places = self._filled + np.arange(samples)
        strength = np.clip(1 - (places / self._rate - _FULL_S) / (_GONE_S - _FULL_S), 0, 1)
        made: Pcm = (self._period[places % self._period.size] * strength).astype(np.float32)
        return made

    def _find_period(self) -> Pcm:
        """The last period, its end led over to its beginning so that it repeats without a click."""
        now = self._past[-self._window :]
        lags = np.arange(self._shortest, self._longest + 1)
        rows = np.lib.stride_tricks.sliding_window_view(self._past, self._window)[self._past.size - self._window - lags]
        energy = np.einsum("ij,ij->i", rows, rows)
        lag = int(lags[np.argmax(rows @ now / np.sqrt(energy + 1e-9))])
        period = self._past[-lag:].copy()
        overlap = lag // 4
        ramp = np.linspace(0, 1, overlap, dtype=np.float32)
        period[-overlap:] = (1 - ramp) * period[-overlap:] + ramp * self._past[-lag - overlap : -lag]
        return period
