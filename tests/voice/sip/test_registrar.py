"""Registering at Kamailio: passwords, renewal, a registrar that goes away and comes back, calls through it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from tests.programs import free_ports
from tests.voice.sip.line import SETTINGS, line, phone
from tests.voice.sip.registrar import run_registrar
from voice.clock import WallClock
from voice.sip.digest import Credentials
from voice.sip.endpoint import SipEndpoint
from voice.sip.registration import Registration
from voice.sip.trunks import Registrar

pytestmark = pytest.mark.anyio
PASSWORD = "correct-horse"


async def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    with anyio.fail_after(seconds):
        while not holds():  # noqa: ASYNC110 - what is waited for is in another process
            await anyio.sleep(0.05)


def registrar(port: int, password: str = PASSWORD) -> Registrar:
    return Registrar("127.0.0.1", port, Credentials("warmline", password))


@asynccontextmanager
async def registered(endpoint: SipEndpoint, at: Registrar) -> AsyncIterator[Registration]:
    """Registered, once Kamailio is up and has said so."""
    registration = await endpoint.register(at)
    await until(lambda: registration.state.status == 200)
    yield registration


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
async def test_a_call_comes_through_the_registrar(algorithm: str, tmp_path: Path) -> None:
    port = free_ports(1)[0]
    with run_registrar(tmp_path, port, password=PASSWORD, algorithm=algorithm) as log:
        async with line() as (endpoint, ear), phone() as caller:
            async with registered(endpoint, registrar(port)) as registration:
                leg = await caller.call(f"sip:warmline@127.0.0.1:{port}")
                await until(lambda: bool(ear.calls))
                leg.close()
                await ear.wait_ended()
                registration.end(WallClock().now_s())
                await until(lambda: "GOODBYE" in log.read_text(errors="replace"))
            assert registration.state.until_s is None
    assert ear.calls[0].line.trunk == "loopback"


async def test_a_wrong_password_is_told_and_not_tried_in_a_loop(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    with run_registrar(tmp_path, port, password=PASSWORD) as log:
        async with SipEndpoint.open(SETTINGS, WallClock()) as endpoint:
            registration = await endpoint.register(registrar(port, "wrong-horse"))
            await until(lambda: registration.state.tries == 1)
            assert registration.state.status == 401
            assert registration.state.until_s is None
    assert "WELCOME" not in log.read_text(errors="replace")


async def test_a_registration_is_renewed_before_it_runs_out(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    with run_registrar(tmp_path, port, password=PASSWORD, expires=8) as log:
        async with (
            SipEndpoint.open(SETTINGS, WallClock()) as endpoint,
            registered(endpoint, registrar(port)) as registration,
        ):
            assert registration.state.until_s is not None
            assert registration.state.until_s - WallClock().now_s() < 9, "Kamailio grants less than was asked for"
            await until(lambda: log.read_text(errors="replace").count("WELCOME warmline") >= 2)


async def test_a_registrar_that_was_away_is_found_again(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    clock = WallClock()
    async with SipEndpoint.open(replace(SETTINGS), clock) as endpoint:
        with run_registrar(tmp_path, port, password=PASSWORD):
            async with registered(endpoint, registrar(port)) as registration:
                pass
        registration.begin(clock.now_s())  # renewed while nobody is there: it goes on asking
        with run_registrar(tmp_path, port, password=PASSWORD) as log:
            await until(lambda: log.read_text(errors="replace").count("WELCOME warmline") >= 2)
            assert registration.state.status == 200
