"""Whether a recording has the bandwidth that its rate claims: lines of 8 kHz that are labelled otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from voice.audio.decode import AudioFile
from voice.contracts.audio import SAMPLE_RATE, Pcm, Samples, from_s

LOOKED_AT: Final[Samples] = from_s(60)
"""How much of a file is looked at: its first minute."""

NARROW_DB: Final = -40.0
"""Share of a recording's power above 4 kHz, below which nothing is there. The real 16 kHz recordings that this was
measured on (AISHELL-1 and -3, LibriVox) have -31 dB and more, speech that came from 8 kHz has -42 dB and less."""

LOW_DB: Final = -25.0
"""Share of a recording's power from 80 to 450 Hz, below which nobody's voice has its fundamental there. Real speech at
16 kHz (AISHELL-1) has -3.4 dB and more; a telephone line whose 8 kHz are called 16 begins at 600 Hz: -49 dB."""

HIGH_DB: Final = -35.0
"""Share from 4.2 to 6.7 kHz, above which something is there: then the band begins too high and ends too high."""

_BLOCK: Final = 512
_ABOVE: Final = 135
"""Bins of 31.25 Hz; the first that lies above 4.2 kHz, where no resampling filter from 8 kHz reaches."""

_BEYOND: Final = 214
"""The bin at 6.7 kHz, below the end of a telephone's band at twice its speed."""

_LOW: Final = slice(3, 15)
"""Bins from 80 to 450 Hz."""


def is_narrow(pcm: Pcm, rate_hz: int) -> bool:
    """Whether a recording claims more bandwidth than it has; `pcm` is at 16 kHz, `rate_hz` its file's own rate."""
    if rate_hz < SAMPLE_RATE:
        return False
    power = _power(pcm)
    return power is not None and _share_db(power[_ABOVE:], power) < NARROW_DB


def is_fast(pcm: Pcm, rate_hz: int) -> bool:
    """Whether a recording is a telephone line at twice its speed, which it is where 8 kHz are labelled as 16 kHz.

    Only a line of 300 to 3400 Hz can be told so; a wideband voice at twice its speed has its fundamental where fast and
    high voices have theirs.
    """
    if rate_hz < SAMPLE_RATE:
        return False
    power = _power(pcm)
    if power is None:
        return False
    return _share_db(power[_LOW], power) < LOW_DB and _share_db(power[_ABOVE:_BEYOND], power) > HIGH_DB


def _power(pcm: Pcm) -> NDArray[np.float64] | None:
    """Power by bins of 31.25 Hz; None where there is none."""
    whole = len(pcm) - len(pcm) % _BLOCK
    if not whole:
        return None
    spectrum = np.fft.rfft(pcm[:whole].reshape(-1, _BLOCK) * np.hanning(_BLOCK).astype(np.float32), axis=1)
    power = np.asarray(np.sum(spectrum.real**2 + spectrum.imag**2, axis=0), np.float64)
    return power if float(power.sum()) > 0 else None


def _share_db(part: NDArray[np.float64], power: NDArray[np.float64]) -> float:
    return 10 * float(np.log10(max(float(part.sum() / power.sum()), 1e-12)))


def file_is_fast(path: Path) -> bool:
    """Whether any channel of a file `is_fast`, by its beginning; blocking, a tenth of a second.

    Raises:
        AudioFormatError: as `AudioFile.__enter__`.
    """
    with AudioFile(path) as file:
        blocks: list[NDArray[np.float32]] = []
        length = 0
        for block in file.blocks():
            blocks.append(block)
            length += block.shape[1]
            if length >= LOOKED_AT:
                break
        return any(is_fast(channel, file.info.rate_hz) for channel in np.concatenate(blocks, axis=1))
