"""Periods of the voice, one by one: how much their length (jitter) and their strength (shimmer) vary.

A mark is set in every period by waveform matching, the principle of Praat's point process by cross-correlation
(Boersma, P. and Weenink, D., "Praat: doing phonetics by computer", manual page "Sound & Pitch: To PointProcess (cc)"):
from the strongest sample in the middle of each voiced stretch, the next mark lies where the waveform around it
resembles the waveform around the last mark most, near one tracked period away. Marks follow the whole waveform, not a
peak or the fundamental, so they hold where a telephone takes away everything below 300 Hz.

What is a period follows the Praat manual, "Voice 2. Jitter" and "Voice 3. Shimmer": 0.1 to 20 ms long, and neighbours
that differ by more than a factor of 1.3 in length or 1.6 in amplitude are not compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from prosody.compiled import compiled
from prosody.periodicity import ClearVoice, find_clear
from prosody.pitch import PitchTrack
from prosody.runs import find_runs
from prosody.spectrum import HOP_S, Array, Mask, Spectra
from voice.contracts.audio import SAMPLE_RATE

SHORTEST_S: Final = 0.0001
LONGEST_S: Final = 0.02
LARGEST_PERIOD_FACTOR: Final = 1.3
LARGEST_AMPLITUDE_FACTOR: Final = 1.6

FEWEST_COMPARED: Final = 10
"""Comparisons between neighbours from which their mean says something."""

_NEAREST: Final = 0.8
_FARTHEST: Final = 1.25
"""Where the next mark is searched, in tracked periods."""

_LEAST_CORRELATION: Final = 0.3
_AMPLITUDE_REACH: Final = 0.2
"""Half the width of the window in which a period's amplitude is measured, in periods."""

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Periods:
    """How regular the voice is from period to period; None where fewer than ten neighbours could be compared.

    Attributes:
        jitter_local: mean absolute difference of neighbouring periods over the mean period, a ratio; below 0.005 in
            a held vowel, 0.015 to 0.04 in running speech.
        jitter_rap: mean absolute difference of a period and the mean of it and its two neighbours, over the mean
            period, a ratio; 0.005 to 0.016 in running speech.
        shimmer_local: mean absolute difference of the amplitudes of neighbouring periods over the mean amplitude, a
            ratio; 0.06 to 0.2 in running speech. Amplitude is the root mean square around the mark under a Hann window
            that reaches a fifth of a period to either side.
        shimmer_apq3: mean absolute difference of an amplitude and the mean of it and its two neighbours, over the mean
            amplitude, a ratio; 0.02 to 0.06 in running speech.
    """

    jitter_local: float | None
    jitter_rap: float | None
    shimmer_local: float | None
    shimmer_apq3: float | None


NO_PERIODS: Final = Periods(None, None, None, None)


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """One mark in every period.

    Attributes:
        times_s: rising, shape (marks,).
        first: the mark begins a stretch, so that what lies before it is no period; shape (marks,).
        amplitude: root mean square around the mark, 0 where a neighbour is missing; shape (marks,).
    """

    times_s: Float
    first: Mask
    amplitude: Float


def measure_periods(spectra: Spectra, track: PitchTrack, clear: ClearVoice | None = None) -> Periods:
    """Measure jitter and shimmer over the stretches of clear voice in an utterance.

    Args:
        spectra: of the utterance.
        track: its F0.
        clear: what `find_clear` answers for both, where that is known already.
    """
    clear = clear or find_clear(spectra, track)
    return compare_periods(mark_periods(spectra, PitchTrack(track.f0_hz, clear.voiced)))


def compare_periods(marks: Marks) -> Periods:
    """Jitter and shimmer of periods that are marked."""
    if len(marks.times_s) <= FEWEST_COMPARED:
        return NO_PERIODS
    lengths = np.diff(marks.times_s)
    real = ~marks.first[1:] & (lengths >= SHORTEST_S) & (lengths <= LONGEST_S)
    mean = _mean_period(lengths, real)
    local, rap = _perturb(lengths, real, np.ones(len(lengths) - 1, np.bool_), LARGEST_PERIOD_FACTOR, mean)
    sounding = marks.amplitude > 0
    strong = marks.amplitude[sounding]
    mean = float(strong.mean()) if len(strong) else 0.0
    shimmer, apq3 = _perturb(marks.amplitude, sounding, real, LARGEST_AMPLITUDE_FACTOR, mean)
    return Periods(*(ratio if ratio >= 0 else None for ratio in (local, rap, shimmer, apq3)))


def mark_periods(spectra: Spectra, track: PitchTrack) -> Marks:
    """Set a mark in every period of the voiced stretches.

    Returns:
        Marks in the order of time, on the time axis of the utterance.
    """
    signal, rate = spectra.pcm, SAMPLE_RATE  # at 8 kHz the parabola misses a third of a jitter of 0.7 %
    edges = find_runs(track.voiced)
    most = int(float(np.sum(track.f0_hz)) * HOP_S / _NEAREST) + 4 * len(edges) + 2
    times = np.empty(most, np.float64)
    first = np.zeros(most, np.bool_)
    count = _mark(signal, float(rate), track.f0_hz, edges, times, first)
    times, first = times[:count], first[:count]
    amplitude = np.zeros(count, np.float64)
    _measure_amplitudes(signal, times, first, float(rate), amplitude)
    return Marks(times / rate, first, amplitude)


@compiled
def _perturb(values: Float, real: Mask, joined: Mask, largest_factor: float, mean: float) -> tuple[float, float]:
    """Mean change from value to value, and against the mean of three, both over `mean`; -1 for too few.

    Args:
        values: periods or amplitudes in the order of time, shape (n,).
        real: which of them count.
        joined: between which neighbours there is nothing else, shape (n - 1,).
        largest_factor: neighbours that differ by more are not compared.
        mean: what the changes are related to.
    """
    local, three = -1.0, -1.0
    if mean <= 0.0:
        return local, three
    total, pairs, bend, threes = 0.0, 0, 0.0, 0
    was_alike, last = False, 0.0
    for place in range(len(values) - 1):
        low, high = min(values[place], values[place + 1]), max(values[place], values[place + 1])
        change = values[place + 1] - values[place]
        alike = real[place] and real[place + 1] and joined[place] and high <= largest_factor * low
        if alike:
            total += abs(change)
            pairs += 1
            if was_alike:
                bend += abs(last - change)  # b - (a + b + c) / 3 = ((b - a) - (c - b)) / 3
                threes += 1
        was_alike, last = alike, change
    if pairs >= FEWEST_COMPARED:
        local = total / (pairs * mean)
    if threes >= FEWEST_COMPARED:
        three = bend / (3 * threes * mean)
    return local, three


@compiled
def _mean_period(lengths: Float, real: Mask) -> float:
    """Mean length of the periods that have a neighbour of like length, seconds; 0 without any."""
    total, counted, was_alike = 0.0, 0, False
    for place in range(len(lengths)):
        alike = False
        if place + 1 < len(lengths) and real[place] and real[place + 1]:
            low, high = min(lengths[place], lengths[place + 1]), max(lengths[place], lengths[place + 1])
            alike = high <= LARGEST_PERIOD_FACTOR * low
        if alike or was_alike:
            total += lengths[place]
            counted += 1
        was_alike = alike
    return total / counted if counted else 0.0


@compiled
def _mark(signal: Array, rate: float, f0_hz: Array, edges: NDArray[np.intp], times: Float, first: Mask) -> int:
    """Fill `times` (in samples) and `first`; answers how many marks there are."""
    energy = np.empty(len(signal) + 1, np.float64)
    energy[0] = 0.0
    for place in range(len(signal)):
        energy[place + 1] = energy[place] + signal[place] * np.float64(signal[place])
    products = np.empty(2048, np.float32)
    hop = 0.01 * rate
    count = 0
    for stretch in range(len(edges)):
        start, end = edges[stretch, 0], edges[stretch, 1]
        begin, stop = start * hop, min(end * hop, len(signal) - 1.0)
        middle = 0.5 * (begin + stop)
        anchor = _strongest(signal, middle, rate / _f0_at(f0_hz, middle / hop, start, end))
        opened = count
        # Backwards first; the marks found are turned round afterwards.
        mark = anchor
        while True:
            period = rate / _f0_at(f0_hz, mark / hop, start, end)
            mark, correlation = _match(signal, energy, mark, period, -1, products)
            if mark < begin or count >= len(times) - 1:
                break
            if correlation > _LEAST_CORRELATION:
                times[count] = mark
                count += 1
        for place in range((count - opened) // 2):
            other = count - 1 - place
            times[opened + place], times[other] = times[other], times[opened + place]
        times[count] = anchor
        count += 1
        mark = anchor
        while True:
            period = rate / _f0_at(f0_hz, mark / hop, start, end)
            mark, correlation = _match(signal, energy, mark, period, 1, products)
            if mark > stop or count >= len(times) - 1:
                break
            if correlation > _LEAST_CORRELATION:
                times[count] = mark
                count += 1
        first[opened] = True
    return count


@compiled
def _f0_at(f0_hz: Array, place: float, start: int, end: int) -> float:
    """F0 between two frames of a voiced stretch, linear; frames are centred half a hop after they begin."""
    inner = min(max(place - 0.5, np.float64(start)), np.float64(end - 1))
    left = int(inner)
    right = min(left + 1, end - 1)
    share = inner - left
    return float((1.0 - share) * f0_hz[left] + share * f0_hz[right])


@compiled
def _strongest(signal: Array, middle: float, period: float) -> float:
    """The place of the largest magnitude within half a period of `middle`."""
    low = max(0, int(middle - 0.5 * period))
    high = min(len(signal), int(middle + 0.5 * period) + 1)
    best, strongest = low, np.float32(-1.0)
    for place in range(low, high):
        if abs(signal[place]) > strongest:
            best, strongest = place, abs(signal[place])
    return float(best)


@compiled
def _match(
    signal: Array, energy: Float, mark: float, period: float, direction: int, products: Array
) -> tuple[float, float]:
    """The next mark before (-1) or after (1) `mark`, and the normalised correlation of the two periods around them.

    The peak is refined by a parabola. Where the signal ends, or nothing correlates, the next mark is one tracked period
    away with correlation -1.
    """
    plain = mark + direction * period
    left = round(mark - 0.5 * period)
    width = round(period) + 1
    nearest, farthest = int(_NEAREST * period), int(_FARTHEST * period) + 1
    low = left + nearest - 1 if direction > 0 else left - farthest - 1
    count = farthest - nearest + 3
    if left < 0 or low < 0 or left + width > len(signal) or low + count + width > len(signal) or count > len(products):
        return plain, -1.0
    own = energy[left + width] - energy[left]
    _multiply(signal[left : left + width], signal[low : low + count + width], products[:count])
    for lag in range(count):
        other = energy[low + lag + width] - energy[low + lag]
        products[lag] = products[lag] / np.sqrt(own * other) if own * other > 0.0 else 0.0
    best, height = -1, np.float32(-1.0)
    for lag in range(1, count - 1):
        here = products[lag]
        if here > height and here >= products[lag - 1] and here >= products[lag + 1]:
            best, height = lag, here
    if best < 0:
        return plain, -1.0
    slope = 0.5 * (np.float64(products[best + 1]) - products[best - 1])
    bend = 2.0 * np.float64(height) - products[best + 1] - products[best - 1]
    shift = slope / bend if bend > 0.0 else 0.0
    return mark + (low - left + best + shift), np.float64(height)


@compiled
def _multiply(own: Array, there: Array, products: Array) -> None:
    """Fill `products`: the sum of `own` times as many samples of `there`, from each of its first samples on.

    Samples outside, lags inside: no sum runs along the inner loop, so it becomes vector code in a fixed order. Four
    samples at a time save most of the traffic with memory.
    """
    count = len(products)
    for lag in range(count):
        products[lag] = 0.0
    whole = len(own) - len(own) % 4
    for place in range(0, whole, 4):
        one, two, three, four = own[place], own[place + 1], own[place + 2], own[place + 3]
        first = there[place : place + count]
        second = there[place + 1 : place + 1 + count]
        third = there[place + 2 : place + 2 + count]
        fourth = there[place + 3 : place + 3 + count]
        for lag in range(count):
            together = (products[lag] + one * first[lag]) + two * second[lag]
            products[lag] = (together + three * third[lag]) + four * fourth[lag]
    for place in range(whole, len(own)):
        one, first = own[place], there[place : place + count]
        for lag in range(count):
            products[lag] += one * first[lag]


@compiled
def _measure_amplitudes(signal: Array, times: Float, first: Mask, rate: float, amplitude: Float) -> None:
    """Fill `amplitude`: root mean square under a Hann window around each mark between two like periods."""
    for mark in range(1, len(times) - 1):
        if first[mark] or first[mark + 1]:
            continue
        before, after = times[mark] - times[mark - 1], times[mark + 1] - times[mark]
        if max(before, after) > LARGEST_PERIOD_FACTOR * min(before, after) or max(before, after) > LONGEST_S * rate:
            continue
        left, right = _AMPLITUDE_REACH * before, _AMPLITUDE_REACH * after
        low, high = int(np.ceil(times[mark] - left)), int(np.floor(times[mark] + right))
        power, weight = 0.0, 0.0
        for side in range(2):
            start = max(low, 0) if side == 0 else int(np.ceil(times[mark]))
            stop = min(high + 1, len(signal)) if side == 1 else int(np.ceil(times[mark]))
            # The window's cosine turns on from sample to sample instead of being computed anew.
            step = np.pi / (left if side == 0 else right)
            turn_re, turn_im = np.cos(step), np.sin(step)
            re, im = np.cos(step * (start - times[mark])), np.sin(step * (start - times[mark]))
            for place in range(start, stop):
                shape = 0.5 + 0.5 * re
                weighted = shape * signal[place]
                power += weighted * weighted
                weight += shape * shape
                re, im = re * turn_re - im * turn_im, re * turn_im + im * turn_re
        if weight > 0.0:
            amplitude[mark] = np.sqrt(power / weight)
