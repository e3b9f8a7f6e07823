"""An agent's leg that is lost: the caller waits to music, and the same agent goes on with the call."""

from __future__ import annotations

import itertools

import anyio
import pytest

from routing.commands import ChangeMode, CommandRefusedError, HangUp, JoinCall, LeaveCall, LegMode, ReofferLeg
from routing.events import CallEnded
from routing.grammar import check_log
from routing.leg_events import AgentAwaited, PartyJoined, PartyLeft
from routing.seats import STALE_S
from tests.routing.callers import ICE, Room, open_room
from tests.routing.rooms import of_type
from voice.clock import WallClock
from voice.contracts.audio import Party
from voice.hold_music import HoldMusic
from voice.webrtc.client import WebRtcCaller

pytestmark = pytest.mark.anyio
NOBODY: set[str] = set()
_numbers = itertools.count()


def key() -> str:
    return f"key-{next(_numbers):06}"


async def serve(room: Room) -> None:
    room.desk.agent = "mei"
    await room.enter("mei", LegMode.SERVE)
    await room.until_heard(caller={"mei"}, mei={"caller"})


async def test_an_agent_who_comes_back_goes_on_and_the_desk_hears_nothing_of_it() -> None:
    async with open_room(agent_grace_s=30, new_hold_sound=HoldMusic) as room:
        await serve(room)
        await room.go("mei")
        await room.until_written(AgentAwaited)
        lines = room.board._live[room.call].lines
        assert lines._bridge.state.waits
        assert lines._bridge._hold_sounds
        assert await room.refusal(JoinCall(key(), room.call, "li", LegMode.SERVE, "v=0")) == "call.state"
        await room.enter("mei", LegMode.SERVE)
        await room.until_heard(caller={"mei"}, mei={"caller"})
        assert not lines._bridge._hold_sounds
        await room.do(HangUp(key(), room.call, "mei"))
        log = await room.until_written(CallEnded)
    check_log(log)
    assert {told for told in room.desk.told if told[0] != "alive"} == {("bridged", "mei")}
    agents = [stamped.event for stamped in log if isinstance(stamped.event, PartyJoined | PartyLeft | AgentAwaited)]
    assert agents[1:5] == [
        PartyJoined(Party.AGENT, "mei"),
        PartyLeft(Party.AGENT, "mei"),
        AgentAwaited("mei", 30),
        PartyJoined(Party.AGENT, "mei"),
    ]


async def test_an_agent_who_stays_away_is_lost() -> None:
    async with open_room(agent_grace_s=0.5) as room:
        await serve(room)
        await room.go("mei")
        await room.until_told("agent_lost", "mei")
        assert not room.board._live[room.call].lines._bridge.state.waits
        room.desk.agent = "boss"
        await room.enter("boss", LegMode.SERVE)
        await room.until_heard(caller={"boss"}, boss={"caller"})
        log = await room.log()
    check_log(log, complete=False)
    assert len(of_type(log, AgentAwaited)) == 1


async def test_an_agent_who_gives_the_caller_back_is_not_waited_for() -> None:
    async with open_room(agent_grace_s=30) as room:
        await serve(room)
        await room.do(LeaveCall(key(), room.call, "mei"))
        await room.until_told("declined", "mei")
        assert not of_type(await room.log(), AgentAwaited)


async def test_an_agent_who_is_waited_for_may_give_the_caller_back() -> None:
    async with open_room(agent_grace_s=30) as room:
        await serve(room)
        await room.go("mei")
        await room.until_written(AgentAwaited)
        await room.do(LeaveCall(key(), room.call, "mei"))
        await room.until_told("declined", "mei")
        assert not room.board._live[room.call].lines._bridge.state.waits


async def test_a_supervisor_takes_a_caller_over_who_waits_for_a_lost_agent() -> None:
    async with open_room(agent_grace_s=30) as room:
        await serve(room)
        await room.enter("boss", LegMode.LISTEN)
        await room.until_heard(boss={"caller", "mei"})
        await room.go("mei")
        await room.until_written(AgentAwaited)
        await room.do(ChangeMode(key(), room.call, "boss", LegMode.SERVE))
        await room.until_heard(caller={"boss"}, boss={"caller"})
        with pytest.raises(CommandRefusedError):
            await room.enter("mei", LegMode.SERVE)
    assert ("taken", "boss") in room.desk.told
    assert not [told for told in room.desk.told if told[0] == "agent_lost"]


async def test_a_page_that_vanished_without_a_word_is_replaced_by_the_one_that_is_loaded_again() -> None:
    async with open_room(agent_grace_s=30) as room:
        await serve(room)
        assert await room.refusal(JoinCall(key(), room.call, "mei", LegMode.SERVE, "v=0")) == "call.state"
        seat = room.board._live[room.call].lines._seats.taken["mei"]
        mute = room.people["mei"].client
        room._stack["mei"].cancel()  # the page stops sending; that it is gone is known much later
        with anyio.fail_after(30):
            while not seat.gone.is_set() and WallClock().now_s() - seat.heard_s < STALE_S:
                await room.until_passed(0.1)
        await room.enter("mei", LegMode.SERVE)
        await room.until_heard(caller={"mei"}, mei={"caller"})
        assert mute is not room.people["mei"].client
        log = await room.log()
    check_log(log, complete=False)
    assert {told for told in room.desk.told if told[0] != "alive"} == {("bridged", "mei")}


async def test_an_agents_leg_is_offered_anew_and_goes_on() -> None:
    async with open_room(agent_grace_s=30) as room:
        await serve(room)
        assert await room.refusal(ReofferLeg(key(), room.call, "li", "v=0")) == "call.state"
        assert await room.refusal(ReofferLeg(key(), room.call, "mei", "rubbish")) == "webrtc.sdp"
        async with WebRtcCaller(WallClock(), ICE) as other:
            answered = await room.do(ReofferLeg(key(), room.call, "mei", await other.create_offer()))
            await other.accept(getattr(answered, "sdp", ""))
            await other.wait_connected()
            before = len(of_type(await room.log(), PartyLeft))
            with anyio.fail_after(30):
                while not other.heard.size:
                    await other.speak(room.people["mei"].voice(), tail_s=0.0)
            assert "mei" in room.board._live[room.call].lines._seats.taken
            assert len(of_type(await room.log(), PartyLeft)) == before
