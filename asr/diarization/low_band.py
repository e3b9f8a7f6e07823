"""What a steep telephone band takes from below 300 Hz, put back as far as it can be.

The published segmentation network tells voices apart by their lowest harmonics: where a line has cut them off sharply
it hears one speaker for another and speech in pauses. Rectified, the harmonics that are left beat at the fundamental
(Makhoul, J. and Berouti, M. (1979), "High-frequency regeneration in speech coding systems", ICASSP, section 3, turned
to the other end of the spectrum), which gives the network something like what it was trained on. Nothing but
diarization hears this.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.signal import butter, sosfilt, sosfilt_zi

from voice.contracts.audio import SAMPLE_RATE, Pcm, Samples, from_s

LOW_HZ: Final = (70.0, 300.0)
GAIN: Final = 1.0

MISSING_DB: Final = -18.0
"""Power between 70 and 270 Hz against all of it, below which the band is missing."""

_BLOCK: Final = 2048
_PIECE: Final[Samples] = from_s(60)
_FROM, _TO = (round(hz * _BLOCK / SAMPLE_RATE) for hz in (70.0, 270.0))


def lacks_low_band(pcm: Pcm) -> bool:
    """Whether a line has cut off what lies below 300 Hz.

    Args:
        pcm: shape (n,), 16 kHz.
    """
    low = whole = 0.0
    window = np.hanning(_BLOCK).astype(np.float32)
    for start in range(0, len(pcm) - _BLOCK + 1, _PIECE):
        piece = pcm[start : start + _PIECE]
        blocks = piece[: len(piece) // _BLOCK * _BLOCK].reshape(-1, _BLOCK)
        power = (np.abs(np.fft.rfft(blocks * window, axis=1)) ** 2).sum(axis=0)
        low += float(power[_FROM:_TO].sum())
        whole += float(power[_FROM:].sum())
    return whole > 0 and low < whole * 10 ** (MISSING_DB / 10)


def restore_low_band(pcm: Pcm) -> Pcm:
    """Add the low-frequency part of the rectified audio; in pieces, so that an hour costs one more copy of it.

    Args:
        pcm: shape (n,), 16 kHz.

    Returns:
        The same shape; may exceed 1.
    """
    sections = butter(2, LOW_HZ, "bandpass", fs=SAMPLE_RATE, output="sos")
    state = sosfilt_zi(sections) * 0.0
    restored = np.empty_like(pcm)
    for start in range(0, len(pcm), _PIECE):
        piece = pcm[start : start + _PIECE]
        low, state = sosfilt(sections, np.abs(piece), zi=state)
        restored[start : start + len(piece)] = piece + GAIN * low.astype(np.float32)
    return restored
