"""Short-time spectra of an utterance, computed once, while it is spoken, and shared by every measure.

The audio is halved to 8 kHz first: a telephone carries nothing above 3.4 kHz, voices are tracked below that anyway, and
every later step costs half. Frames are 44 ms long, 2.6 periods of the lowest voice (60 Hz), every 10 ms; frame `i` is
centred in the middle of hop `i`, and the ends are padded with silence.

All work falls into blocks of 32 frames whose place depends on the audio alone. However the audio is cut when it is fed,
the same operations run on the same numbers, and the result is the same to the bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft

from prosody.compiled import compiled
from prosody.sums import sum_of, sum_of_squares
from voice.contracts.audio import SAMPLE_RATE, Pcm, to_s
from voice.contracts.errors import AudioFormatError

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
Scalar = TypeVar("Scalar", bound=np.generic)

ANALYSIS_RATE: Final = SAMPLE_RATE // 2
"""Samples per second of the analysis signal."""

HOP: Final = ANALYSIS_RATE // 100
"""Samples from frame to frame: 10 ms."""

HOP_S: Final = 0.01

WINDOW: Final = 352
"""Samples of a frame: 44 ms."""

FFT_SIZE: Final = 640
"""At least window + longest lag, so that the autocorrelation does not wrap; a product of small primes."""

QUIETEST_DB: Final = -120.0
"""Levels are not reported below this; digital silence has no level."""

SILENT_DB: Final = -90.0
"""At and below this nothing sounds, whatever its shape: what 16-bit rounding leaves lies near -101 dBFS."""

LONGEST_S: Final = 120
"""No utterance may be longer; its spectra take 0.23 MB a second. The segmenter cuts far earlier."""

BLOCK: Final = 64
"""Frames that are worked on together."""

ROOM_S: Final = 4
"""Seconds of speech for which room is there from the start; most utterances are shorter."""

ROOM_FRAMES: Final = ROOM_S * ANALYSIS_RATE // HOP

_LOUDEST: Final = 1e3
"""Beyond any real level, and small enough that squares and sums stay finite in float32."""

_SETTLING: Final = 4800
"""Samples (300 ms) whose mean is the first guess of the offset."""

_FOLLOWING: Final = 1 - np.exp(-2 * np.pi * 2 / SAMPLE_RATE)
"""Share of a new sample in the running offset: a high-pass with its corner at 2 Hz. A faster one would follow the voice
itself so far that its tail after an abrupt end passes for sound."""

_HALF_TAPS: Final = 32
_REACH: Final = _HALF_TAPS
"""Samples at 16 kHz on both sides that the half-band filter looks at."""

_LEAD: Final = (WINDOW - HOP) // 2
"""Samples at 8 kHz by which a frame begins before its hop and ends after it."""


@dataclass(frozen=True, slots=True, eq=False)
class Spectra:
    """What every measure starts from.

    Attributes:
        pcm: the utterance at 16 kHz without its offset, shape (n,).
        signal: the same at 8 kHz, shape (m,).
        level_db: level of each frame under its window, dBFS (a full-scale sine has -3.01), shape (frames,); at least
            -120.
        power: power spectrum of each windowed frame, shape (frames, FFT_SIZE // 2 + 1), in units of signal².
    """

    pcm: Array
    signal: Array
    level_db: Array
    power: Array

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return len(self.level_db)


class SpectrumStream:
    """Spectra of an utterance while it is spoken.

    The offset is followed and taken out by a slow high-pass (2 Hz) that starts from the mean of the first 300 ms, so
    that it needs no audio that is still to come and scales with the audio.
    """

    def __init__(self) -> None:
        self._pcm = Rows(np.zeros(_REACH, np.float32), ROOM_S * SAMPLE_RATE)
        self._signal = Rows(np.zeros(_LEAD, np.float32), ROOM_S * ANALYSIS_RATE)
        self._level = Rows(np.zeros(0, np.float32), ROOM_FRAMES)
        self._power = Rows(np.zeros((0, FFT_SIZE // 2 + 1), np.float32), ROOM_FRAMES)
        self._offset: float | None = None
        self._cleaned = _REACH

    @property
    def samples(self) -> int:
        """How many samples were fed."""
        return len(self._pcm) - _REACH

    @property
    def frames(self) -> int:
        """How many frames are ready; a multiple of `BLOCK` until the stream is finished."""
        return len(self._level)

    def feed(self, pcm: Pcm) -> None:
        """Take the next samples of the utterance.

        Args:
            pcm: shape (n,), 16 kHz, any length, any scale.

        Raises:
            AudioFormatError: see `check_pcm`; or more than 120 s in all.
        """
        check_pcm(pcm)
        if self.samples + len(pcm) > LONGEST_S * SAMPLE_RATE:
            raise AudioFormatError(
                f"An utterance may last {LONGEST_S} s; got more than {to_s(self.samples + len(pcm)):.0f} s.",
                fix="Cut the audio into utterances first.",
            )
        self._pcm.add(np.clip(pcm, -_LOUDEST, _LOUDEST).astype(np.float32, copy=False))
        while self.samples >= self._needed(self.frames + BLOCK):
            self._work(self._needed(self.frames + BLOCK), self.frames + BLOCK)

    def finish(self) -> Spectra:
        """Work on what is left; nothing may be fed afterwards.

        Returns:
            One frame for every whole hop, none for fewer than 160 samples (10 ms).
        """
        count = self.samples
        frames = count // (2 * HOP)
        self._clean(count)
        self._pcm.add(np.zeros(2 * (WINDOW + _REACH) + 1, np.float32))
        self._halve((count + 1) // 2)
        signal = self._signal.all[_LEAD:]
        self._signal.add(np.zeros(WINDOW + HOP, np.float32))
        while self.frames < frames:
            self._transform(min(self.frames + BLOCK, frames))
        return Spectra(self._pcm.all[_REACH : _REACH + count], signal, self._level.all, self._power.all)

    def power_of(self, start: int, end: int) -> Array:
        """Power spectra of frames that are ready, shape (end - start, FFT_SIZE // 2 + 1)."""
        return self._power.all[start:end]

    @staticmethod
    def _needed(frames: int) -> int:
        """Samples from which so many frames can be made without looking into the future."""
        return max(2 * (frames * HOP + _LEAD) + _REACH, _SETTLING)

    def _work(self, samples: int, frames: int) -> None:
        self._clean(samples)
        self._halve((samples - _REACH) // 2)
        self._transform(frames)

    def _clean(self, until: int) -> None:
        """Take the offset out of all samples before `until`."""
        if until:
            if self._offset is None:
                self._offset = float(self._pcm.all[_REACH : _REACH + _SETTLING].mean(dtype=np.float64))
            part = self._pcm.all[self._cleaned : _REACH + until]
            self._offset = _remove_offset(part, self._offset, _FOLLOWING)
            self._cleaned = _REACH + until

    def _halve(self, until: int) -> None:
        """Make all samples at 8 kHz before `until`."""
        done = len(self._signal) - _LEAD
        if until > done:
            part = self._pcm.all[2 * done : 2 * until + 2 * _REACH]
            half = np.empty(until - done, np.float32)
            _halve(np.ascontiguousarray(part[_REACH::2]), np.ascontiguousarray(part[1::2]), _BRANCH, half)
            self._signal.add(half)

    def _transform(self, until: int) -> None:
        """Make all frames before `until`."""
        done = self.frames
        frames = np.empty((until - done, WINDOW), np.float32)
        level = np.empty(until - done, np.float32)
        _cut(self._signal.all[done * HOP :], WINDOW_SHAPE, _WINDOW_ENERGY, frames, level)
        spectrum = np.asarray(rfft(frames, FFT_SIZE, axis=1), np.complex64)
        power = np.empty(spectrum.shape, np.float32)
        _square(spectrum, power)
        self._level.add(level)
        self._power.add(power)


class Rows(Generic[Scalar]):
    """An array that grows along its first axis; its room doubles, so that adding costs the same at any length.

    Args:
        first: what stands in it from the beginning.
        room: rows that fit before anything is copied; memory is taken as it is filled.
    """

    def __init__(self, first: NDArray[Scalar], room: int) -> None:
        self._room = np.empty((max(room, len(first)), *first.shape[1:]), first.dtype)
        self._room[: len(first)] = first
        self._used = len(first)

    def __len__(self) -> int:
        return self._used

    @property
    def all(self) -> NDArray[Scalar]:
        """What was added, without a copy."""
        return self._room[: self._used]

    def add(self, rows: NDArray[Scalar]) -> None:
        """Append rows of the same shape as the first."""
        end = self._used + len(rows)
        if end > len(self._room):
            room = np.empty((max(end, 2 * len(self._room)), *self._room.shape[1:]), self._room.dtype)
            room[: self._used] = self.all
            self._room = room
        self._room[self._used : end] = rows
        self._used = end


def check_pcm(pcm: Pcm) -> None:
    """Refuse what is not mono audio with finite samples.

    Raises:
        AudioFormatError: wrong shape, not floating point, or a sample that is not a number.
    """
    if pcm.ndim != 1 or pcm.dtype.kind != "f":
        raise AudioFormatError(
            f"Prosody needs mono float samples, shape (n,); got shape {pcm.shape}, type {pcm.dtype}."
        )
    if not np.isfinite(pcm).all():
        raise AudioFormatError(
            "Prosody needs finite samples; got NaN or infinity.", fix="Check the source's decoder or gain."
        )


def analyse(pcm: Pcm) -> Spectra:
    """Take the offset out, halve the rate, cut into frames, transform.

    Args:
        pcm: shape (n,), 16 kHz, at most 120 s, any scale.

    Returns:
        One frame for every whole hop, none for fewer than 160 samples (10 ms).

    Raises:
        AudioFormatError: see `check_pcm`; or more than 120 s.
    """
    stream = SpectrumStream()
    stream.feed(pcm)
    return stream.finish()


def band_power(spectra: Spectra, low_hz: float, high_hz: float) -> Array:
    """Power of each frame between two frequencies, shape (frames,), in units of `Spectra.power`."""
    low, high = (round(hz * FFT_SIZE / ANALYSIS_RATE) for hz in (low_hz, high_hz))
    total = np.empty(spectra.frames, np.float32)
    _sum_bins(spectra.power, low, high, total)
    return total


def _half_band(taps: int) -> Array:
    """The odd branch of a half-band low-pass (Kaiser window, beta 6: stop band near -63 dB), even count of taps."""
    offsets = np.arange(-taps + 1, taps, 2)
    sinc = np.sin(np.pi * offsets / 2) / (np.pi * offsets)
    branch: Array = (sinc * np.kaiser(taps, 6.0)).astype(np.float32)
    return branch * np.float32(0.5 / branch.sum())


@compiled
def _remove_offset(pcm: Array, offset: float, following: float) -> float:
    """Subtract a running mean in place; answers where it stands.

    The mean of four samples hence is told from the mean now, so that not every sample waits for the one before.
    """
    keep = 1.0 - following
    keep_2, keep_3 = keep * keep, keep * keep * keep
    keep_4 = keep_2 * keep_2
    whole = len(pcm) - len(pcm) % 4
    for place in range(0, whole, 4):
        four = pcm[place : place + 4]
        one = following * four[0]
        two = keep * one + following * four[1]
        three = keep * two + following * four[2]
        rest = keep * three + following * four[3]
        four[0] -= offset
        four[1] -= keep * offset + one
        four[2] -= keep_2 * offset + two
        four[3] -= keep_3 * offset + three
        offset = keep_4 * offset + rest
    for place in range(whole, len(pcm)):
        distance = pcm[place] - offset
        pcm[place] = distance
        offset += following * distance
    return offset


@compiled
def _halve(even: Array, odd: Array, branch: Array, half: Array) -> None:
    """8 kHz from 16 kHz without delay. A half-band filter has only its centre on even taps, so one branch is a copy."""
    for place in range(len(half)):
        half[place] = np.float32(0.5) * even[place]
    for tap in range(len(branch)):
        weight = branch[tap]
        for place in range(len(half)):
            half[place] += weight * odd[place + tap]


@compiled
def _cut(signal: Array, window: Array, window_energy: float, frames: Array, level_db: Array) -> None:
    """Windowed frames without their mean (Boersma 1993, step 3.2: what drifts correlates with itself), and levels."""
    size = len(window)
    for row in range(len(frames)):
        start = row * HOP
        mean = np.float32(sum_of(signal[start : start + size]) / size)
        frame = frames[row]
        for place in range(size):
            frame[place] = (signal[start + place] - mean) * window[place]
        energy = sum_of_squares(frame)
        level_db[row] = max(10.0 * np.log10(max(energy / window_energy, 1e-12)), QUIETEST_DB)


@compiled
def _sum_bins(power: Array, low: int, high: int, total: Array) -> None:
    """Power of each frame from one bin to before another."""
    for row in range(len(power)):
        total[row] = sum_of(power[row, low:high])


@compiled
def _square(spectrum: NDArray[np.complex64], power: Array) -> None:
    """Squared magnitude."""
    for row in range(spectrum.shape[0]):
        for place in range(spectrum.shape[1]):
            real, imaginary = spectrum[row, place].real, spectrum[row, place].imag
            power[row, place] = real * real + imaginary * imaginary


WINDOW_SHAPE: Final[Array] = np.hanning(WINDOW + 2)[1:-1].astype(np.float32)
_WINDOW_ENERGY: Final = float(np.sum(WINDOW_SHAPE.astype(np.float64) ** 2))
_BRANCH: Final[Array] = _half_band(_HALF_TAPS)
