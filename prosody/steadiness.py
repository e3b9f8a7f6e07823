"""Whether somebody speaks, or something sounds: a voice never holds a pitch, tones and music do.

Larynx and breath let F0 drift by some cents from one 10 ms to the next and intonation moves it by semitones, while a
keypad, a ringing tone, mains hum, an organ, a string or a bell stay where they are until the next note. So the share of
an utterance in which F0, and the strongest partials, stand still for 30 ms tells them apart. F0 alone takes over a
monotone speaker's vowels, partials alone the room's rumble or a note among drums; their mean takes neither.

Measured: 264 utterances of read Mandarin, acted German and an English call, as recorded and over the telephone, without
noise and with white noise at 20, 10 and 5 dB, reach 0.34 at most. Of five pieces of real hold music, cut into parts of
3 s, 96 % lie above 0.36. A ringing tone in noise as strong as 10 dB may stay below.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from prosody.compiled import compiled
from prosody.pitch import PitchTrack
from prosody.quantile import quantiles
from prosody.spectrum import ANALYSIS_RATE, FFT_SIZE, SILENT_DB, Array, Spectra

STEADIEST_SPEECH: Final = 0.36
"""Above, it is no speech."""

_LAG: Final = 3
"""Frames (30 ms) over which something stands still."""
_SAME: Final = 10 / 1200
"""Octaves: 10 cents."""
_SAME_RATIO: Final = 2.0**_SAME
_PARTIALS: Final = 5
_BELOW_LOUD_DB: Final = 15.0
_LOW_HZ: Final = 250.0
_HIGH_HZ: Final = 3400.0
_FEWEST: Final = 5
"""Pairs of frames from which a share says something."""

Float = NDArray[np.float64]


def is_speech(spectra: Spectra, track: PitchTrack) -> bool:
    """Whether what was tracked may be a voice; False also where there is too little to tell (80 ms in a row)."""
    steadiness = measure_steadiness(spectra, track)
    return steadiness is not None and steadiness <= STEADIEST_SPEECH


def measure_steadiness(spectra: Spectra, track: PitchTrack) -> float | None:
    """How much of an utterance stands still.

    Returns:
        Mean of two shares, [0, 1]: of the frames voiced from 30 ms before on, those with F0 within 10 cents of what it
        was; and of the five strongest partials of the loud frames, those that were among the five strongest, within 10
        cents, 30 ms before. None with fewer than five frames for either.
    """
    voiced = track.f0_hz[track.voiced]
    if len(voiced) < _LAG + _FEWEST:
        return None
    held, seen = _hold_pitch(track.f0_hz)
    loud_db = max(quantiles(spectra.level_db, 0.95)[0] - _BELOW_LOUD_DB, SILENT_DB)
    partials_held, partials_seen = _hold_partials(spectra.power, spectra.level_db, loud_db, _LOW_BIN, _HIGH_BIN)
    if seen < _FEWEST or partials_seen < _FEWEST:
        return None
    return 0.5 * (held / seen + partials_held / (_PARTIALS * partials_seen))


@compiled
def _hold_pitch(f0_hz: Array) -> tuple[int, int]:
    """In how many frames F0 stands still, of how many that are voiced from `_LAG` frames before on."""
    held, seen, run = 0, 0, 0
    for frame in range(len(f0_hz)):
        run = run + 1 if f0_hz[frame] > 0 else 0
        if run > _LAG:
            seen += 1
            if abs(np.log2(f0_hz[frame] / f0_hz[frame - _LAG])) < _SAME:
                held += 1
    return held, seen


@compiled
def _hold_partials(power: Array, level_db: Array, loud_db: float, low: int, high: int) -> tuple[int, int]:
    """How many of the strongest partials stand still, and in how many frames they were looked for."""
    partials = np.zeros((len(power), _PARTIALS), np.float64)
    counts = np.zeros(len(power), np.int64)
    peaks = np.empty(high - low, np.int64)
    strongest = np.zeros(_PARTIALS, np.int64)
    held, seen = 0, 0
    for frame in range(len(power)):
        if level_db[frame] <= loud_db:
            continue
        counts[frame] = _find_strongest(power[frame], low, high, peaks, strongest, partials[frame])
        earlier = frame - _LAG
        if earlier < 0 or level_db[earlier] <= loud_db:
            continue
        seen += 1
        for one in range(counts[frame]):
            for other in range(counts[earlier]):
                now, then = partials[frame, one], partials[earlier, other]
                if now < then * _SAME_RATIO and then < now * _SAME_RATIO:
                    held += 1
                    break
    return held, seen


@compiled
def _find_strongest(
    power: Array, low: int, high: int, peaks: NDArray[np.int64], strongest: NDArray[np.int64], partials: Float
) -> int:
    """Fill in where the strongest peaks of a spectrum lie, in bins, refined by a parabola through levels.

    Args:
        power: of one frame.
        low: the first bin that is looked at.
        high: the bin after the last.
        peaks: room for all peaks.
        strongest: room for as many as are wanted.
        partials: what is filled, the strongest first.

    Returns:
        How many there are.
    """
    count = 0
    for place in range(low, high):  # without a branch: every third bin is a peak, and none foretells the next
        peaks[count] = place
        count += (power[place] > power[place - 1]) & (power[place] >= power[place + 1])
    found = 0
    for peak in range(count):
        place = peaks[peak]
        height = power[place]
        if found < _PARTIALS:
            slot = found
            found += 1
        elif height > power[strongest[_PARTIALS - 1]]:
            slot = _PARTIALS - 1
        else:
            continue
        while slot > 0 and power[strongest[slot - 1]] < height:
            strongest[slot] = strongest[slot - 1]
            slot -= 1
        strongest[slot] = place
    for slot in range(found):
        place = strongest[slot]
        before, after = max(np.float64(power[place - 1]), 1e-30), max(np.float64(power[place + 1]), 1e-30)
        height = np.float64(power[place])
        bend = np.log(height * height / (before * after))
        partials[slot] = place + (0.5 * np.log(after / before) / bend if bend > 0.0 else 0.0)
    return found


_LOW_BIN: Final = round(_LOW_HZ * FFT_SIZE / ANALYSIS_RATE)
_HIGH_BIN: Final = round(_HIGH_HZ * FFT_SIZE / ANALYSIS_RATE)
