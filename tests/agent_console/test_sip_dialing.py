"""People outside are called: who answers, who does not and why, and whom nobody may call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from agent_console.deps import Outside
from agent_console.sip_dialing import SipDialer, failure_of
from agent_console.sip_wiring import who_is_outside
from routing.dialing import DialError
from routing.events import CallAttribute
from routing.terms import TransferFailure
from tests.programs import audio_ports, free_ports, need_program
from tests.voice.sip.line import LOOPBACK, SETTINGS, line, phone
from tests.voice.sip.test_sipp import SCENARIOS
from voice.clock import WallClock
from voice.sip.codecs import PCMA
from voice.sip.endpoint import SipEndpoint
from voice.sip.leg import SipLeg
from voice.sip.trunks import Trunk

pytestmark = pytest.mark.anyio
OFFICE = Trunk("office", transfer_to=frozenset({"127.0.0.1"}), codecs=(PCMA,))
CAME = (CallAttribute("sip.trunk", "office"),)


@asynccontextmanager
async def dialer(*trunks: Trunk, ring_s: float = 20.0) -> AsyncIterator[SipDialer]:
    settings = replace(SETTINGS, trunks=trunks, ports=audio_ports(3), ring_s=ring_s)
    async with SipEndpoint.open(settings, WallClock()) as endpoint:
        yield SipDialer(endpoint)
        assert not endpoint.legs
        assert not endpoint.agent.calls


@asynccontextmanager
async def expert(scenario: str, folder: Path, *arguments: str) -> AsyncIterator[int]:
    """Somebody who is called, played by sipp; answers their port. They have to see their scenario through."""
    port, media = free_ports(2)
    program = need_program("sipp", "sip-tester")
    command = [program, "-sf", str(SCENARIOS / f"{scenario}.xml"), "-m", "1", "-nostdin", "-i", "127.0.0.1"]
    command += ["-p", str(port), "-mp", str(media), "-timeout", "40s", "-timeout_error", *arguments]
    async with await anyio.open_process(command, cwd=folder, stdout=None, stderr=None) as process:
        try:
            yield port
            with anyio.fail_after(15):
                assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()


async def test_an_expert_who_answers_is_a_leg_with_the_trunks_codec() -> None:
    async with line() as (there, ear), dialer(OFFICE) as here:
        leg = await here.dial(f"sip:expert@127.0.0.1:{there.port}", CAME)
        assert isinstance(leg, SipLeg)
        async with leg:
            assert leg.call.agreement is not None
            assert leg.call.agreement.codec is PCMA
            assert not here.refers(leg)  # they were called, nobody transfers them
        await ear.wait_ended()
    assert ear.calls[0].line.called.startswith("sip:expert@")


@pytest.mark.parametrize(
    ("scenario", "ring_s", "failure"),
    [("expert_busy", 20.0, TransferFailure.BUSY), ("expert_rings", 1.0, TransferFailure.NO_ANSWER)],
)
async def test_why_nobody_answered_is_told(
    scenario: str, ring_s: float, failure: TransferFailure, tmp_path: Path
) -> None:
    async with dialer(OFFICE, ring_s=ring_s) as here, expert(scenario, tmp_path) as port:
        with pytest.raises(DialError) as told:
            await here.dial(f"sip:expert@127.0.0.1:{port}", CAME)
    assert told.value.failure is failure


async def test_a_call_that_is_taken_back_is_cancelled(tmp_path: Path) -> None:
    async with dialer(OFFICE) as here, expert("expert_rings", tmp_path) as port:
        with anyio.move_on_after(1.5) as scope:
            await here.dial(f"sip:expert@127.0.0.1:{port}", CAME)
        assert scope.cancelled_caught


async def test_nobody_there_and_nobody_allowed_are_told_apart() -> None:
    async with dialer(OFFICE, LOOPBACK, ring_s=0.3) as here:
        for uri, failure in (
            ("sip:expert@127.0.0.1:1", TransferFailure.UNREACHABLE),
            ("sip:expert@127.0.0.1:1;transport=tcp", TransferFailure.UNREACHABLE),
            ("sip:expert@evil.example", TransferFailure.FORBIDDEN),
            ("tel:+1900123456", TransferFailure.FORBIDDEN),
            ("sip:expert@127.0.0.1?Replaces=x", TransferFailure.UNREACHABLE),
        ):
            with pytest.raises(DialError) as told:
                await here.dial(uri, CAME)
            assert told.value.failure is failure, uri


async def test_only_a_trunk_that_names_somebody_refers_its_callers() -> None:
    office = replace(LOOPBACK, transfer_to=frozenset({"127.0.0.1"}))
    for trunk, refers in ((LOOPBACK, False), (office, True)):
        async with line(replace(SETTINGS, trunks=(trunk,))) as (endpoint, ear), phone() as caller:
            leg = await caller.call(f"sip:4001@127.0.0.1:{endpoint.port}")
            ours, here = ear.calls[0].leg, SipDialer(endpoint)
            assert here.refers(ours) is refers
            with pytest.raises(DialError) as told:
                await here.refer(ours, "sip:expert@evil.example")
            assert told.value.failure is TransferFailure.FORBIDDEN
            if refers:
                leg.call.terms.transfer_to = frozenset({"127.0.0.1"})
                with pytest.raises(DialError) as told:  # their telephone calls, and nobody is there
                    await here.refer(ours, "sip:expert@127.0.0.1:1;transport=tcp")
                assert told.value.failure is TransferFailure.UNREACHABLE
            leg.close()
            await ear.wait_ended()


@pytest.mark.parametrize(("status", "failure"), [(180, "no_answer"), (0, "unreachable"), (500, "technical")])
def test_statuses_have_meanings(status: int, failure: str) -> None:
    assert failure_of(status).value == failure


async def test_people_are_told_whom_the_trunks_allow() -> None:
    assert who_is_outside(None) == Outside()
    numbers = Trunk("numbers", gateway="192.0.2.1", dials=("+86", "0"))
    deaf = Trunk("deaf", dials=("00",))
    settings = replace(SETTINGS, trunks=(OFFICE, numbers, deaf), ports=audio_ports(3))
    async with SipEndpoint.open(settings, WallClock()) as endpoint:
        assert who_is_outside(endpoint) == Outside(("+86", "0"), ("127.0.0.1",))
