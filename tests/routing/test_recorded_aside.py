"""The recording's right channel: prompts and whoever barges in are in it, what is whispered or paused is not."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import soundfile

from routing.commands import ChangeMode, HangUp, LegMode, PauseRecording, ResumeRecording
from routing.events import CallEnded, SpeechStarted, Stamped
from routing.grammar import check_log
from routing.leg_events import AudioDropped, PartyJoined, RecordingPaused, RecordingResumed, SupervisionChanged
from routing.service_events import PromptPlayed
from routing.terms import SupervisionMode
from tests.routing.callers import PITCHES, Room, open_room
from tests.routing.rooms import of_type
from voice.contracts.audio import SAMPLE_RATE, Party, Pcm, Samples, from_s

pytestmark = pytest.mark.anyio
PROMPT_HZ = 2000.0
EDGE = from_s(0.35)
"""Around a change both sides of it may sound: a feed's reserve, and the moments at which a leg sends."""
_numbers = itertools.count()


def key() -> str:
    return f"key-{next(_numbers):06}"


def prompt(seconds: float) -> Pcm:
    time = np.arange(from_s(seconds)) / SAMPLE_RATE
    return np.asarray(0.2 * np.sin(2 * np.pi * PROMPT_HZ * time), np.float32)


def sounding(pcm: Pcm, start: Samples, end: Samples) -> set[str]:
    """Whose pitches are in a stretch."""
    heard = pcm[start:end]
    assert heard.size > from_s(0.2)
    time = np.arange(heard.size) / SAMPLE_RATE
    window = np.hanning(heard.size)
    hertz = {**PITCHES, "prompt": PROMPT_HZ}
    power = {
        who: abs(np.sum(heard * window * np.exp(-2j * np.pi * hz * time))) / window.sum() for who, hz in hertz.items()
    }
    return {who for who, level in power.items() if level > 0.005}


def when(log: list[Stamped], event: object) -> Samples:
    return next(stamped.at for stamped in log if stamped.event == event)


async def recorded(room: Room, folder: Path) -> tuple[list[Stamped], Pcm]:
    await room.do(HangUp(key(), room.call, "caller", room.secret))
    log = await room.until_written(CallEnded)
    check_log(log)
    return log, soundfile.read(folder / f"{room.call}.wav", dtype="float32")[0].T[1]


async def test_prompts_and_who_barges_in_are_recorded_and_who_whispers_or_listens_is_not(tmp_path: Path) -> None:
    async with open_room(recordings=tmp_path) as room:
        await room.until_passed(0.5)
        await room.board.announce(room.call, "position", prompt(1.0), disclosure=False)
        room.desk.agent = "mei"
        await room.enter("mei", LegMode.SERVE)
        await room.until_heard(caller={"mei"}, mei={"caller"})
        await room.enter("boss", LegMode.WHISPER)
        await room.until_heard(mei={"caller", "boss"})
        await room.until_passed(0.5)
        await room.do(ChangeMode(key(), room.call, "boss", LegMode.BARGE))
        await room.until_heard(caller={"mei", "boss"})
        await room.until_passed(1.0)
        await room.do(ChangeMode(key(), room.call, "boss", LegMode.LISTEN))
        await room.until_heard(caller={"mei"})
        await room.until_passed(0.5)
        log, right = await recorded(room, tmp_path)
    played = when(log, PromptPlayed("position", False, True))
    joined = when(log, PartyJoined(Party.AGENT, "mei"))
    barged = when(log, SupervisionChanged("boss", SupervisionMode.BARGE))
    listens = when(log, SupervisionChanged("boss", SupervisionMode.LISTEN))
    assert sounding(right, played - from_s(0.8), played - from_s(0.2)) == {"prompt"}
    assert sounding(right, joined + EDGE, barged - EDGE // 2) == {"mei"}
    assert sounding(right, barged + EDGE, listens - EDGE // 2) == {"mei", "boss"}
    assert sounding(right, listens + EDGE, listens + from_s(0.7)) == {"mei"}
    # Nobody is taken for another: who barges in is not transcribed, and what nobody said is no loss.
    assert {one.party for one in of_type(log, SpeechStarted)} <= {Party.CALLER, Party.AGENT}
    assert not [one for one in of_type(log, AudioDropped) if one.party is Party.BOT]
    assert not [one for one in of_type(log, PartyJoined) if one.party is Party.BOT]


async def test_a_pause_keeps_nothing_of_who_barges_in(tmp_path: Path) -> None:
    async with open_room(recordings=tmp_path) as room:
        room.desk.agent = "mei"
        await room.enter("mei", LegMode.SERVE)
        await room.enter("boss", LegMode.BARGE)
        await room.until_heard(caller={"mei", "boss"})
        await room.do(PauseRecording(key(), room.call, "mei"))
        await room.until_written(RecordingPaused)
        await room.until_passed(1.0)
        await room.do(ResumeRecording(key(), room.call, "mei"))
        await room.until_written(RecordingResumed)
        await room.until_passed(1.0)
        log, right = await recorded(room, tmp_path)
    paused, resumed = when(log, RecordingPaused("mei")), when(log, RecordingResumed("mei"))
    assert not right[paused + from_s(0.1) : resumed - from_s(0.1)].any()
    assert sounding(right, resumed + EDGE, resumed + from_s(0.8)) == {"mei", "boss"}


async def test_a_prompt_that_a_human_cut_is_recorded_as_far_as_it_was_heard(tmp_path: Path) -> None:
    async with open_room(recordings=tmp_path) as room:
        room.desk.agent = "mei"
        room._tasks.start_soon(lambda: room.board.announce(room.call, "news", prompt(30.0), disclosure=False))
        await room.until_passed(0.8)
        await room.enter("mei", LegMode.SERVE)
        await room.until_heard(caller={"mei"}, mei={"caller"})
        await room.until_passed(0.5)
        log, right = await recorded(room, tmp_path)
    cut = when(log, PromptPlayed("news", False, False))
    assert sounding(right, cut - from_s(0.5), cut - from_s(0.1)) == {"prompt"}
    assert sounding(right, cut + EDGE, cut + from_s(0.6)) == {"mei"}
