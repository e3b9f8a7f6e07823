"""Who hears whom, how loud and without clicks, whatever the legs: browsers and telephones, media streams, mixed."""

from __future__ import annotations

import json
from base64 import b64decode
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

import numpy as np
import pytest

from voice.audio.g711 import decode_ulaw
from voice.audio.line import LineUpsampler
from voice.audio.resampling import to_float
from voice.bridge import Bridge, Participant, Prompt, Standing
from voice.clock import ManualClock
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, Pcm, Samples, from_ms, from_s
from voice.contracts.ports import AudioSink
from voice.playout import Playout
from voice.stream.leg import StreamSink

PITCHES: Final = {"caller": 425.0, "agent": 650.0, "boss": 925.0, "expert": 1275.0}
LEVEL: Final = 0.15
STEP: Final = 2 * np.pi * max(PITCHES.values()) / SAMPLE_RATE * LEVEL * 3
"""No three voices together move further from one sample to the next."""


class Ear(Protocol):
    """A leg's sink, and what comes out at the other end."""

    @property
    def sink(self) -> AudioSink: ...

    def listen(self) -> Pcm:
        """The next 20 ms."""
        ...


class PlayoutEar:
    """Browsers and telephones take from a `Playout`."""

    def __init__(self, _clock: ManualClock) -> None:
        self.sink = Playout()

    def listen(self) -> Pcm:
        return self.sink.take(FRAME_SAMPLES)


class StreamEar:
    """A provider, who plays what it is sent, one message every 20 ms; silence where nothing waits."""

    def __init__(self, clock: ManualClock) -> None:
        self.sink = StreamSink("MZ1", clock)
        self._upsampler = LineUpsampler()
        self._waiting: deque[Pcm] = deque()

    def listen(self) -> Pcm:
        self.sink.send_due()
        while self.sink.texts.statistics().current_buffer_used:
            message = json.loads(self.sink.texts.receive_nowait())
            if message["event"] == "clear":
                self._waiting.clear()
            else:
                self._waiting.append(to_float(decode_ulaw(b64decode(message["media"]["payload"]))))
        silence = np.zeros(FRAME_SAMPLES // 2, np.float32)
        return self._upsampler.feed(self._waiting.popleft() if self._waiting else silence)


KINDS: Final[dict[str, Callable[[ManualClock], Ear]]] = {"playout": PlayoutEar, "stream": StreamEar}
MIXES: Final = {
    "all take from a playout": dict.fromkeys(PITCHES, "playout"),
    "all are media streams": dict.fromkeys(PITCHES, "stream"),
    "the caller is a media stream": {**dict.fromkeys(PITCHES, "playout"), "caller": "stream"},
}


class Stage:
    """People on one bridge, each speaking at a pitch, at a common pace."""

    def __init__(self, kinds: dict[str, str]) -> None:
        self.clock = ManualClock()
        self.bridge = Bridge()
        self.ears = {who: KINDS[kind](self.clock) for who, kind in kinds.items()}
        self._at: Samples = 0

    def join(self, who: str, standing: Standing) -> None:
        self.bridge.join(Participant(who, standing), self.ears[who].sink)

    def talk(self, seconds: float) -> dict[str, Pcm]:
        """Let everybody on the bridge speak; answers what each hears."""
        heard: dict[str, list[Pcm]] = {who: [] for who in self.ears}
        for _ in range(from_s(seconds) // FRAME_SAMPLES):
            time = (self._at + np.arange(FRAME_SAMPLES)) / SAMPLE_RATE
            for who in self.bridge.state.participants:
                self.bridge.hear(who, np.asarray(LEVEL * np.sin(2 * np.pi * PITCHES[who] * time), np.float32))
            for who, ear in self.ears.items():
                heard[who].append(ear.listen())
            self.clock.advance(FRAME_SAMPLES / SAMPLE_RATE)
            self._at += FRAME_SAMPLES
        return {who: np.concatenate(pieces) for who, pieces in heard.items()}


def levels(pcm: Pcm) -> dict[str, float]:
    """The amplitude of each voice over the last 0.4 s, in which all pitches make whole waves."""
    last = pcm[-from_s(0.4) :]
    time = np.arange(last.size) / SAMPLE_RATE
    return {who: 2 * abs(np.mean(last * np.exp(-2j * np.pi * hertz * time))) for who, hertz in PITCHES.items()}


def who_is_in(pcm: Pcm) -> set[str]:
    return {who for who, level in levels(pcm).items() if level > 0.02 * LEVEL}


@contextmanager
def on_stage(mix: str) -> Iterator[Stage]:
    stage = Stage(MIXES[mix])
    try:
        yield stage
    finally:
        for ear in stage.ears.values():
            if isinstance(ear, StreamEar):
                ear.sink.close()
                ear.sink.texts.close()


@pytest.mark.parametrize("mix", MIXES)
def test_nobody_hears_themselves_and_everybody_whom_they_should_at_the_level_spoken(mix: str) -> None:
    with on_stage(mix) as stage:
        stage.join("caller", Standing.CALLER)
        stage.join("agent", Standing.AGENT)
        stage.join("boss", Standing.WHISPER)
        heard = stage.talk(1.5)
        assert who_is_in(heard["caller"]) == {"agent"}
        assert who_is_in(heard["agent"]) == {"caller", "boss"}
        assert who_is_in(heard["boss"]) == {"caller", "agent"}
        stage.join("expert", Standing.EXPERT)
        stage.bridge.change("boss", standing=Standing.BARGE)
        heard = stage.talk(1.5)
        for who in PITCHES:
            others = PITCHES.keys() - {who}
            assert who_is_in(heard[who]) == others
            assert [levels(heard[who])[other] for other in others] == pytest.approx([LEVEL] * 3, rel=0.06)
        stage.bridge.hold(True)
        heard = stage.talk(1.0)
        assert who_is_in(heard["caller"]) == set()
        assert who_is_in(heard["expert"]) == {"agent", "boss"}


@pytest.mark.parametrize("mix", MIXES)
def test_people_come_and_go_without_a_click(mix: str) -> None:
    with on_stage(mix) as stage:
        stage.join("caller", Standing.CALLER)
        stage.join("agent", Standing.AGENT)
        heard = [stage.talk(0.5)["caller"]]
        for _ in range(3):
            stage.join("boss", Standing.BARGE)
            heard.append(stage.talk(0.3)["caller"])
            stage.bridge.leave("boss")
            heard.append(stage.talk(0.26)["caller"])
        steps = np.abs(np.diff(np.concatenate(heard)))
        # Mu-law's own steps, at this level up to 0.008, come on top.
        assert steps.max() < STEP + (0.02 if MIXES[mix]["caller"] == "stream" else 0.002)


@pytest.mark.parametrize("mix", MIXES)
def test_from_a_prompt_to_a_human_there_is_no_gap_of_200_ms(mix: str) -> None:
    with on_stage(mix) as stage:
        stage.join("caller", Standing.CALLER)
        time = np.arange(from_s(5)) / SAMPLE_RATE
        stage.bridge.prompt(Prompt.ORDINARY)
        stage.ears["caller"].sink.play(np.asarray(0.2 * np.sin(2 * np.pi * 1750 * time), np.float32))
        before = stage.talk(1.0)["caller"]
        # As a human who comes cuts the prompt: they join, it is dropped, the caller hears them.
        stage.join("agent", Standing.AGENT)
        stage.ears["caller"].sink.clear()
        stage.bridge.prompt(Prompt.NONE)
        after = stage.talk(1.0)["caller"]
        heard = np.concatenate([before[-from_s(0.2) :], after])
        loud = np.flatnonzero(np.abs(heard) > 0.02)
        assert np.diff(loud).max() < from_ms(200)
        assert who_is_in(after) == {"agent"}
