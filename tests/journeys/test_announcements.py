"""What a rule announces reaches the caller of a real server: read on the page, and heard where it is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Playwright, expect

from routing.events import CallEvent
from routing.policy.file import DEFAULT_POLICY
from routing.service_events import AnnouncementMade, DecisionMade, PromptPlayed
from tests.journeys.stage import PASSWORD, Server, caller_browser, serve
from tests.journeys.test_agent_console import LOUDER_THAN
from tests.journeys.ways import log_of, wait_until
from voice.speech.prompts import Prompts

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ANNOUNCING = """\
  - id: star-busy
    when: {dtmf: "0"}
    then: {announce: {zh: 前方道路施工，可能延迟, en: Deliveries may be late}, hint: {zh: 先说明延迟, en: Explain it}}
    reason: {zh: 按 0, en: pressed 0}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose policy announces something that is recorded in Mandarin alone."""
    folder = tmp_path_factory.mktemp("announcing")
    policy, clip = folder / "policy.yaml", folder / "announcements" / "zh" / "star-busy.wav"
    policy.write_text(DEFAULT_POLICY.read_text(encoding="utf-8") + ANNOUNCING, encoding="utf-8")
    clip.parent.mkdir(parents=True)
    soundfile.write(clip, Prompts.load().clips["zh", "notice.callback_noted"], 16_000)
    with serve(folder / "data", folder, engine="fake", policy=str(policy)) as running:
        yield running


@pytest.mark.parametrize(
    ("locale", "read", "step", "spoken"),
    [
        ("zh-CN", "前方道路施工，可能延迟", "正在为您转接专业客服", True),
        ("en", "Deliveries may be late", "You are being transferred to a specialist", False),
    ],
    ids=["recorded", "in writing only"],
)
def test_the_caller_reads_and_hears_what_a_rule_announces(
    server: Server,
    locale: str,
    read: str,
    step: str,
    spoken: bool,
    playwright: Playwright,
    chromium: str,
    tmp_path: Path,
) -> None:
    silence = tmp_path / "silence.wav"
    soundfile.write(silence, np.zeros(48_000, np.float32), 48_000, subtype="PCM_16")
    with caller_browser(playwright, chromium, silence, again=True) as browser:
        page = browser.new_context(locale=locale).new_page()
        page.goto(f"{server.url}/call")
        page.get_by_test_id("call-button").click()
        state = page.get_by_test_id("call-state")
        expect(state).to_have_attribute("data-state", "connected", timeout=30_000)
        page.get_by_test_id("human-key").click()
        told = page.get_by_test_id("told")
        expect(told.get_by_text(read)).to_be_visible(timeout=30_000)
        expect(told.get_by_text(step)).to_be_visible(timeout=30_000)
        page.wait_for_function(LOUDER_THAN, arg=0.01, timeout=30_000)
        call = state.get_attribute("data-call")
        page.request.post(f"{server.url}/api/session", data={"user": "mei", "password": PASSWORD})
        wanted = "policy.star-busy" if spoken else "handover.requested"
        assert call

        def written() -> list[CallEvent]:
            return [one.event for one in log_of(page.request, server.url, call)]

        def is_played() -> bool:
            return any(isinstance(one, PromptPlayed) and one.prompt == wanted for one in written())

        wait_until(page, is_played, 60)
        log = written()
        page.get_by_test_id("call-button").click()
    made = [one for one in log if isinstance(one, AnnouncementMade)]
    assert [(one.rule, one.spoken) for one in made] == [("star-busy", spoken)]
    heard = [one.completed for one in log if isinstance(one, PromptPlayed) and one.prompt == "policy.star-busy"]
    assert heard == ([True] if spoken else [])
    (announcing,) = [one for one in log if isinstance(one, DecisionMade) and one.announce is not None]
    assert announcing.announced_by == "star-busy"
    assert [hint.zh for hint in announcing.hints] == ["先说明延迟"]
