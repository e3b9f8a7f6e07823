"""Subtracts from what a microphone hears what a loudspeaker beside it plays, as far as the room is linear. Pure.

The filter is estimated by a Kalman filter for every frequency and every 20 ms of the echo's tail: the partitioned
block state-space filter in the frequency domain (Enzner and Vary, "Frequency-domain adaptive Kalman filter for acoustic
echo control in hands-free telephones", Signal Processing 86, 2006, eq. 26 to 33; partitioned by Kuech, Mabande and
Enzner, ICASSP 2014, eq. 18 to 25). Its steps shrink by themselves while somebody speaks into the echo, so that no
detector of double talk has to hold it back.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from voice.contracts.audio import FRAME_SAMPLES, Pcm

PARTITIONS: Final = 28
"""Blocks of 20 ms that echo and delay together may last: 560 ms."""

_BINS: Final = FRAME_SAMPLES + 1
_PERSISTENCE: Final = np.float32(0.999**2)
"""How much of the echo path stays as it is from one block to the next: it is another one after some 20 s."""

_SMOOTHING: Final = np.float32(0.7)
"""Of what is left over, whose power tells the filter how little it should trust this block."""

_LEAST: Final = np.float32(1e-9)

_TURNS: Final = 4
"""After how many blocks it is a partition's turn again to be cleared of what is not the path's."""


class EchoFilter:
    """Removes the linear part of an echo, block by block of 320 samples; without delay."""

    def __init__(self) -> None:
        self._played = np.zeros((PARTITIONS, _BINS), np.complex64)
        self._path = np.zeros((PARTITIONS, _BINS), np.complex64)
        self._doubt = np.ones((PARTITIONS, _BINS), np.float32)
        self._left = np.full(_BINS, 1e-2, np.float32)
        self._before = np.zeros(FRAME_SAMPLES, np.float32)
        self._turn = 0

    def subtract(self, heard: Pcm, played: Pcm) -> Pcm:
        """What is heard without the echo of what was played.

        Args:
            heard: shape (320,).
            played: what was played at the same time or up to 560 ms before its echo is heard, shape (320,).

        Returns:
            Shape (320,), float32; not on the 16-bit grid.
        """
        self._played[1:] = self._played[:-1]
        self._played[0] = np.fft.rfft(np.concatenate([self._before, played]))
        self._before = played
        echo = np.fft.irfft((self._played * self._path).sum(axis=0))[FRAME_SAMPLES:]
        rest = (heard - echo).astype(np.float32)
        error = np.fft.rfft(rest, 2 * FRAME_SAMPLES) * _HALF_TURN
        self._left = _SMOOTHING * self._left + (1 - _SMOOTHING) * np.abs(error).astype(np.float32) ** 2
        power = self._played.real**2 + self._played.imag**2
        trust = power * self._doubt
        share = 1 / (0.5 * trust.sum(axis=0) + self._left + _LEAST)
        step = (self._doubt * share) * np.conj(self._played) * error
        self._doubt *= _PERSISTENCE * (1 - 0.5 * trust * share)
        self._doubt += (1 - _PERSISTENCE) * (self._path.real**2 + self._path.imag**2)
        self._path += step
        # Half of a block is the echo path's, the other half the circular convolution's: it is cleared, in turns.
        self._turn = (self._turn + 1) % _TURNS
        taps = np.fft.irfft(self._path[self._turn :: _TURNS], axis=1)
        taps[:, FRAME_SAMPLES:] = 0
        self._path[self._turn :: _TURNS] = np.fft.rfft(taps, axis=1)
        return rest


_HALF_TURN: Final = np.where(np.arange(_BINS) % 2, -1, 1).astype(np.float32)
"""Moves 320 samples to the second half of a block of 640."""
