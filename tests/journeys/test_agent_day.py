"""An agent's day in a real browser against the real server: not now, a break, keys, a reload, giving a caller back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, expect

from routing.desk.file import DEFAULT_DESK
from routing.events import Stamped
from routing.grammar import check_log
from routing.leg_events import AgentAwaited, CallHeld, CallResumed, PartyJoined, PartyMuted, PartyUnmuted
from routing.service_events import HandoverAccepted, HandoverFailed, HandoverOffered
from routing.terms import HandoverFailure
from routing.wire import decode
from tests.journeys.pages import go_ready
from tests.journeys.stage import Server, add_account, caller_browser, microphone_file, serve
from voice.contracts.audio import Party

pytestmark = [pytest.mark.browser, pytest.mark.model, pytest.mark.slow]
CALLS = Path(__file__).parents[2] / "samples" / "calls"
CALLER, AGENT = CALLS / "zh-human-at-once" / "audio.wav", CALLS / "zh-stereo-exchange" / "audio.wav"


@dataclass(frozen=True)
class Shift:
    """What is left of the call when the agent has finished it."""

    agent: Page
    log: list[Stamped]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, need_model: Callable[[str], Path]) -> Iterator[Server]:
    """A server with an agent, whose desk offers a caller again six seconds after they were declined."""
    models, folder = need_model("whisper-base").parent, tmp_path_factory.mktemp("server")
    rules = DEFAULT_DESK.read_text(encoding="utf-8")
    assert "reoffer_after_s: 60" in rules
    hasty = rules.replace("reoffer_after_s: 60", "reoffer_after_s: 6").replace(
        "offer_timeout_s: 15", "offer_timeout_s: 60"
    )
    (folder / "desk.yaml").write_text(hasty, encoding="utf-8")
    with serve(folder / "data", models, desk=str(folder / "desk.yaml")) as server:
        add_account(server.data, "lin", "agent")
        yield server


@pytest.fixture(scope="module")
def shift(
    desk: Server, playwright: Playwright, chromium: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shift]:
    """One call that the agent declines, takes after a break, loses by a reload, gives back, takes again and ends."""
    asking = microphone_file(CALLER, tmp_path_factory.mktemp("caller"))
    answering = microphone_file(AGENT, tmp_path_factory.mktemp("agent"), channel=1)
    with (
        caller_browser(playwright, chromium, asking, again=True) as callers,
        caller_browser(playwright, chromium, answering, again=True) as agents,
    ):
        agent = agents.new_context(locale="en", viewport={"width": 1440, "height": 900}).new_page()
        go_ready(agent, desk.url, "lin")
        phone = agent.get_by_test_id("agent-phone")
        caller = callers.new_context(locale="en").new_page()
        caller.goto(f"{desk.url}/call?language=zh")
        caller.get_by_test_id("call-button").click()
        state = caller.get_by_test_id("call-state")
        expect(state).to_have_attribute("data-state", "connected", timeout=30_000)

        # Not now: declined by the keyboard, then a break, during which nobody is offered.
        offer = agent.get_by_test_id("offer")
        expect(offer).to_contain_text("General", timeout=60_000)
        agent.keyboard.press("F4")
        expect(offer).to_have_count(0)
        agent.get_by_test_id("presence-select").select_option("break")
        expect(agent.get_by_test_id("idle")).to_have_attribute("data-presence", "break")
        expect(agent.get_by_test_id("idle").locator("dd").first).to_contain_text("1 waiting", timeout=30_000)
        expect(offer).to_have_count(0)

        agent.get_by_test_id("presence-select").select_option("ready")
        expect(offer).to_be_visible(timeout=30_000)
        agent.keyboard.press("F2")
        expect(phone).to_have_attribute("data-state", "connected", timeout=30_000)
        view = agent.get_by_test_id("call-view")
        expect(view.get_by_test_id("chip-serving")).to_contain_text("lin", timeout=30_000)

        # Mute and hold by the keyboard.
        for key, chip in (("F8", "chip-muted"), ("F9", "chip-held")):
            agent.keyboard.press(key)
            expect(view.get_by_test_id(chip)).to_be_visible(timeout=30_000)
            agent.keyboard.press(key)
            expect(view.get_by_test_id(chip)).to_have_count(0, timeout=30_000)

        # A reload keeps the call.
        agent.reload()
        expect(phone).to_have_attribute("data-state", "connected", timeout=30_000)
        expect(view.get_by_test_id("chip-serving")).to_contain_text("lin", timeout=30_000)
        expect(view.get_by_test_id("chip-awaited")).to_have_count(0)
        expect(agent.get_by_test_id("caller-level")).to_have_attribute("data-heard", "true", timeout=30_000)

        # Given back, the caller waits in the old place, until the agent is ready for them again.
        agent.get_by_test_id("phone-give-back").click()
        expect(phone).to_have_count(0, timeout=30_000)
        expect(state).to_have_attribute("data-state", "connected")
        ready = agent.get_by_test_id("after-call-finish").or_(agent.get_by_test_id("go-ready")).or_(offer)
        expect(ready.first).to_be_visible(timeout=30_000)
        if not offer.is_visible():
            ready.first.click()
        expect(offer).to_be_visible(timeout=30_000)
        agent.get_by_test_id("offer-accept").click()
        expect(phone).to_have_attribute("data-state", "connected", timeout=30_000)
        expect(view.get_by_test_id("chip-serving")).to_contain_text("lin", timeout=30_000)
        agent.get_by_test_id("phone-hang-up").click()
        expect(state).to_have_attribute("data-state", "ended", timeout=30_000)
        expect(agent.get_by_test_id("after-call")).to_be_visible(timeout=30_000)

        call = state.get_attribute("data-call")
        answer = agent.request.get(f"{desk.url}/api/calls/{call}/events?limit=5000")
        assert answer.ok, answer.text()
        yield Shift(agent, [decode(event) for event in answer.json()["events"]])


def test_each_offer_and_what_became_of_it_is_in_the_log(shift: Shift) -> None:
    check_log(shift.log)
    kinds = (HandoverOffered, HandoverAccepted, HandoverFailed)
    steps = [stamped.event for stamped in shift.log if isinstance(stamped.event, kinds)]
    assert [type(one) for one in steps if not isinstance(one, HandoverFailed)] == [
        HandoverOffered,
        HandoverOffered,
        HandoverAccepted,
        HandoverOffered,
        HandoverAccepted,
    ]
    failed = [one for one in steps if isinstance(one, HandoverFailed)]
    assert failed[0].code is HandoverFailure.DECLINED
    assert len(failed) == 2


def test_keys_mute_and_hold(shift: Shift) -> None:
    kinds = (PartyMuted, PartyUnmuted, CallHeld, CallResumed)
    assert [type(s.event) for s in shift.log if isinstance(s.event, kinds)] == list(kinds)


def test_a_reload_is_no_new_service(shift: Shift) -> None:
    joined = [
        type(s.event)
        for s in shift.log
        if isinstance(s.event, AgentAwaited) or (isinstance(s.event, PartyJoined) and s.event.party is Party.AGENT)
    ]
    assert joined == [PartyJoined, AgentAwaited, PartyJoined, PartyJoined]


def test_the_after_call_work_ends_when_the_agent_says_so(shift: Shift) -> None:
    shift.agent.get_by_test_id("after-call-finish").click()
    expect(shift.agent.get_by_test_id("idle")).to_have_attribute("data-presence", "ready", timeout=30_000)
