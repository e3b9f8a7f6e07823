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
    correlation = np.zeros((len(frames), ORDER + 1), np.float64)
    _correlate(spectra.power, np.ascontiguousarray(frames), _TO_CORRELATION, correlation)
    sounding = correlation[:, 0] > 0
    frequency = np.full((len(frames), 3), np.inf)
    if not sounding.any():
        return frequency
    correlation = correlation[sounding] / correlation[sounding, :1]
    correlation[:, 0] += _FLOOR
    predictor = np.empty_like(correlation)
    _predict(correlation, predictor)
    poles = np.empty((len(correlation), ORDER), np.complex128)
    _roots(predictor, _START, poles)
    hertz = np.angle(poles) * (ANALYSIS_RATE / (2 * np.pi))
    width = -np.log(np.maximum(np.abs(poles), 1e-12)) * (ANALYSIS_RATE / np.pi)
    hertz = np.where((hertz > LOWEST_HZ) & (hertz < HIGHEST_HZ), hertz, np.inf)
    order = np.argsort(hertz, axis=1, kind="stable")[:, :3]
    narrow = np.take_along_axis(width, order, axis=1) < WIDEST_HZ
    frequency[sounding] = np.where(narrow, np.take_along_axis(hertz, order, axis=1), np.inf)
    return frequency


def _median(hertz: Float) -> float | None:
    """Median of the finite values, None for too few."""
    found = hertz[np.isfinite(hertz)]
    return float(np.median(found)) if len(found) >= FEWEST_FRAMES else None


@compiled
def _correlate(power: Array, frames: NDArray[np.intp], weight: Float, correlation: Float) -> None:
    """Fill the autocorrelation of some frames: power times weights, in an order that no thread decides."""
    for row in range(len(frames)):
        frame = power[frames[row]]
        for k in range(weight.shape[0]):
            p = np.float64(frame[k])
            for lag in range(weight.shape[1]):
                correlation[row, lag] += p * weight[k, lag]


@compiled
def _predict(correlation: Float, predictor: Float) -> None:
    """Levinson's recursion: lags 0 to ORDER of each row become the coefficients 1, a1 ... of its predictor."""
    order = correlation.shape[1] - 1
    before = np.empty(order + 1, np.float64)
    for row in range(len(correlation)):
        found = predictor[row]
        found[:] = 0.0
        found[0] = 1.0
        error = correlation[row, 0]
        for step in range(1, order + 1):
            total = 0.0
            for place in range(step):
                total += found[place] * correlation[row, step - place]
            reflection = -total / error
            before[:] = found
            for place in range(1, step + 1):
                found[place] += reflection * before[step - place]
            error *= max(1.0 - reflection * reflection, 1e-12)


@compiled
def _roots(predictor: Float, start: NDArray[np.complex128], roots: NDArray[np.complex128]) -> None:
    """Fill in all roots of many polynomials 1, a1 ..., each from those of the one before, the first from `start`.

    The simultaneous iteration of Aberth, O. (1973), "Iteration methods for finding all zeros of a polynomial
    simultaneously", Mathematics of Computation 27(122), eq. 5; it doubles the right digits at each step or better.
    """
    order = len(start)
    for row in range(len(predictor)):
        found = roots[row]
        found[:] = start if row == 0 else roots[row - 1]
        for _ in range(_MOST_STEPS):
            largest = 0.0
            for place in range(order):
                root = found[place]
                value, slope = complex(1.0), complex(0.0)
                for power in range(1, order + 1):
                    slope = slope * root + value
                    value = value * root + predictor[row, power]
                if slope == 0:
                    slope = complex(1e-12)
                ratio = value / slope
                pull = complex(0.0)
                for other in range(order):
                    if other != place:
                        gap = root - found[other]
                        if gap == 0:
                            gap = complex(1e-9, 1e-9)
                        pull += 1 / gap
                divisor = 1 - ratio * pull
                if divisor == 0:
                    divisor = complex(1e-12)
                step = ratio / divisor
                found[place] = root - step
                largest = max(largest, abs(step.real) + abs(step.imag))
            if largest < _CLOSE_ENOUGH:
                break


def _to_correlation() -> Float:
    """What turns a power spectrum into the autocorrelation of the pre-emphasised frame, shape (bins, ORDER + 1)."""
    angle = 2 * np.pi * np.arange(FFT_SIZE // 2 + 1) / FFT_SIZE
    share = np.exp(-2 * np.pi * _PRE_EMPHASIS_HZ / ANALYSIS_RATE)
    weight = 1 + share**2 - 2 * share * np.cos(angle)
    weight[1:-1] *= 2  # negative frequencies
    return np.asarray(weight[:, None] * np.cos(np.outer(angle, np.arange(ORDER + 1))), np.float64)


_MOST_STEPS: Final = 60
_CLOSE_ENOUGH: Final = 1e-7
"""Of the unit circle; 0.0001 Hz."""

# Off the real axis and unevenly, so that no two roots are drawn to the same place by symmetry.
_START: Final = np.asarray(0.9 * np.exp(1j * (2 * np.pi * np.arange(ORDER) / ORDER + 0.3)), np.complex128)
_TO_CORRELATION: Final = _to_correlation()
