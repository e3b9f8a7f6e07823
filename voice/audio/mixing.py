"""Several voices on one channel."""

from __future__ import annotations

from typing import Final

import numpy as np

from voice.contracts.audio import Pcm

KNEE: Final = np.float32(0.8)
"""Sums up to here pass untouched; louder ones are bent towards 1."""


def mix(*voices: Pcm) -> Pcm:
    """Add voices with a soft limit: it never wraps and never exceeds 1.

    Below the knee k = 0.8 the sum is exact; above it a magnitude m becomes k + (1 - k) tanh((m - k) / (1 - k)), which
    joins the straight part with slope 1. Where no more than one voice sounds, it passes untouched, however loud.

    Args:
        voices: equally long audio, shape (n,) each, float32 in [-1, 1]; at least one.

    Returns:
        Shape (n,), float32 in [-1, 1].

    Raises:
        ValueError: no voices, or of different lengths.
    """
    stack = np.stack(voices)
    total: Pcm = stack.sum(axis=0, dtype=np.float32)
    magnitude = np.abs(total)
    bent = KNEE + (1 - KNEE) * np.tanh((magnitude - KNEE) / (1 - KNEE))
    limited = np.where(magnitude > KNEE, np.copysign(bent, total), total)
    alone = np.count_nonzero(stack, axis=0) <= 1
    mixed: Pcm = np.where(alone, total, limited).astype(np.float32)
    return mixed
