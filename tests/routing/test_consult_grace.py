"""Whoever is consulted loses their leg, reloads, leaves or is sent away, at moments that suit nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
import pytest

from asr.types import Language
from routing.commands import (
    Command,
    Consult,
    EndConsult,
    HangUp,
    JoinCall,
    LeaveCall,
    LegMode,
    ResumeCall,
    TransferCall,
    WithdrawTransfer,
)
from routing.dialing import Hear, hear_nothing
from routing.events import CallAttribute, CallEnded, CallEvent, Stamped
from routing.grammar import check_log
from routing.terms import ConsultEnd, TransferFailure, TransferKind
from routing.transfer_events import (
    ConsultAnswered,
    ConsultAwaited,
    ConsultEnded,
    ConsultStarted,
    TransferCompleted,
    TransferFailed,
)
from routing.transferring import Transferring
from routing.transfers import Transfers
from tests.routing.callers import PITCHES, Room, open_room
from tests.routing.rooms import of_type
from tests.routing.test_transfers import BOSS, EXPERT, ScriptedDialer, ToneLeg, finished, key
from voice.clock import WallClock
from voice.contracts.audio import CallId
from voice.contracts.ports import CallLeg

pytestmark = pytest.mark.anyio
Event = TypeVar("Event", bound=CallEvent)


async def until_bridged(room: Room, **expected: set[str]) -> None:
    """Return once everybody named hears exactly those, as the bridge has it; what sounds then is tested elsewhere.

    A machine that is busy with something else does not disturb this, as it would disturb what is heard.
    """
    clock, bridge = WallClock(), room.board._live[room.call].lines._bridge
    hearing: dict[str, set[str]] = {}
    with anyio.fail_after(60):
        while not hearing or any(hearing.get(who) != whom for who, whom in expected.items()):
            await clock.sleep_until(clock.now_s() + 0.02)
            hearing = {name.removesuffix(":"): set() for name in bridge.state.participants}
            for listener, speaker in bridge.pairs:
                hearing[listener.removesuffix(":")].add(speaker.removesuffix(":"))


async def serve(room: Room) -> None:
    """Mei serves the caller."""
    room.desk.agent = "mei"
    await room.enter("mei", LegMode.SERVE)
    await until_bridged(room, caller={"mei"}, mei={"caller"})


async def consult(room: Room) -> None:
    """Mei serves the caller, and talks to boss."""
    await serve(room)
    await room.do(Consult(key(), room.call, "mei", BOSS))
    await room.enter("boss", LegMode.CONSULT)
    await until_bridged(room, caller=set(), mei={"boss"}, boss={"mei"})


async def written(room: Room, kind: type[Event], count: int = 1) -> list[Event]:
    """Events of a kind, as soon as there are so many."""
    log = await room.until(lambda so_far: len(of_type(so_far, kind)) >= count)
    return of_type(log, kind)


def of_consult(log: list[Stamped]) -> list[type[CallEvent]]:
    kinds = (ConsultStarted, ConsultAnswered, ConsultAwaited, ConsultEnded, TransferCompleted, TransferFailed)
    return [type(stamped.event) for stamped in log if isinstance(stamped.event, kinds)]


def transfers_of(room: Room) -> Transfers:
    return room.board._live[room.call].lines._transfers


async def test_a_consultation_goes_on_with_whoever_comes_back_and_ends_with_the_caller_theirs() -> None:
    async with open_room(agent_grace_s=30) as room:
        await consult(room)
        await room.go("boss")
        [awaited] = await written(room, ConsultAwaited)
        assert awaited.grace_s == 30
        assert room.desk.asked == {"boss"}  # nobody is offered to them meanwhile
        attended = TransferCall(key(), room.call, "mei", TransferKind.ATTENDED, None)
        assert await room.refusal(attended) == "call.state"
        assert await room.refusal(Consult(key(), room.call, "mei", BOSS)) == "call.state"
        await until_bridged(room, caller=set(), mei=set())
        await room.enter("boss", LegMode.CONSULT)
        await until_bridged(room, caller=set(), mei={"boss"}, boss={"mei"})
        await room.do(TransferCall(key(), room.call, "mei", TransferKind.ATTENDED, None))
        await until_bridged(room, caller={"boss"}, boss={"caller"})
        await written(room, TransferCompleted)
        log = await finished(room, "boss")
    assert of_consult(log) == [
        ConsultStarted,
        ConsultAnswered,
        ConsultAwaited,
        ConsultAnswered,
        ConsultEnded,
        TransferCompleted,
    ]
    assert room.desk.told == [("bridged", "mei"), ("taken", "boss")]
    assert room.desk.asked == set()


async def test_a_conference_goes_on_while_one_of_three_is_away() -> None:
    async with open_room(agent_grace_s=30) as room:
        await consult(room)
        await room.do(ResumeCall(key(), room.call, "mei"))
        await until_bridged(room, caller={"mei", "boss"}, boss={"caller", "mei"})
        await room.go("boss")
        await until_bridged(room, caller={"mei"}, mei={"caller"})
        await room.enter("boss", LegMode.CONSULT)
        await until_bridged(room, caller={"mei", "boss"}, mei={"caller", "boss"}, boss={"caller", "mei"})
        await written(room, ConsultAnswered, 2)
        log = await finished(room, "mei")
    assert of_consult(log)[1:] == [ConsultAnswered, ConsultAwaited, ConsultAnswered, ConsultEnded]
    assert of_type(log, ConsultEnded)[0].reason is ConsultEnd.CALLER_GONE


async def test_who_stays_away_has_left_and_cannot_come_back() -> None:
    async with open_room(agent_grace_s=0.5) as room:
        await consult(room)
        await room.go("boss")
        [ended] = await written(room, ConsultEnded)
        assert ended.reason is ConsultEnd.LEFT
        assert await room.refusal(JoinCall(key(), room.call, "boss", LegMode.CONSULT, "v=0")) == "call.state"
        with anyio.fail_after(60):
            while room.desk.asked:
                await anyio.lowlevel.checkpoint()
        await room.do(ResumeCall(key(), room.call, "mei"))
        await until_bridged(room, caller={"mei"}, mei={"caller"})
        await finished(room, "mei")


async def test_who_leaves_is_not_waited_for() -> None:
    async with open_room(agent_grace_s=30) as room:
        await consult(room)
        await room.do(LeaveCall(key(), room.call, "boss"))
        [ended] = await written(room, ConsultEnded)
        assert ended.reason is ConsultEnd.LEFT
        log = await finished(room, "mei")
    assert not of_type(log, ConsultAwaited)


async def test_somebody_outside_who_hangs_up_is_not_waited_for() -> None:
    expert = ToneLeg(PITCHES["chief"])
    async with open_room(dialer=ScriptedDialer(expert), agent_grace_s=30) as room:
        await serve(room)
        await room.do(Consult(key(), room.call, "mei", EXPERT))
        await until_bridged(room, mei={EXPERT.address})
        expert.hung_up.set()
        [ended] = await written(room, ConsultEnded)
    assert ended.reason is ConsultEnd.LEFT


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (lambda call: EndConsult(key(), call, "mei"), ConsultEnd.RETURNED),
        (lambda call: EndConsult(key(), call, "boss"), ConsultEnd.LEFT),
        (lambda call: LeaveCall(key(), call, "mei"), ConsultEnd.ABANDONED),
    ],
)
async def test_nobody_has_to_wait_until_whoever_is_away_is_given_up(
    end: Callable[[CallId], Command], reason: ConsultEnd
) -> None:
    async with open_room(agent_grace_s=30) as room:
        await consult(room)
        await room.go("boss")
        await written(room, ConsultAwaited)
        await room.do(end(room.call))
        [ended] = await written(room, ConsultEnded)
        assert ended.reason is reason
        assert transfers_of(room)._state == Transferring()
        assert await room.refusal(JoinCall(key(), room.call, "boss", LegMode.CONSULT, "v=0")) == "call.state"


async def test_a_caller_who_hangs_up_while_somebody_is_away_ends_it_all() -> None:
    async with open_room(agent_grace_s=30) as room:
        await consult(room)
        await room.go("boss")
        await written(room, ConsultAwaited)
        await room.do(HangUp(key(), room.call, "caller", room.secret))
        log = await room.until_written(CallEnded)
    check_log(log)
    assert [event.reason for event in of_type(log, ConsultEnded)] == [ConsultEnd.CALLER_GONE]


async def test_whoever_is_lost_while_the_desk_makes_the_caller_theirs_is_consulted_again_when_back() -> None:
    async with open_room(agent_grace_s=30) as room:
        await consult(room)
        decide, lost = room.desk.take_over, room.board._live[room.call].lines._seats.taken["boss"]

        async def lose_them(call: CallId, agent: str, former: str | None, language: Language, /) -> None:
            if agent == "boss":
                await room.go("boss")
                await lost.gone.wait()
            await decide(call, agent, former, language)

        room.desk.take_over = lose_them  # type: ignore[method-assign]  # the desk takes a while, in which they reload
        await room.do(TransferCall(key(), room.call, "mei", TransferKind.ATTENDED, None))
        await written(room, ConsultAwaited)
        await room.enter("boss", LegMode.CONSULT)
        await until_bridged(room, caller=set(), mei={"boss"}, boss={"mei"})
        log = await finished(room, "mei")
    assert [event.code for event in of_type(log, TransferFailed)] == [TransferFailure.TECHNICAL]
    assert [told for told in room.desk.told if told[0] == "taken"] == [("taken", "boss"), ("taken", "mei")]


@pytest.mark.parametrize("first", ["mei", "boss"])
async def test_both_hang_up_at_once_and_the_caller_is_looked_after(first: str) -> None:
    async with open_room(agent_grace_s=30) as room:
        await consult(room)
        async with anyio.create_task_group() as both:
            for who in (first, "boss" if first == "mei" else "mei"):
                both.start_soon(room.refusal, LeaveCall(key(), room.call, who))
        await room.until_told("declined", "mei")
        [ended] = await written(room, ConsultEnded)
        assert ended.reason in (ConsultEnd.ABANDONED, ConsultEnd.LEFT)
        assert transfers_of(room)._state == Transferring()
        assert set(room.board._live[room.call].lines._bridge.state.participants) == {"caller:"}
        room.desk.agent = "chief"
        await room.enter("chief", LegMode.SERVE)
        await until_bridged(room, caller={"chief"}, chief={"caller"})
        check_log(await room.log(), complete=False)


@pytest.mark.parametrize("act", [EndConsult, WithdrawTransfer])
async def test_one_declines_while_the_other_cancels_and_only_the_first_is_heard(
    act: type[EndConsult | WithdrawTransfer],
) -> None:
    async with open_room(agent_grace_s=30) as room:
        await serve(room)
        begin = Consult(key(), room.call, "mei", BOSS)
        blind = TransferCall(key(), room.call, "mei", TransferKind.BLIND, BOSS)
        await room.do(begin if act is EndConsult else blind)
        refused: list[str] = []

        async def end(who: str) -> None:
            refused.append(await room.refusal(act(key(), room.call, who)))

        async with anyio.create_task_group() as both:
            both.start_soon(end, "boss")
            both.start_soon(end, "mei")
        assert sorted(refused) == ["", "call.state"]
        assert transfers_of(room)._state == Transferring()
        if room.board._live[room.call].lines._bridge.state.held:
            await room.do(ResumeCall(key(), room.call, "mei"))
        await until_bridged(room, caller={"mei"}, mei={"caller"})
        await written(room, ConsultEnded if act is EndConsult else TransferFailed)
        log = await finished(room, "mei")
    assert len(of_type(log, ConsultEnded)) + len(of_type(log, TransferFailed)) == 1


class HastyDialer(ScriptedDialer):
    """Reaches somebody in the very moment in which whoever serves takes it back."""

    def __init__(self, leg: ToneLeg, *, refers: bool = False) -> None:
        super().__init__(leg, refers=refers)
        self.take_back: Command | None = None
        self.room: Room | None = None

    async def dial(self, uri: str, _attributes: tuple[CallAttribute, ...], _hear: Hear = hear_nothing, /) -> CallLeg:
        await self.refer_to(uri)
        assert isinstance(self.outcome, ToneLeg)
        return self.outcome

    async def refer_to(self, uri: str) -> None:
        assert self.room is not None
        assert self.take_back is not None
        with anyio.CancelScope(shield=True):
            self.dialled.append(uri)
            await self.room.do(self.take_back)


async def test_who_answers_when_nobody_is_wanted_any_more_hears_nothing() -> None:
    expert = ToneLeg(PITCHES["chief"])
    dialer = HastyDialer(expert)
    async with open_room(dialer=dialer) as room:
        await serve(room)
        dialer.room, dialer.take_back = room, EndConsult(key(), room.call, "mei")
        await room.do(Consult(key(), room.call, "mei", EXPERT))
        with anyio.fail_after(60):
            await expert.left.wait()
        await until_bridged(room, caller={"mei"}, mei={"caller"})
        assert set(room.board._live[room.call].lines._seats.taken) == {"mei"}
        await written(room, ConsultEnded)
        log = await finished(room, "mei")
    assert [event.reason for event in of_type(log, ConsultEnded)] == [ConsultEnd.RETURNED]


async def test_a_telephone_that_goes_when_it_is_called_back_does_not_break_the_call() -> None:
    dialer = HastyDialer(ToneLeg(500), refers=True)
    async with open_room(dialer=dialer) as room:
        await serve(room)
        dialer.room, dialer.take_back = room, WithdrawTransfer(key(), room.call, "mei")
        await room.do(TransferCall(key(), room.call, "mei", TransferKind.BLIND, EXPERT))
        await written(room, TransferFailed)
        await until_bridged(room, caller={"mei"}, mei={"caller"})
        log = await finished(room, "mei")
    assert not of_type(log, TransferCompleted)
