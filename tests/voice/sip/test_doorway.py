"""Connections that come too fast or too many: closed before anything is spent on them, and nobody else suffers."""

from __future__ import annotations

import socket
import ssl
import struct
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import anyio
import pytest
from anyio.to_thread import run_sync

from tests.voice.sip.certificates import Signed, sign
from tests.voice.sip.line import PHONES, SETTINGS, line
from voice.rates import RateLimit
from voice.sip.endpoint import SipEndpoint
from voice.sip.gate import Refusal
from voice.sip.trunks import SipSettings, TlsSettings, Trunk

pytestmark = pytest.mark.anyio

OPTIONS = "\r\n".join(
    (
        "OPTIONS sip:127.0.0.1 SIP/2.0",
        "Via: SIP/2.0/TCP 127.0.0.1:5070;branch=z9hG4bK{number}",
        "From: <sip:x@127.0.0.1>;tag=x",
        "To: <sip:127.0.0.1>",
        "Call-ID: options@127.0.0.1",
        "CSeq: 1 OPTIONS",
        "Max-Forwards: 70",
        "Content-Length: 0",
        "",
        "",
    )
)
OFFICE = Trunk("office", networks=(ip_network("127.0.0.0/8"),))


@pytest.fixture
def ours(tmp_path: Path) -> Signed:
    return sign(tmp_path, "ours")


def limited(ours: Signed, burst: float) -> SipSettings:
    tls = TlsSettings(0, ours.certificate, ours.key)
    return replace(SETTINGS, trunks=(OFFICE,), tls=tls, rate=RateLimit(0.001, burst))


def shake_hands(port: int, source: str, times: int) -> list[bool]:
    """Whether each of so many connections from an address got as far as encryption; they stay open meanwhile."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    kept: list[socket.socket] = []
    shaken: list[bool] = []
    try:
        for _ in range(times):
            plain = socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(source, 0))
            try:
                kept.append(context.wrap_socket(plain))
                shaken.append(True)
            except OSError:
                kept.append(plain)
                shaken.append(False)
    finally:
        for one in kept:
            one.close()
    return shaken


async def test_handshakes_of_one_address_are_limited_and_others_still_call(ours: Signed) -> None:
    settings = limited(ours, burst=3)
    caller = replace(SETTINGS, trunks=(), ports=PHONES, tls=TlsSettings(0, authorities=ours.authority))
    async with line(settings) as (endpoint, ear):
        shaken = await run_sync(shake_hands, endpoint.tls_port, "127.0.0.9", 12)
        assert shaken == [True] * 3 + [False] * 9
        assert endpoint.agent.gate.refusals[Refusal.RATE] == 9
        async with SipEndpoint.open(caller, endpoint._clock) as phone:
            leg = await phone.call(f"sip:4001@127.0.0.1:{endpoint.tls_port};transport=tls")
            async with leg:
                assert leg.call.is_answered
            await ear.wait_ended()


async def test_plain_connections_are_limited_alike(ours: Signed) -> None:
    async with line(limited(ours, burst=2)) as (endpoint, _):

        async def is_open(number: int) -> bool:
            """Whether a connection is kept: whoever asks is answered, one that is shown out ends."""
            async with await anyio.connect_tcp("127.0.0.1", endpoint.port) as stream:
                try:
                    await stream.send(OPTIONS.format(number=number).encode())
                    return (await stream.receive()).startswith(b"SIP/2.0 ")
                except (anyio.EndOfStream, anyio.BrokenResourceError):
                    return False

        with anyio.fail_after(30):
            assert [await is_open(number) for number in range(4)] == [True, True, False, False]


async def test_one_address_cannot_hold_all_connections(ours: Signed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voice.sip.doorway.MOST_OF_ONE", 2)
    async with line(limited(ours, burst=1000)) as (endpoint, _):
        assert await run_sync(shake_hands, endpoint.tls_port, "127.0.0.9", 4) == [True, True, False, False]
        with anyio.fail_after(30):  # those were closed: there is room again, as soon as that was seen
            while await run_sync(shake_hands, endpoint.tls_port, "127.0.0.9", 1) != [True]:
                await anyio.lowlevel.checkpoint()
        assert await run_sync(shake_hands, endpoint.tls_port, "127.0.0.8", 2) == [True, True]


async def test_who_connects_and_is_gone_at_once_takes_nobody_along(ours: Signed) -> None:
    """A reset before the connection is looked at: its address cannot even be asked for any more."""

    def come_and_go(port: int) -> None:
        for _ in range(200):
            with socket.create_connection(("127.0.0.1", port), timeout=30, source_address=("127.0.0.9", 0)) as one:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async with line(limited(ours, burst=1000)) as (endpoint, _):
        for port in (endpoint.port, endpoint.tls_port):
            await run_sync(come_and_go, port)
        assert await run_sync(shake_hands, endpoint.tls_port, "127.0.0.8", 1) == [True]
        answer = await endpoint.ask(f"sip:127.0.0.1:{endpoint.port};transport=tcp")
        assert answer is not None
