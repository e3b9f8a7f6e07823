"""What the telephone lets through, with tones of known frequency."""

from __future__ import annotations

import numpy as np
import pytest

from voice.audio.level import level_dbfs
from voice.audio.telephone import through_telephone
from voice.contracts.audio import SAMPLE_RATE, Pcm


def tone(hz: float, level: float = 0.2, seconds: float = 1.0) -> Pcm:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return np.asarray(level * np.sin(2 * np.pi * hz * time), np.float32)


def middle(pcm: Pcm) -> Pcm:
    return pcm[SAMPLE_RATE // 4 : -SAMPLE_RATE // 4]


@pytest.mark.parametrize("hz", [350, 1000, 2500, 3300])
def test_speech_frequencies_pass_at_their_level_and_time(hz: float) -> None:
    sent = tone(hz)
    heard = through_telephone(sent)
    assert abs(level_dbfs(middle(heard)) - level_dbfs(middle(sent))) < 0.5
    difference = middle(heard) - middle(sent)
    assert level_dbfs(difference) < level_dbfs(middle(sent)) - 25, "delayed, or companded badly"


@pytest.mark.parametrize("hz", [50, 120, 220, 3600, 4500, 7000])
def test_what_lies_outside_the_band_is_gone(hz: float) -> None:
    assert level_dbfs(middle(through_telephone(tone(hz)))) < level_dbfs(tone(hz)) - 35


@pytest.mark.parametrize("samples", [0, 1, 7, 319, 16_001])
def test_length_stays(samples: int) -> None:
    pcm = np.random.default_rng(0).standard_normal(samples).astype(np.float32) * np.float32(0.1)
    heard = through_telephone(pcm)
    assert heard.shape == pcm.shape
    assert heard.dtype == np.float32
    assert np.isfinite(heard).all()
    assert np.array_equal(heard, through_telephone(pcm))


def test_what_is_beyond_full_scale_is_clipped_not_wrapped() -> None:
    heard = through_telephone(tone(1000, level=1.5))
    assert 0.9 < np.abs(heard).max() < 1.3
    assert level_dbfs(middle(heard)) > -3
