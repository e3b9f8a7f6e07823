"""Rooms for calls under test: everything real but the words, which are scripted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import TypeVar

import anyio
import anyio.lowlevel
import numpy as np

from asr.ports import Recognizer
from asr.types import Hypothesis, Language, Word
from asr.worker import RecognitionWorker
from routing.call import Call
from routing.events import (
    AgentToneScored,
    CallStarted,
    CoachingHinted,
    EmotionScored,
    EmotionShifted,
    ProsodyMeasured,
    SpeechEnded,
    Stamped,
    TranscriptFinal,
    VoiceRecalled,
)
from routing.grammar import check_log
from routing.journal.memory import MemoryJournal
from routing.journal.ports import Journal
from routing.policy.file import load_policy
from routing.rooms import Rooms
from routing.service_events import PriorityChanged, RouteDecided
from routing.terms import CallEndReason, Channel, Direction
from routing.understanding.turn import Understander
from voice.audio.framing import Framer
from voice.clock import ManualClock, WallClock
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, CallId, Party, Pcm, Span, from_s
from voice.contracts.errors import ModelError
from voice.contracts.ports import VoiceActivityDetector
from voice.intake import AudioLost
from voice.recording import StereoRecorder
from voice.vad.segmenter import Segmenter, SegmenterSettings

E = TypeVar("E")
CALL = CallId("c-test")
STARTED = CallStarted(Direction.INBOUND, Channel.WEBRTC, "web", "main", Language.ZH, "2026-01-01T00:00:00Z")


class LoudnessDetector:
    """Speech is what is louder than -40 dBFS: exact on synthetic audio, so tests know every boundary."""

    def probability(self, pcm: Pcm) -> float:
        return float(np.sqrt(np.mean(np.square(pcm))) > 0.01)

    def reset(self) -> None:
        """It has no past."""


class ScriptedRecognizer:
    """Answers prepared texts, one per utterance; `None` breaks that utterance."""

    name = "scripted/test"
    languages = frozenset({Language.ZH, Language.EN})

    def __init__(self, texts: Sequence[str | None]) -> None:
        self._texts = list(texts)

    def begin(self, language: Language) -> ScriptedUtterance:
        return ScriptedUtterance(self)

    def next(self) -> str | None:
        return self._texts.pop(0) if self._texts else ""


class ScriptedUtterance:
    """Knows its text only when it is finished, so that the order of the finals is that of the segments."""

    def __init__(self, script: ScriptedRecognizer) -> None:
        self._script = script
        self._heard = 0
        self._told = 0

    def accept(self, pcm: Pcm) -> None:
        self._heard += pcm.size

    def partial(self) -> Hypothesis | None:
        if self._heard == self._told:
            return None
        self._told = self._heard
        return Hypothesis("…")

    def finish(self) -> Hypothesis:
        text = self._script.next()
        if text is None:
            raise ModelError("This utterance breaks.")
        words = (Word(text, Span(0, self._heard), 0.9),) if text else ()
        return Hypothesis(text, words)


@cache
def load_understander() -> Understander:
    """One for all tests: it never changes."""
    return Understander.load()


@asynccontextmanager
async def open_rooms(
    recognizer: Recognizer, *, threads: int = 1, new_detector: Callable[[], VoiceActivityDetector] = LoudnessDetector
) -> AsyncIterator[Rooms]:
    """Rooms with a recognizer of the test's choice."""
    policy = load_policy()
    async with RecognitionWorker(recognizer, threads=threads) as worker:
        yield Rooms(
            new_segmenter=lambda party: Segmenter(new_detector(), SegmenterSettings(), party),
            worker=worker,
            understander=load_understander(),
            policy=lambda: policy,
            threads=anyio.CapacityLimiter(2),
        )


def speak(length_s: float, *, f0_hz: float, gain: float = 0.1) -> Pcm:
    """A synthetic voice: syllables four times a second, and a pitch that moves, as only voices do."""
    time = np.arange(from_s(length_s)) / SAMPLE_RATE
    cents = 120 * np.sin(2 * np.pi * 2.7 * time) + 20 * np.sin(2 * np.pi * 7.1 * time)
    phase = 2 * np.pi * np.cumsum(f0_hz * 2 ** (cents / 1200)) / SAMPLE_RATE
    tone = sum(np.sin(k * phase) / k for k in range(1, 12))
    return np.asarray(gain * tone * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * time)), np.float32)


def voice_of(count: int, *, f0_hz: float = 180.0, gain: float = 0.1) -> Pcm:
    """Audio of `count` utterances of one second, each after one second of silence, one second at the end."""
    utterance, silence = speak(1.0, f0_hz=f0_hz, gain=gain), np.zeros(from_s(1), np.float32)
    return np.concatenate([part for _ in range(count) for part in (silence, utterance)] + [silence])


def frames_of(party: Party, pcm: Pcm) -> list[AudioFrame]:
    """Cuts audio into frames from media time 0 on."""
    framer = Framer(party)
    return [*framer.feed(pcm, None), *framer.flush()]


async def play(items: Iterable[AudioFrame | AudioLost], clock: ManualClock) -> AsyncIterator[AudioFrame | AudioLost]:
    """The items, media time moving along; gives way often, as real sources do."""
    for number, item in enumerate(items):
        if isinstance(item, AudioFrame):
            clock.advance_to(max(clock.now_s(), (item.start + FRAME_SAMPLES) / 16_000))
        if number % 10 == 0:
            await anyio.lowlevel.checkpoint()
        yield item


async def run_call(
    rooms: Rooms,
    items: Iterable[AudioFrame | AudioLost],
    *,
    parties: Sequence[Party] = (Party.CALLER,),
    recorder: StereoRecorder | None = None,
    in_step: bool = True,
    started: CallStarted = STARTED,
    call: CallId = CALL,
    journal: Journal | None = None,
    recalled: VoiceRecalled | None = None,
    live: bool = False,
) -> list[Stamped]:
    """A whole call, checked against the grammar; its log. A live one goes by the wall's clock."""
    journal, clock = journal or MemoryJournal(), ManualClock()
    one = Call(
        call,
        started,
        rooms,
        journal,
        WallClock(),
        media_clock=None if live else clock,
        recorder=recorder,
        in_step=in_step,
        recalled=recalled,
    )
    with anyio.fail_after(60):
        await one.run(play(items, clock), parties, lambda: CallEndReason.CALLER_HUNG_UP)
    log = list(await journal.read(call))
    check_log(log)
    return log


def of_type(log: Iterable[Stamped], kind: type[E]) -> list[E]:
    return [stamped.event for stamped in log if isinstance(stamped.event, kind)]


def outcome(log: Iterable[Stamped]) -> list[str]:
    """What must not depend on pace: everything but partials, stamps, dates, and where stages overlap."""
    kept = (
        TranscriptFinal,
        ProsodyMeasured,
        EmotionScored,
        EmotionShifted,
        AgentToneScored,
        CoachingHinted,
        PriorityChanged,
        RouteDecided,
        SpeechEnded,
    )
    return sorted(repr(s.event) for s in log if isinstance(s.event, kept))
