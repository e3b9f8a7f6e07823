"""What a narrow-band telephone leaves of a voice; for measuring how well something works on calls.

Band: 300 to 3400 Hz (ITU-T G.712, the customary limits of a telephone channel), by a linear-phase filter whose delay is
taken out, so that times hold to the sample. Then 8 kHz and G.711 µ-law.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from voice.audio.g711 import decode_ulaw, encode_ulaw
from voice.audio.resampling import to_float, to_int16
from voice.contracts.audio import SAMPLE_RATE, Pcm

BAND_HZ: Final = (300.0, 3400.0)
LINE_RATE: Final = 8_000
_TAPS: Final = 257
"""32 ms at 8 kHz: about 80 Hz from the pass band to 60 dB below it."""


def through_telephone(pcm: Pcm) -> Pcm:
    """Send audio through a narrow-band line without noise or loss.

    Args:
        pcm: shape (n,), 16 kHz, any n. Its level stays, so that what is soft suffers from the companding as on a line.

    Returns:
        Shape (n,), 16 kHz, nothing in it above 4 kHz; deterministic.
    """
    if not pcm.size:
        return pcm
    line = np.asarray(soxr.resample(pcm, SAMPLE_RATE, LINE_RATE), np.float32)
    coded = encode_ulaw(to_int16(_limit_band(line)))
    heard = np.asarray(soxr.resample(to_float(decode_ulaw(coded)), LINE_RATE, SAMPLE_RATE), np.float32)
    fitted: Pcm = np.zeros(len(pcm), np.float32)
    fitted[: len(heard)] = heard[: len(pcm)]
    return fitted


def _limit_band(line: Pcm) -> Pcm:
    """Convolve by the spectrum; the delay of half a filter is cut off."""
    size = _fast_size(len(line) + _TAPS - 1)
    filtered = np.fft.irfft(np.fft.rfft(line.astype(np.float64), size) * np.fft.rfft(_FILTER, size), size)
    return filtered[_TAPS // 2 :][: len(line)].astype(np.float32)


def _fast_size(least: int) -> int:
    """The least 2^k, 3 * 2^k or 5 * 2^k from `least` on; to transform a prime length takes many times as long."""
    return min(factor << (-(-least // factor) - 1).bit_length() for factor in (1, 3, 5))


def _band_pass() -> NDArray[np.float64]:
    """Difference of two windowed sincs (Kaiser, beta 6: stop band near -63 dB)."""
    place = np.arange(_TAPS) - _TAPS // 2
    low, high = (2 * hz / LINE_RATE for hz in BAND_HZ)
    taps: NDArray[np.float64] = (high * np.sinc(high * place) - low * np.sinc(low * place)) * np.kaiser(_TAPS, 6.0)
    return taps


_FILTER: Final = _band_pass()
