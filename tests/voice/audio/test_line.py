"""The way between 8 and 16 kHz: flat where the telephone carries speech, nothing beyond, no trace of chunks."""

from __future__ import annotations

import numpy as np
import pytest

from voice.audio.line import DELAY, LineDownsampler, LineUpsampler
from voice.contracts.audio import Pcm


def tone(hz: float, rate_hz: int) -> Pcm:
    return np.sin(2 * np.pi * hz * np.arange(2 * rate_hz) / rate_hz).astype(np.float32)


def level_db(pcm: Pcm, hz: float, rate_hz: int) -> float:
    """Level of one frequency against a tone of amplitude 1; the beginning, where the filter fills, left out."""
    steady = pcm[rate_hz : 2 * rate_hz].astype(np.float64)
    window = np.hanning(steady.size)
    wave = np.exp(-2j * np.pi * hz * np.arange(steady.size) / rate_hz)
    return float(20 * np.log10(2 * abs(np.sum(steady * window * wave)) / window.sum() + 1e-12))


@pytest.mark.parametrize("hz", [50, 300, 1000, 2500, 3400])
def test_speech_passes_and_its_mirror_does_not(hz: float) -> None:
    doubled = LineUpsampler().feed(tone(hz, 8_000))
    assert abs(level_db(doubled, hz, 16_000)) < 0.01
    assert level_db(doubled, 8_000 - hz, 16_000) < -70
    assert abs(level_db(LineDownsampler().feed(tone(hz, 16_000)), hz, 8_000)) < 0.01


@pytest.mark.parametrize("hz", [4600, 6000, 7900])
def test_what_the_line_cannot_carry_does_not_fold_back(hz: float) -> None:
    assert level_db(LineDownsampler().feed(tone(hz, 16_000)), 8_000 - hz, 8_000) < -70


def test_it_delays_by_what_it_says() -> None:
    click = np.zeros(400, np.float32)
    click[100] = 1
    assert int(np.argmax(LineUpsampler().feed(click))) == 200 + DELAY
    assert int(np.argmax(LineDownsampler().feed(click))) == (100 + DELAY - 1) // 2


@pytest.mark.parametrize("size", [1, 7, 160, 333])
def test_borders_of_chunks_leave_no_trace(size: int) -> None:
    noise = np.random.default_rng(3).standard_normal(2001).astype(np.float32) * 0.1
    for new in (LineUpsampler, LineDownsampler):
        resampler = new()
        parts = [resampler.feed(noise[at : at + size]) for at in range(0, noise.size, size)]
        # numpy sums short rows in another order, hence not to the bit.
        assert np.allclose(np.concatenate(parts), new().feed(noise), atol=1e-6)


def test_nothing_gives_nothing() -> None:
    assert LineUpsampler().feed(np.zeros(0, np.float32)).size == 0
    assert LineDownsampler().feed(np.zeros(0, np.float32)).size == 0
