"""A narrow-band telephone, whatever the length of what is sent through it."""

from __future__ import annotations

import numpy as np
import pytest

from voice.audio.telephone import BAND_HZ, through_telephone
from voice.contracts.audio import SAMPLE_RATE

TAIL = SAMPLE_RATE // 20
"""Where a recording ends, filters and resampling hear that it does."""


@pytest.mark.parametrize("length", [1, 2, 4_093, 48_017, 65_279, 65_281, 320_009])
def test_what_comes_later_changes_nothing_and_no_end_wraps_round(length: int) -> None:
    voice = np.random.default_rng(length).normal(0, 0.1, length).astype(np.float32)
    alone = through_telephone(voice)
    followed = through_telephone(np.concatenate((voice, np.zeros(SAMPLE_RATE, np.float32))))
    assert alone.shape == voice.shape
    assert alone.dtype == np.float32
    differs = (alone - followed[:length])[: max(0, length - TAIL)]
    # Resampling a longer block rounds otherwise, which now and then tips a sample into the next step of µ-law.
    assert np.count_nonzero(np.abs(differs) > 1e-5) <= len(differs) / 1000
    assert np.all(np.abs(differs) < 0.02), "the largest step at this level"


@pytest.mark.parametrize(("hz", "passes"), [(100, False), (1_000, True), (3_900, False), (6_000, False)])
def test_the_band_is_a_telephones(hz: int, *, passes: bool) -> None:
    assert passes == (BAND_HZ[0] < hz < BAND_HZ[1])
    tone = 0.3 * np.sin(2 * np.pi * hz * np.arange(SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32)
    heard = through_telephone(tone)[TAIL:-TAIL]
    left_db = 20 * np.log10(max(float(np.sqrt(np.mean(heard**2))), 1e-9) / (0.3 / np.sqrt(2)))
    assert left_db > -1 if passes else left_db < -30


def test_silence_stays_silent_and_nothing_stays_nothing() -> None:
    assert not np.any(np.abs(through_telephone(np.zeros(3_001, np.float32))) > 1e-3)
    assert through_telephone(np.zeros(0, np.float32)).size == 0
