"""What was played of late, by the media time at which it was. Pure."""

from __future__ import annotations

from math import isfinite
from typing import Final

import numpy as np

from voice.contracts.audio import FRAME_SAMPLES, Pcm, Samples, from_s
from voice.contracts.errors import FrameError

REMEMBERED_S: Final = 4.0
"""How far back, and ahead, what was played is known: the call may be as far behind as its intake can bridge."""

AUDIBLE: Final = 1e-3
"""Peaks below this (-60 dBFS) are not played loud enough to come back."""

_LONG_AGO: Final[Samples] = -from_s(3600)


class PlayedAudio:
    """Eight seconds of what one party was given to hear."""

    def __init__(self) -> None:
        self._pcm = np.zeros(from_s(2 * REMEMBERED_S), np.float32)
        self._newest: Samples = 0
        self.audible_until: Samples = _LONG_AGO
        """When it was last loud enough to come back; media time."""

    def add(self, pcm: Pcm, at: Samples) -> None:
        """Remember what was played.

        Args:
            pcm: 16 kHz mono float32, shape (n,), any n up to 4 s, finite.
            at: its media time. What is told again counts anew; what lies further back than is remembered is left out.

        Raises:
            FrameError: another shape or type, no number, or a negative time. What was known stays known.
        """
        if pcm.ndim != 1 or pcm.dtype != np.float32 or at < 0:
            raise FrameError(f"Expected float32 of shape (n,) at 0 or later; got {pcm.dtype} {pcm.shape} at {at}.")
        peak = float(np.abs(pcm).max(initial=0.0))
        if not isfinite(peak):
            raise FrameError(f"Expected float32 numbers; got some that are infinite or none at all at {at}.")
        size = self._pcm.size
        end = at + pcm.size
        if pcm.size > size // 2 or end <= self._newest - size // 2:
            return
        if at > self._newest:  # silence, as far as is known
            self._write(max(self._newest, at - size), np.zeros(min(at - self._newest, size), np.float32))
        self._write(at, pcm)
        self._newest = max(self._newest, end)
        if peak > AUDIBLE:
            self.audible_until = max(self.audible_until, end)

    def frame(self, begin: Samples) -> Pcm:
        """What was played in the 20 ms from `begin` on; silence where that is not known. Shape (320,)."""
        size, end = self._pcm.size, begin + FRAME_SAMPLES
        place = begin % size
        if begin >= 0 and self._newest - size <= begin and end <= self._newest and place + FRAME_SAMPLES <= size:
            return self._pcm[place : place + FRAME_SAMPLES].copy()
        places = np.arange(begin, end)
        known = (places >= 0) & (places < self._newest) & (places >= self._newest - size)
        return np.where(known, self._pcm[places % size], np.float32(0))

    def _write(self, at: Samples, pcm: Pcm) -> None:
        place = at % self._pcm.size
        room = self._pcm.size - place
        self._pcm[place : place + pcm.size] = pcm[:room]
        if pcm.size > room:
            self._pcm[: pcm.size - room] = pcm[room:]
