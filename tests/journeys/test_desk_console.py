"""The desk in a real browser, over the real desk: presence, offer, phone, supervision, floor.

The call is scripted and the other end of the phone is inside the page, so that every state can be shown; that two
people hear each other through the server is proven by `test_agent_console.py`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from asr.types import Language
from routing.desk.commands import AcceptOffer, ConfirmBridge, EnterQueue, LeaveQueue, SetPresence
from routing.desk.terms import AgentId, Presence, QueueId
from routing.leg_events import (
    CallHeld,
    CallResumed,
    MediaMeasured,
    PartyJoined,
    PartyMuted,
    RecordingPaused,
    SupervisionStarted,
)
from routing.service_events import HandoverRequested, PriorityChanged, RouteDecided
from routing.terms import RouteTarget, SupervisionMode, Wording
from tests.journeys.stage import CHROMIUM_FLAGS
from tests.journeys.tone_script import Script, Stage, console_at, sign_in
from voice.contracts.audio import CallId, Party

pytestmark = [pytest.mark.browser, pytest.mark.slow]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SHOTS = os.environ.get("WARMLINE_TEST_SHOTS")
LOOKS = [(language, theme) for language in ("zh-CN", "en") for theme in ("light", "dark")]
"""Where nobody looks at the pictures, each language and each theme is examined once."""
FAKE_MICROPHONE = (
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--autoplay-policy=no-user-gesture-required",
)
OTHER_END = """
(() => {
  const real = window.fetch;
  window.others = [];
  const answer = async (sdp) => {
    const far = new RTCPeerConnection();
    window.others.push(far);
    const context = new AudioContext();
    const sound = context.createMediaStreamDestination();
    const tone = new OscillatorNode(context, { frequency: 330 });
    tone.connect(new GainNode(context, { gain: 0.2 })).connect(sound);
    tone.start();
    far.addTrack(sound.stream.getAudioTracks()[0], sound.stream);
    await far.setRemoteDescription({ type: "offer", sdp });
    await far.setLocalDescription(await far.createAnswer());
    await new Promise((done) => {
      const look = () => far.iceGatheringState === "complete" && done();
      far.addEventListener("icegatheringstatechange", look);
      look();
    });
    return far.localDescription.sdp;
  };
  window.fetch = async (address, options = {}) => {
    const path = new URL(address, location.href).pathname;
    if (/^\\/api\\/calls\\/[^/]+\\/legs$/.test(path)) {
      const body = JSON.stringify({ sdp: await answer(JSON.parse(options.body).sdp) });
      return new Response(body, { status: 201, headers: { "Content-Type": "application/json" } });
    }
    const acts = /^\\/api\\/calls\\/[^/]+\\/(hold|mute|recording|legs\\/mine)$/;
    if (acts.test(path)) return new Response(null, { status: 204 });
    return real(address, options);
  };
})();
"""


@pytest.fixture(scope="module")
def axe(project: Path) -> str:
    """The source of axe-core, from the web app's own packages."""
    return (project / "agent_console/web/node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def speaking(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    """A browser whose microphone beeps."""
    browser = playwright.chromium.launch(executable_path=chromium, args=[*CHROMIUM_FLAGS, *FAKE_MICROPHONE])
    yield browser
    browser.close()


@pytest.fixture(params=LOOKS if SHOTS else [LOOKS[0], LOOKS[3]], ids="-".join)
def look_at(request: pytest.FixtureRequest) -> tuple[str, Literal["light", "dark"]]:
    """Language and theme."""
    language, theme = request.param
    return language, theme


@pytest.fixture
def console(tmp_path: Path, project: Path) -> Iterator[Stage]:
    with console_at(tmp_path, project) as stage:
        yield stage


def caller(call: str, number: str) -> Script:
    """A caller who has talked to the AI, has got worse, and wants a human."""
    began = (datetime.now(UTC) - timedelta(seconds=48)).isoformat()
    one = Script(call, started_at=began, caller=number, agent=None)
    one.say(Party.BOT, 0.4, 4.0, "您好，当前由智能客服为您服务，复杂问题可随时转接人工。")
    one.say(Party.CALLER, 5.0, 9.0, "你好，我上个星期买的水壶，盖子是坏的。", (0.05, -0.05, 0.75))
    one.say(Party.BOT, 10.0, 13.0, "请问您的订单号是多少？")
    one.say(Party.CALLER, 14.0, 18.0, "四七一九。怎么还没好？我都等了半天了。", (0.42, -0.35, 0.7))
    last = one.say(Party.CALLER, 24.0, 29.0, "你们每次都要等，我要投诉，给我转人工！", (0.76, -0.7, 0.82))
    why = Wording("投诉，并且要求人工", "A complaint, and a person is asked for")
    one.add(29.6, RouteDecided(RouteTarget.HUMAN, "complaint", why, (last,), "2026.11.1"))
    one.add(29.6, PriorityChanged(0, 72, "complaint", why, (last,), "2026.11.1"))
    one.add(29.7, HandoverRequested(f"{call}.h1", why))
    return one


def queue(console: Stage, call: str, priority: int, queue: str | None = None) -> None:
    place = None if queue is None else QueueId(queue)
    console.tell_desk(EnterQueue(f"enter-{call}", CallId(call), f"{call}.h1", Language.ZH, place, priority))


def measured(party: Party, agent: str | None, loss: float, mos: float) -> MediaMeasured:
    return MediaMeasured(party, agent, loss, loss / 4, loss, 11.0, 62.0, 48.0, mos)


class Look:
    """Examines a page in one language and theme, and keeps pictures for people."""

    def __init__(self, axe: str, folder: Path, name: str) -> None:
        self.found: dict[str, Any] = {}
        self._axe, self._folder, self._name = axe, folder, name

    def at(self, page: Page, state: str) -> None:
        page.evaluate(self._axe)
        result = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
        for violation in result["violations"]:
            self.found[f"{state}: {violation['id']}"] = [node["html"][:200] for node in violation["nodes"]]
        page.screenshot(path=self._folder / f"desk-{state}-{self._name}.png")


def test_an_agents_way_through_a_call(
    console: Stage, speaking: Browser, axe: str, tmp_path: Path, look_at: tuple[str, Literal["light", "dark"]]
) -> None:
    language, theme = look_at
    context = speaking.new_context(
        locale=language, color_scheme=theme, reduced_motion="reduce", viewport={"width": 1440, "height": 900}
    )
    context.add_init_script(OTHER_END)
    page = sign_in(context, console, "lin")
    look = Look(axe, Path(SHOTS or tmp_path), f"{language}-{theme}")
    phone = page.get_by_test_id("agent-phone")

    page.goto(f"{console.url}/desk")
    expect(page.get_by_test_id("idle")).to_have_attribute("data-presence", "offline")
    look.at(page, "offline")
    page.get_by_test_id("go-ready").click()
    expect(page.get_by_test_id("presence")).to_have_attribute("data-presence", "ready")
    look.at(page, "ready")

    script = caller("first", "139 **** 2046")
    console.write(*script.log)
    page.goto(f"{console.url}/qa")
    queue(console, "first", 72)
    expect(page.get_by_test_id("offer-bar")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    look.at(page, "offer-elsewhere")
    page.goto(f"{console.url}/desk")
    expect(page.get_by_test_id("offer")).to_have_attribute("data-call", "first")
    # Before the first word: what was said, how it sounded, and why a human is wanted.
    expect(page.get_by_test_id("call-view")).to_have_attribute("data-last-seq", str(len(script.log) - 1))
    expect(page.get_by_test_id("segment")).to_have_count(5)
    expect(page).to_have_title("☎ " + ("来电请您接听" if language == "zh-CN" else "A caller for you"))
    look.at(page, "offer")

    page.keyboard.press("F2")
    expect(phone).to_have_attribute("data-state", "connected")
    script.add(48.0, PartyJoined(Party.AGENT, "lin"))
    script.say(Party.AGENT, 49.0, 52.0, "您好，我是林晓，水壶的事我来处理。")
    script.add(53.0, measured(Party.CALLER, None, 0.004, 4.3), measured(Party.AGENT, "lin", 0.062, 3.4))
    written = len(caller("first", "").log)
    console.write(*script.log[written:])
    console.tell_desk(ConfirmBridge("bridged", CallId("first"), AgentId("lin")))
    expect(page.get_by_test_id("chip-serving")).to_contain_text("lin")
    expect(page.get_by_test_id("caller-level")).to_have_attribute("data-heard", "true")
    expect(page.get_by_test_id("own-level")).to_have_attribute("data-heard", "true")
    look.at(page, "talking")

    page.keyboard.press("F8")
    expect(page.get_by_test_id("phone-mute")).to_have_attribute("data-on", "true")
    written = len(script.log)
    script.add(54.0, PartyMuted(Party.AGENT, "lin"), CallHeld("lin"), RecordingPaused("lin"))
    script.add(54.5, SupervisionStarted("mei", SupervisionMode.WHISPER))
    console.write(*script.log[written:])
    for state in ("muted", "held", "paused", "supervised"):
        expect(page.get_by_test_id(f"chip-{state}")).to_be_visible()
    expect(page.get_by_test_id("phone-hold")).to_have_attribute("data-on", "true")
    page.get_by_test_id("chip-quality").last.focus()
    look.at(page, "held")

    # A reloaded page goes back to its call by itself; one that had no audio of it offers to.
    page.reload()
    expect(phone).to_have_attribute("data-state", "connected")
    page.evaluate("sessionStorage.removeItem('warmline.on-call')")
    page.reload()
    expect(page.get_by_test_id("phone-rejoin")).to_be_visible()
    look.at(page, "apart")
    page.get_by_test_id("phone-rejoin").click()
    expect(phone).to_have_attribute("data-state", "connected")
    page.get_by_role("link", name="QA" if language == "en" else "质检").click()
    expect(page.get_by_test_id("call-bar")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    look.at(page, "elsewhere")
    page.get_by_test_id("call-bar").get_by_role("link").click()

    written = len(script.log)
    script.add(55.0, CallResumed("lin"))
    script.end(61.0)
    console.write(*script.log[written:])
    console.tell_desk(LeaveQueue("over", CallId("first")))
    expect(page.get_by_test_id("after-call")).to_be_visible()
    look.at(page, "after-call")
    page.get_by_test_id("after-call-finish").click()
    expect(page.get_by_test_id("idle")).to_have_attribute("data-presence", "ready")
    context.close()
    assert not look.found


def test_a_supervisor_watches_the_floor_and_joins_a_call(
    console: Stage, speaking: Browser, axe: str, tmp_path: Path, look_at: tuple[str, Literal["light", "dark"]]
) -> None:
    language, theme = look_at
    context = speaking.new_context(
        locale=language, color_scheme=theme, reduced_motion="reduce", viewport={"width": 1440, "height": 900}
    )
    context.add_init_script(OTHER_END)
    page = sign_in(context, console, "mei")
    look = Look(axe, Path(SHOTS or tmp_path), f"{language}-{theme}")
    for call, number, priority in (("first", "139 **** 2046", 72), ("second", "138 **** 7711", 20)):
        console.write(*caller(call, number).log)
        queue(console, call, priority, "complaints" if priority > 50 else None)
    console.tell_desk(SetPresence("ready", AgentId("lin"), Presence.READY, enrol=True))

    page.goto(f"{console.url}/floor")
    rows = page.get_by_test_id("floor-contact")
    expect(rows).to_have_count(2)
    expect(rows.first).to_have_attribute("data-call", "first")
    expect(page.get_by_test_id("floor-agent")).to_have_count(1)
    look.at(page, "floor")
    waiting = page.locator("[data-testid=floor-contact][data-state=waiting]").first
    call = waiting.get_attribute("data-call") or ""
    waiting.get_by_test_id("floor-change").click()
    page.get_by_test_id("priority-input").fill("95")
    page.get_by_test_id("reason-select").select_option("vulnerable_customer")
    look.at(page, "priority")
    page.get_by_test_id("reason-confirm").click()
    expect(page.locator(f"[data-call='{call}'] .floor-priority")).to_have_text("95")

    page.goto(f"{console.url}/?call=first")
    panel = page.get_by_test_id("supervise")
    page.get_by_test_id("supervise-listen").click()
    expect(panel).to_have_attribute("data-state", "connected")
    expect(page.get_by_test_id("caller-level")).to_have_attribute("data-heard", "true")
    # Who only listens is not asked for a microphone.
    expect(page.get_by_test_id("own-level")).to_have_count(0)
    page.get_by_test_id("supervise-whisper").click()
    expect(panel).to_have_attribute("data-mode", "whisper")
    expect(page.get_by_test_id("own-level")).to_have_attribute("data-heard", "true")
    look.at(page, "whisper")
    page.get_by_test_id("supervise-take-over").click()
    page.get_by_test_id("reason-select").select_option("other")
    page.get_by_test_id("reason-note").fill("Family of the caller asked for me")
    look.at(page, "take-over")
    page.get_by_test_id("reason-confirm").click()
    # Whoever has taken a call over serves it at the desk.
    expect(page.get_by_test_id("agent-phone")).to_have_attribute("data-state", "connected")
    expect(page.get_by_test_id("phone-hang-up")).to_be_visible()
    context.close()
    assert not look.found


def test_an_agent_without_a_microphone_is_told_and_not_made_ready(console: Stage, browser: Browser) -> None:
    context = browser.new_context(locale="en")
    page = sign_in(context, console, "lin")
    page.goto(f"{console.url}/desk")
    page.get_by_test_id("go-ready").click()
    expect(page.get_by_test_id("phone-error")).to_be_visible()
    expect(page.get_by_test_id("presence")).to_have_attribute("data-presence", "offline")
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / "desk-no-microphone-en-light.png")
    context.close()


def test_an_offer_that_is_taken_elsewhere_or_not_answered_is_explained(console: Stage, speaking: Browser) -> None:
    context = speaking.new_context(locale="en")
    one, other = sign_in(context, console, "lin"), context.new_page()
    for page in (one, other):
        page.goto(f"{console.url}/desk")
    one.get_by_test_id("go-ready").click()
    expect(other.get_by_test_id("presence")).to_have_attribute("data-presence", "ready", timeout=30_000)
    console.write(*caller("first", "139 **** 2046").log)
    queue(console, "first", 72)
    expect(one.get_by_test_id("offer")).to_be_visible()
    expect(other.get_by_test_id("offer")).to_be_visible()
    # The other tab accepts, as the desk sees it; its phone is not what this is about.
    offer = console.portal.call(lambda: console.keeper.ledger.agents[AgentId("lin")].offer)
    assert offer is not None
    console.tell_desk(AcceptOffer("elsewhere", offer, AgentId("lin"), "another console"))
    expect(one.get_by_test_id("offer-fate")).to_have_attribute("data-fate", "taken")
    expect(one.get_by_test_id("phone-rejoin")).to_be_visible()
    context.close()
