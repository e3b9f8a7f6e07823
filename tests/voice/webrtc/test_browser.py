"""A real browser calls: what it says arrives, what is played to it is heard, its hang-up is noticed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import anyio
import numpy as np
import pytest
import soundfile
from playwright.async_api import Route, async_playwright

from voice.clock import WallClock
from voice.contracts.audio import SAMPLE_RATE, AudioFrame, Pcm
from voice.contracts.ports import LegEnd
from voice.webrtc.answerer import WebRtcAnswerer
from voice.webrtc.leg import WebRtcLeg

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

CALL = """async () => {
  const connection = new RTCPeerConnection();
  window.connection = connection;
  connection.addEventListener('track', event => {
    // Chromium decodes only what somebody listens to.
    window.ear = new Audio();
    window.ear.srcObject = new MediaStream([event.track]);
    window.ear.play();
  });
  const constraints = {echoCancellation: false, noiseSuppression: false, autoGainControl: false};
  const microphone = await navigator.mediaDevices.getUserMedia({audio: constraints});
  for (const track of microphone.getTracks()) connection.addTrack(track, microphone);
  await connection.setLocalDescription();
  while (connection.iceGatheringState !== 'complete') {
    await new Promise(resolve => connection.addEventListener('icegatheringstatechange', resolve, {once: true}));
  }
  const sdp = await window.answer(connection.localDescription.sdp);
  await connection.setRemoteDescription({type: 'answer', sdp});
  while (connection.connectionState !== 'connected') {
    await new Promise(resolve => connection.addEventListener('connectionstatechange', resolve, {once: true}));
  }
}"""
HEARD = """async () => {
  for (const stats of (await window.connection.getStats()).values()) {
    if (stats.type === 'inbound-rtp') return stats.totalAudioEnergy;
  }
  return 0;
}"""


@pytest.fixture
def chromium() -> str:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine")
    return path


async def test_a_browser_calls(
    chromium: str,
    tmp_path: Path,
    tune: Pcm,
    laid_out: Callable[[list[AudioFrame]], Pcm],
    found_in: Callable[[Pcm, Pcm], tuple[int, float]],
) -> None:
    microphone = tmp_path / "microphone.wav"
    soundfile.write(microphone, np.tile(tune, 5), SAMPLE_RATE, subtype="PCM_16")
    legs: list[WebRtcLeg] = []

    async def answer(offer: str) -> str:
        legs.append(await WebRtcAnswerer().answer(offer, WallClock()))
        return legs[0].answer_sdp

    async def page_source(route: Route) -> None:
        await route.fulfill(content_type="text/html", body="<title>call</title>")

    async with async_playwright() as play:
        browser = await play.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={microphone}",
                "--autoplay-policy=no-user-gesture-required",
                "--allow-loopback-in-peer-connection",
                "--disable-features=WebRtcHideLocalIpsWithMdns",
            ],
        )
        page = await browser.new_page()
        await page.route("**/*", page_source)
        await page.goto("http://localhost/")
        await page.expose_function("answer", answer)
        with anyio.fail_after(20):
            await page.evaluate(CALL)
        frames: list[AudioFrame] = []
        async with legs[0] as leg, anyio.create_task_group() as tasks:

            async def listen() -> None:
                async for frame in leg.source.frames():
                    frames.append(frame)  # noqa: PERF401 - looked at while it grows

            tasks.start_soon(listen)
            silence = await page.evaluate(HEARD)
            leg.sink.play(tune)
            with anyio.fail_after(20):
                await leg.sink.drain()
                while not frames or frames[-1].start < 3 * tune.size:  # noqa: ASYNC110 - the leg reads at its own pace
                    await anyio.sleep(0.02)
            heard = await page.evaluate(HEARD)
            with anyio.fail_after(3):
                await page.evaluate("() => window.connection.close()")
                while leg.end_reason is None:  # noqa: ASYNC110 - a state without an event
                    await anyio.sleep(0.01)
        await browser.close()
    assert leg.end_reason is LegEnd.HUNG_UP
    assert silence < 1e-3
    assert heard > 0.01
    likeness = found_in(tune, laid_out(frames))[1]
    assert likeness > 0.8
