"""A real browser plays and seeks a recording in every format, by ranges, as the QA page asks for it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from playwright.async_api import async_playwright

from voice.contracts.audio import SAMPLE_RATE, Party, on_16_bit_grid
from voice.contracts.recording import RecordingFormat
from voice.recording import StereoRecorder

if TYPE_CHECKING:
    from tests.agent_console.conftest import Rig

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

SECONDS = 60
PLAY = """async (address) => {
  const audio = new Audio(address);
  audio.preload = 'metadata';
  const happens = (what) => new Promise((done, fail) => {
    audio.addEventListener(what, done, {once: true});
    audio.addEventListener('error', () => fail(new Error(audio.error.message)), {once: true});
  });
  await happens('loadedmetadata');
  const duration = audio.duration;
  audio.currentTime = 45;
  await happens('seeked');
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaElementSource(audio).connect(analyser);
  await audio.play();
  while (audio.currentTime < 45.5) await happens('timeupdate');
  const wave = new Float32Array(analyser.fftSize);
  analyser.getFloatTimeDomainData(wave);
  audio.pause();
  return {duration, at: audio.currentTime, loud: Math.max(...wave)};
}"""


@pytest.fixture
def chromium() -> str:
    """The path of an installed Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine")
    return path


@pytest.mark.parametrize("kind", RecordingFormat)
async def test_a_browser_plays_and_seeks(rig: Rig, chromium: str, kind: RecordingFormat) -> None:
    """Silence until the 40th second, a tone after it: a seek that lands elsewhere would be heard."""
    moment = np.arange(SECONDS * SAMPLE_RATE) / SAMPLE_RATE
    tone = on_16_bit_grid(np.where(moment < 40, 0, 0.5 * np.sin(2 * np.pi * 440 * moment)).astype(np.float32))
    with StereoRecorder(rig.recordings / f"w{kind.suffix}") as recorder:
        for start in range(0, tone.size, SAMPLE_RATE):
            recorder.write(Party.CALLER, start, tone[start : start + SAMPLE_RATE])
            recorder.write(Party.AGENT, start, tone[start : start + SAMPLE_RATE])
            recorder.flush()
    await rig.sign_in()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        )
        context = await browser.new_context()
        cookies = [{"name": name, "value": value, "url": rig.url} for name, value in rig.client.cookies.items()]
        await context.add_cookies(cookies)  # type: ignore[arg-type]  # its own dictionary type, total=False
        page = await context.new_page()
        await page.goto(rig.url)
        heard = await page.evaluate(PLAY, f"{rig.url}/api/calls/w/recording")
        await browser.close()
    assert heard["duration"] == pytest.approx(SECONDS, abs=0.05)
    assert 45.5 <= heard["at"] < 48
    assert heard["loud"] > 0.3
