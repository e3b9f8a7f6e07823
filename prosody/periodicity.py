"""How periodic a frame is at its tracked pitch, and where the voice is clear enough to be judged.

A tracker that has to find voices in noise calls much voiced that is mostly breath or friction. What is said about the
quality of a voice must rest on frames in which there is little else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from prosody.compiled import compiled
from prosody.pitch import PitchTrack
from prosody.spectrum import ANALYSIS_RATE, FFT_SIZE, HOP, WINDOW_SHAPE, Array, Mask, Spectra
from prosody.sums import STRANDS, sum_of, sum_of_squares

# Boersma's (1993) costs and voicing threshold. Silence lies a little above his 0.03 of the peak in amplitude, because
# levels of whole frames are compared, in which what fades lasts longer than in peaks.
_VOICING_THRESHOLD: Final = 0.45
_SILENCE: Final = 0.05
_VOICING_CHANGE_COST: Final = 0.14
_OCTAVE_COST: Final = 0.01
_OCTAVE_FROM_HZ: Final = 500.0

_REACH: Final = 0.06
"""How far from the tracked period the autocorrelation's own peak is looked for, in periods."""

_FINE: Final = 4
"""The window's own autocorrelation is stored at so many places a sample, and read off linearly between them."""

_NEAR: Final = 2 * HOP
"""Samples at 16 kHz on both sides of a frame's centre in which power above and below 4 kHz is compared."""

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ClearVoice:
    """Where the voice prevails.

    Attributes:
        voiced: those frames, shape (frames,).
        share: the periodic share below 4 kHz of each of them in turn, shape (voiced.sum(),).
    """

    voiced: Mask
    share: Float


def periodic_share(spectra: Spectra, track: PitchTrack, frames: NDArray[np.intp]) -> Float:
    """Share of the power below 4 kHz that repeats after one period.

    It is the autocorrelation of a windowed frame at its period, over that of the window at the same lag (Boersma, P.
    (1993), "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a sampled
    sound", IFA Proceedings 17, eq. 4 and 9). Both are read off the power spectra at the peak nearest to the tracked
    period, between samples, where they have their exact value.

    Args:
        spectra: of the utterance.
        track: its F0.
        frames: which, all voiced; shape (n,).

    Returns:
        1 where periodic; chance may lead a little beyond, and below 0. Shape (n,).
    """
    share = np.zeros(len(frames), np.float64)
    _correlate(spectra.power, track.f0_hz, frames, _WINDOW_CORRELATION, share)
    return share


def find_clear(spectra: Spectra, track: PitchTrack) -> ClearVoice:
    """Where the voice prevails: the voiced frames of `track` that a strict tracker would call voiced.

    Each frame is held against "no voice" as in Boersma (1993), eq. 23 and 24, with his threshold and his cost of
    changing; F0 stays as tracked. What a voice has above 4 kHz is mostly breath and friction, so the power there counts
    as noise; a telephone carries none.
    """
    clear = np.zeros(spectra.frames, np.bool_)
    voiced = np.flatnonzero(track.voiced)
    if not len(voiced):
        return ClearVoice(clear, np.zeros(0, np.float64))
    share = periodic_share(spectra, track, voiced)
    strength = np.full(spectra.frames, -np.inf)
    low = _low_share(spectra.pcm, spectra.signal, voiced)
    strength[voiced] = share * low - _OCTAVE_COST * np.log2(_OCTAVE_FROM_HZ / track.f0_hz[voiced].astype(np.float64))
    loudness = 10 ** ((spectra.level_db.astype(np.float64) - float(spectra.level_db.max())) / 20)
    unvoiced = _VOICING_THRESHOLD + np.maximum(0, 2 - loudness * (1 + _VOICING_THRESHOLD) / _SILENCE)
    _decide(strength, unvoiced, _VOICING_CHANGE_COST, clear)
    return ClearVoice(clear, share[clear[voiced]])


@compiled
def _correlate(power: Array, f0_hz: Array, frames: NDArray[np.intp], window: Float, share: Float) -> None:
    """Fill `share`: the sum over all partials at the tracked period, carried to its peak by a parabola.

    Value, slope and bend of the autocorrelation are summed in strands side by side, so that all of it becomes vector
    code in a fixed order.
    """
    bins = power.shape[1]
    step = 2.0 * np.pi / (2 * (bins - 1))
    re, im = np.empty(bins - 1), np.empty(bins - 1)
    number = np.arange(1, bins) * 1.0
    total_of, value_of = np.empty(STRANDS), np.empty(STRANDS)
    slope_of, bend_of = np.empty(STRANDS), np.empty(STRANDS)
    for place in range(len(frames)):
        frame = power[frames[place]]
        period = ANALYSIS_RATE / np.float64(f0_hz[frames[place]])
        _turn(step * period, re, im)
        total_of[:], value_of[:], slope_of[:], bend_of[:] = 0.0, 0.0, 0.0, 0.0
        for first in range(0, bins - 1, STRANDS):
            p = frame[1 + first : 1 + first + STRANDS]
            cosine, sine, k = (
                re[first : first + STRANDS],
                im[first : first + STRANDS],
                number[first : first + STRANDS],
            )
            for strand in range(len(p)):
                total_of[strand] += p[strand]
            for strand in range(len(p)):
                value_of[strand] += p[strand] * cosine[strand]
            for strand in range(len(p)):
                slope_of[strand] += p[strand] * k[strand] * sine[strand]
            for strand in range(len(p)):
                bend_of[strand] += p[strand] * k[strand] * k[strand] * cosine[strand]
        total = 0.5 * np.float64(frame[0])
        value, slope, bend = total + sum_of(value_of), -sum_of(slope_of), -sum_of(bend_of)
        total += sum_of(total_of)
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


@compiled
def _turn(angle: float, re: Float, im: Float) -> None:
    """Fill cosine and sine of 1, 2, 3 ... times an angle: what is there is turned on by its last angle, and so on."""
    re[0], im[0] = np.cos(angle), np.sin(angle)
    done = 1
    while done < len(re):
        more = min(done, len(re) - done)
        turn_re, turn_im = re[done - 1], im[done - 1]
        from_re, from_im, to_re, to_im = re[:more], im[:more], re[done : done + more], im[done : done + more]
        for place in range(more):
            to_re[place] = from_re[place] * turn_re - from_im[place] * turn_im
        for place in range(more):
            to_im[place] = from_re[place] * turn_im + from_im[place] * turn_re
        done += more


def _low_share(pcm: Array, signal: Array, frames: NDArray[np.intp]) -> Float:
    """Share of the power around the centre of some frames that lies below 4 kHz, in [0, 1]; shape (n,)."""
    share = np.ones(len(frames), np.float64)
    _compare(pcm, signal, frames, share)
    return share


@compiled
def _compare(pcm: Array, signal: Array, frames: NDArray[np.intp], share: Float) -> None:
    """Fill `share`; it stays as it is in frames without power.

    Frames overlap; the energy of each half hop is summed once.
    """
    half = HOP // 2
    count = (len(pcm) + HOP - 1) // HOP
    wide, low = np.empty(count), np.empty(count)
    for place in range(count):
        wide[place] = sum_of_squares(pcm[HOP * place : HOP * (place + 1)])
        low[place] = 2.0 * sum_of_squares(signal[half * place : half * (place + 1)])
    for place in range(len(frames)):
        middle = 2 * frames[place] + 1
        start, end = max(middle - _NEAR // HOP, 0), min(middle + _NEAR // HOP, count)
        all_of_it = wide[start:end].sum()
        if all_of_it > 0.0:
            share[place] = min(low[start:end].sum() / all_of_it, 1.0)


@compiled
def _decide(strength: Float, unvoiced: Float, change_cost: float, clear: Mask) -> None:
    """Fill `clear`: the best path through two states; where both are equal there is no voice."""
    frames = len(strength)
    from_voice = np.zeros((frames, 2), np.bool_)
    voice, none = strength[0], unvoiced[0]
    for frame in range(1, frames):
        from_voice[frame, 0] = voice >= none - change_cost
        from_voice[frame, 1] = voice - change_cost > none
        voice, none = (
            max(voice, none - change_cost) + strength[frame],
            max(none, voice - change_cost) + unvoiced[frame],
        )
    state = voice > none
    for frame in range(frames - 1, -1, -1):
        clear[frame] = state
        state = from_voice[frame, 0] if state else from_voice[frame, 1]


def _window_correlation() -> Float:
    """Autocorrelation of the analysis window at quarters of a sample, relative to lag 0."""
    power = np.abs(np.fft.rfft(WINDOW_SHAPE.astype(np.float64), FFT_SIZE)) ** 2
    lags = np.fft.irfft(power, _FINE * FFT_SIZE)
    return np.asarray(np.maximum(lags[: _FINE * FFT_SIZE // 2] / lags[0], 1e-3), np.float64)


_WINDOW_CORRELATION: Final = _window_correlation()
