"""What is queued is taken once, in order, and never more of it waits than the bound."""

from __future__ import annotations

import anyio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.audio.fade import FADE
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, Pcm
from voice.contracts.errors import CapacityError, FrameError
from voice.playout import Playout

pytestmark = pytest.mark.anyio


def ramp(size: int, start: int = 1) -> Pcm:
    return np.arange(start, start + size, dtype=np.float32)


@given(st.lists(st.integers(0, 700), max_size=20), st.lists(st.integers(1, 700), min_size=1, max_size=40))
def test_what_is_taken_is_what_was_played(pieces: list[int], takes: list[int]) -> None:
    playout = Playout()
    played = ramp(sum(pieces))
    at = 0
    for size in pieces:
        playout.play(played[at : at + size])
        at += size
    taken = np.concatenate([playout.take(size) for size in takes])
    expected = np.concatenate([played, np.zeros(max(0, taken.size - played.size), np.float32)])[: taken.size]
    assert np.array_equal(taken, expected)
    assert playout.queued == max(0, played.size - taken.size)


def test_the_bound_is_met_exactly_and_a_refused_piece_leaves_no_trace() -> None:
    playout = Playout(bound_s=1.0)
    playout.play(ramp(SAMPLE_RATE - 1))
    with pytest.raises(CapacityError, match="1 s"):
        playout.play(ramp(2))
    assert playout.queued == SAMPLE_RATE - 1
    playout.play(ramp(1))
    playout.take(FRAME_SAMPLES)
    playout.play(ramp(FRAME_SAMPLES))
    assert playout.clear() == SAMPLE_RATE
    assert playout.clear() == 0
    assert not playout.take(FRAME_SAMPLES)[FADE:].any()
    assert not playout.take(FRAME_SAMPLES).any()


@pytest.mark.parametrize("wrong", [np.zeros((2, 2), np.float32), np.zeros(4), np.zeros(4, np.int16)])
def test_audio_of_another_shape_or_type_is_refused(wrong: Pcm) -> None:
    with pytest.raises(FrameError):
        Playout().play(wrong)


def test_the_players_array_may_be_reused() -> None:
    playout, pcm = Playout(), ramp(4)
    playout.play(pcm)
    pcm[:] = 9
    assert playout.take(4).tolist() == [1, 2, 3, 4]


async def test_draining_waits_for_the_level_and_for_nothing_after_the_end() -> None:
    playout = Playout()
    playout.play(ramp(3 * FRAME_SAMPLES))
    reached: list[int] = []

    async def wait(level: int) -> None:
        await playout.drain(level)
        reached.append(level)

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            for level in (2 * FRAME_SAMPLES, 0):
                tasks.start_soon(wait, level)
            await anyio.wait_all_tasks_blocked()
            assert reached == []
            playout.take(FRAME_SAMPLES)
            await anyio.wait_all_tasks_blocked()
            assert reached == [2 * FRAME_SAMPLES]
            playout.close()
    assert reached == [2 * FRAME_SAMPLES, 0]
    playout.play(ramp(5))
    assert playout.queued == 0
