"""`warmline bench soak-asr`: the slope on known courses of memory, the audio, and a few minutes in a real process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent_console.bench import soak_asr
from agent_console.bench.soak_asr import Note, find_engines, fit_slope, measure_soak_asr, mixed_audio, settled
from asr.models.store import ModelStore
from asr.types import Language
from voice.contracts.audio import SAMPLE_RATE
from voice.contracts.errors import ModelError, ModelMissingError

pytestmark = pytest.mark.anyio


def notes(memory: list[float]) -> list[Note]:
    return [Note(120.0 * (place + 1), 60.0, place, 1.0, mb, mb) for place, mb in enumerate(memory)]


def test_a_leak_has_a_slope_and_noise_has_none() -> None:
    noise = np.random.default_rng(0).normal(0, 0.5, 30)
    flat = fit_slope(notes(list(300 + noise)))
    assert flat.low < 0 < flat.high < 2
    leak = fit_slope(notes(list(300 + 0.5 * np.arange(30) + noise)))
    # Half a megabyte in two minutes is fifteen an hour.
    assert leak.low < 15 < leak.high
    assert leak.low > 13


def test_the_interval_is_students() -> None:
    # Residuals -1/6, 1/3, -1/6 about a slope of 1/2 per step: error 0.289, times 12.71 for one degree of freedom.
    slope = fit_slope(notes([1.0, 2.0, 2.0]))
    per_hour = 30
    assert slope.mb_per_hour == pytest.approx(0.5 * per_hour)
    assert slope.high - slope.mb_per_hour == pytest.approx(12.71 * 0.288675 * per_hour, rel=1e-3)
    with pytest.raises(ValueError, match="three"):
        fit_slope(notes([1.0, 2.0]))


def test_the_first_quarter_does_not_count() -> None:
    assert [note.rss_mb for note in settled(notes([1.0, 2.0, 3.0, 4.0]))] == [2.0, 3.0, 4.0]


def test_speech_and_silence_as_long_as_asked_for() -> None:
    heard = list(mixed_audio((Language.ZH, Language.EN), 120))
    assert sum(len(pcm) for _, pcm in heard) == 120 * SAMPLE_RATE
    assert {language for language, _ in heard} == {Language.ZH, Language.EN}
    silent = sum(len(pcm) for _, pcm in heard if np.abs(pcm).max() < 0.01)
    assert 0.1 < silent / (120 * SAMPLE_RATE) < 0.9
    again = list(mixed_audio((Language.ZH, Language.EN), 120))
    assert all((one[1] == other[1]).all() for one, other in zip(heard, again, strict=True))


async def test_no_model_is_said_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError):
        find_engines(ModelStore(tmp_path))
    with pytest.raises(ModelMissingError):
        await measure_soak_asr(tmp_path, engine="vosk", minutes=8, report=lambda _: None)


async def test_a_process_that_fails_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="status"):
        await soak_asr._run("vosk/none", tmp_path, (Language.KO,), 8, lambda _: None)
