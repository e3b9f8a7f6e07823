"""How alike what was heard on a line is to what was said."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from voice.contracts.audio import Pcm

RATE = 8_000
WINDOW = RATE // 2


def likeness(heard: Pcm, said: NDArray[np.floating]) -> float:
    """The middle one of the half seconds that were said, each held against what was heard where it fits best.

    A machine that stands still makes a gap, and what follows lies elsewhere: that spoils one of them and not the rest.

    Args:
        heard: 16 kHz.
        said: 8 kHz.

    Returns:
        A normalised correlation: 1 for what is the same.
    """
    whole = np.concatenate([np.zeros(WINDOW), heard[::2].astype(np.float64), np.zeros(WINDOW)])
    pieces = said[: said.size // WINDOW * WINDOW].reshape(-1, WINDOW).astype(np.float64)
    spoken = [piece for piece in pieces if np.sqrt(np.mean(piece**2)) > 0.01]
    return float(np.median([_best(piece, whole) for piece in spoken]))


def _best(piece: NDArray[np.float64], whole: NDArray[np.float64]) -> float:
    size = 1 << (piece.size + whole.size).bit_length()
    cross = np.fft.irfft(np.fft.rfft(whole, size) * np.conj(np.fft.rfft(piece, size)), size)
    sums = np.concatenate([[0.0], np.cumsum(whole**2)])
    energy = np.maximum(sums[piece.size :] - sums[: -piece.size], 1e-4 * piece.size)
    return float((np.abs(cross[: energy.size]) / np.sqrt(energy * (piece @ piece))).max())
