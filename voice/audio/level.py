"""How loud audio is."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from voice.contracts.audio import Pcm

FLOOR_DBFS: Final = -100.0
"""What silence measures. The quietest non-zero constant signal on the 16-bit grid is at -90.3 dBFS."""


def level_dbfs(pcm: Pcm) -> float:
    """Root mean square level, in decibels relative to full scale.

    0 dBFS is an RMS of 1 (a full-scale square wave); a full-scale sine measures -3.01.

    Args:
        pcm: shape (n,), float32 in [-1, 1]; may be empty.

    Returns:
        Decibels in [-100, 0] for audio in range; -100 for silence and for no audio, never minus infinity.
    """
    if not pcm.size:
        return FLOOR_DBFS
    wide = pcm.astype(np.float64)
    power = float(wide @ wide) / pcm.size
    return max(FLOOR_DBFS, 10 * math.log10(power)) if power > 0 else FLOOR_DBFS


def peak_dbfs(pcm: Pcm) -> float:
    """Largest magnitude, in decibels relative to full scale; -100 for silence and for no audio."""
    peak = float(np.max(np.abs(pcm))) if pcm.size else 0.0
    return max(FLOOR_DBFS, 20 * math.log10(peak)) if peak > 0 else FLOOR_DBFS
