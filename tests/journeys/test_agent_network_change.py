"""An agent's browser loses its network: it comes back on another port, and where it does not, the desk says why."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from routing.events import CallEnded
from routing.grammar import check_log
from routing.leg_events import AgentAwaited, AudioDropped, PartyJoined, PartyLeft
from routing.service_events import HandoverBridged, HandoverFailed
from routing.terms import HandoverFailure
from tests.journeys.pages import go_ready
from tests.journeys.stage import Server, add_account, caller_browser, microphone_file, serve
from tests.journeys.ways import Ways, log_of, wait_until
from voice.contracts.audio import Party, to_s

pytestmark = [pytest.mark.browser, pytest.mark.slow]
CALLS = Path(__file__).parents[2] / "samples" / "calls"
CALLER, AGENT = CALLS / "zh-human-at-once" / "audio.wav", CALLS / "zh-stereo-exchange" / "audio.wav"
GAP_S = 5.0
"""How long a leg may be without sound when its network changes."""

GRACE_S = 3.0


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Server]:
    """A server with an agent, who is not waited for long."""
    folder = tmp_path / "models"
    with serve(
        tmp_path / "data", folder, engine="fake", ice_addresses="127.0.0.1", agent_grace_s=str(GRACE_S)
    ) as server:
        add_account(server.data, "lin", "agent")
        yield server


def test_an_agents_leg_survives_another_network_and_none_has_a_reason(
    desk: Server, playwright: Playwright, chromium: str, tmp_path: Path
) -> None:
    (tmp_path / "caller").mkdir()
    asking = microphone_file(CALLER, tmp_path / "caller")
    answering = microphone_file(AGENT, tmp_path, channel=1)
    with (
        ExitStack() as stack,
        caller_browser(playwright, chromium, asking, again=True) as callers,
        caller_browser(playwright, chromium, answering, again=True) as agents,
    ):
        agent = agents.new_context(locale="en", viewport={"width": 1440, "height": 900}).new_page()
        ways = Ways(stack)
        ways.lead(agent, "**/api/calls/*/legs", "**/api/calls/*/legs/mine/offer")
        go_ready(agent, desk.url, "lin")
        caller = callers.new_context(locale="en").new_page()
        caller.goto(f"{desk.url}/call?language=zh")
        caller.get_by_test_id("call-button").click()
        state = caller.get_by_test_id("call-state")
        expect(state).to_have_attribute("data-state", "connected", timeout=30_000)
        call = state.get_attribute("data-call")
        assert call
        caller.get_by_test_id("human-key").click()
        expect(agent.get_by_test_id("offer")).to_be_visible(timeout=30_000)
        agent.keyboard.press("F2")
        phone = agent.get_by_test_id("agent-phone")
        expect(phone).to_have_attribute("data-state", "connected", timeout=30_000)

        def came(kind: type) -> int:
            return sum(isinstance(one.event, kind) for one in log_of(agent.request, desk.url, call))

        wait_until(agent, lambda: came(HandoverBridged) == 1, 20)
        first = ways.relays[0]
        wait_until(agent, lambda: first.from_browser > 100, 20)

        began_s = time.monotonic()
        first.cut()
        wait_until(agent, lambda: len(ways.relays) == 2 and ways.relays[1].from_browser > 50, 15)
        took_s = time.monotonic() - began_s
        expect(phone).to_have_attribute("data-state", "connected", timeout=30_000)
        wait_until(agent, lambda: came(AudioDropped) > 0, 20)  # it is known where sound goes on
        survived = log_of(agent.request, desk.url, call)
        # The desk has not heard of it: the same person serves the same caller.
        assert not any(isinstance(one.event, AgentAwaited | HandoverFailed | PartyLeft) for one in survived)
        before = ways.relays[1].from_browser
        wait_until(agent, lambda: ways.relays[1].from_browser > before + 100, 20)

        # No network at all: the caller is waited with, then the desk says that the agent is lost.
        ways.take_offline()
        wait_until(agent, lambda: came(HandoverFailed) == 1, 60)
        caller.get_by_test_id("call-button").click()
        wait_until(agent, lambda: came(CallEnded) == 1, 20)
        log = log_of(agent.request, desk.url, call)
    check_log(log)
    gaps = [to_s(one.event.span.length) for one in survived if isinstance(one.event, AudioDropped)]
    assert max(gaps) < GAP_S
    assert took_s < GAP_S + 1.5  # the new connection, and a second of media over it
    assert any(isinstance(one.event, AudioDropped) and one.event.party is Party.AGENT for one in survived)
    awaited = [one.event for one in log if isinstance(one.event, AgentAwaited)]
    assert [(one.agent, one.grace_s) for one in awaited] == [("lin", GRACE_S)]
    failed = [one.event.code for one in log if isinstance(one.event, HandoverFailed)]
    assert failed == [HandoverFailure.AGENT_LOST, HandoverFailure.CALLER_GONE]  # who then waited no longer
    assert sum(isinstance(one.event, PartyJoined) and one.event.agent == "lin" for one in log) == 1
