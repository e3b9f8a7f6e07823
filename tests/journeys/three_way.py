"""People in real browsers on one call, and what each of them heard of each other."""

from __future__ import annotations

import base64
import itertools
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from tests.journeys.stage import CHROMIUM_FLAGS, PASSWORD
from tests.journeys.ways import wait_until
from voice.contracts.audio import SAMPLE_RATE, Pcm

EARS = """
(() => {
  const Native = window.RTCPeerConnection;
  const worklet = `registerProcessor('ears', class extends AudioWorkletProcessor {
    process(inputs) {
      const input = inputs[0][0];
      this.port.postMessage(input ? input.slice() : new Float32Array(128));
      return true;
    }
  });`;
  window.heard = [];
  const listen = async (track) => {
    const stream = new MediaStream([track]);
    // Chromium decodes only what somebody listens to.
    window.ear = new Audio();
    window.ear.srcObject = stream;
    window.ear.muted = true;
    void window.ear.play();
    const context = new AudioContext({ sampleRate: 16000 });
    await context.audioWorklet.addModule(URL.createObjectURL(new Blob([worklet], { type: 'text/javascript' })));
    const node = new AudioWorkletNode(context, 'ears');
    node.port.onmessage = (event) => window.heard.push(event.data);
    context.createMediaStreamSource(stream).connect(node);
    node.connect(context.destination);
  };
  window.RTCPeerConnection = class extends Native {
    constructor(...parameters) {
      super(...parameters);
      window.connection = this;
      this.addEventListener('track', (event) => void listen(event.track));
    }
  };
  // What is said shall be what the file holds.
  const media = navigator.mediaDevices;
  if (media) {
    const ask = media.getUserMedia.bind(media);
    const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    media.getUserMedia = () => ask({ audio: plain });
  }
})();
"""

TAKE = """([begin, end]) => {
  const chunks = window.heard.slice(begin / 128, end === null ? undefined : end / 128);
  const pcm = new Int16Array(chunks.length * 128);
  chunks.forEach((chunk, i) => pcm.set(chunk.map((x) => Math.max(-1, Math.min(1, x)) * 32767), i * 128));
  const bytes = new Uint8Array(pcm.buffer);
  let text = '';
  for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  return btoa(text);
}"""

JOIN = """async ({ call, mode, key, voice }) => {
  const connection = new RTCPeerConnection();
  let sound;
  if (voice === null) {
    sound = await navigator.mediaDevices.getUserMedia({ audio: true });
  } else {
    const context = new AudioContext({ sampleRate: 48000 });
    const bytes = Uint8Array.from(atob(voice), (c) => c.charCodeAt(0));
    const source = new AudioBufferSourceNode(context, { buffer: await context.decodeAudioData(bytes.buffer) });
    const out = context.createMediaStreamDestination();
    source.connect(out);
    source.start();
    sound = out.stream;
  }
  for (const track of sound.getTracks()) connection.addTrack(track, sound);
  await connection.setLocalDescription();
  while (connection.iceGatheringState !== 'complete') {
    await new Promise((resolve) => connection.addEventListener('icegatheringstatechange', resolve, { once: true }));
  }
  const answer = await fetch(`/api/calls/${call}/legs`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ key, sdp: connection.localDescription.sdp, mode }),
  });
  if (answer.status !== 201) return `${answer.status} ${(await answer.json()).code}`;
  await connection.setRemoteDescription({ type: 'answer', sdp: (await answer.json()).sdp });
  while (connection.connectionState !== 'connected') {
    await new Promise((resolve) => connection.addEventListener('connectionstatechange', resolve, { once: true }));
  }
  return '201';
}"""

BUFFER = """async () => {
  for (const one of (await window.connection.getStats()).values()) if (one.type === 'inbound-rtp') return one;
}"""

ASK = """async ({ method, path, body }) => {
  const said = body === null ? {} : { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
  const answer = await fetch(path, { method, ...said });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? null : JSON.parse(text) };
}"""

_keys = itertools.count()


def new_key() -> str:
    return f"journey-{next(_keys):06}"


def make_voice(recordings: list[Path], path: Path, rate: int = 48_000) -> Pcm:
    """Real speech, one utterance after the other, as a microphone's file; answers it at 16 kHz."""
    parts = [soundfile.read(one, dtype="float32")[0] for one in recordings]
    pcm: Pcm = np.concatenate(parts).astype(np.float32)
    pcm *= np.float32(0.5 / np.abs(pcm).max())
    soundfile.write(path, soxr.resample(pcm, SAMPLE_RATE, rate), rate, subtype="PCM_16")
    return pcm


@contextmanager
def microphone_browser(playwright: Playwright, chromium: str, microphone: Path) -> Iterator[Browser]:
    """A browser whose microphone plays a file once."""
    flags = (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={microphone}%noloop",
        "--allow-loopback-in-peer-connection",
        "--disable-features=WebRtcHideLocalIpsWithMdns",
        "--autoplay-policy=no-user-gesture-required",
    )
    browser = playwright.chromium.launch(executable_path=chromium, args=[*CHROMIUM_FLAGS, *flags])
    try:
        yield browser
    finally:
        browser.close()


def with_ears(browser: Browser) -> BrowserContext:
    """A context whose pages keep what they hear."""
    context = browser.new_context(locale="zh-CN", bypass_csp=True)
    context.add_init_script(EARS)
    return context


class Colleague:
    """Somebody who is signed in, in a page of their own.

    Args:
        context: with ears.
        url: the server's.
        user: their account.
    """

    def __init__(self, context: BrowserContext, url: str, user: str) -> None:
        self.user = user
        self.url = url
        self.page: Page = context.new_page()
        self.page.goto(f"{url}/login")
        answer = self.page.request.post(f"{url}/api/session", data={"user": user, "password": PASSWORD})
        assert answer.ok, answer.text()

    def ask(self, method: str, path: str, **body: Any) -> int:
        """Do something over HTTP; answers the status."""
        request = {"method": method, "path": f"/api/{path}", "body": {"key": new_key()} | body}
        return int(self.page.evaluate(ASK, request)["status"])

    def do(self, method: str, path: str, **body: Any) -> None:
        """Do something over HTTP that has no answer."""
        status = self.ask(method, path, **body)
        assert status == 204, (path, status)

    def get(self, path: str) -> Any:
        """Read something over HTTP."""
        answer = self.page.evaluate(ASK, {"method": "GET", "path": f"/api/{path}", "body": None})
        assert answer["status"] == 200, answer
        return answer["body"]

    def join(self, call: str, mode: str, voice: Path | None = None) -> str:
        """Join a call, speaking through the microphone or with a file; answers the status, and why it was refused."""
        spoken = None if voice is None else base64.b64encode(voice.read_bytes()).decode()
        return str(self.page.evaluate(JOIN, {"call": call, "mode": mode, "key": new_key(), "voice": spoken}))


def call_in(context: BrowserContext, url: str) -> tuple[Page, str]:
    """Call from the page that callers use; answers the page and the call's id."""
    page = context.new_page()
    page.goto(f"{url}/call")
    page.get_by_test_id("call-button").click()
    expect(page.locator("[data-testid=call-state][data-state=connected]")).to_be_visible(timeout=30_000)
    call = page.get_by_test_id("call-state").get_attribute("data-call")
    assert call
    return page, call


def take_call(agent: Colleague, caller: Page, call: str) -> None:
    """The caller asks for a human, and the agent, who is ready, serves them; returns when they hear each other."""
    caller.get_by_test_id("human-key").click()
    wait_until(agent.page, lambda: agent.get("desk/reservation") is not None, 60)
    offer = agent.get("desk/reservation")
    agent.do("POST", f"desk/reservations/{offer['offer']}/accept", console="test")
    assert agent.join(call, "serve") == "201"
    wait_for(agent, call, "handover.bridged")


def wait_for(colleague: Colleague, call: str, kind: str) -> None:
    """Return when such an event is in the call's log."""

    def came() -> bool:
        return any(event["type"] == kind for event in colleague.get(f"calls/{call}/events?limit=5000")["events"])

    wait_until(colleague.page, came, 60)


@dataclass(frozen=True, slots=True)
class Buffer:
    """What a page's buffer did to what it received.

    Attributes:
        gaps: how often sound was made up, because nothing was there.
        made_up_ms: how much of it.
        stretched_ms: how much time was put in or taken out.
    """

    gaps: int
    made_up_ms: float
    stretched_ms: float

    def disturbed_since(self, before: Buffer) -> int:
        """How many half seconds that disturbs at most, each gap and each stretch, of 10 ms or more, on its own."""
        return self.gaps - before.gaps + math.ceil((self.stretched_ms - before.stretched_ms) / 10)


def buffer_of(page: Page) -> Buffer:
    """What the page's buffer has done so far, by the browser's own account."""
    told = page.evaluate(BUFFER)
    stretched = told["removedSamplesForAcceleration"] + told["insertedSamplesForDeceleration"]
    return Buffer(told["concealmentEvents"], told["concealedSamples"] / 48, stretched / 48)


def heard_so_far(page: Page) -> int:
    """How many samples the page has heard, 16 kHz."""
    return int(page.evaluate("() => window.heard.length * 128"))


def take_heard(page: Page, begin: int = 0, end: int | None = None) -> Pcm:
    """What the page has heard, 16 kHz, from one moment to another, as `heard_so_far` has them; all of it by default."""
    taken = base64.b64decode(page.evaluate(TAKE, [begin, end]))
    return np.frombuffer(taken, np.int16).astype(np.float32) * np.float32(2**-15)
