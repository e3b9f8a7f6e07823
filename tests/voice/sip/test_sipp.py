"""sipp against the telephone line: what others' load generator sends and expects, scenario by scenario."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import anyio
import numpy as np
import pytest
import soundfile

from tests.programs import free_ports, need_program
from tests.voice.sip.likeness import likeness
from tests.voice.sip.line import SETTINGS, Ear, line, phone
from voice.audio.g711 import encode_ulaw
from voice.clock import WallClock
from voice.contracts.audio import from_s
from voice.contracts.ports import LegEnd
from voice.sip.call_terms import CallEnd
from voice.sip.endpoint import SipEndpoint
from voice.sip.gate import Refusal
from voice.sip.trunks import Trunk

pytestmark = pytest.mark.anyio
SCENARIOS = Path(__file__).parent / "scenarios"
SAMPLE = Path(__file__).parents[3] / "samples" / "calls" / "zh-human-8k" / "audio.wav"


@pytest.fixture
def speech(tmp_path: Path) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """What the calls speak: three seconds, from a folder that sipp runs in."""
    pcm, rate = soundfile.read(SAMPLE, dtype="int16", frames=24_000, start=4_000)
    assert rate == 8_000
    (tmp_path / "speech.ul").write_bytes(encode_ulaw(pcm))
    quiet: np.ndarray[tuple[int], np.dtype[np.float32]] = (pcm / 32768).astype(np.float32)
    return quiet


async def sipp(scenario: str, port: int, folder: Path, *arguments: str) -> None:
    """Run a scenario; fails where a single call of it did."""
    program = need_program("sipp", "sip-tester")
    command = [program, "-sf", str(SCENARIOS / f"{scenario}.xml"), "-m", "1", "-nostdin", "-i", "127.0.0.1"]
    command += ["-s", "4001", "-timeout", "60s", "-timeout_error", "-trace_err", "-error_file", "errors.log"]
    command += ["-mp", str(free_ports(1)[0]), *arguments, f"127.0.0.1:{port}"]
    done = await anyio.run_process(command, cwd=folder, check=False)
    errors = folder / "errors.log"
    assert done.returncode == 0, errors.read_text(errors="replace") if errors.exists() else done.stdout[-2000:]


@pytest.mark.parametrize("transport", ["u1", "t1"])
async def test_a_simple_call_is_heard(
    transport: str, tmp_path: Path, speech: np.ndarray[tuple[int], np.dtype[np.float32]]
) -> None:
    async with line() as (endpoint, ear):
        await sipp("call", endpoint.port, tmp_path, "-d", "3000", "-t", transport)
        await ear.wait_ended()
    heard = ear.calls[0]
    assert heard.leg.end is CallEnd.HUNG_UP
    assert (heard.line.caller, heard.line.called) == ("+8613800138000", "4001")
    assert from_s(2) < heard.pcm.size < from_s(6)  # by sipp's own clock and pace
    assert likeness(heard.pcm, speech) > 0.9


async def test_a_caller_may_give_up_while_it_rings(tmp_path: Path) -> None:
    async with line() as (endpoint, ear):
        gone = anyio.Event()

        async def before() -> None:
            while endpoint.agent.calls:  # noqa: ASYNC110 - what is waited for is in another room
                await anyio.sleep(0.02)
            gone.set()

        ear.before = before
        await sipp("cancel", endpoint.port, tmp_path)
        with anyio.fail_after(30):
            await gone.wait()
            await ear.wait_ended()
    assert ear.calls[0].leg.end is CallEnd.CANCELLED
    assert ear.calls[0].leg.end_reason is LegEnd.HUNG_UP


@pytest.mark.usefixtures("speech")
async def test_hold_resume_and_another_codec(tmp_path: Path) -> None:
    async with line() as (endpoint, ear):
        await sipp("hold", endpoint.port, tmp_path)
        await ear.wait_ended()
    leg = ear.calls[0].leg
    assert leg.end is CallEnd.HUNG_UP
    assert leg.media is not None
    assert leg.media.agreement.codec.name == "PCMA"
    # The pause is no loss: time passes, and what is said behind it lies where it belongs.
    starts = [frame.start for frame in ear.calls[0].frames]
    assert starts == sorted(set(starts))
    assert starts[-1] > from_s(1.2)


@pytest.mark.parametrize("scenario", ["late_ack", "session"])
async def test_what_needs_nothing_but_signalling(scenario: str, tmp_path: Path) -> None:
    async with line() as (endpoint, ear):
        await sipp(scenario, endpoint.port, tmp_path)
        await ear.wait_ended()
    assert [heard.leg.end for heard in ear.calls] == [CallEnd.HUNG_UP]


async def test_keys_by_info(tmp_path: Path) -> None:
    async with line() as (endpoint, ear):
        await sipp("info", endpoint.port, tmp_path)
        await ear.wait_ended()
    assert ear.calls[0].keys == "0"


async def test_without_a_common_codec_there_is_no_call(tmp_path: Path) -> None:
    async with line() as (endpoint, ear):
        await sipp("no_codec", endpoint.port, tmp_path)
        assert endpoint.agent.gate.refusals[Refusal.MEDIA] == 1
    assert not ear.calls


async def test_scanners_learn_nothing(tmp_path: Path) -> None:
    async with line() as (endpoint, ear):
        for name in ("4001", "nobody"):
            await sipp("scan", endpoint.port, tmp_path, "-s", name)
    assert not ear.calls


async def test_strangers_are_not_let_in(tmp_path: Path) -> None:
    elsewhere = Trunk("elsewhere", networks=(ip_network("203.0.113.0/24"),))
    async with line(replace(SETTINGS, trunks=(elsewhere,))) as (endpoint, ear):
        await sipp("stranger", endpoint.port, tmp_path)
        assert endpoint.agent.gate.refusals[Refusal.ADDRESS] == 1
    assert not ear.calls


async def test_a_call_without_a_voice_is_given_up(tmp_path: Path) -> None:
    async with line(replace(SETTINGS, silence_s=2.0)) as (endpoint, ear):
        await sipp("hung_up", endpoint.port, tmp_path)
        await ear.wait_ended()
    assert ear.calls[0].leg.end is CallEnd.RTP_NEVER
    assert ear.calls[0].leg.end_reason is LegEnd.NEVER_CONNECTED


@pytest.mark.usefixtures("speech")
async def test_a_call_whose_voice_stops_is_given_up(tmp_path: Path) -> None:
    async with line(replace(SETTINGS, silence_s=2.0)) as (endpoint, ear):
        await sipp("falls_silent", endpoint.port, tmp_path)
        await ear.wait_ended()
    assert ear.calls[0].leg.end is CallEnd.RTP_TIMEOUT
    assert ear.calls[0].leg.end_reason is LegEnd.CONNECTION_LOST
    assert ear.calls[0].pcm.size > from_s(2)


async def test_while_no_calls_are_taken_everybody_is_told_when_to_try_again(tmp_path: Path) -> None:
    async with SipEndpoint.open(SETTINGS, WallClock()) as endpoint:
        await sipp("drained", endpoint.port, tmp_path)


async def test_who_talks_while_no_more_calls_are_taken_talks_on(tmp_path: Path) -> None:
    async with (
        anyio.create_task_group() as tasks,
        SipEndpoint.open(SETTINGS, WallClock()) as endpoint,
        phone() as caller,
    ):
        ear = Ear(tasks)
        with endpoint.accept(ear.take):
            leg = await caller.call(f"sip:4001@127.0.0.1:{endpoint.port}")
        await sipp("drained", endpoint.port, tmp_path)
        before = len(ear.calls[0].frames)
        with anyio.fail_after(30):
            while len(ear.calls[0].frames) < before + 25:  # noqa: ASYNC110 - judged by the call's own clock
                await anyio.sleep(0.02)
        leg.close()
        await ear.wait_ended()
    assert [heard.leg.end for heard in ear.calls] == [CallEnd.HUNG_UP]


@pytest.mark.usefixtures("speech")
async def test_many_calls_leave_nothing_behind(tmp_path: Path) -> None:
    async with line() as (endpoint, ear):
        await sipp("call", endpoint.port, tmp_path, "-m", "40", "-r", "20", "-d", "300")
        with anyio.fail_after(30):
            while endpoint.legs:  # noqa: ASYNC110 - the last BYEs are on their way
                await anyio.sleep(0.05)
    assert len(ear.calls) == 40
    assert {heard.leg.end for heard in ear.calls} == {CallEnd.HUNG_UP}
