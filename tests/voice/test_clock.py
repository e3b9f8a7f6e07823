"""The wall sleeps; the manual clock stands still until it is moved."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest
from anyio import wait_all_tasks_blocked

from voice.clock import ManualClock, WallClock

pytestmark = pytest.mark.anyio


async def test_the_wall_waits_no_less_than_asked() -> None:
    clock = WallClock()
    moment = clock.now_s() + 0.02
    await clock.sleep_until(moment)
    assert clock.now_s() >= moment


async def test_a_moment_gone_by_lets_others_run_first() -> None:
    for clock in (WallClock(), ManualClock()):
        others: list[str] = []

        async def other(into: list[str]) -> None:
            into.append("ran")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(other, others)
            await clock.sleep_until(clock.now_s() - 1)
            assert others == ["ran"]


async def test_it_stands_still_until_moved() -> None:
    clock = ManualClock(start_s=5.0)
    woken: list[float] = []

    async def sleeper(moment_s: float) -> None:
        await clock.sleep_until(moment_s)
        woken.append(moment_s)

    async with anyio.create_task_group() as tasks:
        for moment_s in (7.0, 6.0, 6.0, 8.0):
            tasks.start_soon(sleeper, moment_s)
        await wait_all_tasks_blocked()
        assert (clock.now_s(), clock.sleepers, woken) == (5.0, 4, [])
        assert clock.advance(0.999) == 0
        assert clock.advance_to(7.0) == 3
        await wait_all_tasks_blocked()
        assert woken == [6.0, 6.0, 7.0]
        assert clock.advance(1) == 1
    assert woken[-1] == 8.0


async def test_a_cancelled_sleeper_leaves() -> None:
    clock = ManualClock()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(clock.sleep_until, 1.0)
        await wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert clock.sleepers == 0
    assert clock.advance(2) == 0


def test_it_never_runs_backwards() -> None:
    clock = ManualClock()
    clock.advance(1)
    with pytest.raises(ValueError, match="forward"):
        clock.advance_to(0.5)
