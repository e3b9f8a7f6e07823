"""Audio at the resolution of a picture, with signals whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from agent_console.spectrogram import COLUMNS, TOP_HZ, envelope, level_contour, spectrogram
from voice.contracts.audio import SAMPLE_RATE, Pcm


def tone(hz: float, seconds: float, level: float = 1.0) -> Pcm:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return np.asarray(level * np.sin(2 * np.pi * hz * time), np.float32)


@pytest.mark.parametrize("seconds", [0.5, 3.0, 40.0])
@pytest.mark.parametrize("hz", [500, 1000, 3000])
def test_a_tone_is_dark_at_its_frequency(hz: float, seconds: float) -> None:
    levels, covered_s = spectrogram(tone(hz, seconds, 0.1))
    assert len(levels) <= COLUMNS
    assert seconds <= covered_s <= seconds + covered_s / len(levels)
    middle = levels[len(levels) // 4 : -len(levels) // 4]
    found = middle.mean(axis=0).argmax() * TOP_HZ / (levels.shape[1] - 1)
    assert abs(found - hz) < 60


@pytest.mark.parametrize("seconds", [3.0, 40.0])
def test_a_click_is_dark_at_its_time_however_short(seconds: float) -> None:
    """Columns longer than a window average all windows in them; nothing falls between two."""
    pcm = np.zeros(round(seconds * SAMPLE_RATE), np.float32)
    at_s = seconds * 0.37
    pcm[round(at_s * SAMPLE_RATE)] = 1
    levels, covered_s = spectrogram(pcm)
    found_s = (levels.mean(axis=1).argmax() + 0.5) * covered_s / len(levels)
    assert abs(found_s - at_s) < max(0.002, covered_s / len(levels))
    assert levels.mean(axis=1).max() > levels.mean(axis=1).min() + 40


def test_level_is_that_of_a_sine_and_keeps_its_time() -> None:
    pcm = np.concatenate([np.zeros(SAMPLE_RATE, np.float32), tone(300, 1.0), np.zeros(SAMPLE_RATE, np.float32)])
    time_s, level_db = level_contour(pcm, 10.0)
    inside = (time_s > 11.05) & (time_s < 11.95)
    assert level_db[inside] == pytest.approx(-3.01, abs=0.1)
    assert level_db[(time_s < 10.95) | (time_s > 12.05)].max() == pytest.approx(-100)
    half = time_s[np.flatnonzero(level_db > -6.02)[[0, -1]]]
    assert half == pytest.approx([11.0, 12.0], abs=0.02)


def test_a_level_at_the_ends_is_not_lowered_by_what_is_not_there() -> None:
    _, level_db = level_contour(tone(400, 1.0), 0.0)
    assert level_db == pytest.approx(-3.01, abs=0.3)


@pytest.mark.parametrize("seconds", [0.01, 2.0, 100.0])
def test_the_envelope_covers_every_sample(seconds: float) -> None:
    pcm = np.random.default_rng(0).uniform(-0.5, 0.5, round(seconds * SAMPLE_RATE)).astype(np.float32)
    pcm[len(pcm) // 3] = 0.9
    time_s, low, high = envelope(pcm, 5.0)
    assert len(time_s) <= COLUMNS
    assert high.max() == pytest.approx(0.9)
    assert low.min() == pytest.approx(pcm.min())
    assert time_s[high.argmax()] == pytest.approx(5.0 + seconds / 3, abs=seconds / len(time_s))
    assert (low <= high).all()


def test_nothing_is_drawn_of_nothing() -> None:
    empty = np.zeros(0, np.float32)
    assert spectrogram(empty)[0].shape[0] == 0
    assert all(len(part) == 0 for part in (*envelope(empty, 0.0), *level_contour(empty, 0.0)))
    assert spectrogram(np.zeros(100, np.float32))[0].shape[0] == 0
    assert np.isfinite(spectrogram(np.zeros(SAMPLE_RATE, np.float32))[0]).all()
