"""Voice quality: how the energy of the voice is spread over frequency, and how much of it is voice at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from prosody.compiled import compiled
from prosody.periodicity import ClearVoice, find_clear
from prosody.pitch import PitchTrack
from prosody.spectrum import ANALYSIS_RATE, FFT_SIZE, Array, Mask, Spectra
from prosody.sums import largest_of, sum_of

FEWEST_FRAMES: Final = 5

_BIN_HZ: Final = ANALYSIS_RATE / FFT_SIZE
_SLOPE_LOW_HZ: Final = 300
_SLOPE_HIGH_HZ: Final = 3400
_BASS_FROM: Final = round(50 / _BIN_HZ)
_BASS_TO: Final = round(1000 / _BIN_HZ)
_FAINTEST: Final = 1e-8
"""Partials count down to 80 dB below the strongest of their frame; what lies lower is rounding."""

_TOGETHER: Final = 32
"""Frames whose powers are multiplied: with `_FAINTEST` their product stays above what a double can hold."""

_LEAST_HARMONIC: Final = 0.05
_MOST_HARMONIC: Final = 0.9999
"""Periodic shares between which HNR is stated: -13 to 40 dB. A Hann window of few periods cannot tell more."""

_BELOW_LOUD_DB: Final = 20.0
"""Frames this far below the loudest fade in or out and are left out of HNR, as Praat's harmonicity leaves out what lies
below a tenth of the peak."""

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class VoiceQuality:
    """Voice quality; None with fewer than five frames to judge by.

    Attributes:
        spectral_tilt_db: alpha ratio, mean over voiced frames, dB; see `spectral_tilt`.
        hammarberg_db: mean over voiced frames, dB; see `hammarberg_index`.
        spectral_slope_db_per_khz: mean over voiced frames, dB per kilohertz; see `spectral_slope`.
        hnr_db: mean over frames of clear voice, dB; see `harmonics_to_noise`.
    """

    spectral_tilt_db: float | None
    hammarberg_db: float | None
    spectral_slope_db_per_khz: float | None
    hnr_db: float | None


def measure_quality(spectra: Spectra, track: PitchTrack, clear: ClearVoice | None = None) -> VoiceQuality:
    """Measure the voice of an utterance from its spectra.

    Args:
        spectra: of the utterance.
        track: its F0.
        clear: what `find_clear` answers for both, where that is known already.
    """
    voiced = np.flatnonzero(track.voiced)
    return VoiceQuality(
        _tilt(spectra, voiced),
        _hammarberg(spectra, voiced),
        _slope(spectra, voiced),
        harmonics_to_noise(spectra, clear or find_clear(spectra, track)),
    )


def spectral_tilt(spectra: Spectra, voiced: Mask) -> float | None:
    """Alpha ratio: level from 1 to 4 kHz over level from 50 Hz to 1 kHz, mean over voiced frames.

    Source: Eyben, F. et al. (2016), "The Geneva Minimalistic Acoustic Parameter Set (GeMAPS)", IEEE Trans. Affective
    Computing 7(2), section 3.1 (there 1-5 kHz; a telephone ends at 3.4). It rises with vocal effort.

    Returns:
        dB, about -30 (soft) to +5 (shouted, telephone band); None with fewer than five voiced frames.
    """
    return _tilt(spectra, np.flatnonzero(voiced))


def hammarberg_index(spectra: Spectra, voiced: Mask) -> float | None:
    """Level of the strongest partial below 2 kHz over the strongest from 2 to 4 kHz, mean over voiced frames.

    Source: Hammarberg, B. et al. (1980), "Perceptual and acoustic correlates of abnormal voice qualities", Acta
    Oto-laryngologica 90, in the form of Eyben et al. (2016), section 3.1 (there 2-5 kHz). It falls with vocal effort.

    Returns:
        dB, about 10 (shouted) to 40 (soft), within 80 of 0; None with fewer than five voiced frames.
    """
    return _hammarberg(spectra, np.flatnonzero(voiced))


def spectral_slope(spectra: Spectra, voiced: Mask) -> float | None:
    """Slope of the level spectrum from 300 to 3400 Hz by least squares, mean over voiced frames.

    Source: the spectral slope of Eyben et al. (2016), section 3.1, over the band that a telephone carries instead of
    0-500 and 500-1500 Hz.

    Returns:
        dB per kilohertz, about -9 (soft) to 0 (shouted); None with fewer than five voiced frames.
    """
    return _slope(spectra, np.flatnonzero(voiced))


def harmonics_to_noise(spectra: Spectra, clear: ClearVoice) -> float | None:
    """Harmonics-to-noise ratio below 4 kHz, mean over frames of clear voice.

    With r, the share of the power that is periodic (`periodic_share`), it is 10 log10(r / (1 - r)) (Boersma, P. (1993),
    "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a sampled sound", IFA
    Proceedings 17, eq. 4). Frames count that are clear (`find_clear`) and lie within 20 dB of the loudest.

    Returns:
        dB, -13 to 40 (a pure tone); running speech has 4 to 16. None with fewer than five such frames.
    """
    if len(clear.share) < FEWEST_FRAMES:
        return None
    level = spectra.level_db[clear.voiced]
    share = np.clip(clear.share[level > spectra.level_db.max() - _BELOW_LOUD_DB], _LEAST_HARMONIC, _MOST_HARMONIC)
    if len(share) < FEWEST_FRAMES:
        return None
    return float(np.mean(10 * np.log10(share / (1 - share))))


def _tilt(spectra: Spectra, voiced: NDArray[np.intp]) -> float | None:
    if len(voiced) < FEWEST_FRAMES:
        return None
    return float(10 * _mean_log_ratio(spectra.power, voiced, _BASS_FROM, _BASS_TO))


def _hammarberg(spectra: Spectra, voiced: NDArray[np.intp]) -> float | None:
    if len(voiced) < FEWEST_FRAMES:
        return None
    return float(10 * _mean_log_peaks(spectra.power, voiced, round(2000 / _BIN_HZ), _FAINTEST))


def _slope(spectra: Spectra, voiced: NDArray[np.intp]) -> float | None:
    if len(voiced) < FEWEST_FRAMES:
        return None
    products = np.empty((-(-len(voiced) // _TOGETHER), _SLOPE_TO - _SLOPE_FROM), np.float64)
    _multiply_levels(spectra.power, voiced, _SLOPE_FROM, np.float32(_FAINTEST), products)
    # A slope is linear in the levels, so the frames' mean spectrum has the mean of their slopes.
    level = np.log10(products).sum(axis=0)
    return float(10 * np.sum(level * _SLOPE_WEIGHTS)) / len(voiced)


@compiled
def _mean_log_ratio(power: Array, frames: NDArray[np.intp], low: int, border: int) -> float:
    """Mean over some frames of the logarithm (base 10) of the power from `border` on over that from `low` to it."""
    total = 0.0
    for place in range(len(frames)):
        frame = power[frames[place]]
        below, above = sum_of(frame[low:border]), sum_of(frame[border:-1])
        total += np.log10(max(above, 1e-12) / max(below, 1e-12))
    return total / len(frames)


@compiled
def _mean_log_peaks(power: Array, frames: NDArray[np.intp], border: int, faintest: float) -> float:
    """Mean over some frames of the logarithm of the largest power below `border` over the largest from it on."""
    total = 0.0
    for place in range(len(frames)):
        frame = power[frames[place]]
        below, above = np.float64(largest_of(frame[:border])), np.float64(largest_of(frame[border:]))
        strongest = max(below, above, 1e-30)
        total += np.log10(max(below / strongest, faintest) / max(above / strongest, faintest))
    return total / len(frames)


@compiled
def _multiply_levels(power: Array, frames: NDArray[np.intp], start: int, faintest: np.float32, products: Float) -> None:
    """Fill in, bin by bin, the product of the power of `_TOGETHER` frames after `_TOGETHER`, each over its strongest.

    The logarithm of a product is the sum of the logarithms, and thirty of them are saved.
    """
    size = products.shape[1]
    products[:] = 1.0
    for place in range(len(frames)):
        band = power[frames[place], start : start + size]
        strongest = max(largest_of(band), np.float32(1e-30))
        product = products[place // _TOGETHER]
        for k in range(size):
            level = band[k] / strongest
            product[k] *= level if level > faintest else faintest


def _slope_weights(count: int) -> Float:
    """What each bin's level adds to the least-squares slope per kilohertz."""
    khz = np.arange(count) * _BIN_HZ / 1000
    centred = khz - khz.mean()
    return np.asarray(centred / (centred @ centred), np.float64)


_SLOPE_FROM: Final = round(_SLOPE_LOW_HZ / _BIN_HZ)
_SLOPE_TO: Final = round(_SLOPE_HIGH_HZ / _BIN_HZ) + 1
_SLOPE_WEIGHTS: Final = _slope_weights(_SLOPE_TO - _SLOPE_FROM)
