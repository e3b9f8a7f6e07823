"""Tone on the pages, over the real server in a real browser: curve, uncertainty, gaps, risk, hints, the agents' notice.

One call is scripted, so that what the pages must show is known; one is a sample's real log, as replay wrote it.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from prosody.arousal import WEIGHTS
from prosody.curve import GAP_S
from routing.events import CallEvent, CoachingHinted, EmotionScored, EmotionShifted, ProsodyMeasured, Stamped
from routing.grammar import check_log
from routing.terms import HintKind
from routing.terms import Stage as PipelineStage
from routing.wire import decode_line
from tests.journeys.tone_script import BASIS, Script, Stage, console_at, escalation, sign_in
from voice.contracts.audio import CallId, Party

pytestmark = [pytest.mark.browser, pytest.mark.slow]
CALLS = Path(__file__).parents[2] / "samples" / "calls"
SAMPLE = CALLS / "zh-tone-only"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOKS = list(itertools.product(("zh-CN", "en"), ("light", "dark")))


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Iterator[Stage]:
    with console_at(tmp_path_factory.mktemp("tone"), project) as stage:
        yield stage


@pytest.fixture(scope="module")
def watched(console: Stage) -> Script:
    """A call that goes on, and gets worse."""
    script = escalation("rising", (datetime.now(UTC) - timedelta(seconds=62)).isoformat())
    check_log(script.log, complete=False)
    console.write(*script.log)
    return script


@pytest.fixture(scope="module")
def ended(console: Stage) -> Script:
    """The same, over."""
    script = escalation("over", started_at="2026-11-22T03:00:00+00:00")
    script.end(64.0)
    check_log(script.log)
    console.write(*script.log)
    return script


@pytest.fixture(scope="module")
def recorded(console: Stage) -> list[Stamped]:
    """A sample's call as the pipeline logged it, with its recording."""
    lines = (SAMPLE / "expected.jsonl").read_bytes().splitlines()
    log = [replace(decode_line(line), call=CallId("sample")) for line in lines]
    shutil.copyfile(SAMPLE / "audio.wav", console.recordings / "sample.wav")
    console.write(*log)
    return log


@pytest.fixture
def page(console: Stage, browser: Browser) -> Iterator[Page]:
    """A supervisor's page in Chinese, signed in."""
    context = browser.new_context(locale="zh-CN", viewport={"width": 1440, "height": 900})
    yield sign_in(context, console, "mei")
    context.close()


def watch(page: Page, console: Stage, script: Script) -> None:
    page.goto(f"{console.url}/?call={script.call}")
    expect(page.get_by_test_id("call-view")).to_have_attribute("data-last-seq", str(len(script.log) - 1))


def shift_sentence(page: Page) -> str:
    return page.get_by_test_id("emotion-sentence").text_content() or ""


def pixels(page: Page) -> str:
    """The curve as it is drawn."""
    return str(page.evaluate("document.querySelector('[data-testid=emotion-chart] canvas').toDataURL()"))


def test_the_curve_shows_uncertainty_gap_and_shift(page: Page, console: Stage, watched: Script) -> None:
    watch(page, console, watched)
    chart = page.get_by_test_id("emotion-chart")
    for name, value in (("points", "5"), ("band", "true"), ("gaps", "1"), ("stretches", "2"), ("shifts", "1")):
        expect(chart).to_have_attribute(f"data-{name}", value)
    assert "00:12 至 00:43" in (page.get_by_test_id("gap-row").text_content() or "")
    assert "激烈" in shift_sentence(page)
    rows = page.get_by_test_id("emotion-row")
    scores = {s.event.segment: s.event.score for s in watched.log if isinstance(s.event, EmotionScored)}
    for segment, score in scores.items():
        figures = f"{abs(score.curve_arousal):.2f} ± {score.curve_arousal_sd:.2f}"
        expect(rows.and_(page.locator(f"[data-segment='{segment}']"))).to_contain_text(figures)


def test_the_figures_of_every_utterance_are_read_out(page: Page, console: Stage, watched: Script) -> None:
    watch(page, console, watched)
    cursor, readout = page.get_by_test_id("emotion-cursor"), page.get_by_test_id("emotion-readout")
    expect(readout).to_have_attribute("data-segment", "7")
    cursor.focus()
    page.keyboard.press("Home")
    expect(readout).to_have_attribute("data-segment", "1")
    expect(cursor).to_have_attribute("aria-valuenow", "1")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(readout).to_have_attribute("data-segment", "4")
    said = cursor.get_attribute("aria-valuetext") or ""
    assert said.startswith("00:43、愤怒、激动程度 +0.")
    assert said.count(" ± 0.") == 2
    page.keyboard.press("Enter")
    expect(page.locator("[data-testid=segment][data-segment='4'].selected")).to_be_visible()
    box = page.locator("[data-testid=emotion-chart] .u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 2, box["y"] + 40)
    expect(readout).to_have_attribute("data-segment", "1")
    page.mouse.move(0, 0)
    expect(readout).to_have_attribute("data-segment", "4")


def test_hints_come_go_and_lead_to_the_words(page: Page, console: Stage, watched: Script) -> None:
    watch(page, console, watched)
    dock = page.get_by_test_id("hint-dock")
    hint = dock.get_by_test_id("hint")
    expect(hint).to_have_count(1)
    expect(hint).to_have_attribute("data-kind", "rising_frustration")
    expect(hint).to_contain_text("我听得出您很着急")
    expect(page.get_by_test_id("hint-mark")).to_have_count(2)
    page.get_by_test_id("hint-jump").click()
    expect(page.locator("[data-testid=segment][data-segment='7'].selected")).to_be_visible()
    page.get_by_test_id("hint-dismiss").click()
    expect(hint).to_have_count(0)
    page.reload()
    expect(page.get_by_test_id("hints-more")).to_be_visible()
    expect(hint).to_have_count(0)
    page.get_by_test_id("hints-more").click()
    expect(hint).to_have_count(2)
    page.get_by_test_id("language-toggle").click()
    expect(dock).to_contain_text("I hear how urgent this is")


def test_risk_stands_in_the_header_and_orders_the_list(page: Page, console: Stage, watched: Script) -> None:
    quiet = Script("quiet", started_at="2026-11-22T06:00:00+00:00", caller="quiet")
    quiet.say(Party.CALLER, 1, 4, "你好，我想查一下快递。", (0.1, 0.1, 0.8))
    console.write(*quiet.log)
    watch(page, console, watched)
    risk = page.get_by_test_id("risk")
    assert int(risk.get_attribute("data-value") or "0") >= 80
    page.get_by_test_id("risk-tip").focus()
    expect(risk.get_by_role("tooltip")).to_contain_text("越来越激动、心情越来越差")
    page.keyboard.press("Escape")
    expect(risk.get_by_role("tooltip")).to_be_hidden()
    items = page.locator(".calls-item.going")
    expect(items).to_have_count(2)
    page.locator("label", has=page.get_by_test_id("order-risk")).click()
    expect(items.first.get_by_test_id("risk-tag")).to_be_visible()
    expect(items.first.locator("[data-call]")).to_have_attribute("data-call", watched.call)
    page.reload()
    expect(page.get_by_test_id("order-risk")).to_be_checked()


@pytest.mark.usefixtures("recorded")
def test_agents_are_told_where_their_tone_is_measured(page: Page, console: Stage, watched: Script) -> None:
    watch(page, console, watched)
    expect(page.get_by_test_id("agent-tone-notice")).to_contain_text(BASIS)
    page.locator("[data-testid=segment][data-segment='3'] button").first.click()
    expect(page.get_by_test_id("agent-tone")).to_contain_text("+0.31")
    page.goto(f"{console.url}/qa/sample")
    expect(page.get_by_test_id("segment").first).to_be_visible()
    expect(page.get_by_test_id("agent-tone-notice")).to_have_count(0)


def test_an_utterance_tells_how_it_sounded(page: Page, console: Stage, watched: Script) -> None:
    watch(page, console, watched)
    page.locator("[data-testid=segment][data-segment='6'] button").first.click()
    voice = page.get_by_test_id("voice")
    expect(voice.locator("[data-feature=f0_median_hz]")).to_contain_text("243 Hz · 句尾上扬 2.1 个半音")
    expect(voice.locator("[data-feature=jitter_local]")).to_contain_text("频率抖动 1.4% · 振幅抖动 8.7% · 谐噪比 14 dB")
    expect(page.get_by_test_id("melody")).to_have_attribute("data-stretches", "4")


def test_streamed_and_redrawn_are_the_same_picture(page: Page, console: Stage) -> None:
    script = escalation("streamed", started_at="2026-11-22T05:00:00+00:00")
    script.end(64.0)
    begun = 9
    console.write(*script.log[:begun])
    page.goto(f"{console.url}/?call=streamed")
    view = page.get_by_test_id("call-view")
    expect(view).to_have_attribute("data-last-seq", str(begun - 1))
    for stamped in script.log[begun:]:
        console.write(stamped)
        expect(view).to_have_attribute("data-last-seq", str(stamped.seq))
    expect(page.get_by_test_id("call-status")).to_have_attribute("data-status", "ended")
    # The reader's mark is not part of the picture; the newest utterance is explained in both.
    streamed, figures = pixels(page), page.get_by_test_id("emotion-table").inner_text()
    page.reload()
    expect(view).to_have_attribute("data-last-seq", str(script.log[-1].seq))
    page.wait_for_function("drawn => document.querySelector('canvas')?.toDataURL() === drawn", arg=streamed)
    assert page.get_by_test_id("emotion-table").inner_text() == figures


def test_a_new_hint_is_announced_politely(page: Page, console: Stage) -> None:
    script = escalation("announced", started_at="2026-11-22T04:00:00+00:00")
    console.write(*script.log[:-1])
    page.goto(f"{console.url}/?call=announced")
    expect(page.get_by_test_id("call-view")).to_have_attribute("data-last-seq", str(len(script.log) - 2))
    console.write(script.log[-1])
    announcer = page.get_by_test_id("hint-announcer")
    expect(announcer).to_have_attribute("aria-live", "polite")
    expect(announcer).to_have_text("沟通提示，不满正在上升：我听得出您很着急，我现在就为您优先处理。")


def test_qa_draws_the_whole_of_a_real_log(page: Page, console: Stage, recorded: list[Stamped]) -> None:
    page.goto(f"{console.url}/qa/sample")
    expect(page.get_by_test_id("call-view")).to_have_attribute("data-last-seq", str(recorded[-1].seq))
    scored = {s.event.segment for s in recorded if isinstance(s.event, EmotionScored)}
    hints = [s.event for s in recorded if isinstance(s.event, CoachingHinted)]
    shifts = [s.event for s in recorded if isinstance(s.event, EmotionShifted)]
    chart = page.get_by_test_id("emotion-chart")
    expect(chart).to_have_attribute("data-points", str(len(scored)))
    expect(chart).to_have_attribute("data-shifts", str(len(shifts)))
    expect(page.get_by_test_id("emotion-row")).to_have_count(len(scored))
    expect(page.get_by_test_id("hint")).to_have_count(len(hints))
    page.locator("[data-testid=segment][data-segment='3'] button").first.click()
    expect(page.get_by_test_id("why")).to_contain_text("00:18")
    expect(page.get_by_test_id("voice").locator("[data-feature=f0_median_hz]")).to_contain_text("Hz")
    expect(page.get_by_test_id("playhead")).to_be_visible()


def test_qa_keeps_hints_as_a_record(page: Page, console: Stage, ended: Script) -> None:
    page.goto(f"{console.url}/qa/{ended.call}")
    expect(page.get_by_test_id("hint-list").get_by_test_id("hint")).to_have_count(2)
    expect(page.get_by_test_id("hint-dock")).to_have_count(0)
    expect(page.get_by_test_id("hint-dismiss")).to_have_count(0)
    page.get_by_test_id("hint-mark").first.click()
    expect(page.locator("[data-testid=segment][data-segment='3'].selected")).to_be_visible()


def test_a_log_from_before_is_shown_without_what_it_lacks(page: Page, console: Stage, recorded: list[Stamped]) -> None:
    old = [replace(stamped, call=CallId("old"), event=_as_before(stamped.event)) for stamped in recorded]
    console.write(*[stamped for stamped in old if not isinstance(stamped.event, CoachingHinted)])
    page.goto(f"{console.url}/qa/old")
    expect(page.get_by_test_id("call-view")).to_have_attribute("data-last-seq", str(old[-1].seq))
    expect(page.get_by_test_id("emotion-chart")).to_have_attribute("data-band", "false")
    expect(page.get_by_test_id("risk")).to_have_attribute("data-value", "")
    expect(page.get_by_test_id("melody")).to_have_count(0)
    expect(page.get_by_test_id("why")).to_contain_text("Hz")


def _as_before(event: CallEvent) -> CallEvent:
    match event:
        case EmotionScored(segment, score):
            bare = replace(score, curve_arousal_sd=1.0, curve_valence_sd=1.0, risk=0.0, models=())
            return EmotionScored(segment, bare)
        case ProsodyMeasured(segment, features):
            return ProsodyMeasured(segment, replace(features, f0_contour_hz=()))
        case _:
            return event


def test_the_pages_know_what_the_pipeline_knows(project: Path) -> None:
    source = project / "agent_console" / "web" / "src"
    shape = (source / "callview" / "curveShape.ts").read_text(encoding="utf-8")
    found = re.search(r"GAP_MS = ([0-9_]+);", shape)
    assert found is not None
    assert int(found[1].replace("_", "")) == 1000 * GAP_S
    for language in ("zh", "en"):
        words = (source / "i18n" / f"{language}.ts").read_text(encoding="utf-8")
        names = {*WEIGHTS, "raised_voice", "words", *HintKind, *PipelineStage}
        assert [name for name in sorted(names) if f" {name}: " not in words] == []


@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_axe_finds_nothing(
    console: Stage,
    watched: Script,
    ended: Script,
    browser: Browser,
    project: Path,
    tmp_path: Path,
    language: str,
    theme: Literal["light", "dark"],
) -> None:
    axe = (project / "agent_console" / "web" / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    shots = Path(os.environ.get("WARMLINE_TEST_SHOTS", tmp_path))
    found: dict[str, Any] = {}
    for width, height in ((1440, 900), (1024, 768)):
        # Without motion: a hint that is fading in has no contrast yet.
        context = browser.new_context(
            locale=language,
            color_scheme=theme,
            reduced_motion="reduce",
            viewport={"width": width, "height": height},
        )
        page = sign_in(context, console, "mei")

        def examine(name: str, page: Page = page, size: int = width) -> None:
            page.evaluate(axe)
            result = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
            for violation in result["violations"]:
                found[f"{name}-{size}: {violation['id']}"] = [node["html"][:200] for node in violation["nodes"]]
            page.screenshot(path=shots / f"tone-{name}-{language}-{theme}-{size}.png")

        watch(page, console, watched)
        page.get_by_test_id("hints-more").click()
        page.get_by_test_id("risk-tip").focus()
        examine("live")
        page.goto(f"{console.url}/qa/{ended.call}")
        expect(page.get_by_test_id("hint")).to_have_count(2)
        page.locator("[aria-controls]").first.click()
        examine("replay")
        context.close()
    assert not found
