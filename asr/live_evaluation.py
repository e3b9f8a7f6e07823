"""How soon words come when speech arrives at the pace at which it is spoken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from asr.evaluation import Reference
from asr.types import Hypothesis
from asr.worker import RecognitionWorker
from voice.contracts.audio import FRAME_SAMPLES, to_s
from voice.contracts.ports import Clock


@dataclass(frozen=True, slots=True)
class LiveTimes:
    """One utterance at real pace.

    Attributes:
        audio_s: its length, seconds.
        final_s: from the end of its audio to its final, seconds.
        partials_s: when each partial came, seconds from the beginning of its audio.
    """

    audio_s: float
    final_s: float
    partials_s: tuple[float, ...]


async def measure_live(
    worker: RecognitionWorker,
    references: Sequence[Reference],
    clock: Clock,
    progress: Callable[[int, int], None] = lambda _of, _done: None,
) -> list[LiveTimes]:
    """Speak every utterance to a running worker, frame by frame, one utterance after the other.

    A frame of 20 ms is handed over when its last sample would have been spoken. Times count from when audio was due,
    so that an event loop that is late counts as waiting.

    Args:
        worker: entered.
        references: utterances.
        clock: paces them.
        progress: told of how many utterances how many are done.

    Raises:
        ModelError: the engine broke.
    """
    found: list[LiveTimes] = []
    for number, reference in enumerate(references):
        progress(len(references), number)
        partials: list[float] = []
        began = clock.now_s()

        def note(_partial: Hypothesis, began: float = began, partials: list[float] = partials) -> None:
            partials.append(clock.now_s() - began)

        utterance = worker.begin(reference.language, note)
        for start in range(0, len(reference.pcm), FRAME_SAMPLES):
            frame = reference.pcm[start : start + FRAME_SAMPLES]
            await clock.sleep_until(began + to_s(start + len(frame)))
            utterance.push(frame)
        await utterance.finish()
        audio_s = to_s(len(reference.pcm))
        found.append(LiveTimes(audio_s, clock.now_s() - began - audio_s, tuple(partials)))
    progress(len(references), len(references))
    return found


@dataclass(frozen=True, slots=True)
class LiveFigures:
    """Utterances at real pace, together; seconds.

    Attributes:
        utterances: how many.
        final_p50_s: median time from the end of the audio to the final.
        final_p95_s: 95th percentile of the same.
        first_partial_p50_s: median time from the beginning of the audio to the first partial; None without any.
        partial_gap_p50_s: median time between partials; None without any.
        partial_gap_p95_s: 95th percentile of the same.
        partials: how many there were.
    """

    utterances: int
    final_p50_s: float
    final_p95_s: float
    first_partial_p50_s: float | None
    partial_gap_p50_s: float | None
    partial_gap_p95_s: float | None
    partials: int


def summarise(times: Sequence[LiveTimes]) -> LiveFigures:
    """Medians and percentiles.

    Raises:
        ValueError: there is no utterance.
    """
    if not times:
        raise ValueError("Figures need at least one utterance.")
    finals = [each.final_s for each in times]
    firsts = [each.partials_s[0] for each in times if each.partials_s]
    gaps = [after - before for each in times for before, after in pairwise(each.partials_s)]
    return LiveFigures(
        utterances=len(times),
        final_p50_s=float(np.percentile(finals, 50)),
        final_p95_s=float(np.percentile(finals, 95)),
        first_partial_p50_s=_percentile(firsts, 50),
        partial_gap_p50_s=_percentile(gaps, 50),
        partial_gap_p95_s=_percentile(gaps, 95),
        partials=sum(len(each.partials_s) for each in times),
    )


def _percentile(values: Sequence[float], percent: float) -> float | None:
    return float(np.percentile(values, percent)) if values else None
