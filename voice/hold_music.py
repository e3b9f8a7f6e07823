"""What a caller hears on hold: slow chords of a few sine voices, made here, so that nobody owns rights in them."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np

from voice.contracts.audio import SAMPLE_RATE, Pcm, Samples, from_s

LEVEL_DBFS: Final = -22.0
"""How loud it is, RMS: below a voice, so that nobody moves the receiver away from the ear."""

CHORD_S: Final = 4.0
"""How long a chord sounds; each fades into the next."""

_A4_HZ: Final = 440.0
_CHORDS: Final = ((-9, -5, -2, 2), (-12, -5, 0, 4), (-4, 0, 3, 7), (-7, -3, 0, 5))
"""Semitones from A4: C, A minor, F and D minor with sevenths and ninths, within the telephone's band."""


@cache
def tune() -> Pcm:
    """The whole round of chords, 16 s; its end runs into its beginning."""
    length = from_s(CHORD_S)
    time = np.arange(length * len(_CHORDS)) / SAMPLE_RATE
    sound = np.zeros(time.size)
    for number, chord in enumerate(_CHORDS):
        # A chord swells and dies over twice its time, so that two always sound: squared sines sum to one.
        phase = (time - number * CHORD_S) % (len(_CHORDS) * CHORD_S)
        swell = np.where(phase < 2 * CHORD_S, np.sin(np.pi * phase / (2 * CHORD_S)) ** 2, 0.0)
        for voice, semitones in enumerate(chord):
            hertz = _whole_waves(_A4_HZ * 2 ** (semitones / 12), time.size)
            tremolo = 1 + 0.15 * np.sin(2 * np.pi * _whole_waves(0.3 + 0.1 * voice, time.size) * time)
            sound += swell * tremolo * (np.sin(2 * np.pi * hertz * time) + 0.2 * np.sin(4 * np.pi * hertz * time))
    level = 10 ** (LEVEL_DBFS / 20) / np.sqrt(np.mean(np.square(sound)))
    made: Pcm = (sound * level).astype(np.float32)
    made.setflags(write=False)
    return made


class HoldMusic:
    """A `Voice` that plays the tune from its beginning, round and round."""

    def __init__(self) -> None:
        self._at: Samples = 0

    def take(self, samples: Samples) -> Pcm:
        """The next samples."""
        notes = tune()
        taken: Pcm = notes[(self._at + np.arange(samples)) % notes.size]
        self._at = (self._at + samples) % notes.size
        return taken


def _whole_waves(hertz: float, samples: Samples) -> float:
    """The nearest frequency of which a whole number of waves fits, so that the round has no seam."""
    length_s = samples / SAMPLE_RATE
    return round(hertz * length_s) / length_s
