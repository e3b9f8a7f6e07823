"""Voice quality: how the energy of the voice is spread over frequency, and how much of it is voice at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from prosody.compiled import compiled
from prosody.pitch import PitchTrack
from prosody.spectrum import ANALYSIS_RATE, FFT_SIZE, WINDOW_SHAPE, Array, Mask, Spectra, band_power

FEWEST_FRAMES: Final = 5

_BIN_HZ: Final = ANALYSIS_RATE / FFT_SIZE
_SLOPE_LOW_HZ: Final = 300
_SLOPE_HIGH_HZ: Final = 3400
_FAINTEST: Final = 1e-8
"""Partials count down to 80 dB below the strongest of their frame; what lies lower is rounding."""

_LEAST_HARMONIC: Final = 0.3
"""A frame with less periodic power than this does not sound at its tracked period; the path of the tracker bridges
such frames."""

_MOST_HARMONIC: Final = 0.9999
"""HNR is stated up to 40 dB; a Hann window of few periods cannot tell more (Boersma 1993, table 1)."""

_BELOW_LOUD_DB: Final = 20.0
"""Frames this far below the loud ones (95th percentile) fade in or out and are left out of HNR, as Praat's
harmonicity leaves out what lies below a tenth of the peak."""

_REACH: Final = 0.06
"""How far from the tracked period the autocorrelation's own peak is looked for, in periods."""

_FINE: Final = 4
"""The window's own autocorrelation is stored at so many places a sample, and read off linearly between them."""

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class VoiceQuality:
    """Voice quality, each a mean over voiced frames; None with fewer than five voiced frames.

    Attributes:
        spectral_tilt_db: alpha ratio, see `spectral_tilt`.
        hammarberg_db: see `hammarberg_index`.
        spectral_slope_db_per_khz: see `spectral_slope`.
        hnr_db: see `harmonics_to_noise`.
    """

    spectral_tilt_db: float | None
    hammarberg_db: float | None
    spectral_slope_db_per_khz: float | None
    hnr_db: float | None


def measure_quality(spectra: Spectra, track: PitchTrack) -> VoiceQuality:
    """Measure the voice of an utterance from its spectra."""
    return VoiceQuality(
        spectral_tilt(spectra, track.voiced),
        hammarberg_index(spectra, track.voiced),
        spectral_slope(spectra, track.voiced),
        harmonics_to_noise(spectra, track),
    )


def spectral_tilt(spectra: Spectra, voiced: Mask) -> float | None:
    """Alpha ratio: level from 1 to 4 kHz over level from 50 Hz to 1 kHz, mean over voiced frames.

    Source: Eyben, F. et al. (2016), "The Geneva Minimalistic Acoustic Parameter Set (GeMAPS)", IEEE Trans. Affective
    Computing 7(2), section 3.1 (there 1-5 kHz; a telephone ends at 3.4). It rises with vocal effort.

    Returns:
        dB, about -30 (soft) to +5 (shouted, telephone band); None with fewer than five voiced frames.
    """
    if int(voiced.sum()) < FEWEST_FRAMES:
        return None
    low = np.maximum(band_power(spectra, 50, 1000)[voiced], 1e-12)
    high = np.maximum(band_power(spectra, 1000, 4000)[voiced], 1e-12)
    return float(np.mean(10 * np.log10(high / low), dtype=np.float64))


def hammarberg_index(spectra: Spectra, voiced: Mask) -> float | None:
    """Level of the strongest partial below 2 kHz over the strongest from 2 to 4 kHz, mean over voiced frames.

    Source: Hammarberg, B. et al. (1980), "Perceptual and acoustic correlates of abnormal voice qualities", Acta
    Oto-laryngologica 90, in the form of Eyben et al. (2016), section 3.1 (there 2-5 kHz). It falls with vocal effort.

    Returns:
        dB, about 0 (shouted) to 50 (soft), at most 80; None with fewer than five voiced frames.
    """
    if int(voiced.sum()) < FEWEST_FRAMES:
        return None
    border = round(2000 / _BIN_HZ)
    low = spectra.power[:, :border].max(axis=1)[voiced]
    high = spectra.power[:, border:].max(axis=1)[voiced]
    strongest = np.maximum(np.maximum(low, high), np.float32(1e-30))
    ratio = np.maximum(low / strongest, _FAINTEST) / np.maximum(high / strongest, _FAINTEST)
    return float(np.mean(10 * np.log10(ratio), dtype=np.float64))


def spectral_slope(spectra: Spectra, voiced: Mask) -> float | None:
    """Slope of the level spectrum from 300 to 3400 Hz by least squares, mean over voiced frames.

    Source: the spectral slope of Eyben et al. (2016), section 3.1, over the band that a telephone carries instead of
    0-500 and 500-1500 Hz.

    Returns:
        dB per kilohertz, about -20 (soft) to 0 (shouted); None with fewer than five voiced frames.
    """
    if int(voiced.sum()) < FEWEST_FRAMES:
        return None
    band = spectra.power[voiced, _SLOPE_FROM:_SLOPE_TO]
    strongest = np.maximum(band.max(axis=1, keepdims=True), np.float32(1e-30))
    # A slope is linear in the levels, so the frames' mean spectrum has the mean of their slopes.
    level = np.mean(np.log10(np.maximum(band / strongest, np.float32(_FAINTEST))), axis=0, dtype=np.float64)
    return float(10 * level @ _SLOPE_WEIGHTS)


def harmonics_to_noise(spectra: Spectra, track: PitchTrack) -> float | None:
    """Harmonics-to-noise ratio, mean over voiced frames.

    The autocorrelation of a windowed frame at its period, over that of the window at the same lag, is the periodic
    share r of the power; the ratio is 10 log10(r / (1 - r)). Source: Boersma, P. (1993), "Accurate short-term analysis
    of the fundamental frequency and the harmonics-to-noise ratio of a sampled sound", IFA Proceedings 17, eq. 4 and 9.
    Both autocorrelations are read off the power spectra at the peak nearest to the tracked period, between samples,
    where they have their exact value.

    Frames count that lie within 20 dB of the loud ones and have r of at least 0.3.

    Returns:
        dB, -3.7 (hardly a voice) to 40 (a pure tone); speech has 5 to 20. None with fewer than five such frames.
    """
    if int(track.voiced.sum()) < FEWEST_FRAMES:
        return None
    loud = spectra.level_db > np.percentile(spectra.level_db, 95) - _BELOW_LOUD_DB
    share = periodic_share(spectra, track, np.flatnonzero(track.voiced & loud))
    share = np.minimum(share[share >= _LEAST_HARMONIC], _MOST_HARMONIC)
    if len(share) < FEWEST_FRAMES:
        return None
    return float(np.mean(10 * np.log10(share / (1 - share))))


def periodic_share(spectra: Spectra, track: PitchTrack, frames: NDArray[np.intp]) -> Float:
    """Window-normalised autocorrelation of some voiced frames at their period; 1 where periodic.

    Args:
        spectra: of the utterance.
        track: its F0.
        frames: which, shape (n,).

    Returns:
        Shape (n,); noise may lead a little beyond 1, and below 0.
    """
    share = np.zeros(len(frames), np.float64)
    _correlate(spectra.power, track.f0_hz, frames, _WINDOW_CORRELATION, share)
    return share


@compiled
def _correlate(power: Array, f0_hz: Array, frames: NDArray[np.intp], window: Float, share: Float) -> None:
    """Fill `share`: the sum over all partials at the tracked period, carried to its peak by a parabola.

    Value, slope and bend of the autocorrelation come from one pass; cosine and sine turn on from bin to bin.
    """
    bins = power.shape[1]
    size = 2 * (bins - 1)
    for place in range(len(frames)):
        frame = frames[place]
        period = ANALYSIS_RATE / np.float64(f0_hz[frame])
        step = 2.0 * np.pi / size
        turn_re, turn_im = np.cos(step * period), np.sin(step * period)
        re, im = 1.0, 0.0
        total = 0.5 * np.float64(power[frame, 0])
        value, slope, bend = total, 0.0, 0.0
        for k in range(1, bins):
            re, im = re * turn_re - im * turn_im, re * turn_im + im * turn_re
            p = np.float64(power[frame, k])
            total += p
            value += p * re
            slope -= p * k * im
            bend -= p * k * k * re
        if total <= 0.0:
            continue
        lag = period
        if bend < 0.0:
            away = -slope / (bend * step)
            if abs(away) <= _REACH * period:
                lag += away
                value -= 0.5 * slope * slope / bend
        fine = _FINE * lag
        left = min(int(fine), len(window) - 2)
        inner = fine - left
        share[place] = value / (total * ((1.0 - inner) * window[left] + inner * window[left + 1]))


def _window_correlation() -> Float:
    """Autocorrelation of the analysis window at quarters of a sample, relative to lag 0."""
    power = np.abs(np.fft.rfft(WINDOW_SHAPE.astype(np.float64), FFT_SIZE)) ** 2
    lags = np.fft.irfft(power, _FINE * FFT_SIZE)
    return np.asarray(np.maximum(lags[: _FINE * FFT_SIZE // 2] / lags[0], 1e-3), np.float64)


def _slope_weights(count: int) -> Float:
    """What each bin's level adds to the least-squares slope per kilohertz."""
    khz = np.arange(count) * _BIN_HZ / 1000
    centred = khz - khz.mean()
    return np.asarray(centred / (centred @ centred), np.float64)


_SLOPE_FROM: Final = round(_SLOPE_LOW_HZ / _BIN_HZ)
_SLOPE_TO: Final = round(_SLOPE_HIGH_HZ / _BIN_HZ) + 1
_SLOPE_WEIGHTS: Final = _slope_weights(_SLOPE_TO - _SLOPE_FROM)
_WINDOW_CORRELATION: Final = _window_correlation()
