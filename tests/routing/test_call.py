"""A call joins the rooms: its log obeys the grammar, whatever breaks or is lost, and its order never changes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import anyio
import anyio.lowlevel
import numpy as np
import pytest
import soundfile

from asr.fake import FakeRecognizer
from asr.ports import PAUSE_HEARD
from asr.types import Language
from prosody.types import EmotionBasis
from routing.call import Call
from routing.events import (
    CallEnded,
    CallStarted,
    DtmfReceived,
    EmotionScored,
    ProsodyMeasured,
    SpeechEnded,
    SpeechStarted,
    StageFailed,
    Stamped,
    TranscriptFinal,
    TranscriptPartial,
)
from routing.grammar import check_log
from routing.journal.memory import MemoryJournal
from routing.leg_events import AudioDropped
from routing.replay import replay
from routing.service_events import RouteDecided
from routing.terms import CallEndReason, RouteTarget, Stage
from tests.routing.rooms import (
    CALL,
    STARTED,
    ScriptedRecognizer,
    frames_of,
    of_type,
    open_rooms,
    outcome,
    play,
    run_call,
    voice_of,
)
from voice.clock import ManualClock, WallClock
from voice.contracts.audio import FRAME_SAMPLES, AudioFrame, Party, Pcm, Span, from_ms, from_s
from voice.contracts.errors import RecordingError
from voice.intake import AudioLost
from voice.recording import StereoRecorder

pytestmark = pytest.mark.anyio


async def test_two_utterances_become_two_turns() -> None:
    async with open_rooms(ScriptedRecognizer(["我的快递到哪里了", "我要投诉你们"])) as rooms:
        log = await run_call(rooms, frames_of(Party.CALLER, voice_of(2)))
    spans = [event.span for event in of_type(log, SpeechEnded)]
    assert len(spans) == 2
    assert abs(spans[0].start - from_s(1 - 0.24)) <= FRAME_SAMPLES * 2
    assert abs(spans[0].end - from_s(2 + 0.56)) <= FRAME_SAMPLES * 2
    assert [event.text for event in of_type(log, TranscriptFinal)] == ["我的快递到哪里了", "我要投诉你们"]
    assert [event.target for event in of_type(log, RouteDecided)] == [RouteTarget.AI, RouteTarget.HUMAN]
    assert of_type(log, RouteDecided)[1].evidence == (1,)
    assert [event.score.basis for event in of_type(log, EmotionScored)] == [
        EmotionBasis.TONE,
        EmotionBasis.TONE_AND_WORDS,
    ] * 2
    assert of_type(log, CallEnded)[0].reason is CallEndReason.CALLER_HUNG_UP


async def test_word_times_are_media_time() -> None:
    async with open_rooms(ScriptedRecognizer(["好", "好"])) as rooms:
        log = await run_call(rooms, frames_of(Party.CALLER, voice_of(2)))
    for ended, final in zip(of_type(log, SpeechEnded), of_type(log, TranscriptFinal), strict=True):
        # Recognition hears PAUSE_HEARD of the hang-over.
        assert final.words[0].span == Span(ended.span.start, ended.span.end - from_ms(560) + PAUSE_HEARD)


async def test_both_parties_are_transcribed_and_only_the_caller_is_measured() -> None:
    caller = frames_of(Party.CALLER, np.concatenate([voice_of(1), np.zeros(from_s(3), np.float32)]))
    agent = frames_of(Party.AGENT, np.concatenate([np.zeros(from_s(3), np.float32), voice_of(1)]))
    items = [frame for pair in zip(caller, agent, strict=True) for frame in pair]
    async with open_rooms(ScriptedRecognizer(["你好", "请讲"])) as rooms:
        log = await run_call(rooms, items, parties=(Party.CALLER, Party.AGENT))
    assert [event.party for event in of_type(log, SpeechStarted)] == [Party.CALLER, Party.AGENT]
    assert [event.text for event in of_type(log, TranscriptFinal)] == ["你好", "请讲"]
    assert [event.segment for event in of_type(log, ProsodyMeasured)] == [0]
    assert {event.segment for event in of_type(log, EmotionScored)} == {0}


async def test_a_broken_recognition_costs_only_its_words() -> None:
    async with open_rooms(ScriptedRecognizer(["你好", None, "我要转人工"])) as rooms:
        log = await run_call(rooms, frames_of(Party.CALLER, voice_of(3)))
    assert [event.text for event in of_type(log, TranscriptFinal)] == ["你好", "", "我要转人工"]
    failures = of_type(log, StageFailed)
    assert [(failure.stage, failure.segment) for failure in failures] == [(Stage.RECOGNITION, 1)]
    assert len(of_type(log, ProsodyMeasured)) == 3
    assert of_type(log, RouteDecided)[-1].target is RouteTarget.HUMAN


async def test_lost_audio_is_said_and_heard_as_silence() -> None:
    frames = frames_of(Party.CALLER, voice_of(2))
    lost = Span(frames[70].start, frames[170].start)  # the middle of the first utterance to the second one
    items: list[AudioFrame | AudioLost] = [*frames[:70], AudioLost(Party.CALLER, lost), *frames[170:]]
    async with open_rooms(ScriptedRecognizer(["一", "二"])) as rooms:
        log = await run_call(rooms, items)
    assert of_type(log, AudioDropped) == [AudioDropped(Party.CALLER, lost)]
    spans = [event.span for event in of_type(log, SpeechEnded)]
    assert len(spans) == 2
    assert abs(spans[0].end - (lost.start + from_s(0.56))) <= FRAME_SAMPLES * 2


async def test_silence_is_no_turn() -> None:
    async with open_rooms(ScriptedRecognizer([])) as rooms:
        log = await run_call(rooms, frames_of(Party.CALLER, np.zeros(from_s(5), np.float32)))
    assert not of_type(log, SpeechStarted)
    assert not of_type(log, RouteDecided)


async def test_a_call_without_a_frame_ends_well() -> None:
    async with open_rooms(ScriptedRecognizer([])) as rooms:
        log = await run_call(rooms, [])
    assert isinstance(log[0].event, CallStarted)
    assert of_type(log, CallEnded)[0].duration == 0


async def test_speech_at_the_very_end_is_not_lost() -> None:
    async with open_rooms(ScriptedRecognizer(["我要转人工"])) as rooms:
        log = await run_call(rooms, frames_of(Party.CALLER, voice_of(1)[: from_s(1.9)]))
    assert [event.text for event in of_type(log, TranscriptFinal)] == ["我要转人工"]
    assert of_type(log, RouteDecided)[-1].target is RouteTarget.HUMAN


async def test_the_key_0_brings_a_human_before_a_word_is_said() -> None:
    journal, clock = MemoryJournal(), ManualClock()
    send, receive = anyio.create_memory_object_stream[AudioFrame](1)
    async with open_rooms(ScriptedRecognizer([])) as rooms:
        call = Call(CALL, STARTED, rooms, journal, clock)
        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks, send:
                tasks.start_soon(call.run, receive, [Party.CALLER], lambda: CallEndReason.CALLER_HUNG_UP)
                await call.press("0")
                await anyio.wait_all_tasks_blocked()
                call.end(CallEndReason.AGENT_HUNG_UP)
    receive.close()
    log = list(await journal.read(CALL))
    assert of_type(log, DtmfReceived) == [DtmfReceived(Party.CALLER, "0")]
    assert of_type(log, RouteDecided)[-1].target is RouteTarget.HUMAN
    assert of_type(log, CallEnded)[0].reason is CallEndReason.AGENT_HUNG_UP


async def test_ending_a_call_still_finishes_what_was_said() -> None:
    journal, clock = MemoryJournal(), ManualClock()
    frames = frames_of(Party.CALLER, voice_of(1)[: from_s(1.8)])
    send, receive = anyio.create_memory_object_stream[AudioFrame](len(frames))
    for frame in frames:
        send.send_nowait(frame)
    async with open_rooms(ScriptedRecognizer(["我要退款"])) as rooms:
        call = Call(CALL, STARTED, rooms, journal, clock)
        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks, send, receive:
                tasks.start_soon(call.run, receive, [Party.CALLER], lambda: CallEndReason.CALLER_HUNG_UP)
                while receive.statistics().current_buffer_used:
                    await anyio.wait_all_tasks_blocked()
                call.end(CallEndReason.SERVER_SHUTDOWN)
                while not of_type(await journal.read(CALL), CallEnded):
                    await anyio.wait_all_tasks_blocked()
    log = list(await journal.read(CALL))
    check_log(log)
    assert [event.text for event in of_type(log, TranscriptFinal)] == ["我要退款"]
    assert of_type(log, CallEnded)[0].reason is CallEndReason.SERVER_SHUTDOWN


@pytest.mark.parametrize("steps", range(0, 700, 9))
async def test_whenever_a_call_is_ended_its_log_is_complete(steps: int) -> None:
    journal, clock = MemoryJournal(), ManualClock()
    async with open_rooms(ScriptedRecognizer(["好", "好", "好"])) as rooms:
        call = Call(CALL, STARTED, rooms, journal, WallClock(), media_clock=clock)

        async def end_soon() -> None:
            for _ in range(steps):
                await anyio.lowlevel.checkpoint()
            call.end(CallEndReason.SERVER_SHUTDOWN)

        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(end_soon)
                frames = play(frames_of(Party.CALLER, voice_of(3)), clock)
                await call.run(frames, [Party.CALLER], lambda: CallEndReason.CALLER_HUNG_UP)
                tasks.cancel_scope.cancel()
    check_log(await journal.read(CALL))


async def test_partials_come_while_somebody_speaks() -> None:
    journal, clock = MemoryJournal(), ManualClock()
    frames = frames_of(Party.CALLER, voice_of(1))
    speaking, rest = frames[:85], frames[85:]  # until 1.7 s: in the middle of the utterance
    send, receive = anyio.create_memory_object_stream[AudioFrame](len(frames))
    async with open_rooms(ScriptedRecognizer(["好"])) as rooms:
        call = Call(CALL, STARTED, rooms, journal, clock)
        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks, receive:
                tasks.start_soon(call.run, receive, [Party.CALLER], lambda: CallEndReason.CALLER_HUNG_UP)
                for frame in speaking:
                    send.send_nowait(frame)
                await follow_until(journal, TranscriptPartial)
                for frame in rest:
                    send.send_nowait(frame)
                send.close()
                await follow_until(journal, CallEnded)
    check_log(await journal.read(CALL))


async def follow_until(journal: MemoryJournal, kind: type[object]) -> None:
    async with journal.watch() as news:
        if journal_has(list(await journal.read(CALL)) if await journal.calls() else [], kind):
            return
        async for stamped in news:
            if isinstance(stamped.event, kind):
                return


def journal_has(log: Iterable[Stamped], kind: type[object]) -> bool:
    return any(isinstance(stamped.event, kind) for stamped in log)


async def test_a_recording_that_fails_costs_only_itself(tmp_path: Path) -> None:
    class FullDisk(StereoRecorder):
        def write(self, party: Party, start: int, pcm: Pcm) -> bool:
            if start > from_s(1):
                raise RecordingError("The disk is full.")
            return super().write(party, start, pcm)

    recorder = FullDisk(tmp_path / "call.wav")
    recorder.open()
    async with open_rooms(ScriptedRecognizer(["你好"])) as rooms:
        log = await run_call(rooms, frames_of(Party.CALLER, voice_of(1)), recorder=recorder)
    recorder.close()
    assert [failure.stage for failure in of_type(log, StageFailed)] == [Stage.RECORDING]
    assert [event.text for event in of_type(log, TranscriptFinal)] == ["你好"]
    assert soundfile.info(tmp_path / "call.wav").frames >= from_s(0.9)


async def test_pace_changes_nothing(project: Path) -> None:
    """In step, unpaced with overlap, and at 20 times real pace: the same finals, features and decisions."""
    path = project / "samples" / "calls" / "zh-stereo-exchange" / "audio.wav"
    logs = []
    async with open_rooms(FakeRecognizer(), threads=2) as rooms:
        for speed in (None, 20.0, None):
            journal = MemoryJournal()
            await replay(path, CALL, Language.ZH, rooms, journal, WallClock(), speed=speed)
            logs.append(list(await journal.read(CALL)))
    for log in logs:
        check_log(log)
    assert len(of_type(logs[0], TranscriptFinal)) >= 8
    assert outcome(logs[0]) == outcome(logs[1]) == outcome(logs[2])


async def test_the_replay_of_a_recording_gives_the_same_as_the_call(tmp_path: Path) -> None:
    frames = frames_of(Party.CALLER, voice_of(4))
    items: list[AudioFrame | AudioLost] = [
        *frames[:60],
        AudioLost(Party.CALLER, Span(frames[60].start, frames[75].start)),
        *frames[75:],
    ]
    recorder = StereoRecorder(tmp_path / "call.wav")
    recorder.open()
    async with open_rooms(FakeRecognizer()) as rooms:
        live = await run_call(rooms, items, recorder=recorder, in_step=False)
        recorder.close()
        journal = MemoryJournal()
        await replay(tmp_path / "call.wav", CALL, Language.ZH, rooms, journal, WallClock())
    again = list(await journal.read(CALL))
    assert of_type(live, TranscriptFinal)
    assert outcome(live) == outcome(again)
