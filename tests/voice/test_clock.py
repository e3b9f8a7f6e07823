"""The wall sleeps; the manual clock stands still until it is moved."""

from __future__ import annotations

import asyncio

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


async def test_the_wall_calls_at_a_moment_unless_it_is_called_off() -> None:
    clock = WallClock()
    called: list[float] = []
    done = anyio.Event()
    call_off = clock.call_at(clock.now_s() + 0.01, lambda: called.append(0.0))
    moment = clock.now_s() + 0.02

    def note() -> None:
        called.append(clock.now_s())
        done.set()

    clock.call_at(moment, note)
    call_off()
    call_off()
    with anyio.fail_after(30):
        await done.wait()
    assert len(called) == 1
    assert called[0] >= moment - 0.001


def test_a_clock_driven_by_hand_calls_in_order_and_nobody_who_called_off() -> None:
    clock = ManualClock()
    called: list[str] = []
    clock.call_at(2.0, lambda: called.append("second"))
    clock.call_at(1.0, lambda: called.append("first"))
    call_off = clock.call_at(1.5, lambda: called.append("never"))
    assert clock.sleepers == 3
    call_off()
    call_off()
    assert clock.advance_to(3.0) == 2
    assert called == ["first", "second"]


async def test_those_who_wait_for_one_moment_are_called_in_order_also_when_one_of_them_calls_another_off() -> None:
    clock = WallClock()
    moment = clock.now_s() + 0.02
    called: list[str] = []
    done = anyio.Event()

    def first() -> None:
        called.append("first")
        call_off()

    clock.call_at(moment, first)
    clock.call_at(moment, lambda: called.append("second"))
    call_off = clock.call_at(moment, lambda: called.append("never"))
    clock.call_at(moment + 0.005, done.set)
    with anyio.fail_after(30):
        await done.wait()
    assert called == ["first", "second"]
    assert not clock._turns


async def test_one_who_fails_keeps_nobody_else_from_being_called() -> None:
    clock = WallClock()
    moment = clock.now_s() + 0.01
    reported: list[BaseException] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))
    done = anyio.Event()

    def fail() -> None:
        raise ValueError("of its own")

    clock.call_at(moment, fail)
    clock.call_at(moment, done.set)
    with anyio.fail_after(30):
        await done.wait()
    assert [str(each) for each in reported] == ["of its own"]
    assert not clock._turns
