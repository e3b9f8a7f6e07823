"""Timbre: the colour and the loudness of what sounds, voiced or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from prosody.compiled import compiled
from prosody.spectrum import ANALYSIS_RATE, FFT_SIZE, WINDOW_SHAPE, Array, Mask, Spectra
from prosody.sums import STRANDS, sum_of, sum_of_products

FEWEST_FRAMES: Final = 5

BANDS: Final = 26
LOWEST_HZ: Final = 50.0
HIGHEST_HZ: Final = ANALYSIS_RATE / 2
COEFFICIENTS: Final = 13

_BIN_HZ: Final = ANALYSIS_RATE / FFT_SIZE

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
            Audio Proc. 10(5), "spectral flux"); about 0.02 in a held vowel, 0.14 in speech, 0.22 in noise.
        loudness: sum of the auditory spectrum, mean, at least 0, relative units: 26 mel bands, equal-loudness weights
            and the cubic root of intensity (Hermansky, H. (1990), "Perceptual linear predictive analysis of speech",
            J. Acoust. Soc. Am. 87(4), with the exponent 0.33 of Eyben et al. (2016), GeMAPS). It grows by a factor of
            1.46 per 5 dB; a full-scale sine of 1 kHz has about 1.4.
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
    bands = np.empty((len(places), BANDS), np.float64)
    centroid = np.empty(len(places), np.float64)
    flux = np.empty(len(places), np.float64)
    _survey(spectra.power, places, _NUMBER, _EDGES, _FALLING, bands, centroid, flux)
    sounding = centroid >= 0
    if int(sounding.sum()) < FEWEST_FRAMES:
        return NO_TIMBRE
    bands, changes = bands[sounding], flux[flux >= 0]
    level = 10 * np.log10(np.maximum(bands, max(float(bands.max()) * _RANGE, 1e-300)))
    mean, sd = np.empty(COEFFICIENTS, np.float64), np.empty(COEFFICIENTS, np.float64)
    _describe(level, _DCT, mean, sd)
    heard = np.power(bands * _EQUAL_LOUDNESS, _LOUDNESS_EXPONENT)
    return Timbre(
        centroid_hz=float(centroid[sounding].mean()),
        flux=float(changes.mean()) if len(changes) else None,
        loudness=float(heard.sum()) / len(heard),
        mfcc_mean=tuple(mean.tolist()),
        mfcc_sd=tuple(sd.tolist()),
    )


@compiled
def _survey(
    power: Array,
    places: NDArray[np.intp],
    number: Float,
    edges: NDArray[np.intp],
    falling: Float,
    bands: Float,
    centroid: Float,
    flux: Float,
) -> None:
    """One pass over some frames: fill band powers, centroids (-1 in a frame without power) and flux.

    Flux is -1 where the frame before was left out. A bin feeds at most two bands, so most of what a matrix product
    would run is saved; nor does the sum depend on how many threads a library starts.
    """
    bins, count = power.shape[1], bands.shape[1]
    now, before = np.zeros(bins, np.float64), np.zeros(bins, np.float64)
    lower, strands = np.empty(bins, np.float64), np.empty(STRANDS, np.float64)
    before_total = 0.0
    for row in range(len(places)):
        frame = power[places[row]]
        total = sum_of(frame)
        if row == 0 or places[row] != places[row - 1] + 1:
            before_total = 0.0
        for k in range(bins):
            now[k] = np.sqrt(frame[k])
        for k in range(bins):
            lower[k] = falling[k] * frame[k]
        for band in range(count + 1):
            all_of_it, down = 0.0, 0.0
            for k in range(edges[band], edges[band + 1]):
                all_of_it += frame[k]
                down += lower[k]
            if band > 0:
                bands[row, band - 1] += down
            if band < count:
                bands[row, band] = all_of_it - down
        centroid[row] = sum_of_products(frame, number, strands) / total * _BIN_HZ if total > 0.0 else -1.0
        flux[row] = -1.0
        if total > 0.0 and before_total > 0.0:
            together = sum_of_products(now, before, strands)
            flux[row] = min(max(2.0 - 2.0 * together / np.sqrt(total * before_total), 0.0), 2.0)
        now, before, before_total = before, now, total


@compiled
def _describe(level: Float, basis: Float, mean: Float, sd: Float) -> None:
    """Fill in mean and standard deviation of the coefficients of all frames."""
    rows, count = len(level), len(mean)
    found = np.zeros((rows, count), np.float64)
    mean[:], sd[:] = 0.0, 0.0
    for row in range(rows):
        for band in range(basis.shape[0]):
            for place in range(count):
                found[row, place] += level[row, band] * basis[band, place]
        for place in range(count):
            mean[place] += found[row, place] / rows
    for row in range(rows):
        for place in range(count):
            sd[place] += (found[row, place] - mean[place]) ** 2
    for place in range(count):
        sd[place] = np.sqrt(sd[place] / rows)


def _corners() -> Float:
    """Where the bands begin, culminate and end, hertz, shape (BANDS + 2,): equal steps of O'Shaughnessy's mel scale."""
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (LOWEST_HZ, HIGHEST_HZ))
    return np.asarray(700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1), np.float64)


def _spread() -> tuple[NDArray[np.intp], Float]:
    """How each bin is shared between a band and the next higher one, whose triangles of height 1 overlap by half.

    Returns:
        The first bin from each corner on, shape (BANDS + 2,), and what the band that falls there has of each bin, in
        [0, 1], shape (bins,); the band that rises there has the rest.
    """
    hertz = np.arange(FFT_SIZE // 2 + 1) * _BIN_HZ
    corner = _corners()
    place = np.clip(np.searchsorted(corner, hertz, side="right") - 1, 0, BANDS)
    falling = np.clip((corner[place + 1] - hertz) / (corner[place + 1] - corner[place]), 0.0, 1.0)
    return np.asarray(np.searchsorted(hertz, corner), np.intp), falling


def _equal_loudness() -> Float:
    """How keenly each band is heard (Hermansky 1990; 1 at 1 kHz), times what makes power a mean square."""

    def curve(hertz: Float) -> Float:
        square = (2 * np.pi * hertz) ** 2
        return np.asarray((square + 56.8e6) * square**2 / ((square + 6.3e6) ** 2 * (square + 0.38e9)), np.float64)

    window = float(np.sum(WINDOW_SHAPE.astype(np.float64) ** 2))
    return np.asarray(curve(_corners()[1:-1]) / curve(np.array([1000.0])) * 2 / (FFT_SIZE * window), np.float64)


def _dct() -> Float:
    """Orthonormal DCT-II without its first coefficient, shape (BANDS, COEFFICIENTS)."""
    angle = np.pi / BANDS * (np.arange(BANDS)[:, None] + 0.5) * np.arange(1, COEFFICIENTS + 1)
    return np.asarray(np.cos(angle) * np.sqrt(2 / BANDS), np.float64)


_EDGES, _FALLING = _spread()
_NUMBER: Final[Float] = np.arange(FFT_SIZE // 2 + 1, dtype=np.float64)
_EQUAL_LOUDNESS: Final = _equal_loudness()
_DCT: Final = _dct()
