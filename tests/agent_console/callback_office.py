"""A desk, a telephone line and a caller with a telephone of their own, who can be rung back."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import anyio.abc
import anyio.lowlevel
import numpy as np

from agent_console.desk_wiring import open_desk
from agent_console.sip_dialing import SipDialer
from asr.fake import FakeRecognizer
from asr.types import Language
from routing.desk.commands import AcceptOffer, SetPresence
from routing.desk.keeper import Keeper
from routing.desk.records import ContactRecord
from routing.desk.serving import DeskServing
from routing.desk.terms import AgentId, OfferId, Presence
from routing.events import CallAttribute, Stamped
from routing.journal.memory import MemoryJournal
from routing.switchboard import Switchboard
from routing.terms import Channel
from tests.programs import audio_ports
from tests.routing.callers import ICE, PITCHES
from tests.routing.rooms import open_rooms
from tests.voice.sip.line import LOOPBACK, SETTINGS
from voice.clock import WallClock
from voice.contracts.audio import SAMPLE_RATE, CallId, Pcm
from voice.sip.codecs import PCMA
from voice.sip.endpoint import SipEndpoint
from voice.sip.leg import SipLeg
from voice.sip.line import Line
from voice.webrtc.answerer import WebRtcAnswerer
from voice.webrtc.leg import LegLimits, WebRtcLeg

NUMBER = "13800138000"
MEI = AgentId("mei")
DESK = """
version: 2026.11.1
title: {zh: 测试, en: Test}
default_queue: general
lease_s: 0
queues:
  general:
    title: {zh: 综合, en: General}
    wrap_up_s: 0
    reoffer_after_s: 1
    callback: {above_s: 0, attempts: 2, retry_s: RETRY, ring_s: 20}
"""


@dataclass
class Ear:
    """What somebody hears, 16 kHz."""

    heard: Pcm = field(default_factory=lambda: np.zeros(0, np.float32))


@dataclass
class Office:
    """What there is.

    Attributes:
        board: our calls.
        line: where they come in and go out.
        keeper: of the desk.
        journal: of the calls.
        phone: the caller's.
        calls: that came in, in order.
        rung: legs of the calls that rang the caller back and were answered.
        ear: of the caller who was rung back and answered; they speak at their pitch.
        answers: whether the caller answers: 0, or the status with which their telephone refuses.
    """

    board: Switchboard
    line: SipEndpoint
    keeper: Keeper
    journal: MemoryJournal
    phone: SipEndpoint
    tasks: anyio.abc.TaskGroup
    calls: list[CallId] = field(default_factory=list)
    rung: list[SipLeg] = field(default_factory=list)
    refused: int = 0
    answers: int = 0
    ear: Ear = field(default_factory=Ear)

    @property
    def contact(self) -> ContactRecord | None:
        """The only caller at the desk."""
        return next(iter(self.keeper.ledger.contacts.values()), None)

    async def until(self, holds: Callable[[], bool], seconds: float = 30) -> None:
        clock = WallClock()
        with anyio.fail_after(seconds):
            while not holds():
                await clock.sleep_until(clock.now_s() + 0.02)

    async def ask_for_callback(self) -> CallId:
        """The caller calls, wants a human, is offered a callback, wants that, and hangs up; answers their call."""
        leg = await self.phone.call(f"sip:4008001234@127.0.0.1:{self.line.port}", caller=f"sip:{NUMBER}@127.0.0.1")
        self.tasks.start_soon(listen, leg)
        leg.send_key("0")
        await self.until(lambda: self.contact is not None and self.contact.told_callback)
        leg.send_key("*")
        await self.until(lambda: self.contact is not None and self.contact.kind == "callback")
        leg.close()
        await self.until(lambda: self.board.live_calls == 0)
        return self.calls[-1]

    async def ready(self) -> None:
        await self.keeper.execute(SetPresence(secrets.token_hex(8), MEI, Presence.READY, enrol=True))

    async def accept(self) -> None:
        """The agent takes who is offered."""
        await self.until(lambda: self.contact is not None and self.contact.offer is not None)
        assert self.contact is not None
        assert self.contact.offer is not None
        await self.keeper.execute(AcceptOffer(secrets.token_hex(8), OfferId(self.contact.offer.id), MEI, "desk"))

    async def until_written(self, call: CallId, holds: Callable[[Sequence[Stamped]], bool]) -> list[Stamped]:
        log: list[Stamped] = []
        with anyio.fail_after(20):
            async for stamped in self.journal.follow(call):
                log.append(stamped)
                if holds(log):
                    break
        return log


async def listen(leg: SipLeg, ear: Ear | None = None) -> None:
    """Take what comes, until the call ends."""
    async with leg:
        async for frame in leg.source.frames():
            if ear is not None:
                ear.heard = np.concatenate([ear.heard, frame.pcm])


@asynccontextmanager
async def open_office(
    folder: Path,
    *,
    retry_s: float = 1.0,
    journal: MemoryJournal | None = None,
    dials: str = "138",
    gateway: int | None = None,
) -> AsyncIterator[Office]:
    """An office without agents; a folder that was used before goes on where that one ended.

    Args:
        folder: of the desk's file and log.
        retry_s: rest between two attempts.
        journal: of the calls, where there were some before.
        dials: the first digits of the numbers that may be called.
        gateway: the port at which they are; None for the caller's telephone of these tests.
    """
    clock, journal = WallClock(), journal or MemoryJournal()
    (folder / "desk.yaml").write_text(DESK.replace("RETRY", str(retry_s)), encoding="utf-8")

    async def answer(sdp: str) -> WebRtcLeg:
        return await WebRtcAnswerer(ICE, LegLimits()).answer(sdp, clock)

    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        phone = await enter(SipEndpoint.open(replace(SETTINGS, trunks=(LOOPBACK,), ports=audio_ports(1)), clock))
        trunk = replace(LOOPBACK, codecs=(PCMA,), gateway=f"127.0.0.1:{gateway or phone.port}", dials=(dials,))
        rooms = await enter(open_rooms(FakeRecognizer()))
        line = await enter(SipEndpoint.open(replace(SETTINGS, trunks=(trunk,), ports=audio_ports(0)), clock))
        board = await enter(Switchboard.open(rooms, journal, answer, clock, recordings=None, max_calls=4))
        board.dial_with(SipDialer(line))
        desk = await enter(
            open_desk(folder, folder / "desk.yaml", journal, board.hand_over, board.announce, clock, board=board)
        )
        board.ask(DeskServing(desk.keeper, clock))
        tasks = await enter(anyio.create_task_group())
        office = Office(board, line, desk.keeper, journal, phone, tasks)

        async def take(leg: SipLeg, call: Line) -> None:
            attributes = tuple(CallAttribute(name, value) for name, value in call.attributes)
            office.calls.append(
                await board.take(
                    leg,
                    Channel.SIP,
                    caller=call.caller,
                    called=call.called,
                    language=Language.ZH,
                    keys=leg.keys(),
                    holds=leg.holds(),
                    attributes=attributes,
                )
            )

        async def ring(leg: SipLeg, call: Line) -> None:
            await anyio.lowlevel.checkpoint()
            assert (call.caller, call.called) == ("4008001234", NUMBER)
            if office.answers:
                office.refused += 1
                leg.call.refuse(office.answers, clock.now_s())
                return
            office.rung.append(leg)
            time = np.arange(60 * SAMPLE_RATE) / SAMPLE_RATE
            leg.sink.play((0.15 * np.sin(2 * np.pi * PITCHES["caller"] * time)).astype(np.float32))
            tasks.start_soon(listen, leg, office.ear)

        stack.enter_context(line.accept(take))
        stack.enter_context(phone.accept(ring))
        yield office
        tasks.cancel_scope.cancel()
