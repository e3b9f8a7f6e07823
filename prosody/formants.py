"""Formants: the resonances of the vocal tract, by linear prediction.

The autocorrelation of each pre-emphasised frame is a weighted sum over its power spectrum, so the spectra that pitch
has already paid for serve here too. Its predictor of order 8 has four pairs of poles, one for each of the four
resonances that a vocal tract has on average below 4 kHz; the angle of a pole is a frequency, its distance from the unit
circle a bandwidth. Source: Markel, J. D. and Gray, A. H. (1976), "Linear Prediction of Speech"; order and pre-emphasis
as in Praat's "To Formant (burg)" with 4 formants below 4000 Hz, from 50 Hz on.

A telephone takes away what lies below 300 and above 3400 Hz. Through it the medians of 238 utterances become 490
instead of 420 Hz for F1, 1560 instead of 1600 for F2 and 2370 instead of 2670 for F3, in Praat too: compare formants
within a call, not between lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from prosody.compiled import compiled
from prosody.periodicity import ClearVoice, find_clear
from prosody.pitch import PitchTrack
from prosody.quantile import quantiles
from prosody.spectrum import ANALYSIS_RATE, FFT_SIZE, Array, Spectra

ORDER: Final = 8
FEWEST_FRAMES: Final = 5
"""Frames with a formant from which their median says something."""

STEP: Final = 3
"""Every third frame of clear voice is looked at: the tract moves little in 30 ms, and finding poles costs most."""

LOWEST_HZ: Final = 50.0
HIGHEST_HZ: Final = ANALYSIS_RATE / 2 - 50.0
"""Poles nearer to the ends of the band shape its tilt and are no formants."""

WIDEST_HZ: Final = 1500.0
"""A pole wider than this is counted, but is no formant that anybody could hear."""

_PRE_EMPHASIS_HZ: Final = 50.0
_FLOOR: Final = 1e-9
"""White noise that is added, relative to the frame's power, so that pure tones have a predictor."""

_TINY: Final = 1e-200
"""Keeps quotients finite where a square is zero; it vanishes beside any other."""

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Formants:
    """Medians over frames of clear voice, hertz; None where fewer than five frames have that formant.

    Attributes:
        f1_hz: first formant, about 250 to 1000.
        f2_hz: second formant, about 700 to 2800.
        f3_hz: third formant, about 1800 to 3600.
    """

    f1_hz: float | None
    f2_hz: float | None
    f3_hz: float | None


def measure_formants(spectra: Spectra, track: PitchTrack, clear: ClearVoice | None = None) -> Formants:
    """Measure the formants of an utterance from its spectra, where its voice is clear.

    Args:
        spectra: of the utterance.
        track: its F0.
        clear: what `find_clear` answers for both, where that is known already.
    """
    clear = clear or find_clear(spectra, track)
    frequency = find_formants(spectra, np.flatnonzero(clear.voiced)[::STEP])
    return Formants(*(_median(frequency[:, place]) for place in range(3)))


def find_formants(spectra: Spectra, frames: NDArray[np.intp]) -> Float:
    """The first three formants of some frames.

    Args:
        spectra: of the utterance.
        frames: which, shape (n,).

    Returns:
        Hertz, rising, infinite where a frame lacks that formant or it is wider than 1500 Hz; shape (n, 3).
    """
    frequency = np.full((len(frames), 3), np.inf)
    _find(spectra.power, np.ascontiguousarray(frames), _TO_CORRELATION, _START_RE, _START_IM, frequency)
    return frequency


def _median(hertz: Float) -> float | None:
    """Median of the finite values, None for too few."""
    found = hertz[np.isfinite(hertz)]
    return quantiles(found, 0.5)[0] if len(found) >= FEWEST_FRAMES else None


@compiled
def _find(
    power: Array, frames: NDArray[np.intp], weight: Float, start_re: Float, start_im: Float, hertz: Float
) -> None:
    """Fill in the formants of some frames; rows of frames without power stay as they are."""
    correlation = np.empty(weight.shape[1], np.float64)
    predictor, before = np.empty(ORDER + 1, np.float64), np.empty(ORDER + 1, np.float64)
    re, im = start_re.copy(), start_im.copy()
    for row in range(len(frames)):
        _correlate(power[frames[row]], weight, correlation)
        if correlation[0] > 0.0:
            _predict(correlation, predictor, before)
            _find_roots(predictor, re, im)
            _sort_out(re, im, hertz[row])


@compiled
def _correlate(power: Array, weight: Float, correlation: Float) -> None:
    """Fill the autocorrelation of a frame: power times weights, four bins at once, in an order no thread decides."""
    correlation[:] = 0.0
    bins, lags = weight.shape
    whole = bins - bins % 4
    for k in range(0, whole, 4):
        one, two = np.float64(power[k]), np.float64(power[k + 1])
        three, four = np.float64(power[k + 2]), np.float64(power[k + 3])
        first, second, third, fourth = weight[k], weight[k + 1], weight[k + 2], weight[k + 3]
        for lag in range(lags):
            two_bins = one * first[lag] + two * second[lag]
            correlation[lag] += two_bins + (three * third[lag] + four * fourth[lag])
    for k in range(whole, bins):
        one, first = np.float64(power[k]), weight[k]
        for lag in range(lags):
            correlation[lag] += one * first[lag]


@compiled
def _predict(correlation: Float, found: Float, before: Float) -> None:
    """Levinson's recursion: lags 0 to ORDER become the coefficients 1, a1 ... of the predictor."""
    found[:] = 0.0
    found[0] = 1.0
    error = 1.0 + _FLOOR
    for step in range(1, ORDER + 1):
        total = 0.0
        for place in range(step):
            total += found[place] * (correlation[step - place] / correlation[0])
        reflection = -total / error
        before[:] = found
        for place in range(1, step + 1):
            found[place] += reflection * before[step - place]
        error *= max(1.0 - reflection * reflection, 1e-12)


@compiled
def _find_roots(predictor: Float, re: Float, im: Float) -> None:
    """Carry the roots of a like polynomial (the frame before, or the start) to all roots of 1, a1 ...

    The simultaneous iteration of Aberth, O. (1973), "Iteration methods for finding all zeros of a polynomial
    simultaneously", Mathematics of Computation 27(122), eq. 5; it doubles the right digits at each step or better.
    Complex numbers are spelt out: their division guards against overflow, which nothing here comes near.
    """
    for _ in range(_MOST_STEPS):
        largest = 0.0
        for place in range(ORDER):
            x, y = re[place], im[place]
            value_re, value_im, slope_re, slope_im = 1.0, 0.0, 0.0, 0.0
            for power in range(1, ORDER + 1):
                slope_re, slope_im = slope_re * x - slope_im * y + value_re, slope_re * y + slope_im * x + value_im
                value_re, value_im = value_re * x - value_im * y + predictor[power], value_re * y + value_im * x
            size = slope_re * slope_re + slope_im * slope_im + _TINY
            ratio_re = (value_re * slope_re + value_im * slope_im) / size
            ratio_im = (value_im * slope_re - value_re * slope_im) / size
            pull_re, pull_im = 0.0, 0.0
            for other in range(ORDER):
                away_re, away_im = x - re[other], y - im[other]  # nothing from itself
                distance = away_re * away_re + away_im * away_im + _TINY
                pull_re += away_re / distance
                pull_im -= away_im / distance
            divisor_re = 1.0 - (ratio_re * pull_re - ratio_im * pull_im)
            divisor_im = -(ratio_re * pull_im + ratio_im * pull_re)
            size = divisor_re * divisor_re + divisor_im * divisor_im + _TINY
            step_re = (ratio_re * divisor_re + ratio_im * divisor_im) / size
            step_im = (ratio_im * divisor_re - ratio_re * divisor_im) / size
            re[place], im[place] = x - step_re, y - step_im
            largest = max(largest, abs(step_re) + abs(step_im))
        if largest < _CLOSE_ENOUGH:
            break


@compiled
def _sort_out(re: Float, im: Float, hertz: Float) -> None:
    """Fill in the three lowest resonances of some poles; one that is too wide keeps its place, but is infinite."""
    widest = np.exp(-np.pi * WIDEST_HZ / ANALYSIS_RATE)
    below = 0.0
    for place in range(len(hertz)):
        lowest, magnitude = np.inf, 0.0
        for pole in range(ORDER):
            if im[pole] > 0.0:
                here = np.arctan2(im[pole], re[pole]) * (ANALYSIS_RATE / (2.0 * np.pi))
                if below < here < lowest and LOWEST_HZ < here < HIGHEST_HZ:
                    lowest, magnitude = here, np.hypot(re[pole], im[pole])
        if magnitude > widest:
            hertz[place] = lowest
        below = lowest


def _to_correlation() -> Float:
    """What turns a power spectrum into the autocorrelation of the pre-emphasised frame, shape (bins, ORDER + 1)."""
    angle = 2 * np.pi * np.arange(FFT_SIZE // 2 + 1) / FFT_SIZE
    share = np.exp(-2 * np.pi * _PRE_EMPHASIS_HZ / ANALYSIS_RATE)
    weight = 1 + share**2 - 2 * share * np.cos(angle)
    weight[1:-1] *= 2  # negative frequencies
    return np.asarray(weight[:, None] * np.cos(np.outer(angle, np.arange(ORDER + 1))), np.float64)


_MOST_STEPS: Final = 60
_CLOSE_ENOUGH: Final = 1e-4
"""Of the unit circle: the last step. Each cubes what is left, so that it leaves less than a millionth of a hertz."""

# Off the real axis and unevenly, so that no two roots are drawn to the same place by symmetry.
_START: Final = 0.9 * np.exp(1j * (2 * np.pi * np.arange(ORDER) / ORDER + 0.3))
_START_RE: Final[Float] = np.ascontiguousarray(_START.real)
_START_IM: Final[Float] = np.ascontiguousarray(_START.imag)
_TO_CORRELATION: Final = _to_correlation()
