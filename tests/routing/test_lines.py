"""People on a live call: who hears whom after every command, what its log says, and what the desk is told."""

from __future__ import annotations

import itertools
from pathlib import Path

import anyio
import numpy as np
import pytest
import soundfile

from asr.fake import FakeRecognizer
from asr.types import Language
from routing.commands import (
    ChangeMode,
    Done,
    HangUp,
    HoldCall,
    JoinCall,
    LeaveCall,
    LegMode,
    MuteLeg,
    PauseRecording,
    ResumeCall,
    ResumeRecording,
    UnmuteLeg,
)
from routing.events import CallEnded, SpeechEnded, SpeechStarted, Stamped, TranscriptFinal
from routing.grammar import check_log
from routing.journal.memory import MemoryJournal
from routing.leg_events import (
    AudioDropped,
    CallHeld,
    CallResumed,
    PartyJoined,
    PartyLeft,
    PartyMuted,
    PartyUnmuted,
    RecordingPaused,
    RecordingResumed,
    SupervisionChanged,
    SupervisionEnded,
    SupervisionStarted,
)
from routing.replay import replay
from routing.service_events import PromptPlayed
from routing.terms import CallEndReason, SupervisionMode
from tests.routing.callers import ICE, Room, open_room
from tests.routing.rooms import of_type, open_rooms, voice_of
from voice.clock import WallClock
from voice.contracts.audio import CallId, Party, Span, from_s
from voice.contracts.errors import UnknownCallError
from voice.webrtc.client import WebRtcCaller

pytestmark = pytest.mark.anyio
NOBODY: set[str] = set()
_numbers = itertools.count()


def key() -> str:
    return f"key-{next(_numbers):06}"


def people_events(log: list[Stamped]) -> list[object]:
    kinds = (
        PartyJoined,
        PartyLeft,
        PartyMuted,
        PartyUnmuted,
        CallHeld,
        CallResumed,
        SupervisionStarted,
        SupervisionChanged,
        SupervisionEnded,
        RecordingPaused,
        RecordingResumed,
    )
    return [stamped.event for stamped in log if isinstance(stamped.event, kinds)]


async def serve(room: Room, agent: str = "mei") -> None:
    room.desk.agent = agent
    await room.enter(agent, LegMode.SERVE)
    await room.until_heard(**{"caller": {agent}, agent: {"caller"}})


async def test_caller_and_agent_talk_and_every_button_does_what_it_says() -> None:
    async with open_room() as room:
        await serve(room)
        await room.do(MuteLeg(key(), room.call, "mei"))
        await room.until_heard(caller=NOBODY, mei={"caller"})
        await room.do(UnmuteLeg(key(), room.call, "mei"))
        await room.until_heard(caller={"mei"}, mei={"caller"})
        await room.do(HoldCall(key(), room.call, "mei"))
        await room.do(HoldCall(key(), room.call, "mei"))
        await room.until_heard(caller=NOBODY, mei=NOBODY)
        await room.do(ResumeCall(key(), room.call, "mei"))
        await room.until_heard(caller={"mei"}, mei={"caller"})
        await room.do(HangUp(key(), room.call, "mei"))
        log = await room.until_written(CallEnded)
    check_log(log)
    assert people_events(log) == [
        PartyJoined(Party.CALLER),
        PartyJoined(Party.AGENT, "mei"),
        PartyMuted(Party.AGENT, "mei"),
        PartyUnmuted(Party.AGENT, "mei"),
        CallHeld("mei"),
        CallResumed("mei"),
        PartyLeft(Party.CALLER),
        PartyLeft(Party.AGENT, "mei"),
    ]
    # The agent's time begins when they come, and what they did not say while muted or on hold is no loss.
    joined = next(stamped for stamped in log if stamped.event == PartyJoined(Party.AGENT, "mei"))
    spoken = [one for one in of_type(log, SpeechStarted) if one.party is Party.AGENT]
    assert spoken
    assert spoken[0].start >= joined.at - from_s(0.5)
    assert not [one for one in of_type(log, AudioDropped) if one.party is Party.AGENT and one.span.length > from_s(1)]
    finals = {final.segment for final in of_type(log, TranscriptFinal) if final.text}
    assert {one.party for one in of_type(log, SpeechEnded) if one.segment in finals} == {Party.CALLER, Party.AGENT}
    assert of_type(log, CallEnded)[0].reason is CallEndReason.AGENT_HUNG_UP
    # The call is over: nobody tells the desk that an agent was lost.
    assert room.desk.told == [("bridged", "mei")]


async def test_a_supervisor_listens_whispers_barges_in_and_leaves() -> None:
    async with open_room() as room:
        await serve(room)
        await room.enter("boss", LegMode.LISTEN)
        await room.until_heard(boss={"caller", "mei"}, caller={"mei"}, mei={"caller"})
        await room.do(ChangeMode(key(), room.call, "boss", LegMode.WHISPER))
        await room.until_heard(boss={"caller", "mei"}, caller={"mei"}, mei={"caller", "boss"})
        await room.do(ChangeMode(key(), room.call, "boss", LegMode.BARGE))
        await room.until_heard(boss={"caller", "mei"}, caller={"mei", "boss"}, mei={"caller", "boss"})
        await room.do(HoldCall(key(), room.call, "boss", oversees=True))
        await room.until_heard(boss={"mei"}, caller=NOBODY, mei={"boss"})
        await room.do(ResumeCall(key(), room.call, "mei"))
        await room.do(LeaveCall(key(), room.call, "boss"))
        await room.until_heard(caller={"mei"}, mei={"caller"})
        await room.do(HangUp(key(), room.call, "caller", room.secret))
        log = await room.until_written(CallEnded)
    check_log(log)
    assert [event for event in people_events(log) if isinstance(event, SupervisionStarted | SupervisionChanged)] == [
        SupervisionStarted("boss", SupervisionMode.LISTEN),
        SupervisionChanged("boss", SupervisionMode.WHISPER),
        SupervisionChanged("boss", SupervisionMode.BARGE),
    ]
    assert len(of_type(log, SupervisionEnded)) == 1


async def test_a_supervisor_takes_over_and_of_two_only_one_does() -> None:
    async with open_room() as room:
        await serve(room)
        await room.enter("boss", LegMode.LISTEN)
        await room.enter("chief", LegMode.LISTEN)
        await room.until_heard(boss={"caller", "mei"}, chief={"caller", "mei"})
        refusals: list[str] = []

        async def take(who: str) -> None:
            refusals.append(await room.refusal(ChangeMode(key(), room.call, who, LegMode.SERVE)))

        async with anyio.create_task_group() as race:
            race.start_soon(take, "boss")
            race.start_soon(take, "chief")
        assert sorted(refusals) == ["", "call.state"]
        winner = room.desk.agent
        assert winner in ("boss", "chief")
        loser = "chief" if winner == "boss" else "boss"
        await room.until_heard(**{"caller": {winner}, winner: {"caller"}, loser: {"caller", winner}})
        # Who takes over goes on serving; the former agent is off the call and cannot come back uninvited.
        assert await room.refusal(JoinCall(key(), room.call, "mei", LegMode.SERVE, "v=0")) == "call.state"
        await room.do(HangUp(key(), room.call, winner))
        log = await room.until_written(CallEnded)
    check_log(log)
    assert ("taken", winner) in room.desk.told
    assert not [told for told in room.desk.told if told[0] in ("agent_lost", "declined", "technical")]
    agents = [event for event in people_events(log) if getattr(event, "party", None) is Party.AGENT]
    assert agents == [
        PartyJoined(Party.AGENT, "mei"),
        PartyLeft(Party.AGENT, "mei"),
        PartyJoined(Party.AGENT, winner),
        PartyLeft(Party.AGENT, winner),
    ]


async def test_an_agent_who_is_lost_on_hold_leaves_the_call_going_and_the_desk_knows() -> None:
    async with open_room() as room:
        await serve(room)
        await room.do(HoldCall(key(), room.call, "mei"))
        await room.do(PauseRecording(key(), room.call, "mei"))
        await room.until_heard(caller=NOBODY)
        await room.go("mei")
        log = await room.until_written(PartyLeft)
        await room.until_told("agent_lost", "mei")
        # Another one is offered the caller and serves on.
        room.desk.agent = "mei"
        await room.enter("mei", LegMode.SERVE)
        await room.until_heard(caller={"mei"}, mei={"caller"})
        await room.do(HangUp(key(), room.call, "caller", room.secret))
        log = await room.until_written(CallEnded)
    check_log(log)
    assert people_events(log)[2:9] == [
        CallHeld("mei"),
        RecordingPaused("mei"),
        PartyLeft(Party.AGENT, "mei"),
        CallResumed("mei"),
        RecordingResumed("mei"),
        PartyJoined(Party.AGENT, "mei"),
        PartyLeft(Party.CALLER),
    ]


async def test_giving_the_caller_back_is_told_to_the_desk() -> None:
    async with open_room() as room:
        await serve(room)
        await room.do(LeaveCall(key(), room.call, "mei"))
        await room.until_told("declined", "mei")
        await room.until_heard(caller=NOBODY)
        assert await room.refusal(LeaveCall(key(), room.call, "mei")) == "call.state"


async def test_what_cannot_be_done_is_refused_and_harms_nobody() -> None:
    async with open_room() as room:
        call = room.call
        assert await room.refusal(JoinCall(key(), call, "mei", LegMode.SERVE, "v=0")) == "call.state"
        room.desk.agent = "mei"
        assert await room.refusal(JoinCall(key(), call, "mei", LegMode.SERVE, "rubbish")) == "webrtc.sdp"
        assert await room.refusal(HoldCall(key(), call, "mei")) == "call.state"
        await serve(room)
        assert await room.refusal(JoinCall(key(), call, "mei", LegMode.SERVE, "v=0")) == "call.state"
        assert await room.refusal(HoldCall(key(), call, "li")) == "call.not_yours"
        assert await room.refusal(PauseRecording(key(), call, "li")) == "call.not_yours"
        assert await room.refusal(MuteLeg(key(), call, "li")) == "call.state"
        assert await room.refusal(ChangeMode(key(), call, "li", LegMode.WHISPER)) == "call.state"
        assert await room.refusal(ChangeMode(key(), call, "mei", LegMode.LISTEN)) == "call.state"
        assert await room.refusal(LeaveCall(key(), call, "li")) == "call.state"
        assert await room.refusal(HoldCall(key(), CallId("c-none"), "mei")) == "call.unknown"
        assert await room.do(ResumeCall(key(), call, "mei")) == Done(call)
        await room.until_heard(caller={"mei"}, mei={"caller"})
        await room.do(HangUp(key(), call, "mei"))
        log = await room.until_written(CallEnded)
        assert await room.refusal(JoinCall(key(), call, "boss", LegMode.LISTEN, "v=0")) == "call.unknown"
        with pytest.raises(UnknownCallError):
            await room.board.announce(call, "late", voice_of(1), disclosure=False)
    check_log(log)
    assert not of_type(log, CallHeld)


async def test_a_leg_that_the_desk_no_longer_wants_is_sent_away() -> None:
    async with open_room() as room:
        room.desk.agent, room.desk.refuses_bridge = "mei", True
        person = await room.enter("mei", LegMode.SERVE)
        with anyio.fail_after(30):
            await person.client.listen_until_end()
        assert room.desk.told == []
        await room.until_heard(caller=NOBODY)


async def test_a_paused_recording_keeps_no_words_and_people_talk_on() -> None:
    async with open_room() as room:
        await serve(room)
        await room.do(PauseRecording(key(), room.call, "mei"))
        paused = await room.until_written(RecordingPaused)
        await room.until_heard(caller={"mei"}, mei={"caller"})
        await room.until_passed(1.5)
        await room.do(ResumeRecording(key(), room.call, "mei"))
        await room.until(lambda log: isinstance(log[-1].event, RecordingResumed))
        await room.do(HangUp(key(), room.call, "mei"))
        log = await room.until_written(CallEnded)
    check_log(log)
    begun = paused[-1].at
    resumed = next(stamped.at for stamped in log if isinstance(stamped.event, RecordingResumed))
    inside = [one for one in of_type(log, SpeechStarted) if begun + from_s(0.3) < one.start < resumed - from_s(0.3)]
    assert not inside


async def test_an_agent_is_joined_when_the_disclosure_has_ended() -> None:
    async with open_room() as room:
        room.desk.agent = "mei"
        async with anyio.create_task_group() as tasks:

            async def disclose() -> None:
                await room.board.announce(room.call, "transfer", voice_of(1), disclosure=True)

            tasks.start_soon(disclose)
            await room.enter("mei", LegMode.SERVE)
            assert ("bridged", "mei") not in room.desk.told
        await room.until_heard(caller={"mei"}, mei={"caller"})
        log = await room.log()
    events = [stamped.event for stamped in log]
    played = events.index(PromptPlayed("transfer", True, True))
    assert played < events.index(PartyJoined(Party.AGENT, "mei"))


async def test_nothing_but_disclosures_is_played_over_an_agent() -> None:
    async with open_room() as room, anyio.create_task_group() as tasks:

        async def say(prompt: str) -> None:
            await room.board.announce(room.call, prompt, np.zeros(from_s(60), np.float32), disclosure=False)

        tasks.start_soon(say, "position")
        await room.until_passed(0.2)
        await serve(room)
        await say("news")
        log = await room.until(lambda log: log[-1].event == PromptPlayed("news", False, False))
    assert of_type(log, PromptPlayed) == [PromptPlayed("position", False, False), PromptPlayed("news", False, False)]


async def test_a_prompt_is_cut_by_the_next_one_and_a_disclosure_by_nothing() -> None:
    async with open_room() as room, anyio.create_task_group() as tasks:
        for prompt, disclosure in (("position", False), ("transfer", True), ("news", False)):

            async def say(prompt: str = prompt, disclosure: bool = disclosure) -> None:
                await room.board.announce(room.call, prompt, voice_of(1)[: from_s(1.5)], disclosure=disclosure)

            tasks.start_soon(say)
            await room.until_passed(0.2)
        log = await room.until(lambda log: log[-1].event == PromptPlayed("news", False, True))
        played = of_type(log, PromptPlayed)
        assert played == [
            PromptPlayed("position", False, False),
            PromptPlayed("transfer", True, True),
            PromptPlayed("news", False, True),
        ]


async def test_the_recording_holds_what_the_call_heard_of_each(tmp_path: Path) -> None:
    async with open_room(recordings=tmp_path) as room:
        await room.until_passed(1.0)
        await serve(room)
        await room.do(MuteLeg(key(), room.call, "mei"))
        await room.until_heard(caller=NOBODY)
        await room.do(UnmuteLeg(key(), room.call, "mei"))
        await room.until_heard(caller={"mei"})
        await room.do(HoldCall(key(), room.call, "mei"))
        await room.until_heard(caller=NOBODY)
        await room.until_passed(0.5)
        await room.do(HangUp(key(), room.call, "mei"))
        log = await room.until_written(CallEnded)
        path = tmp_path / f"{room.call}.wav"
        journal = MemoryJournal()
        async with open_rooms(FakeRecognizer()) as rooms:
            await replay(path, room.call, Language.ZH, rooms, journal, WallClock(), speed=None)
        again = list(await journal.read(room.call))
    check_log(again)
    caller, agent = soundfile.read(path, dtype="float32")[0].T
    at = {type(stamped.event): stamped.at for stamped in log if isinstance(stamped.event, PartyMuted | CallHeld)}
    joined = next(stamped.at for stamped in log if stamped.event == PartyJoined(Party.AGENT, "mei"))
    assert not agent[: joined - from_s(0.3)].any()
    assert agent[joined : joined + from_s(0.5)].any()
    for begun in at.values():
        assert not agent[begun + from_s(0.1) : begun + from_s(0.35)].any()
        assert caller[begun + from_s(0.1) : begun + from_s(0.35)].any()
    assert caller_speech(again) == caller_speech(log)


def caller_speech(log: list[Stamped]) -> list[tuple[Span, str]]:
    """The caller's segments and what was understood of them, whatever number they have."""
    texts = {final.segment: final.text for final in of_type(log, TranscriptFinal)}
    return [(one.span, texts[one.segment]) for one in of_type(log, SpeechEnded) if one.party is Party.CALLER]


async def test_nothing_is_left_of_people_who_have_gone() -> None:
    async with open_room() as room:
        live = room.board._live[room.call]
        await serve(room)
        for _ in range(3):
            await room.enter("boss", LegMode.WHISPER)
            await room.until_heard(mei={"caller", "boss"})
            await room.do(LeaveCall(key(), room.call, "boss"))
            room.vanish("boss")
        await room.do(LeaveCall(key(), room.call, "mei"))
        assert not live.lines._seats.taken
        assert live.lines._bridge.pairs == frozenset()
        assert set(live.lines._bridge.state.participants) == {"caller:"}
        sink = live.lines._caller.sink
        assert not getattr(sink, "_voices", [])
        await room.until(lambda log: isinstance(log[-1].event, PartyLeft))
        assert set(live.call._hearing._ears) == {Party.CALLER}


async def test_a_hang_up_while_the_agent_is_being_joined_ends_the_call() -> None:
    async with open_room() as room:
        room.desk.agent = "mei"
        async with WebRtcCaller(WallClock(), ICE) as page, anyio.create_task_group() as tasks:
            join = JoinCall("a-page-joins", room.call, "mei", LegMode.SERVE, await page.create_offer())
            tasks.start_soon(room.refusal, join)  # its leg is being answered, and never connects
            await anyio.lowlevel.checkpoint()
            await room.do(HangUp("agent-hangs-up", room.call, "mei"))
        log = await room.until_written(CallEnded)
        check_log(log)
        assert of_type(log, CallEnded)[0].reason is CallEndReason.AGENT_HUNG_UP
        assert await room.refusal(HangUp("agent-again-up", room.call, "mei")) in ("", "call.unknown")
