"""`warmline sip check` and `sip call` over TLS: what is told of certificates, and of trunks that hide one another."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from agent_console.settings import Settings
from agent_console.sip_check import check_sip
from agent_console.sip_phone import call
from tests.programs import free_ports
from tests.voice.sip.certificates import sign
from tests.voice.sip.line import SETTINGS, line
from voice.contracts.sip_errors import SipPortError
from voice.sip.trunks import TlsSettings, Trunk

pytestmark = pytest.mark.anyio


async def test_certificates_are_looked_at(tmp_path: Path) -> None:
    ours, other = sign(tmp_path, "ours"), sign(tmp_path, "other")
    sip, tls = free_ports(2)
    path = tmp_path / "trunks.yaml"

    def write(key: Path) -> Settings:
        path.write_text(
            f"tls: {{port: {tls}, certificate: {ours.certificate.name}, key: {key.name}}}\n"
            "trunks:\n  office: {from: [127.0.0.1], encrypt: true}\n"
        )
        return Settings.load(environ={}, sip=f"127.0.0.1:{sip}", trunks=path)

    fine = await check_sip(write(ours.key), None)
    assert not any(finding.problem for finding in fine)
    told = " ".join(finding.found for finding in fine)
    assert "belong together" in told
    assert "only encrypted calls: office" in told
    assert f"port {tls}, TLS, is free" in told
    wrong = await check_sip(write(other.key), None)
    assert [finding.subject for finding in wrong if finding.problem] == ["tls"]


async def test_a_trunk_that_stands_behind_a_wider_one_is_told(tmp_path: Path) -> None:
    path = tmp_path / "trunks.yaml"
    path.write_text("trunks:\n  wide: {from: [10.0.0.0/8]}\n  narrow: {from: [10.1.2.3, 192.0.2.1]}\n")
    findings = await check_sip(Settings.load(environ={}, sip=f"127.0.0.1:{free_ports(1)[0]}", trunks=path), None)
    hidden = [finding for finding in findings if finding.problem]
    assert [(finding.subject, "10.1.2.3/32 belong to trunk wide" in finding.found) for finding in hidden] == [
        ("trunk narrow", True)
    ]


async def test_the_test_phone_calls_over_tls_and_believes_no_stranger(tmp_path: Path) -> None:
    ours = sign(tmp_path, "ours")
    office = Trunk("office", networks=(ip_network("127.0.0.0/8"),), is_secure=True)
    steps: list[str] = []
    settings = replace(SETTINGS, trunks=(office,), tls=TlsSettings(0, ours.certificate, ours.key))
    async with line(settings) as (endpoint, ear):
        uri = f"sip:4001@127.0.0.1:{endpoint.tls_port};transport=tls"
        made = await call(uri, play=None, record=None, seconds=0.5, authorities=ours.authority, report=steps.append)
        await ear.wait_ended()
        with pytest.raises(BaseExceptionGroup) as caught:
            await call(uri, play=None, record=None, seconds=0.5)
        stranger, rest = caught.value.split(SipPortError)
        assert stranger is not None
        assert rest is None
    assert made.end == "left"
    assert [step.split()[0] for step in steps] == ["calling", "answered;"]
    assert len(ear.calls) == 1
