"""How alike what was heard is to what was said, and who is heard in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voice.contracts.audio import SAMPLE_RATE, Pcm, from_s

WINDOW = SAMPLE_RATE // 2
LOUD = 0.01
"""A window of speech below this level (-40 dBFS) says nothing about likeness."""

NEAR = from_s(0.6)
"""How far a voice may have moved since its lag was learnt: buffers grow where a machine is busy."""


def find(piece: Pcm, said: Pcm) -> tuple[float, int]:
    """The greatest normalised correlation of a piece with what was said, and where that is."""
    part, whole = piece.astype(np.float64), said.astype(np.float64)
    size = 1 << (part.size + whole.size).bit_length()
    cross = np.fft.irfft(np.conj(np.fft.rfft(part, size)) * np.fft.rfft(whole, size), size)
    sums = np.concatenate([[0.0], np.cumsum(whole**2)])
    energy = np.maximum(sums[part.size :] - sums[: -part.size], LOUD**2 * part.size)
    alike = np.abs(cross[: energy.size]) / np.sqrt(energy * (part @ part) + 1e-9)
    best = int(np.argmax(alike))
    return float(alike[best]), best


def in_speech_band(pcm: Pcm) -> Pcm:
    """Where voices can be told from each other, without what codecs leave out: 150 to 3800 Hz."""
    return _between(pcm, 150, 3800)


def in_telephone_band(pcm: Pcm) -> Pcm:
    """The band of telephony, 300 to 3400 Hz (ITU-T G.712).

    Browsers encode voices with a high-pass filter that follows the pitch (libopus's `voip`). It takes out nothing that
    would be missed, but it turns phases up to 300 Hz, where most of a voice's power is: libopus alone, at whatever bit
    rate, leaves a correlation of 0.93 from 150 Hz on, and of 0.98 in this band.
    """
    return _between(pcm, 300, 3400)


def _between(pcm: Pcm, low: float, high: float) -> Pcm:
    spectrum = np.fft.rfft(pcm)
    hertz = np.fft.rfftfreq(pcm.size, 1 / SAMPLE_RATE)
    spectrum[(hertz < low) | (hertz > high)] = 0
    return np.asarray(np.fft.irfft(spectrum, pcm.size), np.float32)


@dataclass(frozen=True)
class Ear:
    """What one listener heard, and where a speaker's audio lies in it."""

    heard: Pcm

    def lag(self, said: Pcm, begin: int, end: int) -> int:
        """By how much `said` lies later in what was heard, as most half seconds of [begin, end) have it."""
        starts = range(begin, end - WINDOW + 1, max(WINDOW, (end - begin) // 8))
        places = [at - find(self.heard[at : at + WINDOW], said)[1] for at in starts]
        return int(max(places, key=lambda one: sum(abs(one - other) < from_s(0.1) for other in places)))

    def likeness(self, said: Pcm, lag: int, begin: int, end: int, *, search: int = from_s(0.12)) -> float | None:
        """How alike a stretch is to what was said at that time; None where too little was said.

        The receiver's buffer stretches and squeezes time by some milliseconds, so the best place nearby counts.
        """
        at = begin - lag
        if at < search or at + (end - begin) + search > said.size:
            return None
        piece = self.heard[begin:end].astype(np.float64)
        around = said[at - search : at + (end - begin) + search].astype(np.float64)
        if np.sqrt(np.mean(said[at : at + end - begin] ** 2)) < LOUD:
            return None
        products = np.correlate(around, piece, "valid")
        sums = np.concatenate([[0.0], np.cumsum(around**2)])
        energy = sums[piece.size :] - sums[: -piece.size]
        return float((np.abs(products) / np.sqrt(energy * (piece @ piece) + 1e-9)).max())

    def windows(
        self, said: Pcm, lag: int, begin: int, end: int, size: int = WINDOW, *, search: int = from_s(0.12)
    ) -> list[float]:
        """The likeness of each window of a stretch in which something was said."""
        found = (self.likeness(said, lag, at, at + size, search=search) for at in range(begin, end - size + 1, size))
        return [one for one in found if one is not None]

    def apart(self, said: Mapping[str, Pcm], lags: Mapping[str, int], begin: int, end: int) -> dict[str, list[float]]:
        """How alike each half second is to each speaker, after those who are more alike are taken out of it.

        Matching pursuit: without it, a voice under two others would look like one that is not there. Windows in which a
        speaker says little are left out.

        Args:
            said: what each said.
            lags: whom to look for, and where about they lie.
            begin: first sample of the stretch.
            end: behind its last.
        """
        found: dict[str, list[float]] = {who: [] for who in lags}
        for at in range(begin, end - WINDOW + 1, WINDOW):
            rest = self.heard[at : at + WINDOW].astype(np.float64)
            left = {who: said[who] for who in lags}
            while left:
                places = {who: _place(rest, pcm, at - lags[who]) for who, pcm in left.items()}
                who = max(places, key=lambda one: places[one][0])
                alike, start = places[who]
                pcm = left.pop(who)
                stretch = pcm[max(0, start) : start + WINDOW]
                if stretch.size == WINDOW and np.sqrt(np.mean(stretch**2)) > 2 * LOUD:
                    found[who].append(alike)
                rest = _without(rest, pcm, start)
        return found


@dataclass(frozen=True, slots=True)
class HalfSecond:
    """Half a second in which something was said.

    Attributes:
        at_s: when, from the beginning of the stretch.
        level: how loud it was said, dBFS.
        alike: the greatest normalised correlation of what was heard with what was said, 300 to 3400 Hz.
        moved_ms: how much later or earlier than at first it was heard.
    """

    at_s: float
    level: float
    alike: float
    moved_ms: float


class Spoken:
    """What somebody said, in the bands that `half_seconds` looks at."""

    def __init__(self, pcm: Pcm) -> None:
        self.loud = in_speech_band(pcm)
        self.clear = in_telephone_band(pcm)


def half_seconds(heard: Pcm, said: Spoken) -> list[HalfSecond]:
    """Each half second of a stretch in which anything louder than -40 dBFS was said, with how alike it was heard.

    Each is looked for within 0.6 s of where the voice lies on the whole: a receiver stretches and squeezes time to hold
    its buffer small, which moves the voice and changes nothing in it. A stretch that falls inside a half second counts
    against it.

    Args:
        heard: the stretch, 16 kHz.
        said: all that was said.
    """
    lag = Ear(in_speech_band(heard)).lag(said.loud, 0, heard.size)
    ear = in_telephone_band(heard).astype(np.float64)
    found: list[HalfSecond] = []
    for at in range(0, heard.size - WINDOW + 1, WINDOW):
        stretch = said.loud[max(0, at - lag) : max(0, at - lag + WINDOW)]
        level = float(np.sqrt(np.mean(stretch**2))) if stretch.size else 0.0
        if level < LOUD:
            continue
        alike, place = _place(ear[at : at + WINDOW], said.clear, at - lag)
        moved_ms = (at - lag - place) / SAMPLE_RATE * 1000
        found.append(HalfSecond(at / SAMPLE_RATE, 20 * np.log10(level), alike, moved_ms))
    return found


def _place(piece: NDArray[np.float64], said: Pcm, at: int) -> tuple[float, int]:
    """The greatest normalised correlation near a place, and where it is."""
    first = max(0, at - NEAR)
    around = said[first : max(0, at + piece.size + NEAR)].astype(np.float64)
    if around.size < piece.size:
        return 0.0, at
    size = 1 << (around.size + piece.size).bit_length()
    products = np.fft.irfft(np.fft.rfft(around, size) * np.conj(np.fft.rfft(piece, size)), size)
    sums = np.concatenate([[0.0], np.cumsum(around**2)])
    energy = np.maximum(sums[piece.size :] - sums[: -piece.size], 1e-8 * piece.size)
    alike = np.abs(products[: energy.size]) / np.sqrt(energy * (piece @ piece) + 1e-12)
    best = int(np.argmax(alike))
    return float(alike[best]), first + best


def _without(piece: NDArray[np.float64], said: Pcm, start: int, taps: int = 16) -> NDArray[np.float64]:
    """What is left of a piece when what a short filter makes of a voice is taken away."""
    starts = [at for at in range(start - taps, start + taps + 1) if 0 <= at <= said.size - piece.size]
    if not starts:
        return piece
    shifted = np.stack([said[at : at + piece.size].astype(np.float64) for at in starts], axis=1)
    powers = shifted.T @ shifted
    ridge = 1e-6 * np.trace(powers) / len(starts) + 1e-9
    rest: NDArray[np.float64] = piece - shifted @ np.linalg.solve(
        powers + ridge * np.eye(len(starts)), shifted.T @ piece
    )
    return rest
