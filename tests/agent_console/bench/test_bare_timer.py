"""The timer beside a measurement: it ticks while it is looked at, and says so afterwards."""

from __future__ import annotations

import anyio
import pytest

from agent_console.bench.bare_timer import run_bare_timer, waited_for_cpu_s

pytestmark = pytest.mark.anyio


async def test_a_bare_timer_counts_its_ticks() -> None:
    before_s = waited_for_cpu_s()
    async with run_bare_timer() as timer:
        await anyio.sleep(2)
    assert 1 <= timer.ticks <= 120
    assert 0 <= timer.late <= timer.ticks
    assert timer.late_share == timer.late / timer.ticks
    assert (timer.worst_ms > 40) is (timer.late > 0)
    assert waited_for_cpu_s() >= before_s
