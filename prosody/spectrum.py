"""Short-time spectra of an utterance, computed once and shared by pitch and spectral tilt.

The audio is halved to 8 kHz first: a telephone carries nothing above 3.4 kHz, voices are tracked below that anyway, and
every later step costs half. Frames are 44 ms long, 2.6 periods of the lowest voice (60 Hz), every 10 ms; frame `i` is
centred on `i` hops, and the ends are padded with silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from voice.contracts.audio import SAMPLE_RATE, Pcm
from voice.contracts.errors import AudioFormatError

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

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


@dataclass(frozen=True, slots=True, eq=False)
class Spectra:
    """What every measure starts from.

    Attributes:
        signal: the utterance at 8 kHz, shape (m,).
        level_db: level of each frame under its window, dBFS (a full-scale sine has -3.01), shape (frames,); at least
            -120.
        power: power spectrum of each windowed frame, shape (frames, FFT_SIZE // 2 + 1), in units of signal².
    """

    signal: Array
    level_db: Array
    power: Array

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return len(self.level_db)


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
    """Halve the rate, cut into frames, transform.

    Args:
        pcm: shape (n,), 16 kHz, any length, any scale; a constant offset is taken out.

    Returns:
        One frame for every whole hop begun, none for fewer than 160 samples (10 ms).

    Raises:
        AudioFormatError: see `check_pcm`.
    """
    check_pcm(pcm)
    # Beyond any real level, and small enough that squares and sums stay finite in float32.
    clipped = np.clip(pcm, -1e3, 1e3).astype(np.float32)
    count = len(pcm) // (2 * HOP)
    if count == 0:
        return Spectra(np.zeros(0, np.float32), np.zeros(0, np.float32), np.zeros((0, FFT_SIZE // 2 + 1), np.float32))
    signal = _halve(clipped - np.float32(clipped.mean(dtype=np.float64)))
    lead, tail = WINDOW // 2, WINDOW // 2 + HOP
    padded = np.concatenate([np.zeros(lead, np.float32), signal, np.zeros(tail, np.float32)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[HOP // 2 :: HOP][:count]
    # The local mean is taken out before windowing (Boersma 1993, step 3.2): drifting offsets would correlate with
    # themselves at every lag.
    centred = (frames - frames.mean(axis=1, keepdims=True)) * WINDOW_SHAPE
    energy = np.einsum("ij,ij->i", centred, centred) / _WINDOW_ENERGY
    level = np.maximum(10.0 * np.log10(np.maximum(energy, 1e-12)), QUIETEST_DB).astype(np.float32)
    spectrum = np.fft.rfft(centred, FFT_SIZE, axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32, copy=False)
    return Spectra(signal, level, power)


def band_power(spectra: Spectra, low_hz: float, high_hz: float) -> Array:
    """Power of each frame between two frequencies, shape (frames,), in units of `Spectra.power`."""
    low, high = (round(hz * FFT_SIZE / ANALYSIS_RATE) for hz in (low_hz, high_hz))
    total: Array = spectra.power[:, low:high].sum(axis=1)
    return total


def _half_band(taps: int) -> Array:
    """The odd branch of a half-band low-pass (Kaiser window, beta 6: stop band near -63 dB), even count of taps."""
    offsets = np.arange(-taps + 1, taps, 2)
    sinc = np.sin(np.pi * offsets / 2) / (np.pi * offsets)
    branch: Array = (sinc * np.kaiser(taps, 6.0)).astype(np.float32)
    return branch * np.float32(0.5 / branch.sum())


def _halve(pcm: Array) -> Array:
    """8 kHz from 16 kHz without delay. A half-band filter has only its centre on even taps, so one branch is a copy."""
    even, odd = pcm[0::2], pcm[1::2]
    filtered = np.convolve(odd, _BRANCH)
    start = len(_BRANCH) // 2 - 1
    signal: Array = np.float32(0.5) * even
    part = filtered[start : start + len(even)]
    signal[: len(part)] += part
    return signal


WINDOW_SHAPE: Final[Array] = np.hanning(WINDOW + 2)[1:-1].astype(np.float32)
_WINDOW_ENERGY: Final = np.float32(np.sum(WINDOW_SHAPE.astype(np.float64) ** 2))
_BRANCH: Final[Array] = _half_band(32)
