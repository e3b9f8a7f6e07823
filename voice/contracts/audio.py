"""Audio as every room sees it: mono float32 in [-1, 1] at 16 000 Hz, in frames of 20 ms.

Media time is an integer count of samples since the call began, so that a replay is exact. Seconds exist only on the
wire, on screen, and in names that end in `_s` or `_ms`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NewType, TypeAlias

import numpy as np
from numpy.typing import NDArray

from voice.contracts.errors import FrameError

SAMPLE_RATE: Final = 16_000
"""Samples per second of all audio inside Warmline."""

FRAME_SAMPLES: Final = 320
"""Samples of one frame: 20 ms."""

SAMPLES_PER_MS: Final = SAMPLE_RATE // 1000

Samples: TypeAlias = int
"""A count of samples, or a moment as samples since the call began."""

Pcm: TypeAlias = NDArray[np.float32]
"""Mono audio, shape (n,), float32 in [-1, 1], 16 000 Hz."""

CallId = NewType("CallId", str)
SegmentId = NewType("SegmentId", int)


def to_ms(samples: Samples) -> float:
    """Samples as milliseconds; exact, because one millisecond is 16 samples."""
    return samples / SAMPLES_PER_MS


def from_ms(milliseconds: float) -> Samples:
    """Milliseconds as the nearest whole number of samples."""
    return round(milliseconds * SAMPLES_PER_MS)


def to_s(samples: Samples) -> float:
    """Samples as seconds."""
    return samples / SAMPLE_RATE


def from_s(seconds: float) -> Samples:
    """Seconds as the nearest whole number of samples."""
    return round(seconds * SAMPLE_RATE)


_FLOAT32: Final = np.dtype(np.float32)


class Party(StrEnum):
    """Who speaks on a channel."""

    CALLER = "caller"
    AGENT = "agent"
    BOT = "bot"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open stretch of media time: `start` is in it, `end` is not.

    Raises:
        ValueError: `start` is negative or `end` lies before `start`.
    """

    start: Samples
    end: Samples

    def __post_init__(self) -> None:
        if self.start < 0 or self.end < self.start:
            raise ValueError(f"A span needs 0 <= start <= end; got [{self.start}, {self.end}).")

    @property
    def length(self) -> Samples:
        """Samples in the span."""
        return self.end - self.start

    def overlaps(self, other: Span) -> bool:
        """Whether the two spans share at least one sample."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True, eq=False)
class AudioFrame:
    """20 ms of one party's audio.

    Attributes:
        party: whose voice it is.
        start: media time of the first sample; a multiple of 320. It jumps where audio was lost.
        pcm: float32, shape (320,), values on the 16-bit grid (k / 32768), so that a 16-bit recording is exact.

    Raises:
        FrameError: wrong length, type or alignment.
    """

    party: Party
    start: Samples
    pcm: Pcm

    def __post_init__(self) -> None:
        if self.pcm.shape != (FRAME_SAMPLES,) or self.pcm.dtype != _FLOAT32:
            raise FrameError(
                f"A frame holds {FRAME_SAMPLES} float32 samples; got shape {self.pcm.shape}, type {self.pcm.dtype}."
            )
        if self.start < 0 or self.start % FRAME_SAMPLES:
            raise FrameError(f"A frame starts at a multiple of {FRAME_SAMPLES} samples; got {self.start}.")

    @property
    def span(self) -> Span:
        """Media time that the frame covers."""
        return Span(self.start, self.start + FRAME_SAMPLES)


def on_16_bit_grid(pcm: Pcm) -> Pcm:
    """Round audio to the grid of 16-bit PCM (k / 32768, clipped to [-1, 32767/32768]).

    Every source does this once at the edge. What the pipeline hears and what the recording stores are then the same
    numbers, which makes the replay of a recording exact.
    """
    steps: Pcm = np.clip(np.rint(pcm * 32768.0), -32768, 32767).astype(np.float32)
    return steps * np.float32(1 / 32768)
