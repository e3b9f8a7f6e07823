"""A caller over SIP is passed on by an agent in a browser: to somebody outside, by their telephone or by our own call.

Caller and expert are telephones on sockets of their own; all of them speak at a pitch, which tells who hears whom.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import anyio.abc
import numpy as np
import pytest

from agent_console.sip_dialing import SipDialer
from asr.fake import FakeRecognizer
from asr.types import Language
from routing.commands import Consult, HangUp, LegMode, ResumeCall, TransferCall
from routing.events import CallAttribute, CallEnded
from routing.grammar import check_log
from routing.journal.memory import MemoryJournal
from routing.leg_events import LegReplaced, PartyJoined
from routing.switchboard import Switchboard
from routing.terms import CallEndReason, Channel, ConsultEnd, TargetKind, TransferFailure, TransferKind
from routing.transfer_events import (
    ConsultAnswered,
    ConsultEnded,
    TransferAccepted,
    TransferCompleted,
    TransferFailed,
    TransferTarget,
)
from tests.agent_console.test_sip_dialing import expert
from tests.programs import audio_ports
from tests.routing.callers import ICE, PITCHES, Person, Room, ScriptedDesk
from tests.routing.rooms import of_type, open_rooms
from tests.voice.sip.line import LOOPBACK, SETTINGS
from tests.voice.sip.test_replaces import take_place
from voice.clock import WallClock
from voice.contracts.audio import SAMPLE_RATE, Party, Pcm
from voice.sip.call_terms import Referral
from voice.sip.codecs import PCMA
from voice.sip.endpoint import SipEndpoint
from voice.sip.leg import SipLeg
from voice.sip.line import Line
from voice.sip.replaces import replaces_of
from voice.webrtc.answerer import WebRtcAnswerer
from voice.webrtc.leg import LegLimits, WebRtcLeg

pytestmark = pytest.mark.anyio
NOBODY: set[str] = set()
TRUNK = replace(LOOPBACK, codecs=(PCMA,), transfer_to=frozenset({"127.0.0.1"}))
_numbers = itertools.count()


def key() -> str:
    return f"key-{next(_numbers):06}"


@dataclass
class Telephone:
    """Somebody at a telephone.

    Attributes:
        leg: their call; None before they have one.
        heard: what they heard in it, 16 kHz.
        came: set with their call.
    """

    name: str
    leg: SipLeg | None = None
    heard: Pcm = field(default_factory=lambda: np.zeros(0, np.float32))
    came: anyio.Event = field(default_factory=anyio.Event)

    async def talk(self, leg: SipLeg) -> None:
        time = np.arange(60 * SAMPLE_RATE) / SAMPLE_RATE
        leg.sink.play((0.15 * np.sin(2 * np.pi * PITCHES[self.name] * time)).astype(np.float32))
        self.leg = leg
        self.came.set()
        async with leg:
            async for frame in leg.source.frames():
                self.heard = np.concatenate([self.heard, frame.pcm])


@dataclass
class Office:
    """A call over SIP that an agent serves, and an expert outside.

    Attributes:
        room: the call.
        caller: at their telephone.
        expert: at theirs.
        uri: of the expert.
        phone: the caller's telephone.
    """

    room: Room
    caller: Telephone
    expert: Telephone
    uri: str
    phone: SipEndpoint

    @property
    def target(self) -> TransferTarget:
        return TransferTarget(TargetKind.URI, self.uri)


@asynccontextmanager
async def office(*, refuses: int = 0, says_refer: bool = True) -> AsyncIterator[Office]:
    """A served call.

    Args:
        refuses: the status with which the expert refuses; 0: they answer.
        says_refer: whether the caller's telephone says that it can be told to call somebody else.
    """
    clock, journal, desk = WallClock(), MemoryJournal(), ScriptedDesk()

    async def answer(sdp: str) -> WebRtcLeg:
        return await WebRtcAnswerer(ICE, LegLimits()).answer(sdp, clock)

    async with AsyncExitStack() as stack:
        rooms = await stack.enter_async_context(open_rooms(FakeRecognizer()))
        line, phone, outside = [
            await stack.enter_async_context(
                SipEndpoint.open(replace(SETTINGS, trunks=(TRUNK,), ports=audio_ports(share)), clock)
            )
            for share in (0, 1, 2)
        ]
        board = await stack.enter_async_context(
            Switchboard.open(rooms, journal, answer, clock, recordings=None, max_calls=4)
        )
        board.ask(desk)
        board.dial_with(SipDialer(line))
        tasks = await stack.enter_async_context(anyio.create_task_group())
        room = Room(board, journal, desk, tasks)
        caller, expert = Telephone("caller"), Telephone("chief")

        async def take(leg: SipLeg, call: Line) -> None:
            room.call = await board.take(
                leg,
                Channel.SIP,
                caller=call.caller,
                called=call.called,
                language=Language.ZH,
                keys=leg.keys(),
                holds=leg.holds(),
                successors=leg.successors(),
                attributes=tuple(CallAttribute(name, value) for name, value in call.attributes),
            )

        async def take_outside(leg: SipLeg, _: Line) -> None:
            if refuses:
                leg.call.refuse(refuses, clock.now_s())
                return
            tasks.start_soon(expert.talk, leg)

        stack.enter_context(line.accept(take))
        stack.enter_context(outside.accept(take_outside))
        leg = await phone.call(f"sip:4001@127.0.0.1:{line.port}", codecs=(PCMA,))
        tasks.start_soon(caller.talk, leg)
        await caller.came.wait()
        for name, one in (("caller", caller), ("chief", expert)):
            room.people[name] = Person(name, one)  # type: ignore[arg-type]  # of a client, what it heard is asked for
        desk.agent = "mei"
        await room.enter("mei", LegMode.SERVE)
        await room.until_heard(caller={"mei"}, mei={"caller"})
        uri = f"sip:expert@127.0.0.1:{outside.port}"
        if says_refer:
            _follow_refers(phone, leg, caller, tasks)
        else:
            next(one for one in line.agent.calls.values()).takes_refer = False
        yield Office(room, caller, expert, uri, phone)
        tasks.cancel_scope.cancel()


def _follow_refers(phone: SipEndpoint, leg: SipLeg, caller: Telephone, tasks: anyio.abc.TaskGroup) -> None:
    """Let the caller's telephone do what telephones do with a REFER: call, and say how that went."""
    clock = WallClock()

    async def call(target: str) -> None:
        try:
            other = await phone.call(target, codecs=(PCMA,))
        except Exception as error:  # whatever it is, it is told
            leg.call.transfers.notify(getattr(error, "status", 0) or 500, clock.now_s())
            return
        leg.call.transfers.notify(200, clock.now_s())
        caller.heard = caller.heard[:0]
        await caller.talk(other)

    def refer(referral: Referral) -> bool:
        tasks.start_soon(call, referral.target)
        return True

    leg.call.terms.transfer_to = frozenset({"127.0.0.1"})
    leg.call.hooks.referred = refer


async def test_the_callers_telephone_calls_somebody_else_instead() -> None:
    async with office() as here:
        room = here.room
        await room.do(TransferCall(key(), room.call, "mei", TransferKind.BLIND, here.target))
        log = await room.until_written(CallEnded)
        await room.until_heard(caller={"chief"}, chief={"caller"})  # without us
    check_log(log)
    assert of_type(log, CallEnded)[0].reason is CallEndReason.TRANSFERRED
    assert (len(of_type(log, TransferAccepted)), len(of_type(log, TransferCompleted))) == (1, 1)


@pytest.mark.parametrize("says_refer", [True, False])
async def test_a_transfer_that_fails_leaves_the_caller_with_the_agent(says_refer: bool) -> None:
    async with office(refuses=486, says_refer=says_refer) as here:
        room = here.room
        await room.do(TransferCall(key(), room.call, "mei", TransferKind.BLIND, here.target))
        await room.until_written(TransferFailed)
        await room.until_heard(caller={"mei"}, mei={"caller"})
        await room.do(TransferCall(key(), room.call, "mei", TransferKind.BLIND, _elsewhere()))
        await room.until(lambda log: len(of_type(log, TransferFailed)) == 2)
        await room.until_heard(caller={"mei"}, mei={"caller"})
        await room.do(HangUp(key(), room.call, "mei"))
        log = await room.until_written(CallEnded)
    check_log(log)
    assert [one.code for one in of_type(log, TransferFailed)] == [TransferFailure.BUSY, TransferFailure.FORBIDDEN]


async def test_an_expert_is_called_consulted_joined_and_serves() -> None:
    async with office(says_refer=False) as here:
        room = here.room
        await room.do(Consult(key(), room.call, "mei", here.target))
        await room.until_written(ConsultAnswered)
        await room.until_heard(caller=NOBODY, mei={"chief"}, chief={"mei"})
        await room.do(ResumeCall(key(), room.call, "mei"))
        await room.until_heard(caller={"mei", "chief"}, mei={"caller", "chief"}, chief={"caller", "mei"})
        await room.do(TransferCall(key(), room.call, "mei", TransferKind.ATTENDED, here.target))
        await room.until_heard(caller={"chief"}, chief={"caller"})
        assert here.expert.leg is not None
        here.expert.leg.close()  # hangs up: who served is gone, and so is the call
        log = await room.until_written(CallEnded)
        assert here.caller.leg is not None
        with anyio.fail_after(30):
            await here.caller.leg.over.wait()
    check_log(log)
    assert PartyJoined(Party.AGENT, here.uri) in [stamped.event for stamped in log]
    assert len(of_type(log, ConsultEnded)) == len(of_type(log, TransferCompleted)) == 1


async def test_a_colleague_takes_the_callers_place_and_the_call_goes_on() -> None:
    """Whoever called hands the call to another telephone of their system: INVITE with Replaces."""
    async with office() as here:
        room = here.room
        assert here.caller.leg is not None
        record = here.caller.leg.call.dialog.record
        taken = await take_place(here.phone, record.remote_target, replaces_of(here.caller.leg.call).write())
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(here.expert.talk, taken)
            await room.until_heard(mei={"chief"}, chief={"mei"})
            log = await room.until_written(LegReplaced)
            assert here.caller.leg.end is not None
            await room.do(HangUp(key(), room.call, "mei"))
            log = await room.until_written(CallEnded)
            tasks.cancel_scope.cancel()
    check_log(log)
    assert [one.party for one in of_type(log, LegReplaced)] == [Party.CALLER]
    assert len(of_type(log, PartyJoined)) == 2  # the caller, and mei: nobody has left


async def test_an_expert_of_others_making_is_consulted_and_serves(tmp_path: Path) -> None:
    """Played by sipp, who says back what it hears: everybody hears themselves."""
    async with expert("expert_answers", tmp_path, "-rtp_echo") as port, office() as here:
        room = here.room
        target = TransferTarget(TargetKind.URI, f"sip:expert@127.0.0.1:{port}")
        await room.do(Consult(key(), room.call, "mei", target))
        await room.until_written(ConsultAnswered)
        await room.until_heard(caller=NOBODY, mei={"mei"})
        await room.do(TransferCall(key(), room.call, "mei", TransferKind.ATTENDED, target))
        await room.until_heard(caller={"caller"})
        assert here.caller.leg is not None
        here.caller.leg.close()
        log = await room.until_written(CallEnded)
    check_log(log)
    assert of_type(log, ConsultEnded)[0].reason is ConsultEnd.TRANSFERRED
    assert len(of_type(log, TransferCompleted)) == 1


async def test_a_telephone_that_cannot_be_told_is_connected_by_us() -> None:
    async with office(says_refer=False) as here:
        room = here.room
        await room.do(TransferCall(key(), room.call, "mei", TransferKind.BLIND, here.target))
        await room.until_heard(caller={"chief"}, chief={"caller"})
        assert here.caller.leg is not None
        here.caller.leg.close()
        log = await room.until_written(CallEnded)
        assert here.expert.leg is not None
        with anyio.fail_after(30):
            await here.expert.leg.over.wait()
    check_log(log)
    assert of_type(log, CallEnded)[0].reason is CallEndReason.CALLER_HUNG_UP


def _elsewhere() -> TransferTarget:
    return TransferTarget(TargetKind.URI, "tel:+1900123456")
