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
from numpy.typing import NDArray

from voice.contracts.audio import FRAME_SAMPLES, Pcm

PARTITIONS: Final = 28
"""Blocks of 20 ms that echo and delay together may last: 560 ms."""

_BINS: Final = FRAME_SAMPLES + 1
_PERSISTENCE: Final = np.float32(0.999**2)
"""How much of the echo path stays as it is from one block to the next: it is another one after some 20 s."""

_SMOOTHING: Final = np.float32(0.7)
"""Of what is left over, whose power tells the filter how little it should trust this block."""

_LEAST: Final = np.float32(1e-9)
_HALF: Final = np.float32(0.5)

_TURNS: Final = 4
"""After how many blocks it is a partition's turn again to be cleared of what is not the path's."""


class EchoFilter:
    """Removes the linear part of an echo, block by block of 320 samples; without delay.

    What would be made anew for every block is kept: this runs for every frame of every call that is played to.
    """

    def __init__(self) -> None:
        # Rows lie twice, so that the latest 28, newest first, are always one piece, from `_newest` on.
        self._played = np.zeros((2 * PARTITIONS, _BINS), np.complex64)
        self._power = np.zeros((2 * PARTITIONS, _BINS), np.float32)
        self._newest = PARTITIONS
        self._path = np.zeros((PARTITIONS, _BINS), np.complex64)
        self._grows = np.zeros((PARTITIONS, _BINS), np.float32)  # by what the doubt grows with every block
        self._doubt = np.ones((PARTITIONS, _BINS), np.float32)
        self._left = np.full(_BINS, 1e-2, np.float32)
        self._block = np.zeros(2 * FRAME_SAMPLES, np.float32)
        self._rest = np.zeros(2 * FRAME_SAMPLES, np.float32)
        self._step = np.empty((PARTITIONS, _BINS), np.complex64)
        self._trust = np.empty((PARTITIONS, _BINS), np.float32)
        self._turn = 0

    def subtract(self, heard: Pcm, played: Pcm) -> Pcm:
        """What is heard without the echo of what was played.

        Args:
            heard: shape (320,).
            played: what was played at the same time or up to 560 ms before its echo is heard, shape (320,).

        Returns:
            Shape (320,), float32; not on the 16-bit grid.
        """
        spectra, power = self._remember(played)
        step, trust = self._step, self._trust
        np.multiply(spectra, self._path, out=step)
        rest = self._rest
        np.subtract(heard, np.fft.irfft(step.sum(axis=0))[FRAME_SAMPLES:], out=rest[FRAME_SAMPLES:])
        error = np.fft.rfft(rest)
        self._left *= _SMOOTHING
        self._left += (1 - _SMOOTHING) * _power(error)
        np.multiply(power, self._doubt, out=trust)
        share = trust.sum(axis=0)
        share *= _HALF
        share += self._left
        share += _LEAST
        np.reciprocal(share, out=share)
        np.conjugate(spectra, out=step)
        step *= error * share
        step *= self._doubt
        self._path += step
        share *= -_HALF * _PERSISTENCE
        trust *= share
        trust += _PERSISTENCE
        self._doubt *= trust
        self._doubt += self._grows
        self._clear()
        return rest[FRAME_SAMPLES:].copy()

    def _remember(self, played: Pcm) -> tuple[NDArray[np.complex64], NDArray[np.float32]]:
        """The spectra of the latest 28 blocks that were played, newest first, and their power."""
        block = self._block
        block[:FRAME_SAMPLES] = block[FRAME_SAMPLES:]
        block[FRAME_SAMPLES:] = played
        self._newest = newest = (self._newest or PARTITIONS) - 1
        again = newest + PARTITIONS
        self._played[newest] = self._played[again] = spectrum = np.fft.rfft(block)
        self._power[newest] = self._power[again] = _power(spectrum)
        return self._played[newest:again], self._power[newest:again]

    def _clear(self) -> None:
        """Half of a block is the echo path's, the other half the circular convolution's: it is cleared, in turns."""
        self._turn = (self._turn + 1) % _TURNS
        taps = np.fft.irfft(self._path[self._turn :: _TURNS], axis=1)
        taps[:, FRAME_SAMPLES:] = 0
        path = np.fft.rfft(taps, axis=1)
        self._path[self._turn :: _TURNS] = path
        self._grows[self._turn :: _TURNS] = (1 - _PERSISTENCE) * _power(path)


def _power(spectrum: NDArray[np.complexfloating]) -> NDArray[np.float32]:
    power: NDArray[np.float32] = np.square(spectrum.real, dtype=np.float32)
    power += np.square(spectrum.imag, dtype=np.float32)
    return power
