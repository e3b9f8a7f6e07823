"""A speakerphone for `warmline bench echo`: what it is given to play, and what comes back of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, Pcm, Samples, from_ms, from_s

SPEECH_DBFS: Final = -22.0
"""How loud both sides speak, pauses left out."""

NOISE_DBFS: Final = -60.0

_DRIVE: Final = 3.0
_PAUSE_S: Final = 0.4
_BETWEEN_S: Final = 0.6
_REVERBERATION_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class EchoPath:
    """From the loudspeaker to the microphone and back.

    Attributes:
        level_db: of the echo, relative to what is played; None for no echo.
        delay_ms: how late it comes.
        jitter_ms: every 5 to 9 s it jumps to another delay so far around it.
    """

    level_db: float | None
    delay_ms: float = 0.0
    jitter_ms: float = 0.0

    @property
    def name(self) -> str:
        """For tables."""
        if self.level_db is None:
            return "no echo, 150 ms"
        return f"{self.level_db:g} dB, {self.delay_ms:g} ms" + (f" ± {self.jitter_ms:g}" if self.jitter_ms else "")

    @property
    def key(self) -> str:
        """For figures."""
        if self.level_db is None:
            return "none"
        return f"{-self.level_db:g}db_{self.delay_ms:g}ms_{self.jitter_ms:g}ms"

    def echo(self, played: Pcm) -> Pcm:
        """What comes back: bent as by a small loudspeaker that is too loud (tanh), through a room of 200 ms."""
        if self.level_db is None:
            return np.zeros_like(played)
        chance = np.random.default_rng(2)
        size = from_s(_REVERBERATION_S)
        room = chance.normal(0, 1, size) * np.exp(-6.9 * np.arange(size) / size)
        room[0] = 4
        length = 1 << (played.size + size).bit_length()
        bent = np.tanh(_DRIVE * played)
        echo = np.fft.irfft(np.fft.rfft(bent, length) * np.fft.rfft(room, length))[: played.size]
        echo *= np.sqrt(np.mean(played**2) / np.mean(echo**2)) * 10 ** (self.level_db / 20)
        late = np.zeros(played.size, np.float32)
        begin = 0
        while begin < played.size:
            end = min(played.size, begin + int(chance.uniform(5, 9) * SAMPLE_RATE))
            delay = from_ms(self.delay_ms + chance.uniform(-1, 1) * self.jitter_ms)
            source = np.arange(begin, end) - delay
            late[begin:end] = np.where(source >= 0, echo[source], 0)
            begin = end
        return late


PATHS: Final = tuple(
    EchoPath(level, delay, jitter)
    for level in (-6.0, -12.0, -20.0)
    for delay, jitter in ((60, 0), (150, 0), (250, 5), (250, 20), (400, 20))
)
NOWHERE: Final = EchoPath(None)


def noise(samples: Samples) -> Pcm:
    """What the microphone hears besides."""
    return np.random.default_rng(1).normal(0, 10 ** (NOISE_DBFS / 20), samples).astype(np.float32)


def spoken(utterances: Sequence[Pcm], samples: Samples) -> Pcm:
    """Utterances one after the other, and again, with short pauses; shape (samples,)."""
    pause = np.zeros(from_s(_PAUSE_S), np.float32)
    once = np.concatenate([piece for each in utterances for piece in (_levelled(each), pause)])
    return np.resize(once, samples)


def place(utterances: Sequence[Pcm]) -> tuple[Pcm, list[Samples]]:
    """What the caller says, from the third second on; whole frames, and where each utterance begins."""
    starts: list[Samples] = []
    at = 3 * SAMPLE_RATE
    for each in utterances:
        starts.append(at)
        at += each.size + from_s(_BETWEEN_S)
    near = np.zeros(-(-(at + 2 * SAMPLE_RATE) // FRAME_SAMPLES) * FRAME_SAMPLES, np.float32)
    for start, each in zip(starts, utterances, strict=True):
        near[start : start + each.size] = _levelled(each)
    return near, starts


def _levelled(pcm: Pcm) -> Pcm:
    active = pcm[np.abs(pcm) > 0.01 * np.abs(pcm).max()]
    factor = 10 ** (SPEECH_DBFS / 20) / float(np.sqrt(np.mean(active**2)))
    return pcm * np.float32(factor)
