"""Calls whose pauses are judged: cut alike at any pace, and no worse off when the judge breaks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from threading import Event

import anyio
import numpy as np
import pytest

from routing.call import Rooms
from routing.events import SpeechEnded, StageFailed, Stamped
from routing.terms import Stage
from tests.routing.rooms import (
    LoudnessDetector,
    ScriptedRecognizer,
    frames_of,
    of_type,
    open_rooms,
    outcome,
    run_call,
    speak,
)
from voice.contracts.audio import AudioFrame, Party, Pcm, from_ms, from_s, to_ms
from voice.contracts.errors import ModelError
from voice.turns.judge import Judge
from voice.turns.settings import TurnSettings
from voice.vad.segmenter import Segmenter, SegmenterSettings

pytestmark = pytest.mark.anyio


@pytest.fixture
async def rooms() -> AsyncIterator[Rooms]:
    async with open_rooms(ScriptedRecognizer(["一"] * 99), threads=2) as opened:
        yield replace(
            opened,
            new_segmenter=lambda party: Segmenter(LoudnessDetector(), SegmenterSettings(), party, TurnSettings()),
        )


def paused(pauses_ms: Sequence[float]) -> Pcm:
    """Utterances of one second with such pauses after them, and three seconds of silence at the end."""
    parts = [np.zeros(from_s(1), np.float32)]
    for pause_ms in pauses_ms:
        parts += [speak(1.0, f0_hz=180.0), np.zeros(from_ms(pause_ms), np.float32)]
    return np.concatenate([*parts, np.zeros(from_s(3), np.float32)])


def lengths_ms(log: list[Stamped]) -> list[float]:
    return [to_ms(event.span.length) for event in of_type(log, SpeechEnded)]


async def cut(rooms: Rooms, judge: Judge | None, frames: list[AudioFrame], **options: bool) -> list[Stamped]:
    choose = None if judge is None else (lambda _: judge)
    return await run_call(replace(rooms, judge_turn=choose), frames, **options)  # type: ignore[arg-type]  # in_step only


async def test_patience_holds_an_unfinished_turn_together(rooms: Rooms) -> None:
    frames = frames_of(Party.CALLER, paused([1_000, 0]))
    assert len(lengths_ms(await cut(rooms, None, frames))) == 2
    assert len(lengths_ms(await cut(rooms, lambda _: None, frames))) == 2
    [whole] = lengths_ms(await cut(rooms, lambda _: 0.0, frames))
    assert whole == pytest.approx(240 + 1_000 + 1_000 + 1_000 + 1_400, abs=60)


async def test_how_long_judging_takes_makes_no_difference(rooms: Rooms) -> None:
    audio = paused([900, 1_200, 700, 1_500, 0])
    both = [
        frame
        for pair in zip_longest(frames_of(Party.CALLER, audio), frames_of(Party.AGENT, audio[::-1].copy()))
        for frame in pair
        if frame is not None
    ]
    never = Event()

    def at_once(pcm: Pcm) -> float:
        return pcm.size // 320 % 4 / 3

    def slow(pcm: Pcm) -> float:
        never.wait(0.03)
        return at_once(pcm)

    parties = (Party.CALLER, Party.AGENT)
    logs = [
        await run_call(
            replace(rooms, judge_turn=partial(lambda chosen, _: chosen, judge)), both, parties=parties, in_step=in_step
        )
        for judge, in_step in ((at_once, True), (slow, True), (slow, False))
    ]
    cuts = [sorted(repr(event) for event in of_type(log, SpeechEnded)) for log in logs]
    assert cuts[0] == cuts[1] == cuts[2]
    assert len(cuts[0]) > 2
    assert [line for line in outcome(logs[0]) if "Final" not in line] == [
        line for line in outcome(logs[1]) if "Final" not in line
    ]


@pytest.mark.parametrize("error", [ModelError("no"), MemoryError()])
async def test_a_judge_that_breaks_leaves_the_timer(rooms: Rooms, error: Exception) -> None:
    def judge(pcm: Pcm) -> float:
        raise error

    frames = frames_of(Party.CALLER, paused([1_000, 0]))
    log = await cut(rooms, judge, frames)
    assert lengths_ms(log) == lengths_ms(await cut(rooms, None, frames))
    failed = of_type(log, StageFailed)
    assert {event.stage for event in failed} == {Stage.DETECTION}
    assert len(failed) == 2, "one per pause"


async def test_a_call_that_ends_in_a_pause_waits_for_no_judge(rooms: Rooms) -> None:
    with anyio.fail_after(30):
        log = await cut(rooms, lambda _: 0.0, frames_of(Party.CALLER, paused([0])[: from_s(2.3)]))
    assert [event.reason.value for event in of_type(log, SpeechEnded)] == ["stream_end"]
