"""Hints on real speech through the whole pipeline: when they are due, and the same at any pace."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import anyio
import pytest

from asr.fake import FakeRecognizer
from asr.types import Language
from prosody.types import EmotionLevel
from routing.coaching import Coach
from routing.events import (
    AgentToneScored,
    CoachingHinted,
    EmotionScored,
    EmotionShifted,
    ProsodyMeasured,
    SpeechStarted,
    StageFailed,
    Stamped,
    TranscriptFinal,
)
from routing.grammar import check_log
from routing.journal.memory import MemoryJournal
from routing.replay import replay
from routing.rooms import Rooms
from routing.terms import HintKind, Stage
from tests.routing.rooms import CALL, ScriptedRecognizer, frames_of, of_type, open_rooms, outcome, run_call
from tests.routing.stereo import aishell, emodb, in_a_row, place, write
from voice.clock import WallClock
from voice.contracts.audio import AudioFrame, Party, Pcm, to_s
from voice.vad.detectors import load_detectors

pytestmark = pytest.mark.anyio
CALLER, AGENT = Party.CALLER, Party.AGENT
BOTH = (CALLER, AGENT)
TALKED_OVER_S = 4.0


@pytest.fixture
async def rooms() -> AsyncIterator[Rooms]:
    async with open_rooms(FakeRecognizer(), threads=2, new_detector=load_detectors("silero")) as opened:
        yield opened


@pytest.fixture(scope="module")
def exchange(shared_data: Path) -> Mapping[Party, Pcm]:
    """The caller speaks from 1 s on for some 10 s, the agent begins at 4 s; then nobody speaks for some 10 s."""
    caller, agent = aishell(shared_data, "S0150", 12), aishell(shared_data, "S0252", 6)
    story, answer = in_a_row(caller[:4], 0.1), in_a_row(agent[:2], 0.1)
    late = in_a_row(caller[4:6], 0.1)
    return place([(CALLER, 1.0, story), (AGENT, TALKED_OVER_S, answer), (CALLER, 31.0, late)], 40.0)


def frames(channels: Mapping[Party, Pcm], *, agent_late: int = 0) -> list[AudioFrame]:
    """Both parties' frames as a live call has them: the agent's come some frames later than the caller's."""
    caller, agent = (frames_of(party, channels[party]) for party in BOTH)
    order = sorted(
        [*((number, 0, frame) for number, frame in enumerate(caller))]
        + [(number + agent_late, 1, frame) for number, frame in enumerate(agent)],
        key=lambda one: one[:2],
    )
    return [frame for _, _, frame in order]


async def replayed(rooms: Rooms, path: Path, speed: float | None = None) -> list[Stamped]:
    journal = MemoryJournal()
    with anyio.fail_after(120):
        await replay(path, CALL, Language.ZH, rooms, journal, WallClock(), speed=speed)
    log = list(await journal.read(CALL))
    check_log(log)
    return log


def hints(log: list[Stamped], kind: HintKind) -> list[CoachingHinted]:
    return [hint for hint in of_type(log, CoachingHinted) if hint.kind is kind]


async def test_talking_over_and_a_long_silence_are_found_where_they_are(
    rooms: Rooms, exchange: Mapping[Party, Pcm], tmp_path: Path
) -> None:
    log = await replayed(rooms, write(tmp_path / "call.wav", exchange))
    speakers = {event.segment: event.party for event in of_type(log, SpeechStarted)}
    over = hints(log, HintKind.TALKING_OVER)
    assert len(over) == 1
    assert abs(to_s(over[0].span.start) - TALKED_OVER_S) < 0.35
    assert [speakers[segment] for segment in over[0].evidence] == [CALLER, AGENT]
    silence = hints(log, HintKind.LONG_SILENCE)
    assert len(silence) == 1
    assert to_s(silence[0].span.length) == 8
    told = next(stamped for stamped in log if stamped.event == silence[0])
    assert abs(to_s(told.at) - to_s(silence[0].span.end)) < 0.05, "told as soon as it is long, while it lasts"
    assert to_s(silence[0].span.end) < 30.5


async def test_hints_are_the_same_live_paced_and_unpaced(
    rooms: Rooms, exchange: Mapping[Party, Pcm], tmp_path: Path
) -> None:
    path = write(tmp_path / "call.wav", exchange)
    unpaced = await replayed(rooms, path)
    assert of_type(unpaced, CoachingHinted)
    assert outcome(await replayed(rooms, path, 25.0)) == outcome(unpaced)
    for late in (0, 7, 45):
        live = await run_call(rooms, frames(exchange, agent_late=late), parties=BOTH, in_step=False)
        assert outcome(live) == outcome(unpaced), f"the agent's audio comes {late} frames later"


async def test_an_agent_who_listens_and_answers_in_turn_is_left_alone(
    rooms: Rooms, shared_data: Path, tmp_path: Path
) -> None:
    caller, agent = aishell(shared_data, "S0150", 5), aishell(shared_data, "S0252", 5)
    at, speech = 1.0, []
    for one, other in zip(caller, agent, strict=True):
        for party, pcm in ((CALLER, one), (AGENT, other)):
            speech.append((party, at, pcm))
            at += to_s(len(pcm)) + 0.4
    log = await replayed(rooms, write(tmp_path / "call.wav", place(speech, at + 1)))
    assert len(of_type(log, SpeechStarted)) >= 10
    assert not hints(log, HintKind.TALKING_OVER)
    assert not hints(log, HintKind.LONG_SILENCE)


async def test_frustration_that_rises_is_told_with_the_turns_that_show_it(shared_data: Path, tmp_path: Path) -> None:
    """An actor who is neutral at first and angry in the end; nothing but the voice tells."""
    calm, angry = emodb(shared_data, "14", "neutral"), emodb(shared_data, "14", "anger")
    assert min(len(calm), len(angry)) >= 5
    at, speech = 1.0, []
    for pcm in (*calm[:6], *angry[:6]):
        speech.append((CALLER, at, pcm))
        at += to_s(len(pcm)) + 1.5
    path = write(tmp_path / "call.wav", place(speech, at + 1))
    async with open_rooms(ScriptedRecognizer([]), new_detector=load_detectors("silero")) as rooms:
        log = await replayed(rooms, path)
    up = [event.shift for event in of_type(log, EmotionShifted) if event.shift.current is not EmotionLevel.SETTLED]
    assert up
    (first, *_) = hints(log, HintKind.RISING_FRUSTRATION)
    anger_from = next(at_s for _, at_s, pcm in speech if pcm is angry[0])
    assert to_s(first.span.end) > anger_from
    assert all(to_s(hint.span.end) > anger_from for hint in hints(log, HintKind.RISING_FRUSTRATION))
    assert not hints(log, HintKind.TALKING_OVER)


async def test_an_angry_agent_gives_no_emotion_and_no_frustration(shared_data: Path, tmp_path: Path) -> None:
    """What must not be measured of an agent is not, however it sounds (P6)."""
    caller = aishell(shared_data, "S0150", 6)
    agent = [*emodb(shared_data, "14", "neutral")[:3], *emodb(shared_data, "14", "anger")[:5]]
    at, speech = 1.0, []
    for number, pcm in enumerate(agent):
        speech.append((AGENT, at, pcm))
        at += to_s(len(pcm)) + 1.0
        if number < len(caller):
            speech.append((CALLER, at, caller[number]))
            at += to_s(len(caller[number])) + 1.0
    path = write(tmp_path / "call.wav", place(speech, at + 1))
    async with open_rooms(ScriptedRecognizer([]), new_detector=load_detectors("silero")) as rooms:
        log = await replayed(rooms, path)
    speakers = {event.segment: event.party for event in of_type(log, SpeechStarted)}
    assert list(speakers.values()).count(AGENT) >= 8
    measured = [event.segment for event in of_type(log, ProsodyMeasured)] + [
        event.segment for event in of_type(log, EmotionScored)
    ]
    assert {speakers[segment] for segment in measured} == {CALLER}
    assert not of_type(log, AgentToneScored)
    assert not hints(log, HintKind.RISING_FRUSTRATION)


async def test_speaking_too_fast_is_told_from_the_agents_words(shared_data: Path, tmp_path: Path) -> None:
    agent = aishell(shared_data, "S0252", 6)
    at, speech = 1.0, []
    for pcm in agent:
        speech.append((AGENT, at, pcm))
        at += to_s(len(pcm)) + 1.5
    path = write(tmp_path / "call.wav", place(speech, at + 1))
    told = {}
    hurried = "您好这边帮您查到您的订单已经在路上了预计明天下午就能送到请您保持电话畅通好吗" * 2
    for name, text in (("slow", "好的我来查"), ("fast", hurried)):
        async with open_rooms(ScriptedRecognizer([text] * 12), new_detector=load_detectors("silero")) as rooms:
            log = await replayed(rooms, path)
        assert len(of_type(log, TranscriptFinal)) >= 5
        told[name] = hints(log, HintKind.SPEAKING_TOO_FAST)
    assert not told["slow"]
    assert len(told["fast"]) == 1


async def test_without_an_agent_there_is_no_advice(rooms: Rooms, exchange: Mapping[Party, Pcm]) -> None:
    log = await run_call(rooms, frames_of(CALLER, exchange[CALLER]))
    assert not of_type(log, CoachingHinted)


async def test_a_coach_that_breaks_costs_only_advice(
    rooms: Rooms, exchange: Mapping[Party, Pcm], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await run_call(rooms, frames(exchange), parties=BOTH)
    hear = Coach.hear

    def break_late(self: Coach, party: Party, until: int) -> list[CoachingHinted]:
        if to_s(until) > 3:
            raise ZeroDivisionError
        return hear(self, party, until)

    monkeypatch.setattr(Coach, "hear", break_late)
    broken = await run_call(rooms, frames(exchange), parties=BOTH)
    assert of_type(broken, StageFailed) == [StageFailed(Stage.COACHING, "coaching.ZeroDivisionError")]
    assert not of_type(broken, CoachingHinted)
    assert outcome(broken) == [line for line in outcome(whole) if not line.startswith("CoachingHinted")]
