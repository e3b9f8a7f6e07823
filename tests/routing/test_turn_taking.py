"""Calls whose pauses are judged: cut alike at any pace, and no worse off when the judge breaks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest
from threading import Event

import anyio
import numpy as np
import pytest
from anyio.to_thread import run_sync

from asr.turn_words import WordsJudge
from asr.types import Hypothesis, Language
from asr.worker import RecognitionWorker
from routing.events import SpeechEnded, StageFailed, Stamped, TranscriptFinal
from routing.rooms import Rooms
from routing.terms import Stage
from tests.routing.rooms import (
    LoudnessDetector,
    ScriptedRecognizer,
    frames_of,
    of_type,
    open_rooms,
    outcome,
    run_call,
    speak,
)
from voice.contracts.audio import AudioFrame, Party, Pcm, from_ms, from_s, to_ms
from voice.contracts.errors import ModelError, TurnAnswerError
from voice.turns.judge import Judge, Pause
from voice.turns.settings import TurnSettings
from voice.vad.segmenter import SegmentClosed, Segmenter, SegmenterOutput, SegmenterSettings

pytestmark = pytest.mark.anyio


@pytest.fixture
async def rooms() -> AsyncIterator[Rooms]:
    async with open_rooms(ScriptedRecognizer(["一"] * 99), threads=2) as opened:
        yield replace(
            opened,
            new_segmenter=lambda party: Segmenter(LoudnessDetector(), SegmenterSettings(), party, TurnSettings()),
        )


def paused(pauses_ms: Sequence[float]) -> Pcm:
    """Utterances of one second with such pauses after them, and three seconds of silence at the end."""
    parts = [np.zeros(from_s(1), np.float32)]
    for pause_ms in pauses_ms:
        parts += [speak(1.0, f0_hz=180.0), np.zeros(from_ms(pause_ms), np.float32)]
    return np.concatenate([*parts, np.zeros(from_s(3), np.float32)])


def lengths_ms(log: list[Stamped]) -> list[float]:
    return [to_ms(event.span.length) for event in of_type(log, SpeechEnded)]


def by_sound(judge: Callable[[Pcm], float | None]) -> Judge:
    async def run(pause: Pause) -> float | None:
        return await run_sync(judge, pause.pcm)

    return run


async def cut(
    rooms: Rooms, sound: Callable[[Pcm], float | None] | None, frames: list[AudioFrame], **options: bool
) -> list[Stamped]:
    choose = None if sound is None else (lambda _: by_sound(sound))
    return await run_call(replace(rooms, judge_turn=choose), frames, **options)  # type: ignore[arg-type]  # in_step only


async def test_patience_holds_an_unfinished_turn_together(rooms: Rooms) -> None:
    frames = frames_of(Party.CALLER, paused([1_000, 0]))
    assert len(lengths_ms(await cut(rooms, None, frames))) == 2
    assert len(lengths_ms(await cut(rooms, lambda _: None, frames))) == 2
    [whole] = lengths_ms(await cut(rooms, lambda _: 0.0, frames))
    assert whole == pytest.approx(240 + 1_000 + 1_000 + 1_000 + 1_400, abs=60)


async def test_how_long_judging_takes_makes_no_difference(rooms: Rooms) -> None:
    audio = paused([900, 1_200, 700, 1_500, 0])
    both = [
        frame
        for pair in zip_longest(frames_of(Party.CALLER, audio), frames_of(Party.AGENT, audio[::-1].copy()))
        for frame in pair
        if frame is not None
    ]
    never = Event()

    def at_once(pcm: Pcm) -> float:
        return pcm.size // 320 % 4 / 3

    def slow(pcm: Pcm) -> float:
        never.wait(0.03)
        return at_once(pcm)

    parties = (Party.CALLER, Party.AGENT)
    logs = [
        await run_call(
            replace(rooms, judge_turn=partial(lambda chosen, _: by_sound(chosen), judge)),
            both,
            parties=parties,
            in_step=in_step,
        )
        for judge, in_step in ((at_once, True), (slow, True), (slow, False))
    ]
    cuts = [sorted(repr(event) for event in of_type(log, SpeechEnded)) for log in logs]
    assert cuts[0] == cuts[1] == cuts[2]
    assert len(cuts[0]) > 2
    assert [line for line in outcome(logs[0]) if "Final" not in line] == [
        line for line in outcome(logs[1]) if "Final" not in line
    ]


@pytest.mark.parametrize("error", [ModelError("no"), MemoryError()])
async def test_a_judge_that_breaks_leaves_the_timer(rooms: Rooms, error: Exception) -> None:
    def judge(pcm: Pcm) -> float:
        raise error

    frames = frames_of(Party.CALLER, paused([1_000, 0]))
    log = await cut(rooms, judge, frames)
    assert lengths_ms(log) == lengths_ms(await cut(rooms, None, frames))
    failed = of_type(log, StageFailed)
    assert {event.stage for event in failed} == {Stage.DETECTION}
    assert len(failed) == 2, "one per pause"


async def test_a_call_that_ends_in_a_pause_waits_for_no_judge(rooms: Rooms) -> None:
    with anyio.fail_after(30):
        log = await cut(rooms, lambda _: 0.0, frames_of(Party.CALLER, paused([0])[: from_s(2.3)]))
    assert [event.reason.value for event in of_type(log, SpeechEnded)] == ["stream_end"]


@dataclass
class Counting:
    """A recognizer that says one digit for each half second of sound, and a word for people from four on."""

    name: str = "counting/test"
    languages: frozenset[Language] = frozenset(Language)
    finals: int = 0

    def begin(self, language: Language) -> CountingUtterance:
        return CountingUtterance(self)


@dataclass
class CountingUtterance:
    owner: Counting
    loud: int = 0
    ready: Hypothesis | None = None

    def accept(self, pcm: Pcm) -> None:
        self.loud += int(np.count_nonzero(pcm))
        self.ready = None

    def partial(self) -> Hypothesis | None:
        return None

    def settle(self) -> Hypothesis:
        self.ready = self.ready or self._make()
        return self.ready

    def finish(self) -> Hypothesis:
        return self.ready or self._make()

    def _make(self) -> Hypothesis:
        self.owner.finals += 1
        digits = "幺三八零" * 5
        return Hypothesis(digits[: round(self.loud / from_s(0.5))] + ("谢谢" if self.loud > from_s(1.9) else ""))


@pytest.mark.parametrize("in_step", [True, False])
async def test_a_number_that_is_not_whole_keeps_its_turn_open_at_no_cost(in_step: bool) -> None:
    audio = paused([1_000, 0])  # a second each: two digits, then four and a word
    engine = Counting()
    async with open_rooms(engine) as opened:
        rooms = replace(
            opened,
            new_segmenter=lambda party: Segmenter(LoudnessDetector(), SegmenterSettings(), party, TurnSettings()),
        )
        frames = frames_of(Party.CALLER, audio)
        timed = await run_call(rooms, frames, in_step=in_step)
        assert [event.text for event in of_type(timed, TranscriptFinal)] == ["幺三", "幺三"]
        made = engine.finals
        log = await run_call(replace(rooms, judge_turn=WordsJudge), frames, in_step=in_step)
    assert [event.raw or event.text for event in of_type(log, TranscriptFinal)] == ["幺三八零谢谢"]
    assert of_type(log, StageFailed) == []
    assert engine.finals - made == made == 2, "the judge reads the final that is made ahead"
    [closed] = of_type(log, SpeechEnded)
    ordinary = of_type(timed, SpeechEnded)[-1]
    assert closed.span.end == ordinary.span.end, "a whole turn ends as soon as it did"


async def test_words_that_do_not_come_hold_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("routing.hearing.JUDGED_WITHIN_S", 0.05)

    class Slow(Counting):
        def begin(self, language: Language) -> CountingUtterance:
            return SlowUtterance(self)

    over = Event()

    class SlowUtterance(CountingUtterance):
        def settle(self) -> Hypothesis:
            assert over.wait(10)
            return super().settle()

    class Watched(Segmenter):
        def feed(self, frame: AudioFrame) -> list[SegmenterOutput]:
            outputs = super().feed(frame)
            if any(isinstance(output, SegmentClosed) for output in outputs):
                over.set()
            return outputs

    async with RecognitionWorker(Slow()) as worker, open_rooms(Counting()) as opened:
        rooms = replace(
            opened,
            worker=worker,
            new_segmenter=lambda party: Watched(LoudnessDetector(), SegmenterSettings(), party, TurnSettings()),
            judge_turn=WordsJudge,
        )
        log = await run_call(rooms, frames_of(Party.CALLER, paused([1_000])), in_step=False, live=True)
    [failed] = of_type(log, StageFailed)
    assert (failed.stage, failed.code) == (Stage.DETECTION, TurnAnswerError.code)
    assert [event.text for event in of_type(log, TranscriptFinal)] == ["幺三"]
