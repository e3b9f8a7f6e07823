"""What the coach says in a real exchange, on the replay page in a real browser: real speech, the real pipeline."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, expect

from routing.events import CoachingHinted, EmotionScored, Stamped
from routing.grammar import check_log
from routing.terms import HintKind
from routing.wire import decode_line
from tests.journeys.stage import warmline
from tests.journeys.tone_script import Stage, console_at, sign_in
from voice.audio.decode import AudioFile
from voice.contracts.audio import SAMPLE_RATE, Pcm, from_s

pytestmark = [pytest.mark.browser, pytest.mark.model, pytest.mark.slow]
CALLS = Path(__file__).parents[2] / "samples" / "calls"


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Iterator[Stage]:
    with console_at(tmp_path_factory.mktemp("exchange"), project) as stage:
        yield stage


@pytest.fixture(scope="module")
def exchange(
    console: Stage, tmp_path_factory: pytest.TempPathFactory, need_model: Callable[[str], Path]
) -> list[Stamped]:
    """Two samples as one call, through the real pipeline: an upset caller, and an agent who talks over them."""
    caller, agent = heard(CALLS / "zh-tone-only" / "audio.wav", 0), heard(CALLS / "zh-stereo-exchange" / "audio.wav", 1)
    both = np.zeros((from_s(60), 2), np.float32)
    lay(both[:, 0], caller, 5.0)
    lay(both[:, 1], agent[from_s(0.3) : from_s(4.3)], 0.3)
    lay(both[:, 1], agent[from_s(24.1) : from_s(30.5)], 34.2)
    lay(both[:, 1], agent[from_s(35.0) : from_s(39.0)], 55.0)
    audio = tmp_path_factory.mktemp("exchange") / "exchange.wav"
    soundfile.write(audio, both, SAMPLE_RATE, subtype="PCM_16")
    models = need_model("whisper-base").parent
    command = warmline("replay", str(audio), "--jsonl", models=str(models), engine="whisper")
    done = subprocess.run(command, capture_output=True, check=True, timeout=250)
    log = [decode_line(line) for line in done.stdout.splitlines()]
    check_log(log)
    shutil.copyfile(audio, console.recordings / f"{log[0].call}.wav")
    console.write(*log)
    return log


def heard(audio: Path, channel: int) -> Pcm:
    with AudioFile(audio) as file:
        return np.concatenate([block[channel] for block in file.blocks()])


def lay(track: Pcm, sound: Pcm, at_s: float) -> None:
    start = from_s(at_s)
    track[start : start + len(sound)] = sound


def test_qa_shows_what_the_coach_said_in_a_real_exchange(
    browser: Browser, console: Stage, exchange: list[Stamped], tmp_path: Path
) -> None:
    context = browser.new_context(locale="zh-CN", viewport={"width": 1440, "height": 900})
    page = sign_in(context, console, "mei")
    hints = [s.event for s in exchange if isinstance(s.event, CoachingHinted)]
    assert {HintKind.RISING_FRUSTRATION, HintKind.TALKING_OVER, HintKind.LONG_SILENCE} <= {hint.kind for hint in hints}
    scores = [s.event.score for s in exchange if isinstance(s.event, EmotionScored) and s.event.score.basis != "tone"]
    page.goto(f"{console.url}/qa/{exchange[0].call}")
    expect(page.get_by_test_id("call-view")).to_have_attribute("data-last-seq", str(exchange[-1].seq))
    chart = page.get_by_test_id("emotion-chart")
    expect(chart).to_have_attribute("data-points", str(len(scores)))
    expect(chart).to_have_attribute("data-band", "true")
    expect(page.get_by_test_id("risk")).to_have_attribute("data-value", str(int(100 * scores[-1].risk + 0.5)))
    shown = page.get_by_test_id("hint")
    assert [one.get_attribute("data-kind") for one in shown.all()] == [hint.kind for hint in reversed(hints)]
    for card, hint in zip(shown.all(), reversed(hints), strict=True):
        expect(card).to_contain_text(hint.suggestion.zh)
        expect(card).to_contain_text(hint.reason.zh)
        expect(card.get_by_test_id("evidence")).to_have_count(len(hint.evidence))
    page.locator("[data-testid=hint][data-kind=talking_over]").get_by_test_id("hint-jump").click()
    evidence = next(hint for hint in hints if hint.kind is HintKind.TALKING_OVER).evidence[-1]
    expect(page.locator(f"[data-testid=segment][data-segment='{evidence}'].selected")).to_be_visible()
    expect(page.get_by_test_id("playhead")).to_be_visible()
    page.locator("[data-testid=segment][data-party=caller] button").last.click()
    expect(page.get_by_test_id("melody")).to_be_visible()
    page.screenshot(path=Path(os.environ.get("WARMLINE_TEST_SHOTS", tmp_path)) / "tone-exchange.png")
    context.close()
