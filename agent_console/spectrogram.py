"""Audio at the resolution of a picture: envelope, level contour, wide-band spectrogram."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from voice.contracts.audio import SAMPLE_RATE, Pcm, Samples, to_s

Curve: TypeAlias = NDArray[np.float64]

TOP_HZ: Final = 4000.0
"""Highest frequency shown; a telephone has nothing above 3.4 kHz, and F1 to F3 lie below."""

DYNAMIC_DB: Final = 50.0
"""From white to black, after pre-emphasis."""

COLUMNS: Final = 2400
"""More points across than a picture has pixels to show."""

_WINDOW: Final = round(0.010 * SAMPLE_RATE)
"""10 ms under a Gaussian, which is 5 ms in effect: 260 Hz wide, so that single periods and formants show, harmonics do
not (the customary wide-band setting)."""
_FFT: Final = 512
_FINEST_HOP: Final = SAMPLE_RATE // 1000
_PRE_EMPHASIS: Final = np.float32(0.95)
"""About 6 dB per octave above 130 Hz, against the tilt of the voice."""
_LEVEL_WINDOW: Final = round(0.040 * SAMPLE_RATE)
_LEVEL_HOP: Final = SAMPLE_RATE // 100
_FLOOR: Final = 1e-10


def envelope(pcm: Pcm, start_s: float) -> tuple[Curve, Curve, Curve]:
    """Time in seconds, smallest and largest sample of each column; each sample its own column where there is room."""
    step = max(1, -(-len(pcm) // COLUMNS))
    padded = np.pad(pcm, (0, -len(pcm) % step), mode="edge") if len(pcm) else pcm
    columns = padded.reshape(-1, step)
    time_s = _times(start_s, len(columns), step)
    low, high = columns.min(axis=1).astype(np.float64), columns.max(axis=1).astype(np.float64)
    if step < 8:
        # Between single samples there is no area to fill; neighbours are joined as a line would join them.
        low[1:] = np.minimum(low[1:], high[:-1])
        high[:-1] = np.maximum(high[:-1], low[1:])
    return time_s, low, high


def level_contour(pcm: Pcm, start_s: float) -> tuple[Curve, Curve]:
    """Time in seconds and level in dBFS every 10 ms under a Hann window of 40 ms; the loudest where columns are longer.

    A full-scale sine has -3.01 dBFS; nothing is below -100.
    """
    count = len(pcm) // _LEVEL_HOP
    if not count:
        return np.zeros(0), np.zeros(0)
    # Blocks of a hop first, then a Hann-weighted mean over five of them: as smooth as by samples, and cheap.
    power = np.square(pcm[: count * _LEVEL_HOP].astype(np.float64)).reshape(count, _LEVEL_HOP).mean(axis=1)
    reach = _LEVEL_WINDOW // _LEVEL_HOP
    weights = np.hanning(reach + 3)[1:-1]
    smooth = np.convolve(np.pad(power, len(weights) // 2, mode="edge"), weights / weights.sum(), mode="valid")
    step = max(1, -(-count // COLUMNS))
    padded = np.pad(smooth, (0, -count % step), mode="edge").reshape(-1, step)
    return _times(start_s, len(padded), step * _LEVEL_HOP), 10 * np.log10(np.maximum(padded.max(axis=1), _FLOOR))


def spectrogram(pcm: Pcm) -> tuple[NDArray[np.float32], float]:
    """Level of each column and frequency up to 4 kHz, dB of arbitrary zero, shape (columns, frequencies).

    Where columns are longer than a window, the power of the windows in them is averaged, so that nothing is skipped.

    Returns:
        The levels, and how many seconds all columns cover together: the audio, and up to a column more.
    """
    frequencies = round(TOP_HZ * _FFT / SAMPLE_RATE) + 1
    if len(pcm) < _WINDOW:
        return np.zeros((0, frequencies), np.float32), 0.0
    hop = max(_FINEST_HOP, -(-len(pcm) // COLUMNS))
    inner = -(-hop // (_WINDOW // 3))
    count = -(-len(pcm) // hop)
    sharpened = pcm - _PRE_EMPHASIS * np.concatenate([pcm[:1], pcm[:-1]])
    padded = np.pad(sharpened, (_WINDOW // 2, _WINDOW + hop))
    # Windows are spread over each column and centred on their share of it.
    offsets = np.arange(inner) * hop // inner + hop // (2 * inner)
    levels = np.empty((count, frequencies), np.float32)
    for column in range(count):
        rows = np.stack([padded[start : start + _WINDOW] for start in column * hop + offsets])
        power = np.abs(np.fft.rfft(rows * _GAUSSIAN, _FFT, axis=1)[:, :frequencies]) ** 2
        levels[column] = 10 * np.log10(np.maximum(power.mean(axis=0), _FLOOR))
    return levels, to_s(count * hop)


def _times(start_s: float, count: int, step: Samples) -> Curve:
    """The middles of `count` columns of `step` samples, seconds."""
    return np.asarray(start_s + (np.arange(count) + 0.5) * to_s(step), np.float64)


_GAUSSIAN: Final = np.exp(-12 * ((np.arange(_WINDOW) + 0.5) / _WINDOW - 0.5) ** 2).astype(np.float32)
