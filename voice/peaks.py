"""How loud a recording is over time, small enough to draw: the least and the greatest sample of every 20 ms.

The file is what audiowaveform calls its binary data format, version 2, which waveform players read (BBC, audiowaveform,
doc/DataFormat.md), little endian:

    offset  type    what
         0  int32   version: 2
         4  uint32  flags: 1, values of 8 bits
         8  int32   samples a second of the recording: 16000
        12  int32   samples of one point: 320
        16  uint32  points
        20  int32   channels: 2, the caller's first
        24  int8    for each point and in it for each channel: least, greatest; full scale is -128 and 127

Peaks can always be had again from the recording. They therefore never stand in its way: who cannot write them goes on
without, and what is missing or damaged is measured anew.
"""

from __future__ import annotations

import logging
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from voice.contracts.audio import SAMPLE_RATE, Samples
from voice.contracts.errors import PeaksError

POINT: Final[Samples] = 320
"""Samples of one point as stored: 20 ms."""

SUFFIX: Final = ".peaks"

_HEADER: Final = struct.Struct("<iIiiIi")
_VERSION: Final = 2
_EIGHT_BITS: Final = 1
_MOST_POINTS: Final = 2**24  # 93 hours
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Peaks:
    """Least and greatest samples of equally long stretches.

    Attributes:
        samples_per_point: how long each stretch is.
        values: int8, shape (points, channels, 2): least and greatest, full scale is -128 and 127.
    """

    samples_per_point: Samples
    values: NDArray[np.int8]

    @classmethod
    def of(cls, pcm: NDArray[np.int16]) -> Self:
        """The peaks of audio that begins on a stretch's edge; the last stretch may be cut short.

        Args:
            pcm: shape (n, channels).
        """
        whole = np.zeros((-(-len(pcm) // POINT) * POINT, pcm.shape[1]), np.int16)
        whole[: len(pcm)] = pcm
        stretches = whole.reshape(-1, POINT, pcm.shape[1])
        both = np.stack([stretches.min(axis=1), stretches.max(axis=1)], axis=-1)
        return cls(POINT, (both >> 8).astype(np.int8))

    def at_most(self, points: int) -> Peaks:
        """The same with at most so many points, by joining equally many neighbours."""
        joined = max(1, -(-len(self.values) // points))
        if joined == 1:
            return self
        edges = np.arange(0, len(self.values), joined)
        low = np.minimum.reduceat(self.values[..., 0], edges, axis=0)
        high = np.maximum.reduceat(self.values[..., 1], edges, axis=0)
        return Peaks(self.samples_per_point * joined, np.stack([low, high], axis=-1))

    def encode(self) -> bytes:
        """The file."""
        return _head(len(self.values), self.values.shape[1]) + self.values.tobytes()


def decode_peaks(data: bytes) -> Peaks:
    """Read a file of peaks.

    Raises:
        PeaksError: it is none of ours, or ends too soon.
    """
    if len(data) < _HEADER.size:
        raise PeaksError(f"Peaks begin with {_HEADER.size} bytes of header; got {len(data)}.")
    version, flags, rate, point, points, channels = _HEADER.unpack_from(data)
    wanted = (_VERSION, _EIGHT_BITS, SAMPLE_RATE, POINT)
    if (version, flags, rate, point) != wanted or channels not in (1, 2) or points > _MOST_POINTS:
        raise PeaksError(
            f"Expected peaks of version, flags, rate, stretch {wanted}; got {(version, flags, rate, point)} "
            f"in {channels} channels."
        )
    size = points * channels * 2
    if len(data) < _HEADER.size + size:
        raise PeaksError(f"The header states {points} points; the file ends before.")
    values = np.frombuffer(data, np.int8, size, _HEADER.size).reshape(points, channels, 2)
    return Peaks(point, values)


class PeakWriter:
    """Writes the peaks of a recording beside it as it grows. Blocking; of one thread at a time.

    Args:
        path: the file; what lies there is replaced.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = -1
        self._points = 0

    def open(self) -> None:
        """Begin the file; where that fails, there will be none."""
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            self._file = os.open(self.path, flags, 0o640)
            self._write(_head(0, 2), 0)
        except OSError as error:
            self._give_up(error)

    def put(self, start: Samples, pcm: NDArray[np.int16]) -> None:
        """Store the peaks of a stretch of the recording.

        Args:
            start: where it begins; a multiple of 320.
            pcm: shape (n, 2): everything that is recorded there, up to the next multiple of 320.
        """
        if self._file < 0 or not len(pcm):
            return
        peaks = Peaks.of(pcm)
        first = start // POINT
        try:
            self._write(peaks.values.tobytes(), _HEADER.size + first * 4)
            self._points = max(self._points, first + len(peaks.values))
            self._write(_head(self._points, 2), 0)
        except OSError as error:
            self._give_up(error)

    def close(self) -> None:
        """Close the file; idempotent."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _write(self, data: bytes, at: int) -> None:
        if os.pwrite(self._file, data, at) != len(data):
            raise OSError("no room")

    def _give_up(self, error: OSError) -> None:
        _log.warning("no peaks for %s (%s)", self.path.stem, error.strerror or error)
        self.close()
        try:
            self.path.unlink(missing_ok=True)
        except OSError:
            _log.warning("unfinished peaks of %s stay where they are", self.path.stem)


def _head(points: int, channels: int) -> bytes:
    return _HEADER.pack(_VERSION, _EIGHT_BITS, SAMPLE_RATE, POINT, points, channels)
