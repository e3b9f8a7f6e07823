"""A real browser loses its network in the middle of a call and comes back on another port: the call goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, expect

from routing.events import CallEnded, TranscriptFinal
from routing.grammar import check_log
from routing.leg_events import AudioDropped, MediaMeasured
from tests.journeys.stage import PASSWORD, Server, caller_browser, microphone_file, serve
from tests.journeys.ways import Ways, log_of, wait_until
from voice.contracts.audio import Party, to_s

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SAMPLE = Path(__file__).parents[2] / "samples" / "calls" / "zh-complaint-words" / "audio.wav"
GAP_S = 5.0
"""How long a call may be without sound when its network changes."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serve(tmp_path / "data", tmp_path / "models", engine="fake", ice_addresses="127.0.0.1") as server:
        yield server


def test_a_call_survives_another_network(
    server: Server, playwright: Playwright, chromium: str, browser: Browser, tmp_path: Path
) -> None:
    microphone = microphone_file(SAMPLE, tmp_path)
    agent = browser.new_context()
    signed_in = agent.request.post(f"{server.url}/api/session", data={"user": "mei", "password": PASSWORD})
    assert signed_in.ok
    with ExitStack() as stack, caller_browser(playwright, chromium, microphone, again=True) as calling:
        ways = Ways(stack)
        page = calling.new_context(locale="zh-CN").new_page()
        ways.lead(page, "**/api/calls", "**/api/calls/*/offer")
        page.goto(f"{server.url}/call")
        page.get_by_test_id("call-button").click()
        expect(page.locator("[data-testid=call-state][data-state=connected]")).to_be_visible(timeout=30_000)
        call = page.get_by_test_id("call-state").get_attribute("data-call")
        assert call
        wait_until(page, lambda: ways.relays[0].from_browser > 200, 20)

        # Nobody else can take the call over.
        stranger = agent.request.put(
            f"{server.url}/api/calls/{call}/offer",
            data={"key": "stranger", "sdp": "v=0"},
            headers={"X-Call-Secret": "guessed"},
        )
        assert (stranger.status, stranger.json()["code"]) == (403, "secret.wrong")

        began_s = time.monotonic()
        ways.relays[0].cut()
        wait_until(page, lambda: len(ways.relays) == 2 and ways.relays[1].from_browser > 50, 15)
        took_s = time.monotonic() - began_s
        expect(page.locator("[data-testid=call-state][data-state=connected]")).to_be_visible(timeout=30_000)
        before = len([one for one in log_of(agent.request, server.url, call) if isinstance(one.event, TranscriptFinal)])

        def heard() -> int:
            log = log_of(agent.request, server.url, call)
            return len([one for one in log if isinstance(one.event, TranscriptFinal)])

        wait_until(page, lambda: heard() >= before + 1, 40)
        page.get_by_test_id("call-button").click()
        wait_until(page, lambda: isinstance(log_of(agent.request, server.url, call)[-1].event, CallEnded), 20)
    log = log_of(agent.request, server.url, call)
    check_log(log)
    assert [one.event.reason.value for one in log if isinstance(one.event, CallEnded)] == ["caller_hung_up"]
    gaps = [to_s(one.event.span.length) for one in log if isinstance(one.event, AudioDropped)]
    assert gaps, "the gap is an event"
    assert max(gaps) < GAP_S
    assert took_s < GAP_S + 1.5  # the new connection, and a second of media over it
    assert any(isinstance(one.event, MediaMeasured) and one.event.party is Party.CALLER for one in log)
