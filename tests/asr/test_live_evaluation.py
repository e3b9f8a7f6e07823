"""Times at real pace: driven by a clock that stands still while a thread works, so that only the pacing is seen."""

from __future__ import annotations

from itertools import pairwise

import anyio
import anyio.lowlevel
import numpy as np
import pytest

from asr.evaluation import Reference
from asr.fake import FakeRecognizer
from asr.live_evaluation import LiveTimes, measure_live, summarise
from asr.types import Language
from asr.worker import RecognitionWorker
from voice.clock import ManualClock
from voice.contracts.audio import FRAME_SAMPLES, Pcm, to_s


def noise(length: int) -> Pcm:
    return np.random.default_rng(2).standard_normal(length).astype(np.float32) * np.float32(0.1)


@pytest.mark.anyio
async def test_audio_comes_when_it_is_spoken() -> None:
    clock = ManualClock(start_s=100.0)
    lengths = (16_000, 24_100)
    references = [Reference(str(length), noise(length), "好", Language.ZH) for length in lengths]
    found: list[LiveTimes] = []
    progress: list[tuple[int, int]] = []

    async def drive() -> None:
        while True:
            if clock.sleepers:
                clock.advance(to_s(FRAME_SAMPLES) / 2)
            await anyio.lowlevel.checkpoint()

    async with RecognitionWorker(FakeRecognizer()) as worker, anyio.create_task_group() as tasks:
        tasks.start_soon(drive)
        found += await measure_live(worker, references, clock, lambda of, done: progress.append((of, done)))
        tasks.cancel_scope.cancel()
    assert [each.audio_s for each in found] == [1.0, 24_100 / 16_000]
    assert all(-1e-9 <= each.final_s <= to_s(FRAME_SAMPLES) for each in found)
    assert all(each.partials_s[0] >= 0.2 for each in found if each.partials_s), "the first word is 200 ms long"
    assert all(before <= after <= each.audio_s for each in found for before, after in pairwise(each.partials_s))
    assert clock.now_s() == pytest.approx(100 + sum(lengths) / 16_000, abs=0.05)
    assert progress == [(2, 0), (2, 1), (2, 2)]


def test_figures_are_medians_and_percentiles() -> None:
    times = [LiveTimes(2.0, 0.1, (0.5, 1.5)), LiveTimes(3.0, 0.3, (0.7, 1.2, 2.7)), LiveTimes(1.0, 0.2, ())]
    figures = summarise(times)
    assert (figures.utterances, figures.partials, figures.final_p50_s) == (3, 5, 0.2)
    assert figures.final_p95_s == pytest.approx(0.29)
    assert figures.first_partial_p50_s == pytest.approx(0.6)
    assert figures.partial_gap_p50_s == pytest.approx(1.0)
    assert figures.partial_gap_p95_s == pytest.approx(1.45)


def test_without_partials_there_is_no_cadence() -> None:
    figures = summarise([LiveTimes(1.0, 0.2, ())])
    assert (figures.first_partial_p50_s, figures.partial_gap_p50_s, figures.partials) == (None, None, 0)
    with pytest.raises(ValueError, match="at least one"):
        summarise([])
