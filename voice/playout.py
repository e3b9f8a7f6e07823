"""What a party shall hear next: a bounded buffer between whoever speaks and the transport that paces."""

from __future__ import annotations

from collections import deque
from typing import Final

import anyio
import numpy as np

from voice.contracts.audio import Pcm, Samples, from_s, to_s
from voice.contracts.errors import CapacityError, FrameError

PLAYOUT_BOUND_S: Final = 120.0
"""How much may wait to be heard: the longest prompt or answer, about 8 MB."""


class Playout:
    """An `AudioSink`: what is queued here is taken in 20 ms pieces by the track; where nothing is, silence is.

    Args:
        bound_s: how much may be queued, in seconds.
    """

    def __init__(self, bound_s: float = PLAYOUT_BOUND_S) -> None:
        self.bound_s = bound_s
        self._bound = from_s(bound_s)
        self._pieces: deque[Pcm] = deque()
        self._queued: Samples = 0
        self._closed = False
        self._taken = anyio.Event()

    @property
    def queued(self) -> Samples:
        """How much is still to be sent."""
        return self._queued

    def play(self, pcm: Pcm) -> None:
        """Queue audio behind what is queued already; after the leg was closed it goes nowhere.

        Args:
            pcm: 16 kHz mono float32, shape (n,), any n. It is copied.

        Raises:
            CapacityError: more than `bound_s` seconds would be queued; nothing of `pcm` is.
            FrameError: another shape or type.
        """
        if pcm.ndim != 1 or pcm.dtype != np.float32:
            raise FrameError(f"Expected float32 of shape (n,); got {pcm.dtype} of shape {pcm.shape}.")
        if self._closed or not pcm.size:
            return
        if self._queued + pcm.size > self._bound:
            raise CapacityError(
                f"At most {self.bound_s:g} s may wait to be played; {to_s(self._queued + pcm.size):.1f} s would.",
                fix="Play it in parts, as the queue empties.",
            )
        self._pieces.append(pcm.copy())
        self._queued += pcm.size

    def clear(self) -> Samples:
        """Drop what is queued (barge-in); answers how many samples were dropped."""
        dropped = self._queued
        self._pieces.clear()
        self._queued = 0
        self._wake()
        return dropped

    def close(self) -> None:
        """Drop what is queued and whatever comes later; who waits in `drain` goes on."""
        self._closed = True
        self.clear()

    async def drain(self, down_to: Samples = 0) -> None:
        """Return once at most `down_to` samples are queued, or the leg was closed."""
        while self._queued > down_to and not self._closed:
            await self._taken.wait()

    def take(self, samples: Samples) -> Pcm:
        """The next samples to be sent, shape (samples,); zeros where nothing is queued."""
        taken = np.zeros(samples, np.float32)
        filled = 0
        while self._pieces and filled < samples:
            piece = self._pieces.popleft()
            used = piece[: samples - filled]
            taken[filled : filled + used.size] = used
            filled += used.size
            if used.size < piece.size:
                self._pieces.appendleft(piece[used.size :])
        self._queued -= filled
        if filled:
            self._wake()
        return taken

    def _wake(self) -> None:
        self._taken.set()
        self._taken = anyio.Event()
