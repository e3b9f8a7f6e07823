"""A caller asks for a human, and an agent in another browser takes the call: offer, voice, controls, events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, expect

from routing.events import CallEnded, SpeechStarted, Stamped
from routing.grammar import check_log
from routing.leg_events import CallHeld, CallResumed, PartyJoined, PartyMuted, PartyUnmuted
from routing.service_events import HandoverAccepted, HandoverBridged, HandoverOffered, HandoverRequested
from routing.terms import CallEndReason
from routing.wire import decode
from tests.journeys.pages import go_ready
from tests.journeys.stage import Server, add_account, caller_browser, microphone_file, serve
from voice.contracts.audio import Party

pytestmark = [pytest.mark.browser, pytest.mark.model, pytest.mark.slow]
CALLS = Path(__file__).parents[2] / "samples" / "calls"
CALLER, AGENT = CALLS / "zh-human-at-once" / "audio.wav", CALLS / "zh-stereo-exchange" / "audio.wav"
LOUDER_THAN = """
(floor) => {
  const { srcObject } = document.querySelector("[data-testid=remote-audio]");
  if (srcObject === null) return false;
  if (window.listenedTo !== srcObject) {
    window.listenedTo = srcObject;
    const context = new AudioContext();
    window.ear = new AnalyserNode(context, { fftSize: 4096 });
    context.createMediaStreamSource(srcObject).connect(window.ear);
  }
  const heard = new Float32Array(window.ear.fftSize);
  window.ear.getFloatTimeDomainData(heard);
  return Math.sqrt(heard.reduce((sum, one) => sum + one * one, 0) / heard.length) > floor;
}
"""
"""Whether the page hears more than silence, root mean square."""


@dataclass(frozen=True)
class Served:
    """What is left of the call when the agent has finished it."""

    call: str
    log: list[Stamped]
    agent: Page


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, need_model: Callable[[str], Path]) -> Iterator[Server]:
    """A server with a supervisor and an agent."""
    models = need_model("whisper-base").parent
    with serve(tmp_path_factory.mktemp("server") / "data", models) as server:
        add_account(server.data, "lin", "agent")
        yield server


@pytest.fixture(scope="module")
def served(
    desk: Server, playwright: Playwright, chromium: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """One call, from the caller's first words to the end of the after-call work."""
    asking = microphone_file(CALLER, tmp_path_factory.mktemp("caller"))
    answering = microphone_file(AGENT, tmp_path_factory.mktemp("agent"), channel=1)
    with (
        caller_browser(playwright, chromium, asking, again=True) as callers,
        caller_browser(playwright, chromium, answering, again=True) as agents,
    ):
        agent = agents.new_context(locale="zh-CN", viewport={"width": 1440, "height": 900}).new_page()
        go_ready(agent, desk.url, "lin")

        caller = callers.new_context(locale="zh-CN").new_page()
        caller.goto(f"{desk.url}/call")
        caller.get_by_test_id("call-button").click()
        state = caller.get_by_test_id("call-state")
        expect(state).to_have_attribute("data-state", "connected", timeout=30_000)
        call = state.get_attribute("data-call")
        assert call

        # Before the first word the agent has read what the caller wants.
        expect(agent.get_by_test_id("offer")).to_have_attribute("data-call", call, timeout=60_000)
        view = agent.get_by_test_id("call-view")
        expect(view).to_have_attribute("data-call", call)
        expect(view.locator("[data-final=true]", has_text="人工").first).to_be_visible()
        expect(view.get_by_test_id("route")).to_have_attribute("data-value", "human")
        agent.keyboard.press("F2")
        expect(agent.get_by_test_id("agent-phone")).to_have_attribute("data-state", "connected", timeout=30_000)
        expect(view.get_by_test_id("chip-serving")).to_contain_text("lin", timeout=30_000)

        # Each hears the other.
        expect(agent.get_by_test_id("caller-level")).to_have_attribute("data-heard", "true", timeout=30_000)
        agent.wait_for_function(LOUDER_THAN, arg=0.005, timeout=60_000)
        caller.wait_for_function(LOUDER_THAN, arg=0.005, timeout=60_000)
        expect(view.locator("[data-testid=segment][data-party=agent]").first).to_be_visible(timeout=30_000)

        for control, chip in (("phone-mute", "chip-muted"), ("phone-hold", "chip-held")):
            agent.get_by_test_id(control).click()
            expect(view.get_by_test_id(chip)).to_be_visible(timeout=30_000)
            agent.get_by_test_id(control).click()
            expect(view.get_by_test_id(chip)).to_have_count(0, timeout=30_000)
        caller.wait_for_function(LOUDER_THAN, arg=0.005, timeout=60_000)
        agent.get_by_test_id("phone-hang-up").click()
        expect(state).to_have_attribute("data-state", "ended", timeout=30_000)
        expect(agent.get_by_test_id("after-call")).to_be_visible(timeout=30_000)
        expect(view.get_by_test_id("call-status")).to_have_attribute("data-status", "ended")

        answer = agent.request.get(f"{desk.url}/api/calls/{call}/events?limit=5000")
        assert answer.ok, answer.text()
        yield Served(call, [decode(event) for event in answer.json()["events"]], agent)


def test_the_log_tells_the_way_from_the_ai_to_the_human(served: Served) -> None:
    check_log(served.log)
    wanted = (HandoverRequested, HandoverOffered, HandoverAccepted, PartyJoined, CallEnded)
    steps = [s.event for s in served.log if isinstance(s.event, wanted)]
    at_the_desk = [type(one) for one in steps if not isinstance(one, PartyJoined) or one.party is Party.AGENT]
    assert at_the_desk == list(wanted)
    assert PartyJoined(Party.AGENT, "lin") in steps
    assert any(isinstance(s.event, HandoverBridged) and s.event.agent == "lin" for s in served.log)


def test_both_are_written_down(served: Served) -> None:
    assert {s.event.party for s in served.log if isinstance(s.event, SpeechStarted)} == {Party.CALLER, Party.AGENT}


def test_what_the_agent_did_is_in_the_log_and_on_the_page(served: Served) -> None:
    kinds = (PartyMuted, PartyUnmuted, CallHeld, CallResumed)
    done = [s for s in served.log if isinstance(s.event, kinds)]
    assert [type(s.event) for s in done] == list(kinds)
    served.agent.get_by_test_id("decisions-more").click()
    for stamped in done:
        expect(served.agent.locator(f"[data-testid=decision][data-seqs~='{stamped.seq}']")).to_be_visible()
    ended = served.log[-1].event
    assert isinstance(ended, CallEnded)
    assert ended.reason is CallEndReason.AGENT_HUNG_UP


def test_the_agent_is_ready_again_after_the_after_call_work(served: Served) -> None:
    finish = served.agent.get_by_test_id("after-call-finish")
    idle = served.agent.get_by_test_id("idle")
    # The after-call work ends by itself, too.
    expect(finish.or_(idle)).to_be_visible()
    if finish.is_visible():
        finish.click()
    expect(idle).to_have_attribute("data-presence", "ready", timeout=30_000)
