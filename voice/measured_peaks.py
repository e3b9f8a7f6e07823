"""The peaks of recordings that lack them: of a crash, or of a time before there were any."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from voice.audio.decode import AudioFile
from voice.contracts.audio import SAMPLE_RATE
from voice.peaks import POINT, Peaks

_BLOCK = SAMPLE_RATE // POINT * POINT


def measure_peaks(path: Path) -> Peaks:
    """Read a recording and measure its peaks; blocking, some seconds for an hour of it.

    Raises:
        AudioFormatError: see `AudioFile`.
    """
    with AudioFile(path) as file:
        parts = [np.zeros((0, file.info.channels, 2), np.int8)]
        held = np.zeros((0, file.info.channels), np.int16)
        for block in file.blocks(_BLOCK):
            pcm = np.clip(np.rint(block.T * 32_768), -32_768, 32_767).astype(np.int16)
            held = np.concatenate([held, pcm])
            whole = len(held) // POINT * POINT
            parts.append(Peaks.of(held[:whole]).values)
            held = held[whole:]
        parts.append(Peaks.of(held).values)
    return Peaks(POINT, np.concatenate(parts))
