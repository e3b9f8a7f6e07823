"""The way from a studio voice to what a contact center receives: band, background, level, companding.

Filters are symmetric and their delay is taken out, so that times in a script hold to the sample.
"""

from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy import signal as dsp

Signal = NDArray[np.float64]
Encoding = Literal["mulaw", "alaw", "pcm16"]
Background = Literal["room", "office", "street"]

CALM_LEVEL_DBOV = -26.0  # active speech level customary in telephony tests (ITU-T P.56 measurements, G.191 tools)
NARROWBAND_HZ = (300.0, 3_400.0)
WIDEBAND_HZ = (50.0, 7_000.0)

_FILTER_MS = 32
_FRAME_MS = 10
_ACTIVE_BELOW_PEAK_DB = 35.0
_BREATH_BELOW_PEAK_DB = 18.0
_SUBTYPE = {"mulaw": "ULAW", "alaw": "ALAW", "pcm16": "PCM_16"}


def band_hz(rate_hz: int) -> tuple[float, float]:
    """Return the band a call of this sampling rate carries, in Hz."""
    return NARROWBAND_HZ if rate_hz == 8_000 else WIDEBAND_HZ


def limit_band(samples: Signal, rate_hz: int) -> Signal:
    """Keep the telephone band (or the wideband one) with a linear-phase filter; length and timing stay."""
    taps = dsp.firwin(rate_hz * _FILTER_MS // 1000 + 1, band_hz(rate_hz), fs=rate_hz, pass_zero=False)
    return np.asarray(dsp.fftconvolve(samples, taps, mode="full")[len(taps) // 2 :][: len(samples)], dtype=np.float64)


def frame_levels_db(samples: Signal, rate_hz: int) -> Signal:
    """Return the RMS level of every whole 10 ms frame in dB against full scale (dBov), floored at -120."""
    size = rate_hz * _FRAME_MS // 1000
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    return np.asarray(10.0 * np.log10(np.maximum(np.mean(frames**2, axis=1), 1e-12)), dtype=np.float64)


def active_frames(samples: Signal, rate_hz: int) -> NDArray[np.bool_]:
    """Mark the 10 ms frames within 35 dB of the loudest one. Meant for a signal without background."""
    levels = frame_levels_db(samples, rate_hz)
    return np.asarray(levels > levels.max(initial=-120.0) - _ACTIVE_BELOW_PEAK_DB, dtype=np.bool_)


def active_level_db(samples: Signal, rate_hz: int) -> float:
    """Return the RMS level of the active frames alone, in dBov."""
    power = 10.0 ** (frame_levels_db(samples, rate_hz)[active_frames(samples, rate_hz)] / 10.0)
    return float(10.0 * np.log10(power.mean()))


def speech_spans_ms(
    samples: Signal, rate_hz: int, bridge_ms: int = 150, shortest_ms: int = 40
) -> list[tuple[int, int]]:
    """Find where a clean signal speaks.

    Args:
        samples: Speech without background, already limited to the band.
        rate_hz: Its rate.
        bridge_ms: Silences shorter than this belong to the speech around them (stop consonants).
        shortest_ms: Anything shorter is a click. What stays 18 dB below the loudest frame is a breath.

    Returns:
        Half-open spans in milliseconds, on a 10 ms grid.
    """
    levels = frame_levels_db(samples, rate_hz)
    voice_db = levels.max(initial=-120.0) - _BREATH_BELOW_PEAK_DB
    edges = np.flatnonzero(np.diff(np.concatenate(([0], active_frames(samples, rate_hz).astype(np.int8), [0]))))
    spans: list[tuple[int, int]] = []
    for start, end in edges.reshape(-1, 2) * _FRAME_MS:
        if spans and start - spans[-1][1] < bridge_ms:
            spans[-1] = (spans[-1][0], int(end))
        else:
            spans.append((int(start), int(end)))
    return [
        (start, end)
        for start, end in spans
        if end - start >= shortest_ms and levels[start // _FRAME_MS : end // _FRAME_MS].max() > voice_db
    ]


def background(kind: Background, count: int, rate_hz: int, seed: int) -> Signal:
    """Make background noise at an arbitrary level.

    Args:
        kind: `room` is 1/f noise; `office` adds mains hum and a murmur that swells at the rate of syllables;
            `street` adds slow swells as of passing cars.
        count: Number of samples.
        rate_hz: Their rate.
        seed: Same seed, same noise.
    """
    generator = np.random.default_rng(seed)
    seconds = np.arange(count) / rate_hz
    noise = _coloured(generator, count, rate_hz, exponent=1.0)
    if kind == "office":
        murmur = _coloured(generator, count, rate_hz, exponent=1.6)
        swell = 0.5 + 0.5 * np.sin(2 * np.pi * 4.0 * seconds + 3.0 * np.sin(2 * np.pi * 0.7 * seconds))
        hum = sum(np.sin(2 * np.pi * 50.0 * harmonic * seconds) / harmonic for harmonic in (7, 9, 11, 13))
        return np.asarray(noise + 0.9 * murmur * swell + 0.8 * hum, dtype=np.float64)
    if kind == "street":
        cars = _coloured(generator, count, rate_hz, exponent=1.3)
        return np.asarray(noise + 1.5 * cars * np.sin(np.pi * (seconds / 9.0 + generator.random())) ** 4)
    return noise


def _coloured(generator: np.random.Generator, count: int, rate_hz: int, exponent: float) -> Signal:
    """Return noise of unit power whose power density falls with `1 / f**exponent` above 100 Hz."""
    spectrum = np.fft.rfft(generator.standard_normal(count))
    frequency_hz = np.maximum(np.fft.rfftfreq(count, 1.0 / rate_hz), 100.0)
    noise = np.fft.irfft(spectrum * frequency_hz ** (-exponent / 2.0), count)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)), dtype=np.float64)


def add_background(speech: Signal, rate_hz: int, kind: Background, snr_db: float, seed: int) -> Signal:
    """Add band-limited background below the calm speech level.

    Args:
        speech: One channel whose calm turns stand at `CALM_LEVEL_DBOV`.
        rate_hz: Its rate.
        kind: Which background.
        snr_db: Calm active speech level over background level, both measured inside the band.
        seed: Seed of the background.
    """
    noise = limit_band(background(kind, len(speech), rate_hz, seed), rate_hz)
    level = 10.0 ** ((CALM_LEVEL_DBOV - snr_db) / 20.0)
    return np.asarray(speech + noise / np.sqrt(np.mean(noise**2)) * level, dtype=np.float64)


def write_wav(path: Path, channels: list[Signal], rate_hz: int, encoding: Encoding, comment: str) -> None:
    """Write a WAV file whose metadata says how the sound came to be.

    Args:
        path: Where to.
        channels: One or two signals of equal length in [-1, 1].
        rate_hz: Their rate.
        encoding: G.711 µ-law or A-law, or linear 16 bit.
        comment: Goes into the file's ICMT chunk; synthetic speech is marked there as such.

    Raises:
        ValueError: A sample lies outside [-1, 1]; a sample call is never clipped.
    """
    block = np.stack(channels, axis=1)
    if np.abs(block).max() > 1.0:
        raise ValueError(f"{path}: peak {np.abs(block).max():.2f} would clip; lower gain_db")
    with soundfile.SoundFile(
        path, "w", samplerate=rate_hz, channels=len(channels), format="WAV", subtype=_SUBTYPE[encoding]
    ) as file:
        file.comment = comment
        file.write(block)
