"""Debian's baresip calls the telephone line: encrypted, in wideband, with a password."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import anyio
import numpy as np
import pytest
import soundfile

from tests.programs import need_program
from tests.voice.sip.baresip import run_baresip
from tests.voice.sip.certificates import sign
from tests.voice.sip.likeness import likeness
from tests.voice.sip.line import COLLEAGUES, LOOPBACK, SETTINGS, Ear, Heard, line
from tests.voice.sip.test_replaces import hears, speak
from voice.clock import WallClock
from voice.sip.call_terms import CallEnd
from voice.sip.endpoint import SipEndpoint
from voice.sip.gate import Refusal
from voice.sip.trunks import SipSettings, TlsSettings, Trunk

pytestmark = pytest.mark.anyio
SAMPLE = Path(__file__).parents[3] / "samples" / "calls" / "zh-human-8k" / "audio.wav"
STRANGERS = Trunk("phones", users={"mei": "correct-horse"}, networks=(ip_network("203.0.113.0/24"),))


@pytest.fixture
def spoken(tmp_path: Path) -> Path:
    need_program("baresip", "baresip-core")
    pcm, rate = soundfile.read(SAMPLE, dtype="int16", frames=24_000, start=4_000)
    assert rate == 8_000
    path = tmp_path / "spoken.wav"
    soundfile.write(path, np.concatenate([pcm, np.zeros(30 * rate, np.int16)]), rate, subtype="PCM_16")
    return path


@asynccontextmanager
async def called(
    settings: SipSettings, folder: Path, spoken: Path, account: str, *modules: str, transport: str = "udp"
) -> AsyncIterator[Heard]:
    """A call of baresip's that says three seconds, until they were heard."""
    async with line(settings) as (endpoint, ear):
        port = endpoint.tls_port if transport == "tls" else endpoint.port
        with run_baresip(folder, spoken, codecs=account, modules=modules) as phone:
            uri = f"sip:4001@127.0.0.1:{port};transport={transport}"
            await phone.command(("dial", uri), until="CALL_ESTABLISHED")
            with anyio.fail_after(60):
                while len(ear.calls[0].frames) < 50 * 4:  # noqa: ASYNC110 - judged by the call's own clock
                    await anyio.sleep(0.05)
            yield ear.calls[0]
            await phone.command(("hangup", ""))
            await ear.wait_ended()
    assert ear.calls[0].leg.end is CallEnd.HUNG_UP


def said(spoken: Path) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    pcm, _ = soundfile.read(spoken, dtype="float64", frames=24_000)
    return np.asarray(pcm)


async def test_over_tls_with_srtp(tmp_path: Path, spoken: Path) -> None:
    ours = sign(tmp_path, "ours")
    office = Trunk("office", networks=(ip_network("127.0.0.0/8"),), is_secure=True)
    settings = replace(SETTINGS, trunks=(office,), tls=TlsSettings(0, ours.certificate, ours.key))
    async with called(settings, tmp_path, spoken, ";mediaenc=srtp-mand", transport="tls") as heard:
        assert heard.leg.media is not None
        assert heard.leg.media.agreement.keys is not None
        # libre opens its way through NAT with one report in plain, before it has a key.
        assert heard.leg.media.refused <= 1
        with anyio.fail_after(60):
            while heard.leg.statistics().round_trip_ms is None:  # noqa: ASYNC110 - baresip reports every 5 s
                await anyio.sleep(0.05)
        assert heard.leg.statistics().lost_on_the_way_out == 0
        assert heard.leg.media.refused <= 1, "its reports are encrypted, and so are ours"
    assert heard.leg.call.dialog.flow.transport == "tls"
    assert likeness(heard.pcm, said(spoken)) > 0.9


@pytest.mark.parametrize(("codec", "module"), [("G722/16000/1", "g722"), ("opus/48000/2", "opus")])
async def test_in_wideband(codec: str, module: str, tmp_path: Path, spoken: Path) -> None:
    async with called(SETTINGS, tmp_path, spoken, f";audio_codecs={codec}", module) as heard:
        assert heard.leg.media is not None
        assert heard.leg.media.agreement.codec.name.lower() == module
    assert likeness(heard.pcm, said(spoken)) > 0.9


async def test_with_a_password(tmp_path: Path, spoken: Path) -> None:
    settings = replace(SETTINGS, trunks=(STRANGERS,), digests=("MD5",))
    async with called(settings, tmp_path, spoken, ";auth_user=mei;auth_pass=correct-horse") as heard:
        assert heard.line.trunk == "phones"


async def test_with_a_wrong_password(tmp_path: Path, spoken: Path) -> None:
    async with line(replace(SETTINGS, trunks=(STRANGERS,), digests=("MD5",))) as (endpoint, ear):
        with run_baresip(tmp_path, spoken, codecs=";auth_user=mei;auth_pass=wrong-horse") as phone:
            await phone.command(("dial", f"sip:4001@127.0.0.1:{endpoint.port}"), until="CALL_CLOSED")
        assert endpoint.agent.gate.refusals[Refusal.CREDENTIALS] >= 1
    assert not ear.calls


async def test_it_passes_us_on_to_somebody_else(tmp_path: Path, spoken: Path) -> None:
    """Its `transfer`: a REFER that we follow; the leg goes on with whom we are passed on to."""
    office = replace(LOOPBACK, transfer_to=frozenset({"127.0.0.1"}))
    async with line(replace(SETTINGS, trunks=(office,))) as (endpoint, ear), anyio.create_task_group() as tasks:
        colleagues = Ear(tasks)
        async with SipEndpoint.open(replace(SETTINGS, ports=COLLEAGUES), WallClock()) as elsewhere:
            with elsewhere.accept(colleagues.take), run_baresip(tmp_path, spoken) as phone:
                await phone.command(("dial", f"sip:4001@127.0.0.1:{endpoint.port}"), until="CALL_ESTABLISHED")
                target = f"sip:colleague@127.0.0.1:{elsewhere.port}"
                await phone.command(("transfer", target), until="CALL_CLOSED")
                leg = colleagues.calls[0].leg
                speak(leg, "bob")
                with anyio.fail_after(30):
                    while hears(ear.calls[0]) != {"bob"}:  # noqa: ASYNC110 - judged by what is heard
                        await anyio.sleep(0.05)
                assert len(ear.calls) == 1
                leg.close()
                await ear.wait_ended()
        tasks.cancel_scope.cancel()
    assert ear.calls[0].leg.end is CallEnd.HUNG_UP
