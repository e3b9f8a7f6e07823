"""From a stream of 16 kHz samples to frames on the grid."""

from __future__ import annotations

from typing import Final

import numpy as np

from voice.contracts.audio import FRAME_SAMPLES, AudioFrame, Party, Pcm, Samples, from_ms, on_16_bit_grid

JITTER_TOLERANCE: Final[Samples] = from_ms(10)
"""Time stamps may stray this far from the running count of samples before they count as a jump. Shorter than the 20 ms
packet of every telephony codec, so that one lost packet is always seen."""


class Framer:
    """Cuts one party's 16 kHz audio into frames of 320 samples whose starts are multiples of 320.

    Samples are laid on the grid at their media time. As long as the time stamps stay within the tolerance of the
    running count of samples, the count is believed: jitter of the stamps neither tears nor overlaps the audio. A stamp
    further ahead is lost audio: the frame under way is completed with zeros, frames that lie wholly in the gap are left
    out (so `AudioFrame.start` jumps), and the first frame after the gap begins with zeros up to the stamp. A stamp
    further behind is audio that was overtaken: the part that overlaps what was framed already is dropped.

    Frames are rounded to the 16-bit grid here, the one place where every source passes.

    Args:
        party: whose audio it is.
        tolerance: see above; samples.
        is_on_grid: the audio is on the 16-bit grid already, as a 16-bit decoder leaves it.
    """

    def __init__(self, party: Party, *, tolerance: Samples = JITTER_TOLERANCE, is_on_grid: bool = False) -> None:
        self.party = party
        self._tolerance = tolerance
        self._is_on_grid = is_on_grid
        self._start: Samples = 0
        self._held: Pcm = np.zeros(0, np.float32)

    @property
    def position(self) -> Samples:
        """Media time of the next sample that continues the stream."""
        return self._start + self._held.size

    def feed(self, pcm: Pcm, at: Samples | None) -> list[AudioFrame]:
        """Lay samples on the grid.

        Args:
            pcm: shape (n,), float32, 16 kHz; any n.
            at: media time of the first sample; None continues where the audio before ended.

        Returns:
            The frames that are complete now.

        Raises:
            ValueError: `at` is negative.
        """
        if at is not None and at < 0:
            raise ValueError(f"Media time is at least 0; got {at}.")
        if not pcm.size:
            return []
        if at is None and self._is_on_grid and pcm.size == FRAME_SAMPLES and not self._held.size:
            # What a live leg does 50 times a second: one frame, in its place.
            start = self._start
            self._start += FRAME_SAMPLES
            return [AudioFrame(self.party, start, pcm)]
        frames: list[AudioFrame] = []
        drift = 0 if at is None else at - self.position
        if at is not None and drift > self._tolerance:
            frames = self._jump_to(at)
        elif drift < -self._tolerance:
            pcm = pcm[-drift:]
        held = np.concatenate([self._held, pcm]) if self._held.size else pcm
        whole = held.size - held.size % FRAME_SAMPLES
        self._held = held[whole:].astype(np.float32)
        frames += self._cut(held[:whole])
        return frames

    def flush(self) -> list[AudioFrame]:
        """The frame under way, completed with zeros; nothing where the audio ended on the grid."""
        if not self._held.size:
            return []
        last = np.concatenate([self._held, np.zeros(FRAME_SAMPLES - self._held.size, np.float32)])
        self._held = self._held[:0]
        return self._cut(last)

    def _jump_to(self, at: Samples) -> list[AudioFrame]:
        if at - self._start < FRAME_SAMPLES:
            # The gap ends inside the frame under way.
            self._held = np.concatenate([self._held, np.zeros(at - self.position, np.float32)])
            return []
        frames = self.flush()
        self._start = at - at % FRAME_SAMPLES
        self._held = np.zeros(at % FRAME_SAMPLES, np.float32)
        return frames

    def _cut(self, pcm: Pcm) -> list[AudioFrame]:
        if not pcm.size:
            return []
        start = self._start
        self._start += pcm.size
        rows = (pcm if self._is_on_grid else on_16_bit_grid(pcm)).reshape(-1, FRAME_SAMPLES)
        return [AudioFrame(self.party, start + index * FRAME_SAMPLES, row) for index, row in enumerate(rows)]
