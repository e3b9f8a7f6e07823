"""A browser that may send media over a TURN server only, with credentials that expire: a real coturn, a real call."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright, Route, expect

from agent_console.turn import TurnCredentials, TurnSecret
from tests.journeys.stage import caller_browser, microphone_file, serve
from tests.programs import free_ports

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SAMPLE = Path(__file__).parents[2] / "samples" / "calls" / "zh-complaint-words" / "audio.wav"
SECRET = "shared with the relay"
RELAY_ONLY = """(() => {
  const Native = RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Native {
    constructor(settings) { super({ ...settings, iceTransportPolicy: "relay" }); }
  };
})()"""


@dataclass(frozen=True)
class TurnServer:
    """A running coturn."""

    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"turn:127.0.0.1:{self.port}?transport=udp"


@pytest.fixture
def turn(tmp_path: Path) -> Iterator[TurnServer]:
    """Debian's coturn on loopback; skips where it is not installed, but fails where CI=true."""
    program = shutil.which("turnserver")
    if program is None:
        reason = "no TURN server on this machine (Debian: apt-get install coturn)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    (port,) = free_ports(1)
    log = tmp_path / "turn.log"
    command = [
        *(program, "-n", "--no-cli", "--no-tls", "--no-dtls", "--no-tcp", "--verbose", "--simple-log"),
        *("--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--allow-loopback-peers", f"--listening-port={port}"),
        *("--use-auth-secret", f"--static-auth-secret={SECRET}", "--realm=warmline.test"),
        *(f"--log-file={log}", f"--pidfile={tmp_path / 'turn.pid'}", f"--userdb={tmp_path / 'turn.db'}"),
    ]
    with (tmp_path / "turn.out").open("wb") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=sink, cwd=tmp_path)
        try:
            _wait_for_answer(port, process)
            yield TurnServer(port, log)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for_answer(port: int, process: subprocess.Popen[bytes]) -> None:
    """Ask with a STUN binding request until it answers."""
    request = bytes.fromhex("000100002112a442") + bytes(12)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(0.2)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            asking.sendto(request, ("127.0.0.1", port))
            try:
                asking.recv(2_048)
            except (TimeoutError, ConnectionRefusedError):
                continue
            return
    pytest.fail("the TURN server did not answer")


def place_call(page: Page, url: str, offers: list[str]) -> None:
    """Call from a page that may use relays only, and keep what it offers."""

    def note(route: Route) -> None:
        body: dict[str, Any] = route.request.post_data_json or {}
        offers.append(body.get("sdp", ""))
        route.continue_()

    page.add_init_script(RELAY_ONLY)
    page.route("**/api/calls", note)
    page.goto(f"{url}/call")
    page.get_by_test_id("call-button").click()


def candidates(sdp: str) -> list[str]:
    return [line for line in sdp.splitlines() if line.startswith("a=candidate:")]


def test_a_call_comes_through_over_a_relay_alone(
    turn: TurnServer, playwright: Playwright, chromium: str, tmp_path: Path
) -> None:
    microphone = microphone_file(SAMPLE, tmp_path)
    offers: list[str] = []
    with (
        serve(
            tmp_path / "data",
            tmp_path / "models",
            engine="fake",
            ice_addresses="127.0.0.1",
            turn=turn.url,
            turn_secret=SECRET,
        ) as server,
        caller_browser(playwright, chromium, microphone) as calling,
    ):
        page = calling.new_context().new_page()
        config = page.request.get(f"{server.url}/api/config").text()
        assert SECRET not in config
        place_call(page, server.url, offers)
        expect(page.locator("[data-testid=call-state][data-state=connected]")).to_be_visible(timeout=30_000)
        assert candidates(offers[0])
        assert all(" typ relay" in line for line in candidates(offers[0]))

        # Wrong and expired credentials are no way in: the page says that no connection comes about.
        expired = TurnSecret(SECRET, 60).credentials(datetime.now(UTC) - timedelta(hours=1))
        wrong = TurnSecret("something else", 3_600).credentials(datetime.now(UTC))
        offers.clear()
        others = [calling.new_context(locale="en").new_page() for _ in range(2)]
        for other, given in zip(others, (expired, wrong), strict=True):
            _give(other, turn, given)
            place_call(other, server.url, offers)
        for other in others:
            expect(other.locator("[data-testid=call-state][data-state=failed]")).to_be_visible(timeout=30_000)
        assert not any(candidates(offer) for offer in offers)
        page.get_by_test_id("call-button").click()
        expect(page.locator("[data-testid=call-state][data-state=ended]")).to_be_visible(timeout=30_000)


def _give(page: Page, turn: TurnServer, given: TurnCredentials) -> None:
    """Let the page have these credentials."""

    def answer(route: Route) -> None:
        reply = route.fetch()
        config = reply.json()
        config["ice_servers"] = [{"urls": [turn.url], "username": given.username, "credential": given.credential}]
        route.fulfill(response=reply, json=config)

    page.route("**/api/config", answer)
