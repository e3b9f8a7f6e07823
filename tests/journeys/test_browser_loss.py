"""A real browser's voice through a network that drops, delays and reorders: all of it, in its place, in time, in words.

One caller after the other would take as long again, so three call at once, each through a network of their own, and all
say the same. A machine that others keep busy is a bad network, too: of some hearings one has to be as it should.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import numpy as np
import pytest
import soundfile

from asr.evaluation import Reference, evaluate
from asr.ports import Recognizer
from asr.types import Language
from asr.whisper import load_whisper
from tests.voice.webrtc.bad_network import bad_network
from tests.voice.webrtc.browser import calling
from voice.clock import WallClock
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Pcm, from_s, to_s
from voice.contracts.statistics import LegStatistics
from voice.webrtc.answerer import WebRtcAnswerer
from voice.webrtc.ice import IceSettings
from voice.webrtc.leg import WebRtcLeg

pytestmark = [pytest.mark.browser, pytest.mark.model, pytest.mark.slow]

Network = tuple[float, float]
NETWORKS: tuple[Network, ...] = ((0.0, 0.0), (0.05, 0.0), (0.05, 0.06))
"""Share of the packets that is lost, and the longest delay, seconds, which is each packet's own: they overtake."""

LISTEN_S = 45
MOST_HEARINGS = 3
WINDOW = SAMPLE_RATE // 2
NEAR = SAMPLE_RATE // 100
PAUSE = from_s(0.6)


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a browser's voice.

    Attributes:
        filled: share of the time axis for which there are frames.
        in_place: share of the windows with speech that are most like what was said within 10 ms of their right place.
        alike: mean correlation of those windows with what was said.
        errors: share of the characters that are recognized wrongly.
        numbers: of the leg.
    """

    filled: float
    in_place: float
    alike: float
    errors: float
    numbers: LegStatistics

    def misses(self, network: Network, clean: float) -> list[str]:
        """What of the requirements (V1) it does not meet, with the figures."""
        _, jitter_s = network
        found = {
            "filled": self.filled >= 0.97,
            "in_place": self.in_place >= 0.97,
            # Chromium's encoder filters the voice and shifts its phases; that alone costs about 0.1.
            "alike": self.alike >= 0.75,
            "errors": self.errors <= clean + 0.03,
            "delay": self.numbers.delay_ms <= 1000 * jitter_s + 100,
        }
        return [f"{name}: {self}" for name, is_met in found.items() if not is_met]


@pytest.fixture(scope="module")
def said(shared_data: Path) -> list[Reference]:
    """Long utterances of read Mandarin, by two speakers."""
    folder = shared_data / "speech" / "aishell1-sample"
    lines = [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    return [
        Reference(line["audio"], soundfile.read(folder / line["audio"], dtype="float32")[0], line["text"], Language.ZH)
        for line in [line for line in lines if len(line["text"]) >= 16][::3]
    ]


@pytest.fixture(scope="module")
def hearings(
    chromium: str,
    need_model: Callable[[str], Path],
    said: list[Reference],
    tmp_path_factory: pytest.TempPathFactory,
) -> list[dict[Network, Heard]]:
    """What was heard over each network; of each hearing."""
    recognizer = load_whisper(need_model("whisper-base"), threads=1)
    silence = np.zeros(PAUSE, np.float32)
    voice = np.concatenate([silence, silence, *(part for each in said for part in (each.pcm, silence))])
    microphone = tmp_path_factory.mktemp("loss") / "microphone.wav"
    soundfile.write(microphone, voice, SAMPLE_RATE, subtype="PCM_16")
    done: list[dict[Network, Heard]] = []
    for _ in range(MOST_HEARINGS):
        came = anyio.run(hear_all, chromium, microphone)
        done.append({one: compare(voice, said, recognizer, *came[one]) for one in NETWORKS})
        clean = done[-1][NETWORKS[0]].errors
        if not any(heard.misses(one, clean) for one, heard in done[-1].items()):
            break
    return done


async def hear_all(chromium: str, microphone: Path) -> dict[Network, tuple[list[AudioFrame], LegStatistics]]:
    """Let a browser say it through each network, at the same time."""
    came: dict[Network, tuple[list[AudioFrame], LegStatistics]] = {}

    async def hear_over(one: Network) -> None:
        came[one] = await hear(chromium, microphone, *one)

    async with anyio.create_task_group() as tasks:
        for one in NETWORKS:
            tasks.start_soon(hear_over, one)
    return came


async def hear(chromium: str, microphone: Path, loss: float, jitter_s: float) -> tuple[list[AudioFrame], LegStatistics]:
    """Let a browser say it through such a network."""
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
    return frames, numbers


def compare(
    voice: Pcm, said: Sequence[Reference], recognizer: Recognizer, frames: list[AudioFrame], numbers: LegStatistics
) -> Heard:
    """Hold what was heard against what was said, twice over: the microphone begins anew where it ends."""
    heard = np.zeros(frames[-1].start + FRAME_SAMPLES, np.float32)
    for frame in frames:
        heard[frame.start : frame.start + FRAME_SAMPLES] = frame.pcm
    filled = len(frames) * FRAME_SAMPLES / heard.size
    whole = np.tile(voice, 3)
    # The first second is left out: the browser's own encoder and network are starting.
    begin = SAMPLE_RATE
    size = 1 << (whole.size + heard.size).bit_length()
    cross = np.fft.irfft(np.fft.rfft(whole, size) * np.conj(np.fft.rfft(heard[begin:], size)), size)
    at = int(np.argmax(cross[: whole.size - heard.size])) % voice.size - begin  # each time it is said is as good
    alike, near = _windows(whole, heard, at, begin)
    assert len(near) > 30
    scored = [one.edits for one in evaluate(recognizer, _utterances(voice, said, heard, at)).utterances]
    # Whisper runs in circles now and then, whatever it hears: an utterance is wrong at most as a whole.
    errors = sum(min(one.errors, one.length) for one in scored) / sum(one.length for one in scored)
    return Heard(filled, float(np.mean(near)), float(np.mean(alike)), errors, numbers)


def _windows(said: Pcm, heard: Pcm, at: int, begin: int) -> tuple[list[float], list[bool]]:
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
    return alike, near


def _utterances(voice: Pcm, said: Sequence[Reference], heard: Pcm, at: int) -> list[Reference]:
    """What was heard of each utterance; the same ones of every caller, because all begin at the beginning."""
    found, place = [], 2 * PAUSE
    for each in said:
        first = place - at - PAUSE // 2
        last = first + each.pcm.size + PAUSE
        if first >= SAMPLE_RATE // 2 and last <= from_s(LISTEN_S):
            found.append(replace(each, pcm=heard[first:last]))
        place += each.pcm.size + PAUSE
    assert voice.size == place
    return found


@pytest.mark.parametrize("network", NETWORKS)
def test_all_of_a_browsers_voice_is_heard_in_its_place_in_time_and_in_words(
    hearings: list[dict[Network, Heard]], network: Network, record_testsuite_property: Callable[[str, object], None]
) -> None:
    # --junitxml shows the figures.
    record_testsuite_property(f"heard {network}", [str(hearing[network]) for hearing in hearings])
    missed = [hearing[network].misses(network, hearing[NETWORKS[0]].errors) for hearing in hearings]
    assert [] in missed, missed


@pytest.mark.parametrize("network", NETWORKS[1:])
def test_what_was_lost_is_made_up(hearings: list[dict[Network, Heard]], network: Network) -> None:
    numbers = hearings[-1][network].numbers
    assert numbers.lost > 10
    # How soon the browser begins to send redundancy is its own affair.
    made_up = (numbers.recovered + numbers.concealed) / (numbers.played + numbers.recovered + numbers.concealed)
    assert made_up == pytest.approx(numbers.lost / (numbers.received + numbers.lost), abs=0.03)
