"""Callers passed on and experts consulted on live calls: who hears whom, what the log says, what the desk is told."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Self

import anyio
import numpy as np
import pytest

from routing.commands import (
    ChangeMode,
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
from routing.dialing import AnsweredLeg, DialError, Hear, Wanted, hear_nothing
from routing.events import CallAttribute, CallEnded, CallEvent, Stamped
from routing.grammar import check_log
from routing.leg_events import AgentAwaited, CallHeld, CallResumed, PartyJoined, PartyLeft
from routing.terms import CallEndReason, Channel, ConsultEnd, TargetKind, TransferFailure, TransferKind
from routing.transfer_events import (
    ConsultAnswered,
    ConsultEnded,
    ConsultStarted,
    TransferAccepted,
    TransferCompleted,
    TransferFailed,
    TransferRequested,
    TransferTarget,
)
from tests.routing.callers import PITCHES, Room, open_room
from tests.routing.rooms import of_type
from voice.clock import WallClock
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Party, Pcm, Samples
from voice.contracts.ports import CallLeg, LegEnd
from voice.playout import Playout

pytestmark = pytest.mark.anyio
NOBODY: set[str] = set()
BOSS = TransferTarget(TargetKind.AGENT, "boss")
EXPERT = TransferTarget(TargetKind.URI, "sip:expert@example.org")
_numbers = itertools.count()


def key() -> str:
    return f"key-{next(_numbers):06}"


def steps(log: list[Stamped]) -> list[CallEvent]:
    """What the log says of passing the caller on, and of the people there."""
    kinds = (
        ConsultStarted,
        ConsultAnswered,
        ConsultEnded,
        TransferRequested,
        TransferAccepted,
        TransferCompleted,
        TransferFailed,
        CallHeld,
        CallResumed,
        AgentAwaited,
        PartyJoined,
        PartyLeft,
    )
    return [stamped.event for stamped in log if isinstance(stamped.event, kinds)]


def of_agents(log: list[Stamped]) -> list[CallEvent]:
    came_and_went = (event for event in steps(log) if isinstance(event, PartyJoined | PartyLeft))
    return [event for event in came_and_went if event.party is Party.AGENT]


async def serve(room: Room) -> None:
    room.desk.agent = "mei"
    await room.enter("mei", LegMode.SERVE)
    await room.until_heard(caller={"mei"}, mei={"caller"})


async def finished(room: Room, by: str) -> list[Stamped]:
    await room.do(HangUp(key(), room.call, by))
    log = await room.until_written(CallEnded)
    check_log(log)
    return log


class ToneLeg:
    """A `CallLeg` of somebody outside, who speaks at a pitch."""

    def __init__(self, pitch: float) -> None:
        self.sink = Playout()
        self.end_reason: LegEnd | None = None
        self.hung_up = anyio.Event()
        self.left = anyio.Event()
        self._pitch = pitch

    @property
    def source(self) -> Self:
        return self

    @property
    def parties(self) -> frozenset[Party]:
        return frozenset({Party.AGENT})

    async def frames(self) -> AsyncGenerator[AudioFrame]:
        clock, start = WallClock(), 0
        began_s = clock.now_s()
        while not self.hung_up.is_set():
            await clock.sleep_until(began_s + start / SAMPLE_RATE)
            self.sink.take(FRAME_SAMPLES)
            yield AudioFrame(Party.AGENT, start, self._tone(start))
            start += FRAME_SAMPLES
        self.end_reason = LegEnd.HUNG_UP

    def _tone(self, start: Samples) -> Pcm:
        time = (start + np.arange(FRAME_SAMPLES)) / SAMPLE_RATE
        return np.asarray(np.round(4000 * np.sin(2 * np.pi * self._pitch * time)) / 32768, np.float32)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.left.set()


class ScriptedDialer:
    """A `Dialer` whose calls are answered as a test has it."""

    def __init__(self, outcome: ToneLeg | TransferFailure | None, *, refers: bool = False) -> None:
        self.outcome = outcome
        self.dialled: list[str] = []
        self.given_up = False
        self._refers = refers

    async def dial(self, uri: str, _attributes: tuple[CallAttribute, ...], _hear: Hear = hear_nothing, /) -> CallLeg:
        await self.refer_to(uri)
        assert isinstance(self.outcome, ToneLeg)
        return self.outcome

    def reaches(self, _uri: str, _attributes: tuple[CallAttribute, ...], /) -> bool:
        return self.outcome is not None

    async def call_back(self, wanted: Wanted, _hear: Hear = hear_nothing, /) -> AnsweredLeg:
        return AnsweredLeg(await self.dial(wanted.uri, wanted.attributes), Channel.SIP)

    def refers(self, _leg: CallLeg, /) -> bool:
        return self._refers

    async def refer(self, _leg: CallLeg, uri: str, /) -> None:
        await self.refer_to(uri)

    async def refer_to(self, uri: str) -> None:
        self.dialled.append(uri)
        await anyio.lowlevel.checkpoint()
        if self.outcome is None:
            try:
                await anyio.sleep_forever()
            finally:
                self.given_up = True
        if isinstance(self.outcome, TransferFailure):
            raise DialError(self.outcome, "Nobody was reached.")


async def test_an_expert_is_consulted_joins_all_three_and_serves_in_the_end() -> None:
    async with open_room() as room:
        await serve(room)
        await room.do(Consult(key(), room.call, "mei", BOSS))
        await room.until_heard(caller=NOBODY)
        await room.enter("boss", LegMode.CONSULT)
        await room.until_heard(caller=NOBODY, mei={"boss"}, boss={"mei"})
        assert room.desk.asked == {"boss"}  # for as long as they talk, nobody else is offered to them
        await room.do(ResumeCall(key(), room.call, "mei"))
        await room.until_heard(caller={"mei", "boss"}, mei={"caller", "boss"}, boss={"caller", "mei"})
        await room.do(TransferCall(key(), room.call, "mei", TransferKind.ATTENDED, None))
        await room.until_heard(caller={"boss"}, boss={"caller"})
        log = await finished(room, "boss")
    assert room.desk.asked == set()
    assert room.desk.told == [("bridged", "mei"), ("taken", "boss")]
    assert [type(event) for event in steps(log)] == [
        PartyJoined,
        PartyJoined,
        CallHeld,
        ConsultStarted,
        ConsultAnswered,
        CallResumed,
        TransferRequested,
        TransferAccepted,
        PartyLeft,
        ConsultEnded,
        TransferCompleted,
        PartyJoined,
        PartyLeft,
        PartyLeft,
    ]
    assert of_type(log, ConsultEnded)[0].reason is ConsultEnd.TRANSFERRED
    assert of_agents(log)[-2:] == [PartyJoined(Party.AGENT, "boss"), PartyLeft(Party.AGENT, "boss")]


async def test_an_agent_goes_back_to_the_caller_and_an_expert_may_decline_or_leave() -> None:
    async with open_room() as room:
        await serve(room)
        consulted = Consult(key(), room.call, "mei", BOSS)
        await room.do(consulted)
        assert await room.refusal(EndConsult(key(), room.call, "chief")) == "call.not_yours"
        assert room.desk.asked == {"boss"}
        await room.do(EndConsult(key(), room.call, "boss"))
        await room.until_heard(caller=NOBODY)
        assert await room.refusal(JoinCall(key(), room.call, "boss", LegMode.CONSULT, "v=0")) == "call.state"
        await room.do(Consult(key(), room.call, "mei", BOSS))
        await room.enter("boss", LegMode.CONSULT)
        await room.until_heard(mei={"boss"}, boss={"mei"})
        await room.do(LeaveCall(key(), room.call, "boss"))
        await room.until(lambda log: len(of_type(log, ConsultEnded)) == 2)
        room.vanish("boss")
        await room.do(Consult(key(), room.call, "mei", BOSS))
        await room.do(EndConsult(key(), room.call, "mei"))
        await room.until_heard(caller={"mei"}, mei={"caller"})
        log = await finished(room, "mei")
    assert [event.reason for event in of_type(log, ConsultEnded)] == [
        ConsultEnd.DECLINED,
        ConsultEnd.LEFT,
        ConsultEnd.RETURNED,
    ]
    assert room.desk.asked == set()
    assert room.desk.told == [("bridged", "mei")]


async def test_a_blind_transfer_gives_the_caller_to_another_agent() -> None:
    async with open_room() as room:
        await serve(room)
        await room.do(TransferCall(key(), room.call, "mei", TransferKind.BLIND, BOSS))
        await room.until_heard(caller=NOBODY)
        await room.enter("boss", LegMode.SERVE)
        await room.until_heard(caller={"boss"}, boss={"caller"})
        log = await finished(room, "boss")
    assert room.desk.told == [("bridged", "mei"), ("taken", "boss")]
    assert len(of_type(log, TransferCompleted)) == 1
    assert of_agents(log) == [
        PartyJoined(Party.AGENT, "mei"),
        PartyLeft(Party.AGENT, "mei"),
        PartyJoined(Party.AGENT, "boss"),
        PartyLeft(Party.AGENT, "boss"),
    ]


async def test_a_transfer_that_fails_leaves_the_caller_with_whoever_served() -> None:
    async with open_room() as room:
        await serve(room)
        for by in ("boss", "mei"):
            await room.do(TransferCall(key(), room.call, "mei", TransferKind.BLIND, BOSS))
            await room.until_heard(caller=NOBODY)
            await room.do(WithdrawTransfer(key(), room.call, by))
            await room.until_heard(caller={"mei"}, mei={"caller"})
        log = await finished(room, "mei")
    assert [event.code for event in of_type(log, TransferFailed)] == [
        TransferFailure.DECLINED,
        TransferFailure.WITHDRAWN,
    ]
    assert room.desk.told == [("bridged", "mei")]


async def test_a_transfer_to_a_queue_frees_the_agent_and_the_caller_waits_there() -> None:
    async with open_room() as room:
        await serve(room)
        target = TransferTarget(TargetKind.QUEUE, "billing")
        await room.do(TransferCall(key(), room.call, "mei", TransferKind.BLIND, target))
        await room.until_told("queued", "billing")
        await room.until_heard(caller=NOBODY)
        room.vanish("mei")
        room.desk.agent = "boss"
        await room.enter("boss", LegMode.SERVE)
        await room.until_heard(caller={"boss"}, boss={"caller"})
        log = await finished(room, "boss")
    assert room.desk.told == [("bridged", "mei"), ("finished", "mei"), ("queued", "billing"), ("bridged", "boss")]
    requested = of_type(log, TransferRequested)[0]
    assert requested == TransferRequested(requested.transfer, "mei", TransferKind.BLIND, target)


async def test_somebody_outside_is_consulted_and_serves_and_their_hanging_up_ends_the_call() -> None:
    expert = ToneLeg(PITCHES["chief"])
    dialer = ScriptedDialer(expert)
    async with open_room(dialer=dialer) as room:
        await serve(room)
        await room.do(Consult(key(), room.call, "mei", EXPERT))
        await room.until_heard(caller=NOBODY, mei={"chief"})
        await room.do(TransferCall(key(), room.call, "mei", TransferKind.ATTENDED, EXPERT))
        await room.until_heard(caller={"chief"})
        expert.hung_up.set()
        log = await room.until_written(CallEnded)
        with anyio.fail_after(30):
            await expert.left.wait()
    check_log(log)
    assert dialer.dialled == [EXPERT.address]
    assert room.desk.told == [("bridged", "mei"), ("finished", "mei")]
    assert of_type(log, CallEnded)[0].reason is CallEndReason.AGENT_HUNG_UP
    assert PartyJoined(Party.AGENT, EXPERT.address) in steps(log)


@pytest.mark.parametrize("refers", [False, True])
@pytest.mark.parametrize("failure", [TransferFailure.BUSY, TransferFailure.FORBIDDEN])
async def test_whom_nobody_reaches_outside_the_caller_is_not_given_to(failure: TransferFailure, refers: bool) -> None:
    async with open_room(dialer=ScriptedDialer(failure, refers=refers)) as room:
        await serve(room)
        await room.do(TransferCall(key(), room.call, "mei", TransferKind.BLIND, EXPERT))
        await room.until_written(TransferFailed)
        await room.until_heard(caller={"mei"}, mei={"caller"})
        log = await finished(room, "mei")
    assert [event.code for event in of_type(log, TransferFailed)] == [failure]


async def test_a_telephone_that_was_sent_elsewhere_is_no_call_of_ours_any_more() -> None:
    async with open_room(dialer=ScriptedDialer(ToneLeg(500), refers=True)) as room:
        await serve(room)
        await room.do(TransferCall(key(), room.call, "mei", TransferKind.BLIND, EXPERT))
        log = await room.until_written(CallEnded)
    check_log(log)
    assert of_type(log, CallEnded)[0].reason is CallEndReason.TRANSFERRED
    assert len(of_type(log, TransferCompleted)) == 1


async def test_a_caller_who_hangs_up_ends_what_is_under_way_and_nobody_is_called_any_more() -> None:
    dialer = ScriptedDialer(None)
    async with open_room(dialer=dialer) as room:
        await serve(room)
        await room.do(TransferCall(key(), room.call, "mei", TransferKind.BLIND, EXPERT))
        await room.until_heard(caller=NOBODY)
        await room.do(HangUp(key(), room.call, "caller", room.secret))
        log = await room.until_written(CallEnded)
    check_log(log)
    assert [event.code for event in of_type(log, TransferFailed)] == [TransferFailure.CALLER_GONE]
    assert dialer.given_up


async def test_an_agent_who_leaves_takes_the_expert_along() -> None:
    async with open_room() as room:
        await serve(room)
        await room.do(Consult(key(), room.call, "mei", BOSS))
        await room.enter("boss", LegMode.CONSULT)
        await room.until_heard(mei={"boss"}, boss={"mei"})
        await room.do(LeaveCall(key(), room.call, "mei"))
        await room.until_told("declined", "mei")
        log = await room.until_written(ConsultEnded)
        assert of_type(log, ConsultEnded)[0].reason is ConsultEnd.ABANDONED
        assert set(room.board._live[room.call].lines._bridge.state.participants) == {"caller:"}


async def test_what_cannot_be_passed_on_is_refused_and_changes_nothing() -> None:
    async with open_room() as room:
        call, blind = room.call, TransferKind.BLIND
        assert await room.refusal(Consult(key(), call, "mei", BOSS)) == "call.state"
        await serve(room)
        room.desk.engaged.add("boss")
        refused: dict[str, list[Command]] = {
            "agent.engaged": [Consult(key(), call, "mei", BOSS), TransferCall(key(), call, "mei", blind, BOSS)],
            "call.not_yours": [Consult(key(), call, "li", BOSS), TransferCall(key(), call, "li", blind, BOSS)],
            "queue.unknown": [TransferCall(key(), call, "mei", blind, TransferTarget(TargetKind.QUEUE, "nowhere"))],
            "transfer.target": [
                Consult(key(), call, "mei", TransferTarget(TargetKind.QUEUE, "billing")),
                Consult(key(), call, "mei", TransferTarget(TargetKind.AGENT, "mei")),
                TransferCall(key(), call, "mei", blind, None),
                TransferCall(key(), call, "mei", blind, TransferTarget(TargetKind.URI, "http://example.org")),
            ],
            "call.state": [
                TransferCall(key(), call, "mei", TransferKind.ATTENDED, None),
                EndConsult(key(), call, "mei"),
                WithdrawTransfer(key(), call, "mei"),
                JoinCall(key(), call, "chief", LegMode.CONSULT, "v=0"),
                ChangeMode(key(), call, "mei", LegMode.CONSULT),
            ],
        }
        for reason, commands in refused.items():
            for command in commands:
                assert await room.refusal(command) == reason, command
        await room.until_heard(caller={"mei"}, mei={"caller"})
        log = await finished(room, "mei")
    assert not of_type(log, CallHeld)
    assert not of_type(log, TransferRequested)
