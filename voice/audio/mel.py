"""Log-mel spectrum as Whisper defines it.

Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision", section 2.2: 80 mel channels from
25 ms windows every 10 ms at 16 kHz, scaled to about zero mean. The published code fixes the rest: a periodic Hann
window, centred frames with reflected edges, power spectrum, Slaney's mel scale with triangles of equal area, log10
clamped at 1e-10 and at eight decades below the loudest cell, then (x + 4) / 4.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from voice.contracts.audio import SAMPLE_RATE, Pcm, Samples

WINDOW: Final = 400
"""Samples of one analysis window: 25 ms."""

HOP: Final[Samples] = 160
"""Samples between windows: 10 ms, so one second holds 100 frames."""

BINS: Final = 80
"""Mel channels of Whisper tiny to large-v2; large-v3 and its descendants have 128."""


def log_mel(pcm: Pcm, frames: int, bins: int = BINS) -> NDArray[np.float32]:
    """The log-mel spectrum of `pcm`, followed by silence until `frames` frames are full.

    Args:
        pcm: audio, shape (n,), n at most `frames` * 160.
        frames: frames of 10 ms to answer.
        bins: mel channels.

    Returns:
        Shape (bins, frames), float32; values span at most 2 (eight decades / 4).

    Raises:
        ValueError: the audio is longer than `frames`.
    """
    if len(pcm) > frames * HOP:
        raise ValueError(f"{frames} frames hold {frames * HOP} samples; got {len(pcm)}.")
    edge = WINDOW // 2
    padded = np.zeros(frames * HOP + WINDOW, dtype=np.float32)
    padded[edge : edge + len(pcm)] = pcm
    padded[:edge] = padded[2 * edge : edge : -1]
    padded[-edge:] = padded[-edge - 2 : -2 * edge - 2 : -1]
    # Silence needs no transform: only the windows that touch audio are computed.
    heard = min(frames, (len(pcm) + edge) // HOP + 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[: heard * HOP : HOP]
    spectrum = np.fft.rfft(windows * _hann(), axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    logs = np.full((bins, frames), -10.0, dtype=np.float32)
    # Not a matrix product: the last bits of that, and so now and then a word, depend on how many threads work on it.
    mel = np.einsum("bf,tf->bt", mel_filters(bins), power, optimize=False)
    logs[:, :heard] = np.log10(np.maximum(mel, 1e-10))
    floor = logs.max() - 8.0
    scaled: NDArray[np.float32] = (np.maximum(logs, floor) + 4.0) / 4.0
    return scaled


@cache
def mel_filters(bins: int = BINS) -> NDArray[np.float32]:
    """Triangular filters of unit area on Slaney's mel scale, shape (bins, 201), from 0 Hz to 8 kHz.

    The scale (Slaney 1998, "Auditory Toolbox"): linear below 1 kHz with 200/3 Hz per mel, above it logarithmic with 27
    steps per factor of 6.4.
    """
    edges = _hz(np.linspace(0.0, _mel(SAMPLE_RATE / 2), bins + 2))
    centres = np.linspace(0.0, SAMPLE_RATE / 2, WINDOW // 2 + 1)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (centres - low) / (centre - low)
    falling = (high - centres) / (high - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    filters: NDArray[np.float32] = (triangles * (2.0 / (high - low))).astype(np.float32)
    return filters


_LINEAR_HZ: Final = 200.0 / 3.0
_BREAK_HZ: Final = 1000.0
_BREAK_MEL: Final = _BREAK_HZ / _LINEAR_HZ
_LOG_STEP: Final = float(np.log(6.4)) / 27.0


def _mel(hertz: float) -> float:
    if hertz < _BREAK_HZ:
        return hertz / _LINEAR_HZ
    return _BREAK_MEL + float(np.log(hertz / _BREAK_HZ)) / _LOG_STEP


def _hz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    above = _BREAK_HZ * np.exp(_LOG_STEP * (mels - _BREAK_MEL))
    hertz: NDArray[np.float64] = np.where(mels < _BREAK_MEL, mels * _LINEAR_HZ, above)
    return hertz


@cache
def _hann() -> NDArray[np.float32]:
    window: NDArray[np.float32] = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    return window
