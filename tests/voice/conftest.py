"""Real speech for the tests of the voice room."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from voice.audio.decode import AudioFile
from voice.contracts.audio import Pcm, on_16_bit_grid


@pytest.fixture(scope="session")
def utterances(shared_data: Path) -> list[Pcm]:
    """Ten read Mandarin utterances of two speakers (AISHELL-1), 16 kHz, on the 16-bit grid."""
    paths = sorted((shared_data / "speech" / "aishell1-sample").glob("*.flac"))[::10]
    utterances = []
    for path in paths:
        with AudioFile(path) as file:
            utterances.append(on_16_bit_grid(np.concatenate(list(file.blocks()), axis=1)[0]))
    return utterances
