"""Speech whose boundaries are known: studio utterances with silence between them, and what they are disturbed by.

The boundaries are read off the clean recordings by energy: the level in 150 to 7000 Hz every 10 ms (the recordings hum
below that), in windows of 25 ms. Sound within 35 dB of the loud parts (the 95th percentile), and 8 dB above the soft
ones (the 5th), is speech; less than 30 ms of it is none. A pause of less than 150 ms within an utterance (stops,
breathing) counts for nobody in counts of frames, for a detector is as right to bridge it as to see it. Pauses as long
as the segmenter's hang-over part two segments. What surrounds the speech in the recording is cut away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from voice.audio.telephone import through_telephone
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, Pcm, Samples, Span, from_ms, on_16_bit_grid

Mask = NDArray[np.bool_]

LEVEL: Final = 10 ** (-26 / 20)
"""-26 dBFS while somebody speaks, the customary level of telephony tests (ITU-T P.56, G.191)."""

LINE_NOISE: Final = 10 ** (-65 / 20)
"""What a line whispers when nobody speaks."""

_STEP: Final = from_ms(10)
_WINDOW: Final = from_ms(25)
_BAND_HZ: Final = (150.0, 7_000.0)
_AUDIBLE_DB: Final = 35.0
_ABOVE_FLOOR_DB: Final = 8.0
_SHORTEST: Final = 3
_BRIDGED: Final = 15
"""Steps of 10 ms: the shortest sound, and the longest pause that counts for nobody."""


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """Utterances with pauses between them.

    Attributes:
        pcm: shape (n,), float32, 16 kHz, n a multiple of 320, without any disturbance.
        segments: where utterances are, first to last sound.
        speech: shape (n / 320,), frames that hold speech.
        silence: shape (n / 320,), frames that hold none; frames in neither count for nobody.
    """

    pcm: Pcm
    segments: tuple[Span, ...]
    speech: Mask
    silence: Mask


def sounding(pcm: Pcm) -> Mask:
    """Which steps of 10 ms of a clean recording hold speech, shape (n,)."""
    count = max(1, (pcm.size - _WINDOW) // _STEP + 1)
    padded = np.pad(pcm, (0, _WINDOW))
    rows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_STEP][:count] * np.hanning(_WINDOW)
    spectrum = np.abs(np.fft.rfft(rows, axis=1)) ** 2
    hertz = np.fft.rfftfreq(_WINDOW, 1 / SAMPLE_RATE)
    inside = (hertz >= _BAND_HZ[0]) & (hertz <= _BAND_HZ[1])
    level = 10 * np.log10(spectrum[:, inside].sum(axis=1) + 1e-12)
    loud, soft = np.percentile(level, 95), np.percentile(level, 5)
    active: Mask = level > max(loud - _AUDIBLE_DB, min(soft + _ABOVE_FLOOR_DB, loud - 15))
    for begin, end in _runs(active):
        if end - begin < _SHORTEST:
            active[begin:end] = False
    return active


def lay_out(utterances: Sequence[Pcm], hangover_ms: float, seed: int = 3) -> Stage:
    """Utterances at -26 dBFS with pauses of 1 to 2 s between them.

    Raises:
        ValueError: no utterances, or one without any sound.
    """
    random = np.random.default_rng(seed)
    pieces: list[Pcm] = []
    steps: list[NDArray[np.int8]] = []  # 1 speech, 0 silence, -1 for nobody
    segments: list[Span] = []
    at: Samples = 0
    for utterance in utterances:
        at = _pause(pieces, steps, at, random)
        active = sounding(utterance)
        runs = _runs(active)
        if not runs:
            raise ValueError("Utterances with sound in them were expected.")
        first, last = runs[0][0], runs[-1][1]
        speech = utterance[first * _STEP : last * _STEP]
        speech = np.pad(speech, (0, (last - first) * _STEP - speech.size))
        kinds = active[first:last].astype(np.int8)
        for begin, end in _runs(kinds == 0):
            if end - begin < _BRIDGED:
                kinds[begin:end] = -1
        loud = np.repeat(kinds == 1, _STEP)
        pieces.append(np.float32(LEVEL / np.sqrt(np.mean(speech[loud] ** 2))) * speech)
        steps.append(kinds)
        segments += [Span(at + begin * _STEP, at + end * _STEP) for begin, end in _parts(kinds, hangover_ms)]
        at += speech.size
    _pause(pieces, steps, at, random)
    pcm, kind = np.concatenate(pieces), np.concatenate(steps)
    frames = pcm.size // FRAME_SAMPLES
    pairs = kind[: 2 * frames].reshape(frames, 2)
    return Stage(pcm[: frames * FRAME_SAMPLES], tuple(segments), (pairs == 1).all(axis=1), (pairs == 0).all(axis=1))


def disturbed(stage: Stage, sound: Pcm | None, snr_db: float, *, telephone: bool, seed: int = 4) -> Pcm:
    """The stage with a sound in its background, over line noise, through the telephone or not.

    Args:
        stage: what is said.
        sound: shape of `stage.pcm`; None for line noise alone.
        snr_db: effective level of the speech, while somebody speaks, over that of the sound; within the telephone's
            band where it goes through the telephone.
        telephone: whether it does.
        seed: of the line noise.
    """
    mixed = stage.pcm + np.float32(LINE_NOISE) * np.random.default_rng(seed).standard_normal(stage.pcm.size).astype(
        np.float32
    )
    if sound is not None:
        said, other = (
            (through_telephone(stage.pcm), through_telephone(0.05 * sound)) if telephone else (stage.pcm, sound)
        )
        talking = np.repeat(stage.speech, FRAME_SAMPLES)
        level = np.sqrt(np.mean(said[talking] ** 2))
        disturbing = np.sqrt(np.mean(other**2)) * (20.0 if telephone else 1.0)
        mixed = mixed + np.float32(level / disturbing * 10 ** (-snr_db / 20)) * sound
    heard = through_telephone(mixed) if telephone else mixed
    return on_16_bit_grid(np.clip(heard, -1, 1))


def _pause(pieces: list[Pcm], steps: list[NDArray[np.int8]], at: Samples, random: np.random.Generator) -> Samples:
    count = int(random.uniform(100, 200))
    pieces.append(np.zeros(count * _STEP, np.float32))
    steps.append(np.zeros(count, np.int8))
    return at + count * _STEP


def _parts(kinds: NDArray[np.int8], hangover_ms: float) -> list[tuple[int, int]]:
    """Where speech is, in steps, parted where it pauses for as long as the hang-over."""
    parts: list[tuple[int, int]] = []
    for begin, end in _runs(kinds == 1):
        if parts and (begin - parts[-1][1]) * 10 < hangover_ms:
            parts[-1] = (parts[-1][0], end)
        else:
            parts.append((begin, end))
    return parts


def _runs(mask: Mask) -> list[tuple[int, int]]:
    """Begin and end of each stretch that is true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(begin), int(end)) for begin, end in edges.reshape(-1, 2)]
