"""People in real browsers on one call, and what each of them heard of each other."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from tests.journeys.stage import CHROMIUM_FLAGS, PASSWORD
from voice.contracts.audio import SAMPLE_RATE, Pcm, from_s

WINDOW = SAMPLE_RATE // 2
LOUD = 0.01
"""A window of speech below this level (-40 dBFS) says nothing about likeness."""

NEAR = from_s(0.6)
"""How far a voice may have moved since its lag was learnt: buffers grow where a machine is busy."""

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

TAKE = """() => {
  const pcm = new Int16Array(window.heard.length * 128);
  window.heard.forEach((chunk, i) => pcm.set(chunk.map((x) => Math.max(-1, Math.min(1, x)) * 32767), i * 128));
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


def heard_so_far(page: Page) -> int:
    """How many samples the page has heard, 16 kHz."""
    return int(page.evaluate("() => window.heard.length * 128"))


def take_heard(page: Page) -> Pcm:
    """All that the page has heard, 16 kHz."""
    return np.frombuffer(base64.b64decode(page.evaluate(TAKE)), np.int16).astype(np.float32) * np.float32(2**-15)


def find(piece: Pcm, said: Pcm) -> tuple[float, int]:
    """The greatest normalised correlation of a piece with what was said, and where that is."""
    part, whole = piece.astype(np.float64), said.astype(np.float64)
    size = 1 << (part.size + whole.size).bit_length()
    cross = np.fft.irfft(np.conj(np.fft.rfft(part, size)) * np.fft.rfft(whole, size), size)
    sums = np.concatenate([[0.0], np.cumsum(whole**2)])
    energy = np.maximum(sums[part.size :] - sums[: -part.size], LOUD**2 * part.size)
    alike = np.abs(cross[: energy.size]) / np.sqrt(energy * (part @ part) + 1e-9)
    best = int(np.argmax(alike))
    return float(alike[best]), best


def in_speech_band(pcm: Pcm) -> Pcm:
    """Without what the codecs' high-pass filters turn in phase, and what they leave out: 150 to 3800 Hz."""
    spectrum = np.fft.rfft(pcm)
    hertz = np.fft.rfftfreq(pcm.size, 1 / SAMPLE_RATE)
    spectrum[(hertz < 150) | (hertz > 3800)] = 0
    return np.asarray(np.fft.irfft(spectrum, pcm.size), np.float32)


@dataclass(frozen=True)
class Ear:
    """What one listener heard, and where a speaker's audio lies in it."""

    heard: Pcm

    def lag(self, said: Pcm, begin: int, end: int) -> int:
        """By how much `said` lies later in what was heard, as most half seconds of [begin, end) have it."""
        starts = range(begin, end - WINDOW + 1, max(WINDOW, (end - begin) // 8))
        places = [at - find(self.heard[at : at + WINDOW], said)[1] for at in starts]
        return int(max(places, key=lambda one: sum(abs(one - other) < from_s(0.1) for other in places)))

    def likeness(self, said: Pcm, lag: int, begin: int, end: int, *, search: int = from_s(0.12)) -> float | None:
        """How alike a stretch is to what was said at that time; None where too little was said.

        The receiver's buffer stretches and squeezes time by some milliseconds, so the best place nearby counts.
        """
        at = begin - lag
        if at < search or at + (end - begin) + search > said.size:
            return None
        piece = self.heard[begin:end].astype(np.float64)
        around = said[at - search : at + (end - begin) + search].astype(np.float64)
        if np.sqrt(np.mean(said[at : at + end - begin] ** 2)) < LOUD:
            return None
        products = np.correlate(around, piece, "valid")
        sums = np.concatenate([[0.0], np.cumsum(around**2)])
        energy = sums[piece.size :] - sums[: -piece.size]
        return float((np.abs(products) / np.sqrt(energy * (piece @ piece) + 1e-9)).max())

    def windows(
        self, said: Pcm, lag: int, begin: int, end: int, size: int = WINDOW, *, search: int = from_s(0.12)
    ) -> list[float]:
        """The likeness of each window of a stretch in which something was said."""
        found = (self.likeness(said, lag, at, at + size, search=search) for at in range(begin, end - size + 1, size))
        return [one for one in found if one is not None]

    def apart(self, said: Mapping[str, Pcm], lags: Mapping[str, int], begin: int, end: int) -> dict[str, list[float]]:
        """How alike each half second is to each speaker, after those who are more alike are taken out of it.

        Matching pursuit: without it, a voice under two others would look like one that is not there. Windows in which a
        speaker says little are left out.

        Args:
            said: what each said.
            lags: whom to look for, and where about they lie.
            begin: first sample of the stretch.
            end: behind its last.
        """
        found: dict[str, list[float]] = {who: [] for who in lags}
        for at in range(begin, end - WINDOW + 1, WINDOW):
            rest = self.heard[at : at + WINDOW].astype(np.float64)
            left = {who: said[who] for who in lags}
            while left:
                places = {who: _place(rest, pcm, at - lags[who]) for who, pcm in left.items()}
                who = max(places, key=lambda one: places[one][0])
                alike, start = places[who]
                pcm = left.pop(who)
                stretch = pcm[max(0, start) : start + WINDOW]
                if stretch.size == WINDOW and np.sqrt(np.mean(stretch**2)) > 2 * LOUD:
                    found[who].append(alike)
                rest = _without(rest, pcm, start)
        return found


def _place(piece: NDArray[np.float64], said: Pcm, at: int) -> tuple[float, int]:
    """The greatest normalised correlation near a place, and where it is."""
    first = max(0, at - NEAR)
    around = said[first : max(0, at + piece.size + NEAR)].astype(np.float64)
    if around.size < piece.size:
        return 0.0, at
    size = 1 << (around.size + piece.size).bit_length()
    products = np.fft.irfft(np.fft.rfft(around, size) * np.conj(np.fft.rfft(piece, size)), size)
    sums = np.concatenate([[0.0], np.cumsum(around**2)])
    energy = np.maximum(sums[piece.size :] - sums[: -piece.size], 1e-8 * piece.size)
    alike = np.abs(products[: energy.size]) / np.sqrt(energy * (piece @ piece) + 1e-12)
    best = int(np.argmax(alike))
    return float(alike[best]), first + best


def _without(piece: NDArray[np.float64], said: Pcm, start: int, taps: int = 16) -> NDArray[np.float64]:
    """What is left of a piece when what a short filter makes of a voice is taken away."""
    starts = [at for at in range(start - taps, start + taps + 1) if 0 <= at <= said.size - piece.size]
    if not starts:
        return piece
    shifted = np.stack([said[at : at + piece.size].astype(np.float64) for at in starts], axis=1)
    powers = shifted.T @ shifted
    ridge = 1e-6 * np.trace(powers) / len(starts) + 1e-9
    rest: NDArray[np.float64] = piece - shifted @ np.linalg.solve(
        powers + ridge * np.eye(len(starts)), shifted.T @ piece
    )
    return rest
