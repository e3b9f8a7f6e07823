"""A real browser's voice through a network that drops, delays and reorders: all is there, each word in its place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import anyio
import numpy as np
import pytest
import soundfile

from tests.voice.webrtc.bad_network import bad_network
from tests.voice.webrtc.browser import calling
from voice.clock import WallClock
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Pcm, to_s
from voice.contracts.statistics import LegStatistics
from voice.webrtc.answerer import WebRtcAnswerer
from voice.webrtc.ice import IceSettings
from voice.webrtc.leg import WebRtcLeg

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

LISTEN_S = 12
WINDOW = SAMPLE_RATE // 2
NEAR = SAMPLE_RATE // 100


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a browser's voice.

    Attributes:
        filled: share of the time axis for which there are frames.
        in_place: share of the windows with speech that are most like what was said within 10 ms of their right place.
        alike: mean correlation of those windows with what was said.
        numbers: of the leg.
    """

    filled: float
    in_place: float
    alike: float
    numbers: LegStatistics


@pytest.fixture(scope="module")
def voice(shared_data: Path) -> Pcm:
    """Twenty seconds of read Mandarin, each second unlike every other."""
    files = sorted((shared_data / "speech" / "aishell1-sample").glob("*.flac"))
    pcm = np.concatenate([soundfile.read(path, dtype="float32")[0] for path in files[:10]])
    return np.asarray(pcm[: 20 * SAMPLE_RATE], np.float32)


async def hear(chromium: str, folder: Path, voice: Pcm, loss: float, jitter_s: float) -> Heard:
    """Let a browser say it through such a network."""
    microphone = folder / "microphone.wav"
    soundfile.write(microphone, voice, SAMPLE_RATE, subtype="PCM_16")
    legs: list[WebRtcLeg] = []
    frames: list[AudioFrame] = []
    async with bad_network(loss, jitter_s) as network:

        async def answer(offer: str) -> str:
            ice = IceSettings(host_addresses=("127.0.0.1",))
            legs.append(await WebRtcAnswerer(ice).answer(network.offer_through(offer), WallClock()))
            return network.answer_through(legs[0].answer_sdp)

        async with calling(chromium, microphone, answer), legs[0] as leg:
            with anyio.fail_after(LISTEN_S * 3):
                async for frame in leg.source.frames():
                    frames.append(frame)
                    if to_s(frame.start) >= LISTEN_S:
                        break
            numbers = leg.statistics()
    assert network.passed > 40 * LISTEN_S
    assert network.dropped / (network.passed + network.dropped) == pytest.approx(loss, abs=0.03)
    heard = np.zeros(frames[-1].start + FRAME_SAMPLES, np.float32)
    for frame in frames:
        heard[frame.start : frame.start + FRAME_SAMPLES] = frame.pcm
    return _compared(np.tile(voice, 3), heard, len(frames) * FRAME_SAMPLES / heard.size, numbers)


def _compared(said: Pcm, heard: Pcm, filled: float, numbers: LegStatistics) -> Heard:
    # The first second is left out: the browser's own encoder and network are starting.
    begin = SAMPLE_RATE
    size = 1 << (said.size + heard.size).bit_length()
    cross = np.fft.irfft(np.fft.rfft(said, size) * np.conj(np.fft.rfft(heard[begin:], size)), size)
    at = int(np.argmax(cross[: said.size - heard.size])) - begin
    alike, near = [], []
    for start in range(begin, heard.size - WINDOW, WINDOW):
        window = said[at + start : at + start + WINDOW].astype(np.float64)
        if np.sqrt(np.mean(window**2)) < 0.01:
            continue
        low = start - SAMPLE_RATE // 20
        around = heard[low : start + WINDOW + SAMPLE_RATE // 20].astype(np.float64)
        if around.size < WINDOW + SAMPLE_RATE // 10:
            continue
        energy = np.convolve(around**2, np.ones(WINDOW), "valid")
        likeness = np.correlate(around, window, "valid") / np.sqrt(energy * (window @ window) + 1e-9)
        best = int(np.argmax(likeness))
        alike.append(float(likeness[best]))
        near.append(abs(low + best - start) <= NEAR and likeness[best] > 0.5)
    assert len(near) > 10
    return Heard(filled, float(np.mean(near)), float(np.mean(alike)), numbers)


@pytest.mark.parametrize(("loss", "jitter_s"), [(0.0, 0.0), (0.05, 0.0), (0.05, 0.06)])
async def test_all_of_a_browsers_voice_is_heard_in_its_place(
    chromium: str, tmp_path: Path, voice: Pcm, loss: float, jitter_s: float
) -> None:
    heard = await hear(chromium, tmp_path, voice, loss, jitter_s)
    numbers = heard.numbers
    assert heard.filled >= 0.97
    assert heard.in_place >= 0.97
    # Chromium's encoder filters the voice and shifts its phases; that alone costs about 0.1.
    assert heard.alike >= 0.75
    if loss:
        assert numbers.lost > 10
        # How soon the browser begins to send redundancy is its own affair.
        made_up = (numbers.recovered + numbers.concealed) / (numbers.played + numbers.recovered + numbers.concealed)
        assert made_up == pytest.approx(numbers.lost / (numbers.received + numbers.lost), abs=0.03)
    assert numbers.delay_ms <= 1000 * jitter_s + 100
