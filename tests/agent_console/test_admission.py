"""The door: what recognition cannot keep up with is refused, with a reason, and again taken when it can."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from agent_console.admission import LOOK_EVERY_S, Doorkeeper
from agent_console.settings import Settings
from agent_console.wiring import open_console
from asr.fake import FakeRecognizer
from asr.ports import WorkerLoad
from asr.types import Language
from asr.worker import RecognitionWorker
from routing.commands import CommandRefusedError, OfferCall
from routing.journal.memory import MemoryJournal
from routing.switchboard import Switchboard
from tests.routing.rooms import open_rooms
from voice.clock import ManualClock
from voice.contracts.errors import CapacityError
from voice.webrtc.leg import WebRtcLeg

pytestmark = pytest.mark.anyio


class Loaded(RecognitionWorker):
    """Recognition whose load is made up."""

    waiting_s = 0.0

    def load(self) -> WorkerLoad:
        return WorkerLoad(0, 0, self.waiting_s, 0)


async def look(clock: ManualClock) -> None:
    """Let one look pass."""
    while not clock.sleepers:
        await anyio.wait_all_tasks_blocked()
    clock.advance(LOOK_EVERY_S)
    await anyio.wait_all_tasks_blocked()


async def test_a_door_closes_and_opens_with_the_load() -> None:
    clock = ManualClock()
    async with Loaded(FakeRecognizer()) as recognition:
        door = Doorkeeper(recognition, clock, cores=2)
        async with door.looking(lambda: 3):
            await look(clock)
            assert door.refusal() is None
            recognition.waiting_s = 5.0
            await look(clock)
            refused = door.refusal()
            assert isinstance(refused, CapacityError)
            assert str(refused) == "Recognition is 5.0 s of audio behind. Call again in a minute."
            recognition.waiting_s = 0.0
            await look(clock)
            assert door.refusal() is None


async def test_a_call_that_cannot_be_recognized_is_refused_before_it_is_answered() -> None:
    async def answer(sdp: str) -> WebRtcLeg:
        raise AssertionError("nobody answers")

    async with open_rooms(FakeRecognizer()) as plain:
        rooms = replace(plain, refusal=lambda: CapacityError("Recognition is 9.0 s of audio behind."))
        async with Switchboard.open(
            rooms, MemoryJournal(), answer, ManualClock(), recordings=None, max_calls=4
        ) as switchboard:
            with pytest.raises(CommandRefusedError, match=r"9\.0 s of audio behind") as caught:
                await switchboard.execute(OfferCall("key-1234", "v=0", Language.ZH, "web"))
    assert caught.value.reason == "capacity.exceeded"


@pytest.mark.parametrize(("admission", "codes"), [("measured", ["capacity.exceeded"]), ("off", [])])
async def test_readiness_says_that_no_call_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, admission: str, codes: list[str]
) -> None:
    def behind(_: object) -> WorkerLoad:
        return WorkerLoad(9, 2, 30.0, 0)

    monkeypatch.setattr(RecognitionWorker, "load", behind)
    settings = Settings.load(environ={}, data=tmp_path, engine="fake", vad="webrtc", admission=admission)
    async with open_console(settings) as opened:
        await anyio.wait_all_tasks_blocked()
        assert [reason.code for reason in await opened.console.readiness()] == codes
