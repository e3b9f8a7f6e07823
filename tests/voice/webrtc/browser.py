"""A real Chromium as a caller: a page that calls, and a microphone that is a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from playwright.async_api import Page, Route, async_playwright

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


@asynccontextmanager
async def calling(chromium: str, microphone: Path, answer: Callable[[str], Awaitable[str]]) -> AsyncIterator[Page]:
    """A page that is connected with whoever answers its offer."""

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
        with anyio.fail_after(60):
            await page.evaluate(CALL)
        yield page
        await browser.close()
