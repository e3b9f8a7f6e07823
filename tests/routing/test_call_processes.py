"""A recognition process that is killed or stands still in the middle of real speech: the call has every word."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import anyio
import numpy as np
import pytest
import soundfile

from asr.fake import FakeRecognizer
from asr.plan import EnginePlan
from asr.supervisor import SupervisedRecognition
from asr.types import Language
from routing.call import Call
from routing.events import SpeechEnded, StageFailed, Stamped, TranscriptFinal
from routing.grammar import check_log
from routing.journal.memory import MemoryJournal
from routing.rooms import Rooms
from routing.terms import CallEndReason, Stage
from tests.asr.child_plans import KILL, Brittle, level
from tests.routing.rooms import CALL, STARTED, frames_of, of_type, open_rooms, run_call, voice_of
from voice.clock import ManualClock, WallClock
from voice.contracts.audio import FRAME_SAMPLES, AudioFrame, Party, from_s
from voice.vad.detectors import load_detectors

pytestmark = pytest.mark.anyio


async def speak(
    frames: list[AudioFrame], clock: ManualClock, at: int, strike: Callable[[], None]
) -> AsyncIterator[AudioFrame]:
    """The frames; before the frame of that number something strikes."""
    for number, frame in enumerate(frames):
        if number == at:
            strike()
        clock.advance_to(max(clock.now_s(), (frame.start + FRAME_SAMPLES) / 16_000))
        await anyio.lowlevel.checkpoint()
        yield frame


async def call(rooms: Rooms, frames: list[AudioFrame], at: int, strike: Callable[[], None]) -> list[Stamped]:
    """The log of a call of these frames."""
    journal, clock = MemoryJournal(), ManualClock()
    one = Call(CALL, STARTED, rooms, journal, WallClock(), media_clock=clock)
    with anyio.fail_after(120):
        await one.run(speak(frames, clock, at, strike), [Party.CALLER], lambda: CallEndReason.CALLER_HUNG_UP)
    log = list(await journal.read(CALL))
    check_log(log)
    return log


@pytest.mark.model
@pytest.mark.slow
async def test_no_word_is_lost_with_a_process(project: Path, need_model: Callable[[str], Path]) -> None:
    plan = EnginePlan("whisper/whisper-base", need_model("whisper-base").parent, (Language.ZH,))
    pcm, _ = soundfile.read(project / "samples" / "calls" / "zh-human-16k" / "audio.wav", dtype="float32")
    frames = frames_of(Party.CALLER, np.concatenate([pcm[: from_s(7)], np.zeros(from_s(1), np.float32)]))
    async with (
        SupervisedRecognition(plan, 2, WallClock()) as recognition,
        open_rooms(FakeRecognizer(), new_detector=load_detectors("silero")) as fake,
    ):
        rooms = replace(fake, worker=recognition)

        def strike(by: signal.Signals) -> None:
            # It is the first utterance, and of processes that are equally free the first is taken.
            os.kill(recognition.pids[0], by)

        quiet = await call(rooms, frames, 0, lambda: None)
        first = of_type(quiet, SpeechEnded)[0]
        middle = (first.span.start + first.span.end) // 2 // FRAME_SAMPLES
        for by, code in ((signal.SIGKILL, "asr.worker_lost"), (signal.SIGSTOP, "asr.worker_hung")):
            log = await call(rooms, frames, middle, lambda by=by: strike(by))  # type: ignore[misc]  # bound now
            assert of_type(log, StageFailed) == [StageFailed(Stage.RECOGNITION, code, first.segment)]
            assert of_type(log, TranscriptFinal) == of_type(quiet, TranscriptFinal)
            while recognition.load().seats < 2:  # noqa: ASYNC110  what other processes do is no event
                await anyio.sleep(0.05)
    assert len(of_type(quiet, TranscriptFinal)[0].text) > 5


async def test_an_utterance_that_no_process_survives_has_no_words_and_the_next_one_has(tmp_path: Path) -> None:
    poison = np.concatenate([voice_of(1), level(KILL, 0.5), voice_of(1)])
    async with SupervisedRecognition(Brittle(), 2, WallClock()) as recognition, open_rooms(FakeRecognizer()) as fake:
        log = await run_call(replace(fake, worker=recognition), frames_of(Party.CALLER, poison))
    finals = of_type(log, TranscriptFinal)
    assert [bool(final.text) for final in finals] == [True, False, True]
    codes = [failure.code for failure in of_type(log, StageFailed)]
    assert codes == ["asr.worker_lost", "asr.utterance_given_up"]
    assert {failure.segment for failure in of_type(log, StageFailed)} == {finals[1].segment}
