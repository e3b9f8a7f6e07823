"""Tone is measured while the caller speaks, off the event loop; what breaks costs one utterance's tone and no more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import replace

import anyio
import anyio.lowlevel
import numpy as np
import pytest

from asr.fake import FakeRecognizer
from asr.types import Hypothesis, Language
from prosody.emotion import EmotionTracker
from prosody.features import UtteranceAnalyser, measure
from prosody.types import EmotionBasis, ProsodyFeatures, ToneInput, ToneRating
from routing import tone
from routing.call import Call
from routing.events import EmotionScored, ProsodyMeasured, SpeechEnded, StageFailed, TranscriptFinal
from routing.grammar import check_log
from routing.journal.memory import MemoryJournal
from routing.terms import CallEndReason, Stage
from routing.tone import BLOCK, BLOCKS_WAITING
from tests.routing.rooms import (
    CALL,
    STARTED,
    ScriptedRecognizer,
    ScriptedUtterance,
    frames_of,
    of_type,
    open_rooms,
    outcome,
    play,
    run_call,
    speak,
    voice_of,
)
from voice.clock import ManualClock, WallClock
from voice.contracts.audio import Party, Pcm, SegmentId, from_s, on_16_bit_grid
from voice.contracts.errors import ModelError

pytestmark = pytest.mark.anyio


def long_voice(*lengths_s: float) -> Pcm:
    """Utterances of these lengths, a second of silence around each; their pitch rises from one to the next."""
    silence = np.zeros(from_s(1), np.float32)
    parts = [silence]
    for number, length_s in enumerate(lengths_s):
        parts += [speak(length_s, f0_hz=150.0 + 8 * number), silence]
    return on_16_bit_grid(np.concatenate(parts))


class SpiedAnalyser(UtteranceAnalyser):
    """Remembers what it was fed, and on which threads."""

    made: list[SpiedAnalyser]

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[Pcm] = []
        self.threads: set[int] = set()
        self.made.append(self)

    def feed(self, pcm: Pcm) -> None:
        self.threads.add(threading.get_ident())
        self.pieces.append(pcm)
        super().feed(pcm)

    def finish(self, usual_hz: float | None = None) -> ProsodyFeatures:
        self.threads.add(threading.get_ident())
        return super().finish(usual_hz)


@pytest.fixture
def analysers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[SpiedAnalyser]]:
    SpiedAnalyser.made = []
    monkeypatch.setattr(tone, "UtteranceAnalyser", SpiedAnalyser)
    yield SpiedAnalyser.made
    del SpiedAnalyser.made


async def test_blocks_of_a_second_go_to_threads_while_the_caller_speaks(analysers: list[SpiedAnalyser]) -> None:
    pcm = long_voice(4.5, 2.2)
    async with open_rooms(FakeRecognizer()) as rooms:
        log = await run_call(rooms, frames_of(Party.CALLER, pcm))
    spans = [event.span for event in of_type(log, SpeechEnded)]
    assert len(analysers) == len(spans) == 2
    for analyser, span in zip(analysers, spans, strict=True):
        assert np.array_equal(np.concatenate(analyser.pieces), pcm[span.start : span.end])
        sizes = [len(piece) for piece in analyser.pieces]
        assert len(sizes) == -(-span.length // BLOCK)
        assert all(size == BLOCK for size in sizes[:-1])
        assert threading.get_ident() not in analyser.threads


async def test_the_features_are_those_of_the_whole_utterance() -> None:
    pcm = long_voice(4.5, 2.2, 0.7)
    async with open_rooms(FakeRecognizer()) as rooms:
        log = await run_call(rooms, frames_of(Party.CALLER, pcm), in_step=False)
    tracker = EmotionTracker()
    for ended, measured in zip(of_type(log, SpeechEnded), of_type(log, ProsodyMeasured), strict=True):
        features = measure(pcm[ended.span.start : ended.span.end], tracker.usual_hz)
        assert measured.features == features
        tracker.score_tone(ended.segment, ended.span, features)
        tracker.score_words(ended.segment, None, 0)


async def test_how_far_the_threads_lag_behind_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread is held until everything was heard: no block fits any more, and all goes along with the close."""
    items = frames_of(Party.CALLER, long_voice(12.0, 2.2, 1.1, 5.0))
    async with open_rooms(FakeRecognizer()) as rooms:
        prompt = await run_call(rooms, items, in_step=False)
    release = threading.Event()

    class HeldAnalyser(UtteranceAnalyser):
        def feed(self, pcm: Pcm) -> None:
            assert release.wait(30)
            super().feed(pcm)

    monkeypatch.setattr(tone, "UtteranceAnalyser", HeldAnalyser)
    journal, clock = MemoryJournal(), ManualClock()
    async with open_rooms(FakeRecognizer()) as rooms:
        call = Call(CALL, STARTED, rooms, journal, WallClock(), media_clock=clock)
        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call.run, play(items, clock), [Party.CALLER], lambda: CallEndReason.CALLER_HUNG_UP)
                while not await journal.calls():
                    await anyio.lowlevel.checkpoint()
                async with aclosing(journal.follow(CALL)) as events:  # hearing goes on to the end
                    async for stamped in events:
                        if isinstance(stamped.event, SpeechEnded) and stamped.event.segment == 3:
                            break
                assert not of_type(await journal.read(CALL), ProsodyMeasured)
                release.set()
    held = list(await journal.read(CALL))
    check_log(held)
    assert outcome(held) == outcome(prompt)


async def test_what_waits_for_a_thread_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    release, most = threading.Event(), 0

    class HeldAnalyser(UtteranceAnalyser):
        def feed(self, pcm: Pcm) -> None:
            assert release.wait(30)
            super().feed(pcm)

    monkeypatch.setattr(tone, "UtteranceAnalyser", HeldAnalyser)
    original = tone.CallTone.hear

    def hear(self: tone.CallTone, *arguments: object) -> None:
        nonlocal most
        original(self, *arguments)  # type: ignore[arg-type]  # passed on as they came
        assert self._work is not None
        most = max(most, self._work.statistics().current_buffer_used)

    monkeypatch.setattr(tone.CallTone, "hear", hear)
    async with open_rooms(FakeRecognizer()) as rooms:

        async def let_go() -> None:
            await anyio.wait_all_tasks_blocked()
            release.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(let_go)
            await run_call(rooms, frames_of(Party.CALLER, long_voice(14.0)), in_step=False)
    assert 1 <= most <= BLOCKS_WAITING


@pytest.mark.parametrize("where", ["feed", "finish"])
async def test_a_broken_analyser_costs_one_utterance_its_tone(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    made = 0

    class BrokenAnalyser(UtteranceAnalyser):
        def __init__(self) -> None:
            nonlocal made
            super().__init__()
            self.breaks = made == 1
            made += 1

        def feed(self, pcm: Pcm) -> None:
            if self.breaks and where == "feed":
                raise ZeroDivisionError
            super().feed(pcm)

        def finish(self, usual_hz: float | None = None) -> ProsodyFeatures:
            if self.breaks:
                raise ZeroDivisionError
            return super().finish(usual_hz)

    monkeypatch.setattr(tone, "UtteranceAnalyser", BrokenAnalyser)
    async with open_rooms(ScriptedRecognizer(["你好", "我要投诉", "再见"])) as rooms:
        log = await run_call(rooms, frames_of(Party.CALLER, long_voice(3, 4, 3)))
    assert of_type(log, StageFailed) == [StageFailed(Stage.PROSODY, "prosody.ZeroDivisionError", SegmentId(1))]
    assert [event.segment for event in of_type(log, ProsodyMeasured)] == [0, 2]
    assert [event.text for event in of_type(log, TranscriptFinal)] == ["你好", "我要投诉", "再见"]
    fused = [event.segment for event in of_type(log, EmotionScored) if event.score.basis is EmotionBasis.TONE_AND_WORDS]
    assert fused == [0, 2]


class ScriptedModel:
    """Answers what a test wants, and remembers what it was asked."""

    name = "scripted/1"

    def __init__(self, answer: Callable[[ToneInput], ToneRating | None]) -> None:
        self.asked: list[ToneInput] = []
        self.threads: set[int] = set()
        self._answer = answer

    def rate(self, utterance: ToneInput) -> ToneRating | None:
        self.asked.append(utterance)
        self.threads.add(threading.get_ident())
        return self._answer(utterance)


async def scored_with(model: ScriptedModel | None) -> tuple[list[EmotionScored], list[StageFailed]]:
    async with open_rooms(ScriptedRecognizer(["好"] * 4)) as rooms:
        log = await run_call(replace(rooms, tone_model=model), frames_of(Party.CALLER, long_voice(2, 2.5, 1.5, 2)))
    return of_type(log, EmotionScored), of_type(log, StageFailed)


async def test_a_tone_model_is_asked_beside_the_rules() -> None:
    model = ScriptedModel(lambda _: ToneRating(0.9, -0.8, 0.9, "scripted/1"))
    scores, failures = await scored_with(model)
    rules, _ = await scored_with(None)
    assert not failures
    assert len(model.asked) == 4
    assert all(asked.features == measure(asked.pcm, None) or asked.normal.features for asked in model.asked)
    assert not model.asked[0].normal.features
    assert model.asked[1].normal.features
    assert threading.get_ident() not in model.threads
    assert all("scripted/1" in event.score.models for event in scores)
    assert [event.score for event in scores] != [event.score for event in rules]


@pytest.mark.parametrize("kind", ["breaks", "says more than it may", "says what is no number"])
async def test_a_broken_model_leaves_the_rules(kind: str) -> None:
    def answer(_: ToneInput) -> ToneRating:
        if kind == "breaks":
            raise ModelError("The model broke.")
        return ToneRating(7.0 if kind == "says more than it may" else float("nan"), 0.0, 0.5, "scripted/1")

    scores, failures = await scored_with(ScriptedModel(answer))
    rules, _ = await scored_with(None)
    assert [(one.stage, one.segment) for one in failures] == [(Stage.EMOTION, number) for number in range(4)]
    assert scores == rules


async def test_a_model_that_abstains_is_no_failure() -> None:
    scores, failures = await scored_with(ScriptedModel(lambda _: None))
    rules, _ = await scored_with(None)
    assert (scores, failures) == (rules, [])


async def test_emotion_that_cannot_be_scored_leaves_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(EmotionTracker, "score_tone", refuse)
    scores, failures = await scored_with(None)
    assert not scores
    assert [(one.stage, one.code) for one in failures] == [(Stage.EMOTION, "emotion.ZeroDivisionError")] * 4


async def test_what_the_recognizer_heard_besides_words_counts() -> None:
    class TaggedUtterance(ScriptedUtterance):
        def finish(self) -> Hypothesis:
            return replace(super().finish(), tags=("event:laughter", "emotion:angry"))

    class TaggedRecognizer(ScriptedRecognizer):
        def begin(self, language: Language) -> ScriptedUtterance:
            return TaggedUtterance(self)

    scored = []
    for recognizer in (ScriptedRecognizer(["好"] * 3), TaggedRecognizer(["好"] * 3)):
        async with open_rooms(recognizer) as rooms:
            log = await run_call(rooms, frames_of(Party.CALLER, long_voice(2, 2, 2)))
        scored.append([event.score for event in of_type(log, EmotionScored)])
    plain, tagged = scored
    assert [one for one in plain if one.basis is EmotionBasis.TONE] == [
        one for one in tagged if one.basis is EmotionBasis.TONE
    ]
    assert tagged[-1].valence < plain[-1].valence
    assert tagged[-1].arousal > plain[-1].arousal


async def test_the_log_of_a_replay_without_a_pace_is_the_same_to_the_last_event() -> None:
    """Partials and the places of stages are left to the threads; everything else has one order."""
    logs = []
    async with open_rooms(FakeRecognizer(), threads=2) as rooms:
        for _ in range(3):
            log = await run_call(rooms, frames_of(Party.CALLER, voice_of(5)))
            logs.append([stamped.event for stamped in log if stamped.event.TYPE != "transcript.partial"])
    assert logs[0] == logs[1] == logs[2]
