"""Streaming resampling to 16 kHz. The only door to soxr."""

from __future__ import annotations

from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from voice.contracts.audio import SAMPLE_RATE, Pcm
from voice.contracts.errors import AudioFormatError

LOWEST_RATE_HZ: Final = 4_000
HIGHEST_RATE_HZ: Final = 384_000


class StreamResampler:
    """Turns a stream of mono audio at any rate into 16 kHz, statefully: chunk borders leave no trace.

    The filter (libsoxr, "high quality") works on blocks, so its output comes in clumps and late: up to about 30 ms from
    48 kHz and about 100 ms from 8 kHz. `flush` yields what is still inside; in total exactly as much comes out as went
    in, to the nearest sample. At 16 kHz the audio passes untouched, bit for bit and without delay.

    Args:
        in_hz: samples per second of what will be fed.

    Raises:
        AudioFormatError: a rate outside 4 000 to 384 000 Hz.
    """

    def __init__(self, in_hz: int) -> None:
        if not LOWEST_RATE_HZ <= in_hz <= HIGHEST_RATE_HZ:
            raise AudioFormatError(
                f"Expected a sample rate from {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz; got {in_hz} Hz.",
                fix="Convert the audio to 8 000, 16 000 or 48 000 Hz.",
            )
        self.in_hz = in_hz
        self._stream = None if in_hz == SAMPLE_RATE else soxr.ResampleStream(in_hz, SAMPLE_RATE, 1, dtype="float32")

    def feed(self, pcm: NDArray[np.int16] | NDArray[np.float32]) -> Pcm:
        """Resample more audio.

        Args:
            pcm: shape (n,) at `in_hz`; float32 in [-1, 1], or int16 at full scale. Any n, 0 included.

        Returns:
            Shape (m,), float32 at 16 kHz; m varies from call to call and may be 0. Not on the 16-bit grid, and peaks
            may exceed 1 by the filter's overshoot: the framer rounds and clips.
        """
        samples = to_float(pcm)
        if self._stream is None:
            return samples
        resampled: Pcm = self._stream.resample_chunk(np.ascontiguousarray(samples))
        return resampled

    def flush(self) -> Pcm:
        """What the filter still holds, shape (m,); the resampler is as if newly made afterwards."""
        if self._stream is None:
            return np.zeros(0, np.float32)
        rest: Pcm = self._stream.resample_chunk(np.zeros(0, np.float32), last=True)
        self._stream.clear()
        return rest


def to_float(pcm: NDArray[np.int16] | NDArray[np.float32]) -> Pcm:
    """16-bit or float audio as float32 in [-1, 1]; exact in both directions (k / 32768).

    Raises:
        AudioFormatError: another type, or more than one dimension.
    """
    if pcm.ndim != 1 or pcm.dtype not in (np.int16, np.float32):
        raise AudioFormatError(f"Expected int16 or float32 of shape (n,); got {pcm.dtype} of shape {pcm.shape}.")
    if pcm.dtype == np.int16:
        return pcm.astype(np.float32) * np.float32(1 / 32768)
    return pcm.astype(np.float32, copy=False)


def to_int16(pcm: Pcm) -> NDArray[np.int16]:
    """Float audio as 16-bit PCM, rounded and clipped; exact for audio on the 16-bit grid."""
    steps: NDArray[np.int16] = np.clip(np.rint(pcm * np.float32(32768)), -32768, 32767).astype(np.int16)
    return steps
