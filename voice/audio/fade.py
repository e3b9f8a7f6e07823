"""How a sound starts and stops without a click: over a few milliseconds, along half a cosine."""

from __future__ import annotations

from typing import Final

import numpy as np

from voice.contracts.audio import Pcm, Samples, from_ms

FADE: Final[Samples] = from_ms(8)
"""Long enough for no click to be heard, short enough for no syllable to be missed."""

_RISE: Final[Pcm] = (0.5 - 0.5 * np.cos(np.pi * (np.arange(FADE) + 0.5) / FADE)).astype(np.float32)
_RISE.setflags(write=False)


def fade_in(pcm: Pcm) -> Pcm:
    """A copy that starts from silence; shorter audio than a fade gets the first part of one."""
    faded = pcm.copy()
    edge = min(FADE, faded.size)
    faded[:edge] *= _RISE[:edge]
    return faded


def fade_out(pcm: Pcm) -> Pcm:
    """A copy that ends in silence, at its end."""
    return fade_in(pcm[::-1])[::-1].copy()


def fade_away(pcm: Pcm) -> Pcm:
    """A copy that falls silent at once, within the length of a fade, and stays so."""
    faded = np.zeros_like(pcm)
    edge = min(FADE, pcm.size)
    faded[:edge] = pcm[:edge] * _RISE[::-1][:edge]
    return faded


def shorten(pcm: Pcm, by: Samples) -> Pcm:
    """Audio without its first `by` samples, cross-faded, so that it still follows on what came before it.

    Args:
        pcm: shape (n,), n >= by + FADE.
        by: how much shorter it shall be.

    Returns:
        Shape (n - by,).
    """
    shorter = pcm[by:].copy()
    shorter[:FADE] = pcm[:FADE] * _RISE[::-1] + shorter[:FADE] * _RISE
    return shorter
