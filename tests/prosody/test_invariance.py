"""What must not change the measures: how the audio is cut, how loud it is, its way through a telephone, its rate."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soxr

from prosody.features import UtteranceAnalyser, measure
from prosody.types import ProsodyFeatures
from voice.contracts.audio import SAMPLE_RATE, Pcm

if TYPE_CHECKING:
    from tests.prosody.conftest import Recording


def measure_in_pieces(pcm: Pcm, sizes: list[int], usual_hz: float | None = None) -> ProsodyFeatures:
    analyser = UtteranceAnalyser()
    place = 0
    for size in sizes:
        analyser.feed(pcm[place : place + size])
        place += size
    analyser.feed(pcm[place:])
    return analyser.finish(usual_hz)


def median_cents(pairs: list[tuple[ProsodyFeatures, ProsodyFeatures]]) -> np.ndarray:
    values = np.array([(a.f0_median_hz, b.f0_median_hz) for a, b in pairs], np.float64)
    return np.asarray(1200 * np.abs(np.log2(values[:, 1] / values[:, 0])))


@pytest.mark.parametrize("chunk_ms", [7, 20, 100])
def test_chunks_change_no_bit(aishell: list[Recording], emodb: list[Recording], chunk_ms: int) -> None:
    for recording in [*aishell[::12], *emodb[::12]]:
        size = chunk_ms * SAMPLE_RATE // 1000
        sizes = [size] * (len(recording.pcm) // size)
        assert measure_in_pieces(recording.pcm, sizes) == measure(recording.pcm)
        assert measure_in_pieces(recording.pcm, sizes, 180.0) == measure(recording.pcm, 180.0)


@pytest.mark.parametrize("seed", range(6))
def test_chunks_of_any_size_change_no_bit(aishell: list[Recording], seed: int) -> None:
    random = np.random.default_rng(seed)
    pcm = aishell[seed].pcm[: random.integers(1, 60_000)]
    sizes = [int(size) for size in random.choice([0, 1, 159, 160, 161, 5423, 5424, 5425, 9000], 12)]
    assert measure_in_pieces(pcm, sizes) == measure(pcm)


def test_the_place_in_memory_changes_no_bit(aishell: list[Recording]) -> None:
    pcm = aishell[3].pcm
    for shift in (1, 2, 3, 5):
        room = np.empty(len(pcm) + shift, np.float32)
        room[shift:] = pcm
        assert measure(room[shift:]) == measure(pcm)
    assert measure(np.repeat(pcm, 2)[::2]) == measure(pcm)


@pytest.mark.parametrize("gain_db", [-20, 20])
def test_gain_changes_the_level_and_nothing_else(
    aishell: list[Recording], emodb: list[Recording], telephone: Callable[..., Pcm], gain_db: float
) -> None:
    gain = np.float32(10 ** (gain_db / 20))
    for recording in [*aishell[::10], *emodb[::14]]:
        pcm = telephone(3 * recording.pcm)
        before, after = measure(pcm), measure(pcm * gain)
        for field in dataclasses.fields(ProsodyFeatures):
            old, new = getattr(before, field.name), getattr(after, field.name)
            if field.name == "intensity_mean_db":
                assert new == pytest.approx(old + gain_db, abs=0.01)
            elif field.name != "loudness":
                olds, news = (value if isinstance(value, tuple) else (value,) for value in (old, new))
                for a, b in zip(olds, news, strict=True):
                    assert b == (None if a is None else pytest.approx(a, rel=0.005, abs=0.005)), field.name


def test_mu_law_changes_the_pitch_by_less_than_a_percent(
    aishell: list[Recording], emodb: list[Recording], telephone: Callable[..., Pcm]
) -> None:
    """µ-law alone: both sides have been through 300-3400 Hz."""
    pairs = []
    for recording in [*aishell[::3], *emodb[::3]]:
        pcm = 3 * recording.pcm
        spectrum = np.fft.rfft(pcm.astype(np.float64))
        frequency = np.fft.rfftfreq(len(pcm), 1 / SAMPLE_RATE)
        spectrum[(frequency < 300) | (frequency > 3400)] = 0
        band = np.clip(np.fft.irfft(spectrum, len(pcm)), -1, 1).astype(np.float32)
        pairs.append((measure(band), measure(telephone(pcm))))
    cents = median_cents(pairs)
    assert np.median(cents) < 2
    assert (cents < 17.2).mean() >= 0.97  # 1 % are 17.2 cents


def test_content_of_8_khz_in_16_khz_has_the_same_pitch(aishell: list[Recording], emodb: list[Recording]) -> None:
    pairs = []
    for recording in [*aishell[::3], *emodb[::3]]:
        narrow = soxr.resample(recording.pcm, SAMPLE_RATE, SAMPLE_RATE // 2)
        again = np.asarray(soxr.resample(narrow, SAMPLE_RATE // 2, SAMPLE_RATE), np.float32)
        pairs.append((measure(recording.pcm), measure(again)))
    assert median_cents(pairs).max() < 17.2


@pytest.mark.parametrize("offset", [-0.5, 0.2])
def test_an_offset_changes_nothing(aishell: list[Recording], offset: float) -> None:
    for recording in aishell[::20]:
        before, after = measure(recording.pcm), measure(recording.pcm + np.float32(offset))
        assert after.f0_median_hz == pytest.approx(before.f0_median_hz, rel=0.002)
        assert after.intensity_mean_db == pytest.approx(before.intensity_mean_db, abs=0.05)
        assert after.pause_count == before.pause_count
