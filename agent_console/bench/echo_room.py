"""A speakerphone for `warmline bench echo`: what it is given to play, and what comes back of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from voice.audio.g711 import decode_ulaw, encode_ulaw
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, Pcm, Samples, from_ms, from_s, on_16_bit_grid

SPEECH_DBFS: Final = -22.0
"""How loud both sides speak, pauses left out."""

NOISE_DBFS: Final = -60.0

_PAUSE_S: Final = 0.4
_BETWEEN_S: Final = 1.2  # longer than the segmenter waits: each utterance is one
_BAND_HZ: Final = (300, 3400)


@dataclass(frozen=True, slots=True)
class EchoPath:
    """From the loudspeaker to the microphone and back.

    Attributes:
        key: for figures.
        name: for tables.
        level_db: of the echo, relative to what is played; None for no echo.
        delay_ms: how late it comes.
        jitter_ms: every 5 to 9 s it jumps to another delay so far around it.
        reverberation_s: how long the room sounds on (to -60 dB).
        drive: how much the loudspeaker bends what is loud (tanh); 0 for not at all.
        moves: whether somebody moves: every 5 to 9 s the room is another one.
        drift_ppm: by how much the clock of what is heard is faster than that of what is played.
        telephone: whether all of it goes through 300 to 3400 Hz and µ-law.
        with_words: whether words are counted on it; they take most of the time.
    """

    key: str
    name: str
    level_db: float | None
    delay_ms: float = 150.0
    jitter_ms: float = 0.0
    reverberation_s: float = 0.2
    drive: float = 3.0
    moves: bool = False
    drift_ppm: float = 0.0
    telephone: bool = False
    with_words: bool = True

    def echo(self, played: Pcm) -> Pcm:
        """What comes back; shape as `played`."""
        if self.level_db is None:
            return np.zeros_like(played)
        chance = np.random.default_rng(2)
        bent = np.tanh(self.drive * played) if self.drive else played
        echo = self._through(bent, chance)
        gain = np.sqrt(np.mean(played**2) / np.mean(echo**2)) * 10 ** (self.level_db / 20)
        late = np.zeros(played.size, np.float32)
        begin = 0
        while begin < played.size:
            end = min(played.size, begin + int(chance.uniform(5, 9) * SAMPLE_RATE))
            delay = from_ms(self.delay_ms + chance.uniform(-1, 1) * self.jitter_ms)
            source = np.arange(begin, end) * (1 + self.drift_ppm * 1e-6) - delay
            late[begin:end] = gain * np.interp(source, np.arange(played.size), echo, left=0.0)
            if self.moves:
                echo = self._through(bent, chance)
            begin = end
        return late

    def hear(self, pcm: Pcm) -> Pcm:
        """What arrives of what the microphone hears, on the 16-bit grid."""
        if not self.telephone:
            return on_16_bit_grid(pcm)
        spectrum = np.fft.rfft(pcm)
        hz = np.fft.rfftfreq(pcm.size, 1 / SAMPLE_RATE)
        spectrum[(hz < _BAND_HZ[0]) | (hz > _BAND_HZ[1])] = 0
        narrow = np.fft.irfft(spectrum, pcm.size)[::2]
        coded = decode_ulaw(encode_ulaw(np.clip(narrow * 32768, -32768, 32767).astype(np.int16))) / 32768
        return on_16_bit_grid((2 * np.fft.irfft(np.fft.rfft(coded), pcm.size)).astype(np.float32))

    def _through(self, bent: Pcm, chance: np.random.Generator) -> Pcm:
        size = from_s(self.reverberation_s)
        room = chance.normal(0, 1, size) * np.exp(-6.9 * np.arange(size) / size)
        room[0] = 4
        length = 1 << (bent.size + size).bit_length()
        echo = np.fft.irfft(np.fft.rfft(bent, length) * np.fft.rfft(room, length))[: bent.size]
        return echo.astype(np.float32)


PATHS: Final = (
    EchoPath("speakerphone_6db", "speakerphone, -6 dB", -6.0),
    EchoPath("speakerphone_12db", "speakerphone, -12 dB", -12.0),
    EchoPath("speakerphone_20db", "speakerphone, -20 dB", -20.0, 60.0, with_words=False),
    EchoPath("line_20db", "line, -20 dB, 60 ms, linear", -20.0, 60.0, reverberation_s=0.01, drive=0, with_words=False),
    EchoPath("louder_3db", "echo louder than played, +3 dB", 3.0),
    EchoPath("nonlinear_6db", "bending loudspeaker, -6 dB", -6.0, drive=15.0),
    EchoPath("long_room_12db", "long room (0.6 s), -12 dB", -12.0, reverberation_s=0.6),
    EchoPath("moving_12db", "somebody moves, -12 dB", -12.0, moves=True),
    EchoPath("jumping_6db", "delay jumps, 250 ± 20 ms, -6 dB", -6.0, 250.0, 20.0),
    EchoPath("late_12db", "delay jumps, 400 ± 20 ms, -12 dB", -12.0, 400.0, 20.0, with_words=False),
    EchoPath("beyond_12db", "later than the filter, 650 ms, -12 dB", -12.0, 650.0, with_words=False),
    EchoPath("drift_12db", "clocks 50 ppm apart, -12 dB", -12.0, drift_ppm=50.0),
    EchoPath("telephone_12db", "telephone (µ-law), -12 dB", -12.0, telephone=True),
)
NOWHERE: Final = (
    EchoPath("none", "no echo", None),
    EchoPath("none_telephone", "no echo, telephone (µ-law)", None, telephone=True),
)
QUICK: Final = (PATHS[1], PATHS[5], PATHS[8], NOWHERE[0])
"""For a first look: a speakerphone, a bad one, one whose delay jumps, none."""


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
