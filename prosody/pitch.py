"""Fundamental frequency, made for the telephone, where the fundamental itself is missing.

Method: Boersma, P. (1993), "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio
of a sampled sound", IFA Proceedings 17, 97-110: the autocorrelation of each windowed frame divided by that of the
window, a handful of its peaks as candidates, and the best path through them. Two additions hold the octave where only
300-3400 Hz arrive and a formant on one harmonic can pass for the voice itself:

- Half of the weight goes to a compressed power spectrum, whose formants stand out less (the generalised autocorrelation
  of Tolonen, T. and Karjalainen, M. (2000), "A computationally efficient multipitch analysis model", IEEE Trans. Speech
  Audio Proc. 8(6), eq. 1; exponent 0.5 here). Compression alone loses voices in noise, so the other half stays plain.
- The path is found twice. The second time a candidate far from the median of the first path pays for the distance
  (the two passes of Hirst, D. (2011), "The analysis by synthesis of speech melody", Journal of Speech Sciences 1(1),
  as a soft cost instead of new limits).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from prosody.spectrum import ANALYSIS_RATE, FFT_SIZE, SILENT_DB, WINDOW_SHAPE, Array, Mask, Spectra

LOWEST_HZ: Final = 60.0
HIGHEST_HZ: Final = 500.0

_CANDIDATES: Final = 6
_LOW_HZ: Final = 60.0
_HIGH_HZ: Final = 3400.0
_COMPRESSION: Final = 0.5
_PLAIN_SHARE: Final = 0.5

# Costs in units of correlation, as Boersma (1993) names them. His octave-jump and voicing costs are kept; the octave
# cost is doubled because the blended autocorrelation is normalised less exactly, and the voicing threshold is lower
# because compression lowers every peak.
_VOICING_THRESHOLD: Final = 0.29
_OCTAVE_COST: Final = 0.02
_OCTAVE_JUMP_COST: Final = 0.35
_VOICING_CHANGE_COST: Final = 0.14
_SILENCE_BELOW_PEAK_DB: Final = 30.0
_WEAKEST_PEAK: Final = 0.15
_NORMALISATION: Final = 0.9
"""Exponent on the window's autocorrelation. In noise only the tips of the compressed partials stand out, narrower than
the window's lobe; dividing by all of it would favour long lags, that is, the octave below."""

# The second pass: free within 0.4 octaves (5 semitones) of the utterance's median, then 0.2 per octave.
_FREE_OCTAVES: Final = 0.4
_RANGE_COST: Final = 0.2

_RATE: Final = 2 * ANALYSIS_RATE
"""The autocorrelation is interpolated to twice the rate by zero-padding its spectrum."""
_FIRST_LAG: Final = int(_RATE / HIGHEST_HZ) - 1
_LAST_LAG: Final = int(_RATE / LOWEST_HZ) + 1


@dataclass(frozen=True, slots=True, eq=False)
class PitchTrack:
    """F0 every 10 ms.

    Attributes:
        f0_hz: hertz in voiced frames, 0 in all others; shape (frames,).
        voiced: where the voice sounds; shape (frames,).
    """

    f0_hz: Array
    voiced: Mask


@dataclass(frozen=True, slots=True, eq=False)
class _Candidates:
    """Peaks of each frame; empty places have `valid` False and strength -1. All of shape (frames, _CANDIDATES)."""

    octaves: Array
    strength: Array
    valid: Mask


def track_pitch(spectra: Spectra) -> PitchTrack:
    """Follow the fundamental through an utterance.

    Returns:
        One value per frame of `spectra`, in [60, 500] Hz where voiced.
    """
    if not spectra.frames or float(spectra.level_db.max()) <= SILENT_DB:
        return PitchTrack(np.zeros(spectra.frames, np.float32), np.zeros(spectra.frames, np.bool_))
    candidates = _find_candidates(spectra)
    unvoiced = _unvoiced_strength(spectra.level_db)
    path = _best_path(candidates.octaves, candidates.strength, unvoiced)
    voiced = _is_voiced(candidates, path)
    if voiced.any():
        centre = np.median(candidates.octaves[voiced, path[voiced]])
        distance = np.abs(candidates.octaves - centre) - np.float32(_FREE_OCTAVES)
        strength = candidates.strength - np.float32(_RANGE_COST) * np.maximum(distance, 0)
        path = _best_path(candidates.octaves, strength, unvoiced)
        voiced = _is_voiced(candidates, path)
    f0_hz = np.zeros(spectra.frames, np.float32)
    f0_hz[voiced] = np.clip(np.exp2(candidates.octaves[voiced, path[voiced]]), LOWEST_HZ, HIGHEST_HZ)
    return PitchTrack(f0_hz, voiced)


def _autocorrelation(spectra: Spectra) -> Array:
    """Window-normalised, blended autocorrelation from one lag before the first to one after the last; 1 if periodic."""
    plain = spectra.power * _IN_BAND
    compressed = np.power(plain, np.float32(_COMPRESSION))
    plain_sum = np.maximum(plain.sum(axis=1, keepdims=True), np.float32(1e-20))
    compressed_sum = np.maximum(compressed.sum(axis=1, keepdims=True), np.float32(1e-20))
    blend = plain * (np.float32(_PLAIN_SHARE) / plain_sum)
    blend += compressed * (np.float32(1 - _PLAIN_SHARE) / compressed_sum)
    lags = np.fft.irfft(blend, 2 * FFT_SIZE, axis=1)
    normalised = lags[:, _FIRST_LAG - 1 : _LAST_LAG + 2] / np.maximum(lags[:, :1], np.float32(1e-20))
    return (normalised / _WINDOW_CORRELATION).astype(np.float32, copy=False)


def _find_candidates(spectra: Spectra) -> _Candidates:
    """The strongest peaks of each frame, refined by a parabola (Boersma 1993, eq. 24 with his octave cost)."""
    correlation = _autocorrelation(spectra)
    left, middle, right = correlation[:, :-2], correlation[:, 1:-1], correlation[:, 2:]
    is_peak = (middle > left) & (middle >= right) & (middle > _WEAKEST_PEAK)
    score = np.where(is_peak, middle - _LAG_COST, np.float32(-1))
    chosen = np.argpartition(score, -_CANDIDATES, axis=1)[:, -_CANDIDATES:]
    rows = np.arange(spectra.frames)[:, None]
    valid = is_peak[rows, chosen]
    before, peak, after = left[rows, chosen], middle[rows, chosen], right[rows, chosen]
    bend = np.where(valid, 2 * peak - before - after, np.float32(1))
    shift = np.where(valid & (bend > 0), 0.5 * (after - before) / np.maximum(bend, np.float32(1e-9)), np.float32(0))
    octaves = np.log2(_RATE / (chosen + _FIRST_LAG + shift)).astype(np.float32)
    height = np.minimum(peak + 0.25 * (after - before) * shift, 1)
    cost = _OCTAVE_COST * (np.log2(HIGHEST_HZ) - octaves)
    strength = np.where(valid, height - cost, -1).astype(np.float32)
    return _Candidates(octaves, strength, valid)


def _unvoiced_strength(level_db: Array) -> Array:
    """How well "no voice" fits each frame (Boersma 1993, eq. 23), relative to the loud frames of this utterance."""
    loud_db = np.percentile(level_db, 95)
    relative = np.power(10.0, (level_db - loud_db) / 20)
    silence = 10 ** (-_SILENCE_BELOW_PEAK_DB / 20)
    strength = _VOICING_THRESHOLD + np.maximum(0, 2 - relative * (1 + _VOICING_THRESHOLD) / silence)
    strength[level_db <= SILENT_DB] = 4.0
    return strength.astype(np.float32)


def _best_path(octaves: Array, strength: Array, unvoiced: Array) -> NDArray[np.intp]:
    """Viterbi over candidates and one unvoiced state (the last); answers the state of each frame."""
    frames, count = octaves.shape
    gain = np.concatenate([strength, unvoiced[:, None]], axis=1)
    change = np.full((frames - 1, count + 1, count + 1), _VOICING_CHANGE_COST, np.float32)
    np.abs(octaves[1:, :, None] - octaves[:-1, None, :], out=change[:, :count, :count])
    change[:, :count, :count] *= np.float32(_OCTAVE_JUMP_COST)
    change[:, count, count] = 0
    origin = np.empty((frames, count + 1), np.intp)
    best = gain[0]
    for frame in range(1, frames):
        total = best - change[frame - 1]  # row: state now, column: state before
        origin[frame] = total.argmax(axis=1)
        best = total.max(axis=1) + gain[frame]
    path = np.empty(frames, np.intp)
    path[-1] = best.argmax()
    for frame in range(frames - 1, 0, -1):
        path[frame - 1] = origin[frame, path[frame]]
    return path


def _is_voiced(candidates: _Candidates, path: NDArray[np.intp]) -> Mask:
    """Frames whose path goes through a real candidate."""
    place = np.minimum(path, _CANDIDATES - 1)
    real: Mask = candidates.valid[np.arange(len(path)), place]
    return (path < _CANDIDATES) & real


def _window_correlation() -> Array:
    """Autocorrelation of the window, blended as the frames are, over the same lags, relative to lag 0."""
    plain = np.abs(np.fft.rfft(WINDOW_SHAPE.astype(np.float64), FFT_SIZE)) ** 2
    compressed = plain**_COMPRESSION
    blend = _PLAIN_SHARE * plain / _two_sided(plain) + (1 - _PLAIN_SHARE) * compressed / _two_sided(compressed)
    lags = np.fft.irfft(blend, 2 * FFT_SIZE)
    return np.asarray((lags[_FIRST_LAG - 1 : _LAST_LAG + 2] / lags[0]) ** _NORMALISATION, np.float32)


def _two_sided(power: NDArray[np.float64]) -> float:
    """Sum of a spectrum over positive and negative frequencies."""
    return float(2 * power.sum() - power[0] - power[-1])


_FREQUENCY_HZ: Final = np.arange(FFT_SIZE // 2 + 1) * ANALYSIS_RATE / FFT_SIZE
_IN_BAND: Final[Array] = np.asarray((_FREQUENCY_HZ >= _LOW_HZ) & (_FREQUENCY_HZ <= _HIGH_HZ), np.float32)
_WINDOW_CORRELATION: Final[Array] = _window_correlation()
_LAG_COST: Final[Array] = (_OCTAVE_COST * np.log2(np.arange(_FIRST_LAG, _LAST_LAG + 1) * HIGHEST_HZ / _RATE)).astype(
    np.float32
)
