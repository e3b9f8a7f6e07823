"""A caller over a telephone line asks to be called back; an agent's page shows and lets hear how that goes."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import soundfile
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Locator, Page, Playwright, expect

from routing.callback_events import CallbackAnswered, CallbackDialled, CallbackFailed, CallbackRequested
from routing.events import CallEnded, CallEvent, CallStarted, Stamped
from routing.grammar import check_log
from routing.service_events import HandoverBridged
from routing.terms import Direction, TransferFailure
from routing.wire import decode
from tests.journeys.pages import sign_in
from tests.journeys.stage import add_account, caller_browser, microphone_file, serve
from tests.programs import free_ports
from tests.voice.sip.baresip import run_baresip
from voice.contracts.audio import CallId

pytestmark = [pytest.mark.browser, pytest.mark.slow]
CALLS = Path(__file__).parents[2] / "samples" / "calls"
CALLER, AGENT = CALLS / "zh-complaint-words" / "audio.wav", CALLS / "zh-human-16k" / "audio.wav"
NUMBER = "13800138000"
LANGUAGE = "zh-CN"
WISH = CallbackRequested(f"tel:{NUMBER}")
SOON = 60_000
"""Milliseconds: on a busy machine everything takes its time."""

AGAIN_MS = 500

TRUNKS = """
trunks:
  office: {from: [127.0.0.0/8], language: zh, gateway: "127.0.0.1:PORT", dials: ["138"]}
"""
DESK = """
version: 2026.11.1
title: {zh: 测试, en: Test}
default_queue: general
queues:
  general:
    title: {zh: 综合服务, en: General}
    offer_timeout_s: 60
    reoffer_after_s: 1
    callback: {above_s: 0, attempts: 3, retry_s: 3, ring_s: 60}
"""


@dataclass
class Desk:
    """The agent's page."""

    page: Page
    url: str

    def get(self, test_id: str) -> Locator:
        return self.page.get_by_test_id(test_id)

    def calls(self) -> list[str]:
        """All calls, the oldest first."""
        listed = self.page.request.get(f"{self.url}/api/calls").json()["calls"]
        return sorted(one["call"] for one in listed)

    def log(self, call: str) -> list[Stamped]:
        answer = self.page.request.get(f"{self.url}/api/calls/{call}/events?limit=5000")
        return [decode(event) for event in answer.json()["events"]]

    def says(self, call: str, kind: type[CallEvent]) -> bool:
        """Whether the log of a call holds such an event."""
        return any(isinstance(one.event, kind) for one in self.log(call))

    def until(self, holds: Callable[[], bool], meanwhile: Callable[[], None] = lambda: None) -> None:
        """Look until something holds; do something each time that it does not."""
        for _ in range(SOON // AGAIN_MS):
            if holds():
                return
            meanwhile()
            self.page.wait_for_timeout(AGAIN_MS)
        raise AssertionError("it never came about")

    def show(self, name: str) -> None:
        """Keep a picture, where `SCREENSHOTS` names a folder for them."""
        if folder := os.environ.get("SCREENSHOTS"):
            self.page.screenshot(path=f"{folder}/{name}.png")


def test_the_agent_sees_and_hears_how_a_caller_is_called_back(
    playwright: Playwright, chromium: str, tmp_path: Path
) -> None:
    (folder := tmp_path / "phone").mkdir()
    spoken, (port,) = tmp_path / "spoken.wav", free_ports(1)
    pcm, rate = soundfile.read(CALLER, dtype="int16")
    soundfile.write(spoken, pcm, rate, subtype="PCM_16")
    (tmp_path / "desk.yaml").write_text(DESK, encoding="utf-8")
    with (
        run_baresip(folder, spoken, user=NUMBER) as phone,
        start_blocking_portal() as portal,
        caller_browser(playwright, chromium, microphone_file(AGENT, tmp_path), again=True) as browser,
    ):
        (tmp_path / "trunks.yaml").write_text(TRUNKS.replace("PORT", str(phone.sip)), encoding="utf-8")
        files = {"trunks": str(tmp_path / "trunks.yaml"), "desk": str(tmp_path / "desk.yaml")}
        with serve(tmp_path / "data", tmp_path, engine="fake", sip=f"127.0.0.1:{port}", **files) as server:
            add_account(server.data, "lin", "agent")
            page = browser.new_context(locale=LANGUAGE, viewport={"width": 1280, "height": 720}).new_page()
            desk = Desk(page, server.url)

            def press(name: str, parameters: str = "", until: str = "") -> None:
                portal.call(lambda: phone.command((name, parameters), until=until, seconds=60))

            sign_in(page, server.url, "lin", "/desk")
            expect(desk.get("go-ready")).to_be_visible(timeout=SOON)

            press("dial", f"sip:4008001234@127.0.0.1:{port}", until="CALL_ESTABLISHED")
            press("sndcode", "0")
            desk.until(lambda: bool(desk.calls()))
            (asked,) = desk.calls()
            # The key means nothing before they were told that they may be called back.
            desk.until(lambda: desk.says(asked, CallbackRequested), meanwhile=lambda: press("sndcode", "*"))
            press("hangup")
            desk.until(lambda: desk.says(asked, CallEnded))

            desk.get("go-ready").click()
            accept(desk, "offered")
            expect(desk.get("calling-back-level")).to_have_attribute("data-heard", "true", timeout=SOON)
            desk.show("rings")
            press("hangup")  # they do not want to speak now
            expect(desk.get("callback-missed")).to_have_attribute("data-code", "busy", timeout=SOON)
            desk.show("missed")

            accept(desk, "offered-again")
            expect(desk.get("calling-back-level")).to_have_attribute("data-heard", "true", timeout=SOON)
            desk.show("rings-again")
            press("accept", until="CALL_ESTABLISHED")
            expect(desk.get("agent-phone")).to_have_attribute("data-state", "connected", timeout=SOON)
            expect(desk.get("chip-serving")).to_contain_text("lin", timeout=SOON)
            expect(desk.get("calling-back")).to_have_count(0)
            expect(desk.get("caller-level")).to_have_attribute("data-heard", "true", timeout=SOON)
            desk.show("served")
            desk.get("callback-of").get_by_role("link").click()
            expect(desk.get("call-view")).to_have_attribute("data-call", asked, timeout=SOON)
            desk.page.go_back()
            expect(desk.get("agent-phone")).to_have_attribute("data-state", "connected", timeout=SOON)
            press("hangup")
            expect(desk.get("agent-phone")).to_have_count(0, timeout=SOON)
            desk.show("after")
            by = desk.calls()[-1]
            desk.until(lambda: desk.says(by, CallEnded))
            logs = desk.log(asked), desk.log(by)
    for log in logs:
        check_log(log)
    before, after = ([one.event for one in log] for log in logs)
    kinds = (CallbackRequested, CallbackDialled, CallbackFailed, CallbackAnswered)
    assert [one for one in before if isinstance(one, kinds)] == [
        WISH,
        CallbackDialled("lin", 1),
        CallbackFailed("lin", TransferFailure.BUSY, given_up=False),
        CallbackDialled("lin", 2),
        CallbackAnswered("lin", CallId(by)),
    ]
    started = next(one for one in after if isinstance(one, CallStarted))
    assert (started.direction, started.caller) == (Direction.OUTBOUND, NUMBER)
    assert any(isinstance(one, HandoverBridged) for one in after)


def accept(desk: Desk, name: str) -> None:
    """The agent is offered the caller who waits for a call, and accepts."""
    expect(desk.get("offer-callback")).to_be_visible(timeout=SOON)
    desk.show(name)
    desk.page.keyboard.press("F2")
    expect(desk.get("calling-back")).to_be_visible(timeout=SOON)
