"""A caller on a media stream is told things aloud at a speakerphone: their words are a turn, the echo is none.

The whole way but the socket and the recognition: the sink that paces, the phone, the source, the suppressor that is
told of what sounds, the detector and the segmenter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import anyio
import numpy as np
import pytest
import soundfile
import soxr

from tests.voice.speakerphone import RATE, Speakerphone
from voice.clock import ManualClock
from voice.contracts.audio import SAMPLE_RATE, AudioFrame, Party, Pcm, to_s
from voice.contracts.ports import AudioSink, AudioSource, CallLeg
from voice.echo import DELAY
from voice.echo_source import EchoReduced
from voice.speech.prompts import Prompts
from voice.stream.leg import StreamSink, StreamSource
from voice.stream.messages import Media, Track
from voice.vad.detectors import make_detector
from voice.vad.segmenter import SegmentClosed, Segmenter, SegmenterSettings, SegmentOpened

pytestmark = pytest.mark.anyio
STREAM: Final = "MZ1"
CALL_S: Final = 16
TOLD: Final = ("handover.requested", "failed.nobody_signed_in", "notice.nobody", "notice.next")
FOUND_S: Final = 4.0
"""By then the echo has been found, from three seconds of it. Until then it is heard, so that nobody loses words."""

SPEAKS_AT_S: Final = 6.2
SENTENCE_S: Final = {"zh-human-8k": (0.5, 3.6), "zh-human-at-once": (0.0, 3.6), "zh-complaint-words": (0.0, 5.0)}
"""The first sentence of a sample."""

LATE_S: Final = 0.5
"""So much later than without anything played it is announced at most that the caller speaks."""


@dataclass
class Line:
    """A leg whose provider is not asked how the call ended."""

    source: AudioSource
    sink: AudioSink


@dataclass
class Heard:
    """What a call heard, and when utterances were announced; seconds."""

    frames: list[AudioFrame] = field(default_factory=list)
    announced_s: list[float] = field(default_factory=list)
    longest_s: float = 0.0

    @property
    def pcm(self) -> Pcm:
        return np.concatenate([frame.pcm for frame in self.frames])


def sentence(project: Path, sample: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Silence, and at `SPEAKS_AT_S` the first sentence of a sample call; 8 kHz."""
    with soundfile.SoundFile(project / "samples" / "calls" / sample / "audio.wav") as file:
        assert file.samplerate == RATE
        begin, end = SENTENCE_S[sample]
        file.seek(int(begin * RATE))
        words = file.read(int((end - begin) * RATE))
    said = np.zeros(CALL_S * RATE)
    said[int(SPEAKS_AT_S * RATE) :][: words.size] = words
    return said


def turns_of(pcm: Pcm) -> tuple[list[float], float]:
    """When utterances are announced, and how long the longest is; seconds."""
    segmenter = Segmenter(make_detector("silero"), SegmenterSettings(), Party.CALLER)
    found, longest_s = [], 0.0
    for start in range(0, pcm.size - 319, 320):
        for event in segmenter.feed(AudioFrame(Party.CALLER, start, pcm[start : start + 320])):
            if isinstance(event, SegmentOpened):
                found.append(to_s(start + 320))
            elif isinstance(event, SegmentClosed):
                longest_s = max(longest_s, to_s(event.span.length))
    return found, longest_s


async def hold(phone: Speakerphone, told: list[Pcm], as_leg: Callable[[Line], CallLeg], *, reduced: bool) -> Heard:
    """A call of `CALL_S` in which prompts follow each other from the first second on."""
    clock, heard = ManualClock(100.0), Heard()
    source, sink = StreamSource(frozenset({Track.INBOUND}), clock), StreamSink(STREAM, clock)
    leg = as_leg(Line(source, sink))
    chance = np.random.default_rng(5)
    marks: list[str] = []

    async def speak() -> None:
        await clock.sleep_until(101.0)
        for pcm in told:
            sink.play(pcm)
            await sink.wait_played()

    async def listen() -> None:
        listened = EchoReduced(leg, clock) if reduced else source
        async for frame in listened.frames():
            heard.frames.append(frame)

    async with anyio.create_task_group() as tasks, sink.texts:
        tasks.start_soon(speak)
        tasks.start_soon(listen)
        for number in range(CALL_S * 50):
            clock.advance_to(100 + 0.02 * number + chance.uniform(0, 0.004))  # no machine is ever in time
            for _ in range(4):
                await anyio.lowlevel.checkpoint()
            sink.send_due()
            while sink.texts.statistics().current_buffer_used:
                phone.take(sink.texts.receive_nowait())
            for mark in phone.play():
                sink.take_mark(mark)
                marks.append(mark)
            await source.hear(Media(STREAM, Track.INBOUND, 20 * number, phone.pick_up(number)))
        source.end()
        sink.close()
    assert len(marks) == len(told), "all was played before the call ended"
    heard.announced_s, heard.longest_s = turns_of(heard.pcm)
    return heard


@pytest.fixture(scope="module")
def told() -> list[Pcm]:
    """What a caller is told who asks for a human at night."""
    prompts = Prompts.load()
    return [prompts.say([name], "zh") for name in TOLD]


@pytest.fixture
def as_leg() -> Callable[[Line], CallLeg]:
    """A line is no whole leg; its source and sink are all that is used."""
    return lambda line: line  # type: ignore[return-value]  # see above


async def test_the_echo_alone_would_be_a_turn(told: list[Pcm], as_leg: Callable[[Line], CallLeg]) -> None:
    """Without this the next test shows nothing."""
    heard = await hold(Speakerphone(np.zeros(CALL_S * RATE), -8), told, as_leg, reduced=False)
    assert heard.longest_s > 8


@pytest.mark.parametrize("level_db", [-2, -8, -16])
async def test_the_echo_of_what_they_are_told_is_no_turn(
    told: list[Pcm], as_leg: Callable[[Line], CallLeg], level_db: float
) -> None:
    heard = await hold(Speakerphone(np.zeros(CALL_S * RATE), level_db), told, as_leg, reduced=True)
    assert [at for at in heard.announced_s if at > FOUND_S] == []


@pytest.mark.parametrize("sample", SENTENCE_S)
@pytest.mark.parametrize("level_db", [-8, -16])
async def test_the_callers_own_words_are_one(
    project: Path, told: list[Pcm], as_leg: Callable[[Line], CallLeg], sample: str, level_db: float
) -> None:
    said = sentence(project, sample)
    alone = soxr.resample(said, RATE, SAMPLE_RATE).astype(np.float32)
    heard = await hold(Speakerphone(said, level_db), told, as_leg, reduced=True)
    turns = [at for at in heard.announced_s if at > FOUND_S]
    expected, _ = turns_of(alone)
    assert len(turns) == len(expected), (turns, expected)
    assert -0.1 <= turns[0] - expected[0] <= LATE_S
    since = round((turns[0] + 0.1) * SAMPLE_RATE)
    until = round((SPEAKS_AT_S + 2.8) * SAMPLE_RATE)
    window = alone[since:until]
    lags = range(DELAY - 160, DELAY + 480, 4)  # the phone's line has a delay of its own
    assert max(np.corrcoef(window, heard.pcm[since + lag : until + lag])[0, 1] for lag in lags) > 0.85
