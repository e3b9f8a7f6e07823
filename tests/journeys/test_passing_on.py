"""Two agents in real browsers: one consults the other, confers, passes the caller on, and goes back if that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, Playwright, Route, expect

from routing.desk.file import DEFAULT_DESK
from routing.events import CallEvent
from routing.leg_events import CallHeld, CallResumed, PartyJoined, PartyLeft
from routing.terms import ConsultEnd, TargetKind, TransferFailure, TransferKind
from routing.transfer_events import (
    ConsultAnswered,
    ConsultAwaited,
    ConsultEnded,
    ConsultStarted,
    TransferAccepted,
    TransferCompleted,
    TransferFailed,
    TransferRequested,
    TransferTarget,
)
from routing.wire import decode
from tests.journeys.pages import go_ready
from tests.journeys.stage import Server, add_account, caller_browser, microphone_file, serve
from tests.journeys.test_agent_console import LOUDER_THAN
from voice.contracts.audio import Party

pytestmark = [pytest.mark.browser, pytest.mark.model, pytest.mark.slow]
CALLS = Path(__file__).parents[2] / "samples" / "calls"
CALLER, AGENT = CALLS / "zh-human-at-once" / "audio.wav", CALLS / "zh-stereo-exchange" / "audio.wav"
SOON = 40_000
"""Milliseconds: on a busy machine the events of a call reach the pages late."""

KINDS = (
    ConsultStarted,
    ConsultAnswered,
    ConsultAwaited,
    ConsultEnded,
    TransferRequested,
    TransferAccepted,
    TransferCompleted,
    TransferFailed,
    CallHeld,
    CallResumed,
    PartyJoined,
    PartyLeft,
)


@dataclass
class Agent:
    """A signed-in agent and their page."""

    user: str
    page: Page

    def get(self, test_id: str) -> Locator:
        return self.page.get_by_test_id(test_id)

    def expect_passing(self, state: str) -> None:
        expect(self.get("passing")).to_have_attribute("data-state", state, timeout=SOON)

    def choose(self, kind: str, target: str, act: str) -> None:
        """Consult somebody, or pass the caller on to them."""
        self.get("pass-open").click(timeout=SOON)
        self.get(f"pass-tab-{kind}").click()
        self.page.locator(f"[data-{kind}={target}]").get_by_test_id(f"pass-{act}").click(timeout=SOON)

    def expect_serving(self) -> None:
        expect(self.get("agent-phone")).to_have_attribute("data-state", "connected", timeout=SOON)
        expect(self.get("chip-serving")).to_have_count(1, timeout=SOON)
        expect(self.get("chip-serving")).to_contain_text(self.user, timeout=SOON)
        expect(self.get("pass-open")).to_be_enabled(timeout=SOON)

    def become(self, presence: str) -> None:
        if self.get("presence").get_attribute("data-presence") != presence:
            self.get("presence-select").select_option(presence)
        expect(self.get("presence")).to_have_attribute("data-presence", presence, timeout=SOON)

    def hears(self) -> None:
        self.page.wait_for_function(LOUDER_THAN, arg=0.005, timeout=60_000)


@dataclass
class Floor:
    """A caller whom lin serves, and hua, who is ready."""

    url: str
    lin: Agent
    hua: Agent
    caller: Page
    call: str

    def log(self) -> list[CallEvent]:
        """What the call's log says of passing the caller on, and of the agents there."""
        answer = self.lin.page.request.get(f"{self.url}/api/calls/{self.call}/events?limit=5000")
        assert answer.ok, answer.text()
        events = [decode(event).event for event in answer.json()["events"]]
        mine = (event for event in events if isinstance(event, KINDS))
        return [event for event in mine if not isinstance(event, PartyJoined | PartyLeft) or event.party is Party.AGENT]


def enter(agents: Browser, server: Server, user: str) -> Agent:
    page = agents.new_context(locale="zh-CN", viewport={"width": 1280, "height": 720}).new_page()
    go_ready(page, server.url, user)
    return Agent(user, page)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, need_model: Callable[[str], Path]) -> Iterator[Server]:
    """A server with two agents, whom a caller is offered for a minute."""
    models, folder = need_model("whisper-base").parent, tmp_path_factory.mktemp("server")
    rules = DEFAULT_DESK.read_text(encoding="utf-8")
    assert "offer_timeout_s: 15" in rules
    (folder / "desk.yaml").write_text(rules.replace("offer_timeout_s: 15", "offer_timeout_s: 60"), encoding="utf-8")
    with serve(folder / "data", models, desk=str(folder / "desk.yaml"), agent_grace_s="60") as server:
        for user in ("lin", "hua"):
            add_account(server.data, user, "agent")
        yield server


@pytest.fixture(scope="module")
def opened(
    desk: Server, playwright: Playwright, chromium: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Floor]:
    asking = microphone_file(CALLER, tmp_path_factory.mktemp("caller"))
    answering = microphone_file(AGENT, tmp_path_factory.mktemp("agent"), channel=1)
    with (
        caller_browser(playwright, chromium, asking, again=True) as callers,
        caller_browser(playwright, chromium, answering, again=True) as agents,
    ):
        lin = enter(agents, desk, "lin")
        caller = callers.new_context(locale="zh-CN").new_page()
        caller.goto(f"{desk.url}/call")
        caller.get_by_test_id("call-button").click()
        expect(lin.get("offer")).to_be_visible(timeout=60_000)
        call = lin.get("offer").get_attribute("data-call")
        assert call
        lin.page.keyboard.press("F2")
        lin.expect_serving()
        yield Floor(desk.url, lin, enter(agents, desk, "hua"), caller, call)


@pytest.fixture
def floor(opened: Floor) -> Floor:
    """Each test begins, and ends, with lin serving the caller and hua being ready."""
    opened.lin.expect_serving()
    expect(opened.hua.get("idle")).to_be_visible(timeout=SOON)
    opened.hua.become("ready")
    return opened


@pytest.fixture(scope="module")
def axe(project: Path) -> str:
    """The source of axe-core, from the web app's own packages."""
    path = project / "agent_console" / "web" / "node_modules" / "axe-core" / "axe.min.js"
    return path.read_text(encoding="utf-8")


def examine(agent: Agent, axe: str) -> None:
    """What axe finds on the page as it stands (WCAG 2.2 AA)."""
    agent.page.evaluate(axe)
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    # What moves or fades has no contrast of its own; without motion it has.
    agent.page.emulate_media(reduced_motion="reduce")
    result = agent.page.evaluate("rules => axe.run(document, {runOnly: rules})", rules)
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in result["violations"]] == []


HUA = TransferTarget(TargetKind.AGENT, "hua")


def test_a_colleague_is_consulted_joins_all_three_and_leaves(floor: Floor, axe: str) -> None:
    lin, hua, before = floor.lin, floor.hua, len(floor.log())
    # By the keyboard alone: into the dialog, to the other tab and back, to the first colleague.
    lin.get("pass-open").focus()
    lin.page.keyboard.press("Enter")
    expect(lin.page.locator("[data-agent=hua]")).to_have_attribute("data-free", "true", timeout=SOON)
    examine(lin, axe)
    lin.get("pass-tab-agent").focus()
    lin.page.keyboard.press("ArrowRight")
    expect(lin.get("pass-tab-queue")).to_be_focused()
    expect(lin.page.locator("[data-queue=general]")).to_contain_text("马上有人接", timeout=SOON)
    lin.page.keyboard.press("ArrowLeft")
    lin.page.keyboard.press("Tab")
    expect(lin.get("pass-consult")).to_be_focused()
    lin.page.keyboard.press("Enter")
    lin.expect_passing("consult_asked")
    # Before the first word hua has read what it is about.
    expect(hua.get("asked")).to_have_attribute("data-to", "consult", timeout=SOON)
    expect(hua.get("call-view")).to_have_attribute("data-call", floor.call)
    expect(hua.page.locator("[data-final=true]", has_text="人工").first).to_be_visible(timeout=SOON)
    examine(hua, axe)
    hua.page.keyboard.press("F2")
    lin.expect_passing("talking")
    examine(lin, axe)
    expect(hua.get("guest")).to_have_attribute("data-together", "false", timeout=SOON)
    lin.hears()
    hua.hears()
    lin.get("passing-join").click()
    lin.expect_passing("conference")
    expect(hua.get("guest")).to_have_attribute("data-together", "true", timeout=SOON)
    floor.caller.wait_for_function(LOUDER_THAN, arg=0.005, timeout=60_000)
    hua.get("guest-leave").click()
    expect(lin.get("passing-failed")).to_have_attribute("data-why", "left", timeout=SOON)
    lin.get("passing-dismiss").click()
    lin.expect_serving()
    steps = floor.log()[before:]
    assert [type(one) for one in steps] == [CallHeld, ConsultStarted, ConsultAnswered, CallResumed, ConsultEnded]
    assert isinstance(steps[1], ConsultStarted)
    assert (steps[1].by, steps[1].target) == ("lin", HUA)
    assert isinstance(steps[4], ConsultEnded)
    assert steps[4].reason is ConsultEnd.LEFT


def test_who_reloads_the_page_while_consulted_is_back_in_the_conference_by_itself(floor: Floor) -> None:
    lin, hua, before = floor.lin, floor.hua, len(floor.log())
    lin.choose("agent", "hua", "consult")
    expect(hua.get("asked")).to_be_visible(timeout=SOON)
    hua.get("asked-accept").click()
    lin.expect_passing("talking")
    lin.get("passing-join").click()
    lin.expect_passing("conference")
    hua.page.reload()
    expect(hua.get("guest")).to_have_attribute("data-together", "true", timeout=SOON)
    lin.expect_passing("conference")
    hua.hears()
    lin.get("passing-back").click()
    expect(hua.get("offer-fate")).to_have_attribute("data-fate", "consult_over", timeout=SOON)
    lin.expect_serving()
    kinds = [type(one) for one in floor.log()[before:]]
    assert kinds[:4] == [CallHeld, ConsultStarted, ConsultAnswered, CallResumed]
    assert kinds[4:] == [ConsultAwaited, ConsultAnswered, ConsultEnded]


def test_who_declines_or_is_away_leaves_the_caller_where_they_are(floor: Floor) -> None:
    lin, hua, before = floor.lin, floor.hua, len(floor.log())
    lin.choose("agent", "hua", "transfer")
    lin.expect_passing("transfer_asked")
    expect(hua.get("asked")).to_have_attribute("data-to", "serve", timeout=SOON)
    hua.page.keyboard.press("F4")
    failed = lin.get("passing-failed")
    expect(failed).to_have_attribute("data-why", "declined", timeout=SOON)
    expect(failed).to_contain_text("可以换一位同事，或转到队列")
    lin.get("passing-dismiss").click()
    lin.expect_serving()
    # The list that lin looks at is older than hua's break: the server refuses, and says why.
    lin.get("pass-open").click()
    expect(lin.page.locator("[data-agent=hua]")).to_have_attribute("data-free", "true", timeout=SOON)

    def be_gone(route: Route) -> None:
        route.abort()

    lin.page.route("**/api/desk/agents", be_gone)
    hua.become("break")
    lin.page.locator("[data-agent=hua]").get_by_test_id("pass-consult").click()
    refusal = lin.get("pass-dialog").get_by_test_id("refusal")
    expect(refusal).to_have_attribute("data-code", "agent.engaged", timeout=SOON)
    expect(refusal).to_contain_text("这位同事刚刚不空闲了")
    lin.page.unroute("**/api/desk/agents", be_gone)
    expect(lin.page.locator("[data-agent=hua]")).to_have_attribute("data-free", "false", timeout=SOON)
    expect(lin.page.locator("[data-agent=hua]").get_by_test_id("pass-consult")).to_be_disabled()
    lin.page.keyboard.press("Escape")
    expect(lin.get("pass-dialog")).to_have_count(0)
    hua.become("ready")
    steps = floor.log()[before:]
    assert [type(one) for one in steps] == [TransferRequested, CallHeld, TransferFailed, CallResumed]
    assert isinstance(steps[2], TransferFailed)
    assert steps[2].code is TransferFailure.DECLINED


def test_a_colleague_gets_the_caller_after_talking_and_gives_them_back_at_once(floor: Floor) -> None:
    lin, hua, before = floor.lin, floor.hua, len(floor.log())
    lin.choose("agent", "hua", "consult")
    expect(hua.get("asked")).to_be_visible(timeout=SOON)
    hua.get("asked-accept").click()
    lin.expect_passing("talking")
    lin.get("passing-hand-over").click()
    hua.expect_serving()
    expect(lin.get("agent-phone")).to_have_count(0, timeout=SOON)
    lin.become("ready")
    hua.choose("agent", "lin", "transfer")
    expect(lin.get("asked")).to_have_attribute("data-to", "serve", timeout=SOON)
    lin.page.keyboard.press("F2")
    lin.expect_serving()
    lin.hears()
    expect(hua.get("agent-phone")).to_have_count(0, timeout=SOON)
    hua.become("ready")
    steps = floor.log()[before:]
    assert [one.agent for one in steps if isinstance(one, PartyJoined)] == ["hua", "lin"]
    assert [one.agent for one in steps if isinstance(one, PartyLeft)] == ["lin", "hua"]
    requested = [one for one in steps if isinstance(one, TransferRequested)]
    assert [(one.by, one.kind) for one in requested] == [("lin", TransferKind.ATTENDED), ("hua", TransferKind.BLIND)]
    assert sum(isinstance(one, TransferCompleted) for one in steps) == 2


def test_a_queue_takes_the_caller_and_offers_them_to_whoever_is_free(floor: Floor) -> None:
    lin, hua, before = floor.lin, floor.hua, len(floor.log())
    hua.become("break")
    lin.choose("queue", "general", "transfer")
    expect(lin.get("offer-fate")).to_have_attribute("data-fate", "passed_on", timeout=SOON)
    expect(lin.get("agent-phone")).to_have_count(0, timeout=SOON)
    expect(floor.caller.get_by_test_id("call-state")).to_have_attribute("data-state", "connected")
    lin.become("ready")
    expect(lin.get("offer")).to_have_attribute("data-call", floor.call, timeout=SOON)
    lin.get("offer-accept").click()
    lin.expect_serving()
    lin.hears()
    steps = floor.log()[before:]
    kinds = [type(one) for one in steps]
    assert kinds[:2] == [TransferRequested, CallHeld]
    assert kinds.index(TransferAccepted) < kinds.index(TransferCompleted)
    assert isinstance(steps[0], TransferRequested)
    assert steps[0].target == TransferTarget(TargetKind.QUEUE, "general")
    assert [one.agent for one in steps if isinstance(one, PartyLeft | PartyJoined)] == ["lin", "lin"]
