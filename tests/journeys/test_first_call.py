"""The main job in real browsers: somebody speaks on /call, and an agent sees words, tone and route."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, WebSocket, expect

from routing.events import CallEnded, EmotionScored, SpeechStarted, Stamped, TranscriptFinal, TranscriptPartial
from routing.grammar import check_log
from routing.service_events import RouteDecided
from routing.wire import decode
from tests.journeys.pages import sign_in
from tests.journeys.relay import Relay
from tests.journeys.stage import Server, caller_browser, microphone_file, warmline
from voice.contracts.audio import Party

pytestmark = [pytest.mark.browser, pytest.mark.model, pytest.mark.slow]
SAMPLE = Path(__file__).parents[2] / "samples" / "calls" / "zh-complaint-words" / "audio.wav"


@dataclass
class Received:
    """What came over an agent's websockets, in order, over all reconnections."""

    seqs: list[int] = field(default_factory=list)
    sockets: int = 0

    def follow(self, page: Page) -> None:
        page.on("websocket", self._opened)

    def _opened(self, socket: WebSocket) -> None:
        self.sockets += 1
        socket.on("framereceived", self._frame)

    def _frame(self, payload: str | bytes) -> None:
        message = json.loads(payload)
        if message["op"] == "events":
            self.seqs += [event["seq"] for event in message["events"]]


@dataclass(frozen=True)
class Journey:
    """What is left of the call when it is over."""

    call: str
    log: list[Stamped]
    received: Received
    agent: Page
    finals_at_first_words: int


def sign_in_as_supervisor(page: Page, url: str) -> None:
    sign_in(page, url, "mei")
    expect(page.get_by_test_id("call-list")).to_be_visible()


def journal_of(page: Page, url: str, call: str) -> list[dict[str, Any]]:
    answer = page.request.get(f"{url}/api/calls/{call}/events?limit=1000")
    assert answer.ok, answer.text()
    events: list[dict[str, Any]] = answer.json()["events"]
    return events


@pytest.fixture(scope="module")
def journey(
    server: Server,
    playwright: Playwright,
    chromium: str,
    browser: Browser,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Journey]:
    """One call: spoken on /call, watched from another browser, its connection cut and resumed in the middle."""
    microphone = microphone_file(SAMPLE, tmp_path_factory.mktemp("microphone"))
    received = Received()
    with Relay(server.port) as relay, caller_browser(playwright, chromium, microphone) as calling:
        through_relay = f"http://127.0.0.1:{relay.port}"
        agent = browser.new_context(locale="zh-CN").new_page()
        received.follow(agent)
        sign_in_as_supervisor(agent, through_relay)

        caller = calling.new_context(locale="zh-CN").new_page()
        caller.goto(f"{server.url}/call")
        caller.get_by_test_id("call-button").click()
        expect(caller.locator("[data-testid=call-state][data-state=connected]")).to_be_visible(timeout=30_000)
        call = caller.get_by_test_id("call-state").get_attribute("data-call")
        assert call

        agent.get_by_test_id("call-item").first.click()
        view = agent.get_by_test_id("call-view")
        expect(view).to_be_visible()
        # A provisional line, then a final one in its place.
        provisional = agent.locator("[data-testid=segment][data-final=false] [data-testid=segment-text]")
        expect(provisional.filter(has_text="你").first).to_be_visible(timeout=30_000)
        finals_at_first_words = agent.locator("[data-testid=segment][data-final=true]").count()
        expect(agent.locator("[data-testid=segment][data-final=true]").first).to_be_visible(timeout=30_000)

        relay.cut()
        expect(agent.locator("[data-testid=banner][data-kind=lost]")).to_be_visible(timeout=30_000)
        # The call goes on meanwhile: the agent has to catch up with at least one more final.
        finals = agent.locator("[data-testid=segment][data-final=true]").count()
        _wait_for_finals(agent, server.url, call, finals + 1)
        relay.restore()
        expect(agent.locator("[data-testid=banner][data-kind=resumed]")).to_be_visible(timeout=30_000)

        expect(agent.locator("[data-testid=route][data-value=human]")).to_be_visible(timeout=60_000)
        # The caller's voice has ended with the file; then the caller hangs up.
        expect(agent.locator("[data-testid=segment][data-final=true]")).to_have_count(6, timeout=60_000)
        caller.get_by_test_id("call-button").click()
        expect(agent.locator("[data-testid=call-status]").first).to_contain_text("已结束", timeout=30_000)

        events = journal_of(agent, through_relay, call)
        last = events[-1]["seq"]
        expect(view).to_have_attribute("data-last-seq", str(last), timeout=30_000)
        yield Journey(call, [decode(event) for event in events], received, agent, finals_at_first_words)


def test_the_log_is_whole(journey: Journey) -> None:
    check_log(journey.log)
    kinds = {type(stamped.event) for stamped in journey.log}
    assert {TranscriptPartial, TranscriptFinal, EmotionScored, RouteDecided, CallEnded} <= kinds


def test_words_appear_while_they_are_spoken(journey: Journey) -> None:
    # The provisional line was waited for; it came before more than the utterance that it belongs to was final.
    assert journey.finals_at_first_words <= 1


def test_after_the_cut_nothing_is_missing_and_nothing_comes_twice(journey: Journey) -> None:
    assert journey.received.sockets >= 2
    assert journey.received.seqs == [stamped.seq for stamped in journey.log]


def test_the_agent_sees_what_the_journal_holds(journey: Journey) -> None:
    finals = {s.event.segment: s.event.text for s in journey.log if isinstance(s.event, TranscriptFinal)}
    for segment, text in finals.items():
        shown = journey.agent.locator(f"[data-testid=segment][data-segment='{segment}'] [data-testid=segment-text]")
        assert (shown.text_content() or "").strip() == (text or "（没有听清）")
    assert journey.agent.get_by_test_id("keypoint").count() >= 2
    scored = {s.event.segment for s in journey.log if isinstance(s.event, EmotionScored)}
    assert journey.agent.get_by_test_id("emotion-table").locator("tbody tr").count() == len(scored)
    assert journey.agent.locator("[data-testid=emotion-chart] canvas").count() == 1
    shown_types = ("route.decided", "priority.changed", "emotion.shifted", "handover.")
    decisions = [s for s in journey.log if s.event.TYPE.startswith(shown_types)]
    assert any(s.event.TYPE == "handover.requested" for s in decisions)
    earlier = journey.agent.get_by_test_id("decisions-more")
    if earlier.count():
        earlier.click()
    entries = journey.agent.get_by_test_id("decision").all()
    listed = {int(seq) for entry in entries for seq in (entry.get_attribute("data-seqs") or "").split()}
    assert listed >= {s.seq for s in decisions}


def test_a_complaint_goes_to_a_human(journey: Journey) -> None:
    routes = [s.event for s in journey.log if isinstance(s.event, RouteDecided)]
    assert routes[0].target == "ai"
    assert routes[-1].target == "human"
    assert routes[-1].evidence


def test_replaying_the_recording_gives_the_same_finals(journey: Journey, server: Server, models_folder: Path) -> None:
    recording = server.data / "recordings" / f"{journey.call}.wav"
    command = warmline("replay", str(recording), "--jsonl", models=str(models_folder), engine="whisper")
    done = subprocess.run(command, capture_output=True, check=True, timeout=200)
    again = [decode(json.loads(line)) for line in done.stdout.splitlines()]
    check_log(again)
    assert _said(again) == _said(journey.log)


def test_qa_replays_the_call_with_its_audio(journey: Journey, server: Server) -> None:
    page = journey.agent.context.new_page()  # the session's cookie holds for every port of this address
    page.goto(f"{server.url}/qa")
    row = page.get_by_test_id("qa-row").first
    expect(row).to_be_visible()
    page.goto(f"{server.url}/qa/{journey.call}")
    expect(page.get_by_test_id("segment").first).to_be_visible()
    assert page.get_by_test_id("segment").count() == len(_finals(journey.log))
    page.wait_for_selector("audio", state="attached")
    seconds = page.evaluate(
        """() => new Promise((resolve, reject) => {
             const audio = document.querySelector("audio");
             if (audio.readyState > 0) resolve(audio.duration);
             audio.onloadedmetadata = () => resolve(audio.duration);
             audio.onerror = () => reject(new Error("audio"));
           })"""
    )
    ended = next(s.event for s in journey.log if isinstance(s.event, CallEnded))
    assert seconds == pytest.approx(ended.duration / 16_000, abs=1.0)


def test_a_microphone_that_is_refused_is_explained(
    server: Server, playwright: Playwright, chromium: str, browser: Browser, need_model: Callable[[str], Path]
) -> None:
    page = browser.new_context(locale="zh-CN").new_page()
    page.goto(f"{server.url}/call")
    page.get_by_test_id("call-button").click()
    expect(page.get_by_test_id("call-error")).to_be_visible(timeout=30_000)
    assert "麦克风" in (page.get_by_test_id("call-error").text_content() or "")


def _wait_for_finals(page: Page, url: str, call: str, count: int) -> None:
    """Follow the journal over HTTP, past the cut, until it holds `count` finals."""
    deadline = 60_000
    while sum(event["type"] == "transcript.final" for event in journal_of(page, url, call)) < count:
        page.wait_for_timeout(200)
        deadline -= 200
        assert deadline > 0, f"the call did not reach {count} finals"


def _finals(log: list[Stamped]) -> list[tuple[int, str]]:
    return [(s.event.segment, s.event.text) for s in log if isinstance(s.event, TranscriptFinal)]


def _said(log: list[Stamped]) -> list[tuple[int, str]]:
    """When the caller began to say what. A recording holds prompts beside them, in which a replay hears an agent."""
    spoken = (s.event for s in log if isinstance(s.event, SpeechStarted))
    starts = {int(one.segment): one.start for one in spoken if one.party is Party.CALLER}
    return [(starts[segment], text) for segment, text in _finals(log) if segment in starts]
