"""Judging beside the loop: the latest question counts, failures are typed, the answer is the same whenever it comes."""

from __future__ import annotations

import threading

import anyio
import numpy as np
import pytest

from voice.contracts.audio import Pcm
from voice.contracts.errors import FrameError, ModelError, TurnAnswerError
from voice.turns.judge import Pause, Sound, SoundJudge, TurnJudge

pytestmark = pytest.mark.anyio


def pause(level: float) -> Pause:
    return Pause(np.full(320, level, np.float32), no_words)


async def no_words() -> str | None:
    raise AssertionError("a judge of sounds reads no words")


def by_sound(sound: Sound, limiter: anyio.CapacityLimiter | None = None) -> SoundJudge:
    return SoundJudge(sound, limiter or anyio.CapacityLimiter(1))


def level(pcm: Pcm) -> float:
    return float(pcm[0])


async def test_it_answers_off_the_loop() -> None:
    on: list[int] = []

    def judge(pcm: Pcm) -> float:
        on.append(threading.get_ident())
        return level(pcm)

    async with anyio.create_task_group() as tasks:
        turns = TurnJudge(by_sound(judge), tasks)
        turns.ask(pause(0.25))
        assert await turns.answer() == 0.25
    assert on != [threading.get_ident()]


async def test_a_newer_question_replaces_what_is_under_way_and_what_waits() -> None:
    begun, go_on = threading.Event(), threading.Event()
    judged: list[float] = []

    def judge(pcm: Pcm) -> float:
        begun.set()
        go_on.wait()
        judged.append(level(pcm))
        return level(pcm)

    async with anyio.create_task_group() as tasks:
        turns = TurnJudge(by_sound(judge), tasks)
        turns.ask(pause(0.25))
        await anyio.to_thread.run_sync(begun.wait)
        turns.ask(pause(0.5))
        await anyio.lowlevel.checkpoint()
        turns.ask(pause(0.75))
        go_on.set()
        assert await turns.answer() == 0.75
    assert judged == [0.25, 0.75], "what a thread was at ran to its end unheard, what waited was never begun"


@pytest.mark.parametrize(
    ("broken", "raised"),
    [(FrameError("not finite"), FrameError), (RuntimeError("out of memory"), ModelError), (MemoryError(), ModelError)],
)
async def test_a_judge_that_breaks_fails_the_answer_and_nothing_else(
    broken: Exception, raised: type[Exception]
) -> None:
    def judge(pcm: Pcm) -> float:
        if pcm[0] < 0.5:
            raise broken
        return level(pcm)

    async with anyio.create_task_group() as tasks:
        turns = TurnJudge(by_sound(judge), tasks)
        turns.ask(pause(0.25))
        with pytest.raises(raised):
            await turns.answer()
        turns.ask(pause(0.75))
        assert await turns.answer() == 0.75


async def test_a_judge_may_have_no_opinion() -> None:
    async def judge(_: Pause) -> float | None:
        return None

    async with anyio.create_task_group() as tasks:
        turns = TurnJudge(judge, tasks)
        turns.ask(pause(0.25))
        assert await turns.answer() is None


async def test_without_a_question_there_is_no_answer() -> None:
    async with anyio.create_task_group() as tasks:
        with pytest.raises(TurnAnswerError, match="No pause"):
            await TurnJudge(by_sound(level), tasks).answer()


async def test_what_is_not_answered_ends_with_the_call() -> None:
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            limiter = anyio.CapacityLimiter(1)
            await limiter.acquire_on_behalf_of(tasks)
            TurnJudge(by_sound(level, limiter), tasks).ask(pause(0.25))
            await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
