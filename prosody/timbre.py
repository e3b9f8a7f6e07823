"""Timbre: the colour and the loudness of what sounds, voiced or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from prosody.spectrum import ANALYSIS_RATE, FFT_SIZE, WINDOW_SHAPE, Array, Mask, Spectra

FEWEST_FRAMES: Final = 5

BANDS: Final = 26
LOWEST_HZ: Final = 50.0
HIGHEST_HZ: Final = ANALYSIS_RATE / 2
COEFFICIENTS: Final = 13

_RANGE: Final = 1e-8
"""Bands count down to 80 dB below the loudest of the utterance; what lies lower is rounding."""

_LOUDNESS_EXPONENT: Final = 0.33

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Timbre:
    """Timbre over active frames; None and empty with fewer than five of them.

    Attributes:
        centroid_hz: centre of gravity of the power spectrum, mean, hertz in [0, 4000] (Peeters, G. (2004), "A large set
            of audio features for sound description", section 6.1.1, of power).
        flux: squared distance of the magnitude spectra of neighbouring frames, each of unit length, mean, [0, 2]
            (Tzanetakis, G. and Cook, P. (2002), "Musical genre classification of audio signals", IEEE Trans. Speech
            Audio Proc. 10(5), section III-A.1); about 0.02 in a held vowel, 0.8 in noise.
        loudness: sum of the auditory spectrum, mean, at least 0, relative units: 26 mel bands, equal-loudness weights
            and the cubic root of intensity (Hermansky, H. (1990), "Perceptual linear predictive analysis of speech",
            J. Acoust. Soc. Am. 87(4), eq. 4 and 6, with the exponent 0.33 of Eyben et al. (2016), GeMAPS). It grows by
            a factor of 1.46 per 5 dB; a full-scale sine of 1 kHz has about 1.1.
        mfcc_mean: mel-frequency cepstral coefficients 1 to 13, mean (Davis, S. and Mermelstein, P. (1980), IEEE Trans.
            ASSP 28(4), eq. 1): orthonormal DCT-II of the levels, dB, of 26 triangular bands of equal height between 50
            Hz and 4 kHz on the mel scale 2595 log10(1 + f / 700). Coefficient 0, which is level, is left out.
        mfcc_sd: their standard deviations.
    """

    centroid_hz: float | None
    flux: float | None
    loudness: float | None
    mfcc_mean: tuple[float, ...]
    mfcc_sd: tuple[float, ...]


NO_TIMBRE: Final = Timbre(None, None, None, (), ())


def measure_timbre(spectra: Spectra, active: Mask) -> Timbre:
    """Measure timbre where an utterance sounds.

    Args:
        spectra: of the utterance.
        active: which frames sound; what goes beyond `spectra.frames` is ignored.
    """
    places = np.flatnonzero(active[: spectra.frames])
    if len(places) < FEWEST_FRAMES:
        return NO_TIMBRE
    power = spectra.power[places]
    total = power.sum(axis=1)
    if float(total.min()) <= 0:
        return measure_timbre(spectra, _sounding(spectra, active))
    bands = power @ MEL_BANDS
    level = 10 * np.log10(np.maximum(bands, bands.max() * np.float32(_RANGE)))
    cepstrum = level.astype(np.float64) @ _DCT
    return Timbre(
        centroid_hz=float(np.mean(power @ _BIN_HZ / total, dtype=np.float64)),
        flux=_flux(power, total, np.diff(places) == 1),
        loudness=_loudness(bands),
        mfcc_mean=tuple(cepstrum.mean(axis=0).tolist()),
        mfcc_sd=tuple(cepstrum.std(axis=0).tolist()),
    )


def _sounding(spectra: Spectra, active: Mask) -> Mask:
    """Active frames that have any power at all."""
    return np.asarray(active[: spectra.frames] & (spectra.power.sum(axis=1) > 0), np.bool_)


def _flux(power: Array, total: Array, neighbours: Mask) -> float | None:
    """Mean of 2 - 2 cos of the angle between the magnitude spectra of neighbouring frames."""
    if not neighbours.any():
        return None
    magnitude = np.sqrt(power)
    together = np.einsum("ij,ij->i", magnitude[1:], magnitude[:-1])
    alike = together.astype(np.float64) / np.sqrt(total[1:].astype(np.float64) * total[:-1])
    return float(np.clip(2 - 2 * alike[neighbours], 0, 2).mean())


def _loudness(bands: Array) -> float:
    """Mean over frames of the sum over compressed bands."""
    heard = np.power(bands * _EQUAL_LOUDNESS, np.float32(_LOUDNESS_EXPONENT))
    return float(heard.sum(axis=1).mean(dtype=np.float64))


def _corners() -> Float:
    """Where the bands begin, culminate and end, hertz, shape (BANDS + 2,): equal steps of O'Shaughnessy's mel scale."""
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (LOWEST_HZ, HIGHEST_HZ))
    return np.asarray(700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1), np.float64)


def _mel_bands() -> Array:
    """Triangles of height 1, equally wide in mel and half overlapping, shape (bins, BANDS)."""
    corner = _corners()
    hertz = np.arange(FFT_SIZE // 2 + 1)[:, None] * ANALYSIS_RATE / FFT_SIZE
    rising = (hertz - corner[:-2]) / (corner[1:-1] - corner[:-2])
    falling = (corner[2:] - hertz) / (corner[2:] - corner[1:-1])
    return np.asarray(np.maximum(0, np.minimum(rising, falling)), np.float32)


def _equal_loudness() -> Array:
    """How keenly each band is heard (Hermansky 1990, eq. 4; 1 at 1 kHz), times what makes power a mean square."""

    def curve(hertz: Float) -> Float:
        square = (2 * np.pi * hertz) ** 2
        return np.asarray((square + 56.8e6) * square**2 / ((square + 6.3e6) ** 2 * (square + 0.38e9)), np.float64)

    window = float(np.sum(WINDOW_SHAPE.astype(np.float64) ** 2))
    return np.asarray(curve(_corners()[1:-1]) / curve(np.array([1000.0])) * 2 / (FFT_SIZE * window), np.float32)


def _dct() -> Float:
    """Orthonormal DCT-II without its first coefficient, shape (BANDS, COEFFICIENTS)."""
    angle = np.pi / BANDS * (np.arange(BANDS)[:, None] + 0.5) * np.arange(1, COEFFICIENTS + 1)
    return np.asarray(np.cos(angle) * np.sqrt(2 / BANDS), np.float64)


_BIN_HZ: Final[Array] = (np.arange(FFT_SIZE // 2 + 1) * ANALYSIS_RATE / FFT_SIZE).astype(np.float32)
MEL_BANDS: Final = _mel_bands()
_EQUAL_LOUDNESS: Final = _equal_loudness()
_DCT: Final = _dct()
