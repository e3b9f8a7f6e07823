"""Between a telephone line's 8 kHz and our 16 kHz with 2 ms of delay, for calls that are live.

A half-band filter: every second tap is zero but the one in the middle, so half of the samples pass untouched and the
other half are one short sum (Crochiere and Rabiner, "Multirate Digital Signal Processing", 1983, section 4.6). It is
flat to 3400 Hz, where the telephone ends, within 0.01 dB; what mirrors at 4 kHz lies 70 dB below. libsoxr's filters
(`resampling`) are sharper and answer 60 ms late on average, which a recording does not mind and a conversation does.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from voice.contracts.audio import Pcm, Samples

_REACH: Final = 33
"""Taps to either side of the middle, counted at 16 kHz."""

DELAY: Final[Samples] = _REACH
"""By how much audio leaves later than it came, at 16 kHz: 2.1 ms (one sample less on the way down)."""


def _odd_taps() -> Pcm:
    """The taps at odd distances from the middle, shape (34,): the ideal half band under a Kaiser window."""
    distance = np.arange(-_REACH, _REACH + 1)
    taps = np.sinc(distance / 2) / 2 * np.kaiser(2 * _REACH + 1, 8.0)
    odd = taps[distance % 2 == 1]
    normal: Pcm = (odd / odd.sum() / 2).astype(np.float32)
    return normal


_ODD: Final = _odd_taps()


class LineUpsampler:
    """Makes 16 kHz of 8 kHz, two samples of each; borders of chunks leave no trace."""

    def __init__(self) -> None:
        self._past = np.zeros(_REACH, np.float32)

    def feed(self, pcm: Pcm) -> Pcm:
        """Resample more audio.

        Args:
            pcm: 8 kHz, float32, shape (n,), any n.

        Returns:
            16 kHz, float32, shape (2n,), `DELAY` late.
        """
        if not pcm.size:
            return np.zeros(0, np.float32)
        held = np.concatenate([self._past, pcm.astype(np.float32, copy=False)])
        self._past = held[-_REACH:]
        doubled = np.empty(2 * pcm.size, np.float32)
        doubled[0::2] = 2 * np.convolve(held, _ODD, mode="valid")
        doubled[1::2] = held[(_REACH + 1) // 2 : (_REACH + 1) // 2 + pcm.size]
        return doubled


class LineDownsampler:
    """Makes 8 kHz of 16 kHz; borders of chunks leave no trace."""

    def __init__(self) -> None:
        self._left = np.zeros(0, np.float32)
        self._past = np.zeros(2 * _REACH, np.float32)

    def feed(self, pcm: Pcm) -> Pcm:
        """Resample more audio.

        Args:
            pcm: 16 kHz, float32, shape (n,), any n.

        Returns:
            8 kHz, float32, half as many samples (an odd one waits for the next call), `DELAY` - 1 late.
        """
        fresh = np.concatenate([self._left, pcm.astype(np.float32, copy=False)])
        whole = fresh.size - fresh.size % 2
        self._left = fresh[whole:]
        if not whole:
            return np.zeros(0, np.float32)
        held = np.concatenate([self._past, fresh[:whole]])
        self._past = held[-2 * _REACH :]
        middle = held[0::2][(_REACH + 1) // 2 : (_REACH + 1) // 2 + whole // 2]
        halved: Pcm = (np.convolve(held[1::2], _ODD, mode="valid") + middle / 2).astype(np.float32)
        return halved
