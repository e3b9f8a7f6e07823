"""The intake never blocks, never grows past its bound, and says what it lost."""

from __future__ import annotations

from itertools import pairwise

import anyio
import anyio.lowlevel
import numpy as np
import pytest
from anyio import wait_all_tasks_blocked
from hypothesis import given, settings
from hypothesis import strategies as st

from voice.contracts.audio import FRAME_SAMPLES, AudioFrame, Party, Span
from voice.contracts.errors import FrameError
from voice.intake import AudioLost, Intake, IntakeItem

pytestmark = pytest.mark.anyio


def frame(index: int, party: Party = Party.CALLER) -> AudioFrame:
    return AudioFrame(party, index * FRAME_SAMPLES, np.full(FRAME_SAMPLES, index % 7 / 8, np.float32))


def lost(first: int, end: int, party: Party = Party.CALLER) -> AudioLost:
    return AudioLost(party, Span(first * FRAME_SAMPLES, end * FRAME_SAMPLES))


async def drained(intake: Intake) -> list[IntakeItem]:
    intake.close()
    return [item async for item in intake]


async def test_frames_come_out_as_they_went_in() -> None:
    intake, frames = Intake(), [frame(index) for index in range(5, 12)]
    for each in frames:
        intake.put(each)
    assert await drained(intake) == frames


async def test_the_oldest_goes_and_the_loss_is_said_once() -> None:
    intake = Intake(bound_s=0.1)
    frames = [frame(index) for index in range(12)]
    for each in frames:
        intake.put(each)
    assert intake.waiting == 5
    assert intake.dropped(Party.CALLER) == 7 * FRAME_SAMPLES
    assert await drained(intake) == [lost(0, 7), *frames[7:]]


async def test_a_jump_in_what_comes_is_a_loss() -> None:
    intake, frames = Intake(), [frame(index) for index in (3, 4, 9)]
    for each in frames:
        intake.put(each)
    assert await drained(intake) == [*frames[:2], lost(5, 9), frames[2]]
    assert intake.dropped(Party.CALLER) == 0


async def test_a_jump_and_a_drop_that_touch_are_one_loss() -> None:
    intake = Intake(bound_s=0.04)
    for index in (0, 1, 5, 6):
        intake.put(frame(index))
    items = await drained(intake)
    assert items[0] == lost(0, 5)
    assert [item.start for item in items[1:] if isinstance(item, AudioFrame)] == [5 * FRAME_SAMPLES, 6 * FRAME_SAMPLES]


async def test_parties_are_bounded_and_told_apart() -> None:
    intake = Intake(bound_s=0.04)
    for index in range(4):
        intake.put(frame(index, Party.CALLER))
        if index < 2:
            intake.put(frame(index, Party.AGENT))
    items = await drained(intake)
    assert [item for item in items if isinstance(item, AudioLost)] == [lost(0, 2)]
    agent = [item.start for item in items if isinstance(item, AudioFrame) and item.party is Party.AGENT]
    assert agent == [0, FRAME_SAMPLES]


async def test_a_consumer_waits_for_frames_and_for_the_end() -> None:
    intake, got = Intake(), list[IntakeItem]()

    async def consume() -> None:
        got.extend([item async for item in intake])

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(consume)
        await wait_all_tasks_blocked()
        first = frame(0)
        intake.put(first)
        await wait_all_tasks_blocked()
        assert intake.waiting == 0
        intake.close()
    assert got == [first]


async def test_after_closing_frames_are_ignored() -> None:
    intake = Intake()
    intake.put(frame(0))
    intake.close()
    intake.put(frame(1))
    assert len(await drained(intake)) == 1


async def test_frames_out_of_order_are_refused() -> None:
    intake = Intake()
    intake.put(frame(3))
    with pytest.raises(FrameError, match="in order"):
        intake.put(frame(3))


async def test_a_backlog_does_not_starve_other_tasks() -> None:
    intake, ticks = Intake(), 0
    for index in range(50):
        intake.put(frame(index))
    intake.close()

    async def tick() -> None:
        nonlocal ticks
        while intake.waiting:
            ticks += 1
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(tick)
        async for _ in intake:
            pass
    assert ticks >= 25


steps = st.tuples(st.sampled_from([Party.CALLER, Party.AGENT]), st.integers(0, 3), st.booleans())


@settings(deadline=None)
@given(st.lists(steps, max_size=60))
def test_per_party_every_moment_is_heard_or_lost_once(script: list[tuple[Party, int, bool]]) -> None:
    async def play() -> tuple[dict[Party, list[int]], list[IntakeItem]]:
        intake, put, got = Intake(bound_s=0.06), dict[Party, list[int]](), list[IntakeItem]()
        for party, gap, take in script:
            index = (put[party][-1] + 1 if party in put else 0) + gap
            put.setdefault(party, []).append(index)
            intake.put(frame(index, party))
            assert intake.waiting <= 7
            if take:
                got.append(await anext(intake))
        return put, got + await drained(intake)

    put, got = anyio.run(play)
    for party, indexes in put.items():
        mine = [item for item in got if isinstance(item, AudioFrame | AudioLost) and item.party is party]
        edges = [item.span for item in mine]
        assert edges[0].start == indexes[0] * FRAME_SAMPLES
        assert edges[-1].end == (indexes[-1] + 1) * FRAME_SAMPLES
        assert all(one.end == two.start for one, two in pairwise(edges))
        assert not any(isinstance(one, AudioLost) and isinstance(two, AudioLost) for one, two in pairwise(mine))
        assert all(item.start // FRAME_SAMPLES in indexes for item in mine if isinstance(item, AudioFrame))
