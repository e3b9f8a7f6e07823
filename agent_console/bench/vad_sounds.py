"""What disturbs a call: noise, music, a keyboard, other people. Made here, so that nothing has to be shipped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from voice.contracts.audio import SAMPLE_RATE, Pcm, Samples, from_ms

VOICES: Final = 6
"""How many people babble: few enough that single words stand out."""

_CHORDS: Final = ((60, 64, 67), (57, 60, 64), (65, 69, 72), (55, 59, 62))
_BEAT_S: Final = 0.55


def noise(length: Samples, random: np.random.Generator) -> Pcm:
    """Pink noise (1/f power), as of rooms and traffic."""
    spectrum = np.fft.rfft(random.standard_normal(length))
    falling = np.sqrt(np.maximum(np.arange(len(spectrum)), 1 + 50 * length / SAMPLE_RATE))
    return _scaled(np.fft.irfft(spectrum / falling, length))


def music(length: Samples, random: np.random.Generator) -> Pcm:
    """A melody over chords and bass, with drums: notes of decaying partials."""
    total = np.zeros(length + 4 * SAMPLE_RATE)
    beat = round(_BEAT_S * SAMPLE_RATE)
    for number, at in enumerate(range(0, length, beat)):
        chord = _CHORDS[number // 4 % len(_CHORDS)]
        lead = int(random.choice([*chord, chord[0] + 12, chord[2] + 2]))
        total[at : at + beat] += _note(lead, beat)
        if number % 4 == 0:
            for note in (*chord, chord[0] - 12):
                total[at : at + 4 * beat] += 0.5 * _note(note, 4 * beat)
        fade = np.exp(-np.arange(2_400) / 500)
        total[at : at + 2_400] += 0.4 * random.standard_normal(2_400) * fade
    return _scaled(total[:length])


def keyboard(length: Samples, random: np.random.Generator) -> Pcm:
    """Typing: about six keys a second, each a click when it goes down and a softer one when it comes up."""
    total = np.zeros(length + SAMPLE_RATE)
    at = 0
    while at < length:
        for offset, strength in ((0, 1.0), (from_ms(random.uniform(60, 110)), 0.4)):
            size = from_ms(random.uniform(8, 25))
            fade = np.exp(-np.arange(size) / (size / 5))
            ring = np.sin(2 * np.pi * random.uniform(900, 3_500) * np.arange(size) / SAMPLE_RATE)
            click = (random.standard_normal(size) + ring) * fade * strength * random.uniform(0.4, 1)
            total[at + offset : at + offset + size] += click
        # People type in bursts.
        pause_s = random.uniform(0.4, 1.5) if random.random() < 0.08 else random.uniform(0.08, 0.25)
        at += int(pause_s * SAMPLE_RATE)
    return _scaled(total[:length])


def babble(length: Samples, random: np.random.Generator, voices: Sequence[Pcm]) -> Pcm:
    """Other people: `VOICES` at once, each with one recording after the other.

    Raises:
        ValueError: no voices.
    """
    total = np.zeros(length)
    for _ in range(VOICES):
        order = [voices[index] for index in random.permutation(len(voices))]
        once = np.concatenate([one / max(1e-6, float(np.sqrt(np.mean(one**2)))) for one in order])
        total += np.resize(np.roll(once, int(random.integers(len(once)))), length)
    return _scaled(total)


def disturbances(voices: Sequence[Pcm]) -> dict[str, Callable[[Samples, np.random.Generator], Pcm]]:
    """All of them by name; each gives audio of effective level 1, shape (length,)."""

    def others(length: Samples, random: np.random.Generator) -> Pcm:
        return babble(length, random, voices)

    return {"noise": noise, "music": music, "keyboard": keyboard, "babble": others}


def _note(midi: int, size: Samples) -> Pcm:
    moments = np.arange(size) / SAMPLE_RATE
    hertz = 440 * 2 ** ((midi - 69) / 12)
    partials = (np.sin(2 * np.pi * hertz * k * moments) * np.exp(-k * moments) / k for k in range(1, 7))
    shaped: Pcm = (sum(partials) * np.minimum(1, moments / 0.01)).astype(np.float32)
    return shaped


def _scaled(sound: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Pcm:
    scaled: Pcm = (sound / np.sqrt(np.mean(sound**2) + 1e-12)).astype(np.float32)
    return scaled
