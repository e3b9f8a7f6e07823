"""Transfers, driven by sipp: the caller is handed over, or is still here; we are not led where no trunk leads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from tests.voice.sip.line import LOOPBACK, SETTINGS, line
from tests.voice.sip.test_sipp import sipp
from voice.contracts.ports import LegEnd
from voice.contracts.sip_errors import SipCallError
from voice.sip.call_terms import CallEnd

pytestmark = pytest.mark.anyio
OFFICE = replace(SETTINGS, trunks=(replace(LOOPBACK, transfer_to=frozenset({"pbx.example", "127.0.0.1"})),))


@pytest.mark.parametrize(
    ("scenario", "status", "end"),
    [
        ("referred", 200, LegEnd.LEFT),
        ("referred_busy", 486, LegEnd.HUNG_UP),
        ("referred_refused", 603, LegEnd.HUNG_UP),
        ("referred_gone", 481, LegEnd.HUNG_UP),
    ],
)
async def test_the_caller_is_handed_over_or_still_here(scenario: str, status: int, end: LegEnd, tmp_path: Path) -> None:
    statuses: list[int] = []
    async with line(OFFICE) as (endpoint, ear), anyio.create_task_group() as tasks:
        tasks.start_soon(sipp, scenario, endpoint.port, tmp_path)
        with anyio.fail_after(30):
            while not ear.calls:  # noqa: ASYNC110 - who calls is another program
                await anyio.sleep(0.02)
        leg = ear.calls[0].leg
        await leg.answered.wait()
        assert leg.trunk is not None
        try:
            await leg.transfer("sip:expert@pbx.example", seconds=30)
            statuses.append(200)
        except SipCallError as error:
            statuses.append(error.status)
            assert (leg.end is None) is (status != 481)
        await ear.wait_ended()
    assert statuses == [status]
    assert ear.calls[0].leg.end_reason is end


async def test_where_we_are_led_is_the_trunks_to_say(tmp_path: Path) -> None:
    async with line(OFFICE) as (endpoint, ear):
        await sipp("refers", endpoint.port, tmp_path)
        await ear.wait_ended()
    assert ear.calls[0].leg.end is CallEnd.HUNG_UP
