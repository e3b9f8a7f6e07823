"""Speech whose fundamental frequency is known, and how far a tracker is from it.

No recording comes with its F0, and taking any tracker's word for it would favour that tracker and its kin. So real
speech is taken apart and put together again by an F0 that is then known exactly. Twice, because each way of putting
together has habits of its own:

- `world`: analysis and synthesis by WORLD (Morise, M., Yokomori, F. and Ozawa, K. (2016), "WORLD: a vocoder-based
  high-quality speech synthesis system for real-time applications", IEICE Trans. E99-D(7), 1877-1884): the spectral
  envelope and the aperiodicity of the recording, excited by pulses in noise. Its pulses are minimum-phase and as
  regular as the contour: there is no jitter, no creak and no glottal formant, which suits whoever compares one period
  with the next. In telephone band and noise that counts for less than envelope and contour, which are real.
- `glottal`: a source of its own. The derivative of glottal flow by Rosenberg's pulse C (Rosenberg, A. (1971), "Effect
  of glottal pulse shape on the quality of natural vowels", JASA 49(2), 583-590) with jitter, shimmer and breath, sent
  through the linear-prediction filter of the recording (autocorrelation method, Makhoul 1975). It has what WORLD lacks,
  and lacks what WORLD has: envelope zeros, and aperiodicity per band.

The contour is WORLD's Harvest on the wideband recording, cleaned: stretches below 50 ms and frames that WORLD's
aperiodicity takes for unvoiced are dropped, the rest is smoothed over 25 ms. Whether Harvest was right does not matter,
for what it said is what is then spoken. None of the trackers compared here is Harvest or its relative.

A tracker is asked at the times its own frames are centred on. Frames count as voiced where the synthesizer was voiced
and the telephone carries the sound (within 30 dB of the loud frames), as unvoiced where it was not; the rest, voiced
but too soft to be heard, counts for nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_toeplitz
from scipy.signal import lfilter

from agent_console.bench.prosody_peers import load
from agent_console.bench.prosody_speech import Utterance
from agent_console.bench.prosody_trackers import HIGHEST_HZ, LOWEST_HZ, to_line
from voice.audio.telephone import BAND_HZ, through_telephone
from voice.contracts.audio import SAMPLE_RATE, Pcm

Signal = NDArray[np.float64]
Mask = NDArray[np.bool_]

CONDITIONS: Final[dict[str, float | None]] = {"clean": None, "20db": 20.0, "10db": 10.0, "5db": 5.0}
"""Signal-to-noise ratio in the telephone band, dB, over the time in which somebody speaks."""

_STEP_S: Final = 0.005
_SHORTEST_FRAMES: Final = 10
_JUMP_OCTAVES: Final = 0.2
_SMOOTH_FRAMES: Final = 5
_AUDIBLE_DB: Final = 30.0
_BABBLERS: Final = 6
_LEVEL: Final = 10 ** (-26 / 20)
"""-26 dBFS while somebody speaks, the customary level of telephony tests (ITU-T P.56, G.191)."""


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """An utterance with the F0 that it was made with.

    Attributes:
        speaker: whose speech it was.
        pcm: shape (n,), 16 kHz, wideband, at -26 dBFS while it speaks.
        f0_hz: every 5 ms from the first sample on, 0 where unvoiced; shape (frames,).
        audible: where the telephone carries it, same frames.
    """

    speaker: str
    pcm: Pcm
    f0_hz: Signal
    audible: Mask

    def at(self, times_s: Signal) -> tuple[Signal, Mask]:
        """F0 (0 where unvoiced) and whether a frame counts, at any times; shapes as `times_s`."""
        place = np.clip(times_s / _STEP_S, 0, len(self.f0_hz) - 1)
        near = np.rint(place).astype(np.intp)
        before = np.floor(place).astype(np.intp)
        after = np.minimum(before + 1, len(self.f0_hz) - 1)
        between = self.f0_hz[before] + (place - before) * (self.f0_hz[after] - self.f0_hz[before])
        whole = (self.f0_hz[before] > 0) & (self.f0_hz[after] > 0)
        f0_hz = np.where(whole, between, self.f0_hz[near])
        inside = times_s <= (len(self.f0_hz) - 1) * _STEP_S
        return f0_hz, inside & ((f0_hz == 0) | self.audible[near])


@dataclass(frozen=True, slots=True, eq=False)
class Anatomy:
    """An utterance taken apart by WORLD, every 5 ms.

    Attributes:
        speaker: whose it is.
        recording: shape (n,), 16 kHz.
        f0_hz: cleaned, 0 where unvoiced, shape (frames,).
        envelope: power spectrum, shape (frames, bins).
        aperiodicity: share of noise, same shape.
    """

    speaker: str
    recording: Signal
    f0_hz: Signal
    envelope: Signal
    aperiodicity: Signal


def take_apart(utterance: Utterance) -> Anatomy:
    """Find contour, envelope and aperiodicity of a wideband utterance.

    Raises:
        MissingExtraError: WORLD is not installed.
    """
    world = load("pyworld")
    recording = utterance.pcm.astype(np.float64)
    raw, times = world.harvest(recording, SAMPLE_RATE, LOWEST_HZ, HIGHEST_HZ, 1000 * _STEP_S)
    # Where D4C finds no voice, all of the spectrum is noise, the lowest bins included.
    periodic = world.d4c(recording, raw, times, SAMPLE_RATE)[:, 1] < 0.999
    f0_hz = _clean(np.where(periodic, raw, 0.0))
    envelope = world.cheaptrick(recording, f0_hz, times, SAMPLE_RATE, f0_floor=LOWEST_HZ)
    size = 2 * (envelope.shape[1] - 1)
    aperiodicity = world.d4c(recording, f0_hz, times, SAMPLE_RATE, threshold=0.0, fft_size=size)
    return Anatomy(utterance.speaker, recording, f0_hz, envelope, aperiodicity)


def speak_by_world(anatomy: Anatomy) -> Reference:
    """Put an utterance together again by WORLD."""
    return _reference(anatomy.speaker, _synthesize(anatomy), anatomy.f0_hz)


def speak_by_glottis(anatomy: Anatomy, seed: int) -> Reference:
    """Put an utterance together again by a glottal source and linear prediction."""
    source = _excite(anatomy.f0_hz, len(anatomy.recording), np.random.default_rng(seed))
    return _reference(anatomy.speaker, _shape(source, anatomy.recording), anatomy.f0_hz)


def move(anatomy: Anatomy, name: str, *, pitch: float, formants: float) -> Utterance:
    """The same words by another voice.

    Args:
        anatomy: what is said.
        name: added to the speaker's.
        pitch: factor on F0; what leaves 60 to 500 Hz becomes unvoiced.
        formants: factor on the frequencies of the envelope; with 1.6 and 1.15 a man's voice becomes like a woman's.
    """
    f0_hz = anatomy.f0_hz * pitch
    f0_hz[(f0_hz < LOWEST_HZ) | (f0_hz > HIGHEST_HZ)] = 0
    bins = np.arange(anatomy.envelope.shape[1])
    envelope = np.stack([np.interp(bins / formants, bins, row) for row in anatomy.envelope])
    signal = _synthesize(replace(anatomy, f0_hz=f0_hz, envelope=envelope))
    return Utterance(f"{anatomy.speaker} {name}", signal.astype(np.float32))


def babble_of(utterances: Sequence[Utterance], length: int, seed: int) -> Signal:
    """Six utterances at once, equally loud, each from a place of its own; shape (length,), unit power."""
    draw = np.random.default_rng(seed)
    total = np.zeros(length)
    for index in draw.choice(len(utterances), _BABBLERS, replace=len(utterances) < _BABBLERS):
        voice = utterances[index].pcm.astype(np.float64)
        voice = np.roll(np.resize(voice, max(length, len(voice))), int(draw.integers(len(voice))))[:length]
        total += voice / max(_rms(voice), 1e-9)
    return np.asarray(total / max(_rms(total), 1e-9))


def telephone(truth: Reference, others: Sequence[Utterance], snr_db: float | None, seed: int) -> Pcm:
    """What arrives of it: 300-3400 Hz, µ-law; shape (m,), 8 kHz.

    Args:
        truth: what is said.
        others: who else speaks; the noise is half white noise, half six of them at once.
        snr_db: over the telephone band and the time in which the truth speaks; None for no noise.
        seed: the same seed gives the same noise.
    """
    signal = truth.pcm.astype(np.float64)
    if snr_db is not None:
        draw = np.random.default_rng(seed)
        white = draw.standard_normal(len(signal))
        babble = babble_of(others, len(signal), seed)
        noise = white / _rms(_in_band(white)) + babble / max(_rms(_in_band(babble)), 1e-9)
        band = _in_band(signal)
        noise *= _rms(band[_speaking(band)]) / _rms(_in_band(noise)) * 10 ** (-snr_db / 20)
        signal = signal + noise
    return to_line(through_telephone(np.clip(signal, -1, 1).astype(np.float32)))


def _synthesize(anatomy: Anatomy) -> Signal:
    signal = load("pyworld").synthesize(
        anatomy.f0_hz, anatomy.envelope, anatomy.aperiodicity, SAMPLE_RATE, 1000 * _STEP_S
    )
    return np.asarray(signal[: len(anatomy.recording)], np.float64)


def _clean(f0_hz: Signal) -> Signal:
    """Voiced stretches of at least 50 ms without jumps, smoothed on a log scale."""
    octaves = np.log2(np.maximum(f0_hz, 1.0))
    joined = (f0_hz[1:] > 0) & (f0_hz[:-1] > 0) & (np.abs(np.diff(octaves)) < _JUMP_OCTAVES)
    clean = np.zeros_like(f0_hz)
    for stretch in np.split(np.arange(len(f0_hz)), np.flatnonzero(~joined) + 1):
        if len(stretch) >= _SHORTEST_FRAMES:
            padded = np.pad(octaves[stretch], _SMOOTH_FRAMES // 2, mode="edge")
            clean[stretch] = np.exp2(np.convolve(padded, np.full(_SMOOTH_FRAMES, 1 / _SMOOTH_FRAMES), "valid"))
    return clean


def _reference(speaker: str, signal: Signal, f0_hz: Signal) -> Reference:
    band = _in_band(signal)
    scaled = signal * (_LEVEL / max(_rms(signal[_speaking(band)]), 1e-9))
    level = _levels_db(band)
    return Reference(speaker, scaled.astype(np.float32), f0_hz[: len(level)], _is_loud(level)[: len(f0_hz)])


def _excite(f0_hz: Signal, length: int, draw: np.random.Generator) -> Signal:
    """The source: pulses where voiced, noise everywhere; shape (length,), 16 kHz.

    Jitter 0.8 % and shimmer 4 % are those of ordinary voices, breath lies 20 dB below the pulses. The pulses are made
    at eight times the rate, so that their sharp closure does not alias.
    """
    over = 8
    time = np.arange(length * over) / (SAMPLE_RATE * over)
    known = np.flatnonzero(f0_hz)
    if not known.size:
        return draw.standard_normal(length)
    contour = np.exp2(np.interp(time / _STEP_S, known, np.log2(f0_hz[known])))
    voiced = f0_hz[np.minimum(np.rint(time / _STEP_S).astype(np.intp), len(f0_hz) - 1)] > 0
    cycle = np.cumsum(contour) / (SAMPLE_RATE * over)
    number = cycle.astype(np.intp)
    jitter = 1 + 0.008 * draw.standard_normal(number[-1] + 1)
    phase = np.cumsum(contour * jitter[number]) / (SAMPLE_RATE * over)
    number, phase = phase.astype(np.intp), phase % 1
    shimmer = 1 + 0.04 * draw.standard_normal(number[-1] + 1)
    opening, closing = 0.4, draw.uniform(0.12, 0.2)
    flow = np.where(
        phase < opening,
        np.sin(np.pi * phase / opening) / opening,
        np.where(phase < opening + closing, -np.sin(np.pi / 2 * (phase - opening) / closing) / closing, 0),
    )
    taps = np.sinc((np.arange(129) - 64) / over) * np.hamming(129) / over
    pulses = np.convolve(flow * shimmer[number] * voiced, taps, "same")[::over]
    breath = draw.standard_normal(length) * _rms(pulses) * 0.1
    unvoiced = ~voiced[::over]
    return np.asarray(pulses + breath * np.where(unvoiced, 10.0, 1.0))


def _shape(source: Signal, recording: Signal) -> Signal:
    """Filter the source as the recording's vocal tract does, frame by frame, each as loud as the recording's.

    Frames of 30 ms every 10 ms, Hann, order 18; pre-emphasis takes the source's own slope out of the recording first.
    """
    size, hop, order, tail = 480, 160, 18, 320
    window = np.hanning(size + 1)[:-1]
    emphasised = lfilter([1, -0.97], [1], recording)
    shaped = np.zeros(len(recording) + size + tail)
    for start in range(0, len(recording) - size, hop):
        frame = emphasised[start : start + size] * window
        lags = np.correlate(frame, frame, "full")[size - 1 : size + order]
        lags[0] = lags[0] * (1 + 1e-6) + 1e-9
        coefficients = solve_toeplitz(lags[:order], lags[1 : order + 1])
        driven = np.concatenate([source[start : start + size] * window, np.zeros(tail)])
        voice = lfilter([1], np.concatenate([[1.0], -coefficients]), driven)
        loudness = _rms(recording[start : start + size] * window) / max(_rms(voice[:size]), 1e-9)
        shaped[start : start + size + tail] += voice * loudness
    return shaped[: len(recording)]


def _in_band(signal: Signal) -> Signal:
    """What lies from 300 to 3400 Hz of a signal at 16 kHz."""
    spectrum = np.fft.rfft(signal)
    hertz = np.fft.rfftfreq(len(signal), 1 / SAMPLE_RATE)
    spectrum[(hertz < BAND_HZ[0]) | (hertz > BAND_HZ[1])] = 0
    return np.asarray(np.fft.irfft(spectrum, len(signal)))


def _levels_db(signal: Signal) -> Signal:
    """Level over 30 ms around every 5 ms, dBFS, shape (frames,)."""
    half, hop = SAMPLE_RATE * 15 // 1000, round(SAMPLE_RATE * _STEP_S)
    total = np.concatenate([[0.0], np.cumsum(np.pad(signal, half) ** 2)])
    power = (total[2 * half :] - total[: -2 * half])[::hop] / (2 * half)
    return np.asarray(10 * np.log10(np.maximum(power, 1e-12)))


def _is_loud(level_db: Signal) -> Mask:
    """Within 30 dB of the loud frames."""
    return np.asarray(level_db > np.percentile(level_db, 95) - _AUDIBLE_DB)


def _speaking(band: Signal) -> Mask:
    """The samples of the loud frames, shape of `band`."""
    loud = np.repeat(_is_loud(_levels_db(band)), round(SAMPLE_RATE * _STEP_S))
    return loud[: len(band)]


def _rms(signal: Signal) -> float:
    return float(np.sqrt(np.mean(signal**2))) if signal.size else 0.0
