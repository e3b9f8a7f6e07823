"""What patience and judging change about real speech: pauses of AISHELL-1, stretched to where people think."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from voice.audio.framing import Framer
from voice.contracts.audio import FRAME_SAMPLES, Party, Pcm, from_ms, to_ms
from voice.turns.judge import Sound
from voice.turns.settings import TurnSettings
from voice.turns.smart_turn import SmartTurn
from voice.vad.detectors import load_detectors
from voice.vad.segmenter import SegmentAudio, SegmentClosed, Segmenter, SegmenterSettings

TURNS = TurnSettings()
QUIET_DB = -65.0


def pauses(pcm: Pcm, at_least: int) -> list[tuple[int, int]]:
    """Begin and end, in frames, of what the detector takes for pauses between the first and the last speech."""
    detector = load_detectors("silero")()
    speech: list[bool] = []
    for begin in range(0, pcm.size - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        threshold = 0.35 if speech and speech[-1] else 0.5
        speech.append(detector.probability(pcm[begin : begin + FRAME_SAMPLES]) >= threshold)
    # One character a frame, from the first speech on: what lies between two runs of speech is a pause.
    first = speech.index(True)
    marks = "".join("#" if spoken else "." for spoken in speech[first:])
    silences = (match.span() for match in re.finditer(r"\.+(?=#)", marks))
    return [(first + begin, first + end) for begin, end in silences if end - begin >= at_least]


def noise(samples: int, seed: int) -> Pcm:
    generator = np.random.default_rng(seed)
    hiss: Pcm = (generator.standard_normal(samples) * 10 ** (QUIET_DB / 20)).astype(np.float32)
    return hiss


def stretched(pcm: Pcm, pause_ms: float) -> Iterator[Pcm]:
    """The utterance with each of its own pauses of at least 80 ms made that long, and two seconds after it."""
    parts: list[Pcm] = []
    at = 0
    for number, (begin, end) in enumerate(pauses(pcm, 4)):
        middle = (begin + end) // 2 * FRAME_SAMPLES
        more = max(0, from_ms(pause_ms) - (end - begin) * FRAME_SAMPLES)
        parts += [pcm[at:middle], noise(more, number)]
        at = middle
    if parts:
        yield np.concatenate([*parts, pcm[at:], noise(from_ms(2_000), 99)])


def closed(pcm: Pcm, judge: Sound | None) -> list[SegmentClosed]:
    segmenter = Segmenter(
        load_detectors("silero")(), SegmenterSettings(), Party.CALLER, None if judge is None else TURNS
    )
    framer = Framer(Party.CALLER)
    found: list[SegmentClosed] = []
    for frame in [*framer.feed(pcm, None), *framer.flush()]:
        for output in segmenter.feed(frame):
            if isinstance(output, SegmentAudio) and output.question is not None and judge is not None:
                segmenter.answer(judge(output.question.pcm))
            if isinstance(output, SegmentClosed):
                found.append(output)
    return found


@pytest.fixture(scope="module")
def paused(utterances: list[Pcm]) -> list[Pcm]:
    return [call for utterance in utterances for call in stretched(utterance, 900)]


def test_patience_leaves_thinkers_whole_and_the_timer_does_not(paused: list[Pcm]) -> None:
    assert len(paused) >= 2
    assert all(len(closed(call, None)) > 1 for call in paused)
    for call in paused:
        [whole] = closed(call, lambda _: 0.0)
        assert to_ms(whole.silence) == TURNS.patience_ms
        assert whole.span.end - whole.silence == closed(call, None)[-1].span.end - from_ms(560)


@pytest.mark.model
def test_smart_turn_cuts_fewer_pauses_and_delays_few_ends(
    need_model: Callable[[str], Path], utterances: list[Pcm], paused: list[Pcm]
) -> None:
    judge = SmartTurn.load(need_model("smart-turn")).probability
    assert sum(len(closed(call, judge)) for call in paused) <= sum(len(closed(call, None)) for call in paused)
    ends = [closed(np.concatenate([utterance, noise(from_ms(2_000), 1)]), judge)[-1] for utterance in utterances]
    assert np.mean([to_ms(end.silence) == 560 for end in ends]) >= 0.8
