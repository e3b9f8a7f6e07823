"""What the network plays until somebody outside answers: for the agent who asked, and for nobody else."""

from __future__ import annotations

import anyio
import pytest

from routing.commands import Consult, TransferCall
from routing.dialing import Hear, hear_nothing
from routing.events import CallAttribute
from routing.terms import TransferFailure, TransferKind
from routing.transfer_events import ConsultAnswered, TransferFailed
from tests.routing.callers import PITCHES, open_room
from tests.routing.rooms import of_type
from tests.routing.test_transfers import EXPERT, NOBODY, ScriptedDialer, ToneLeg, finished, key, serve
from voice.contracts.ports import CallLeg

pytestmark = pytest.mark.anyio


class RingingDialer(ScriptedDialer):
    """A `Dialer` that plays tones until a test says that they are over."""

    def __init__(self, outcome: ToneLeg | TransferFailure, tones: ToneLeg) -> None:
        super().__init__(outcome)
        self.rung = anyio.Event()
        self._tones = tones

    async def dial(self, uri: str, attributes: tuple[CallAttribute, ...], hear: Hear = hear_nothing, /) -> CallLeg:
        with anyio.fail_after(20):
            async for frame in self._tones.frames():
                hear(frame.pcm)
                if self.rung.is_set():
                    break
        return await super().dial(uri, attributes)


async def test_tones_are_heard_by_who_asked_until_somebody_answers() -> None:
    dialer = RingingDialer(ToneLeg(PITCHES["chief"]), ToneLeg(PITCHES["boss"]))
    async with open_room(dialer=dialer) as room:
        await serve(room)
        await room.do(Consult(key(), room.call, "mei", EXPERT))
        await room.until_heard(caller=NOBODY, mei={"boss"})
        dialer.rung.set()
        await room.until_heard(caller=NOBODY, mei={"chief"})
        log = await finished(room, "mei")
    assert len(of_type(log, ConsultAnswered)) == 1


async def test_why_nobody_answers_is_heard_and_the_caller_comes_back() -> None:
    dialer = RingingDialer(TransferFailure.BUSY, ToneLeg(PITCHES["boss"]))
    async with open_room(dialer=dialer) as room:
        await serve(room)
        await room.do(TransferCall(key(), room.call, "mei", TransferKind.BLIND, EXPERT))
        await room.until_heard(caller=NOBODY, mei={"boss"})
        dialer.rung.set()
        await room.until_heard(caller={"mei"}, mei={"caller"})
        log = await finished(room, "mei")
    assert [event.code for event in of_type(log, TransferFailed)] == [TransferFailure.BUSY]
