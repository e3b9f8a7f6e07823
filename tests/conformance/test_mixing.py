"""Who hears whom, how loud and without clicks, whatever the legs: browsers and telephones, media streams, mixed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.conformance.far_ends import FAR_ENDS, Stream
from voice.bridge import Bridge, Participant, Prompt, Standing
from voice.clock import ManualClock
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, Pcm, Samples, from_ms, from_s

PITCHES: Final = {"caller": 425.0, "agent": 650.0, "boss": 925.0, "expert": 1275.0}
LEVEL: Final = 0.12
SYLLABLES_S: Final = 5.0
"""Voices swell this often: a tone that does not is background to Opus, which stops sending it."""

DEPTH: Final = 0.9
STEP: Final = 2 * np.pi * (PITCHES["agent"] + PITCHES["boss"]) / SAMPLE_RATE * LEVEL * (1 + DEPTH)
"""No further move two voices from one sample to the next."""

CODEC_STEP: Final = {"direct": 0.002, "browser": 0.02, "telephone": 0.02, "wide telephone": 0.02, "stream": 0.02}
"""What codecs put on top: G.711's own steps, at this level up to 0.008, and what Opus and G.722 ring."""

MIXES: Final = {
    **{f"all are {kind}": dict.fromkeys(PITCHES, kind) for kind in FAR_ENDS},
    "a telephone calls browsers": {**dict.fromkeys(PITCHES, "browser"), "caller": "telephone"},
    "a stream calls browsers": {**dict.fromkeys(PITCHES, "browser"), "caller": "stream"},
    "an agent's telephone serves a browser": {**dict.fromkeys(PITCHES, "browser"), "agent": "wide telephone"},
}


class Stage:
    """People on one bridge, each speaking at a pitch, at a common pace."""

    def __init__(self, kinds: dict[str, str]) -> None:
        self.clock = ManualClock()
        self.bridge = Bridge()
        self.people = {who: FAR_ENDS[kind](self.clock) for who, kind in kinds.items()}
        self._at: Samples = 0

    def join(self, who: str, standing: Standing) -> None:
        self.bridge.join(Participant(who, standing), self.people[who].sink)

    def talk(self, seconds: float) -> dict[str, Pcm]:
        """Let everybody speak, on the bridge or not; answers what each hears."""
        heard: dict[str, list[Pcm]] = {who: [] for who in self.people}
        for _ in range(from_s(seconds) // FRAME_SAMPLES):
            time = (self._at + np.arange(FRAME_SAMPLES)) / SAMPLE_RATE
            for who, person in self.people.items():
                for pcm in person.say(voice(PITCHES[who], time)):
                    self.bridge.hear(who, pcm)
            for who, person in self.people.items():
                heard[who].append(person.listen())
            self.clock.advance(FRAME_SAMPLES / SAMPLE_RATE)
            self._at += FRAME_SAMPLES
        return {who: np.concatenate(pieces) for who, pieces in heard.items()}


def voice(hertz: float, time: NDArray[np.float64]) -> Pcm:
    swell = 1 + DEPTH * np.sin(2 * np.pi * SYLLABLES_S * time)
    return np.asarray(LEVEL * swell * np.sin(2 * np.pi * hertz * time), np.float32)


def levels(pcm: Pcm) -> dict[str, float]:
    """The amplitude of each voice over the last 0.4 s, in which all pitches and syllables make whole waves."""
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
        for person in stage.people.values():
            if isinstance(person, Stream):
                person.close()


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
        # Two generations of Opus take up to a decibel from one of three tones that sound at once.
        near = 0.12 if "browser" in MIXES[mix].values() else 0.06
        for who in PITCHES:
            others = PITCHES.keys() - {who}
            assert who_is_in(heard[who]) == others
            assert [levels(heard[who])[other] for other in others] == pytest.approx([LEVEL] * 3, rel=near)
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
        assert steps.max() < STEP + CODEC_STEP[MIXES[mix]["caller"]]


@pytest.mark.parametrize("mix", MIXES)
def test_from_a_prompt_to_a_human_there_is_no_gap_of_200_ms(mix: str) -> None:
    with on_stage(mix) as stage:
        stage.join("caller", Standing.CALLER)
        time = np.arange(from_s(5)) / SAMPLE_RATE
        stage.bridge.prompt(Prompt.ORDINARY)
        stage.people["caller"].sink.play(np.asarray(0.2 * np.sin(2 * np.pi * 1750 * time), np.float32))
        before = stage.talk(1.0)["caller"]
        # As a human who comes cuts the prompt: they join, it is dropped, the caller hears them.
        stage.join("agent", Standing.AGENT)
        stage.people["caller"].sink.clear()
        stage.bridge.prompt(Prompt.NONE)
        after = stage.talk(1.0)["caller"]
        heard = np.concatenate([before[-from_s(0.2) :], after])
        loud = np.flatnonzero(np.abs(heard) > 0.02)
        assert np.diff(loud).max() < from_ms(200)
        assert who_is_in(after) == {"agent"}
