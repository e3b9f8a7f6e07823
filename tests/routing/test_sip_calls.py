"""Telephone calls in routing: what a caller's telephone does becomes events, and silence where it says nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import numpy as np
import pytest
import soundfile

from asr.fake import FakeRecognizer
from asr.types import Language
from routing.events import CallEnded, Stamped
from routing.grammar import check_log
from routing.journal.memory import MemoryJournal
from routing.leg_events import AudioDropped, CallHeld, CallResumed
from routing.service_events import PromptPlayed
from routing.state import CallState, fold
from routing.switchboard import Switchboard
from routing.terms import CallEndReason, Channel
from tests.routing.rooms import of_type, open_rooms
from tests.voice.sip.line import LOOPBACK, SETTINGS, phone
from voice.clock import WallClock
from voice.contracts.audio import SAMPLE_RATE, CallId, Party, Pcm, from_s
from voice.sip.endpoint import SipEndpoint
from voice.sip.leg import SipLeg
from voice.sip.line import Line
from voice.sip.trunks import Trunk
from voice.webrtc.leg import WebRtcLeg

pytestmark = pytest.mark.anyio
SPEECH = Path(__file__).parents[2] / "samples" / "calls" / "zh-human-16k" / "audio.wav"


@dataclass
class Office:
    """A switchboard with a telephone line.

    Attributes:
        board: the switchboard.
        journal: its calls' events.
        port: of the line.
        call: the newest call.
        said: what the caller is told at once, before the call is answered.
    """

    board: Switchboard
    journal: MemoryJournal
    port: int
    call: CallId
    said: Pcm | None = None

    async def until(self, kind: type, count: int = 1) -> list[Stamped]:
        """The log once it holds so many events of a kind."""
        log: list[Stamped] = []
        with anyio.fail_after(15):
            async for stamped in self.journal.follow(self.call):
                log.append(stamped)
                if sum(isinstance(one.event, kind) for one in log) == count:
                    break
        return log


@asynccontextmanager
async def office(
    recordings: Path | None = None, silence_s: float = 20.0, trunk: Trunk = LOOPBACK
) -> AsyncIterator[Office]:
    clock, journal = WallClock(), MemoryJournal()

    async def nobody(_: str) -> WebRtcLeg:
        raise AssertionError("no browser calls")

    async with (
        open_rooms(FakeRecognizer()) as rooms,
        SipEndpoint.open(replace(SETTINGS, silence_s=silence_s, trunks=(trunk,)), clock) as line,
        Switchboard.open(rooms, journal, nobody, clock, recordings=recordings, max_calls=4) as board,
    ):
        office = Office(board, journal, line.port, CallId(""))

        async def take(leg: SipLeg, call: Line) -> None:
            office.call = await board.take(
                leg,
                Channel.SIP,
                caller=call.caller,
                called=call.called,
                language=Language.ZH,
                keys=leg.keys(),
                holds=leg.holds(),
            )
            if office.said is not None:
                await board.announce(office.call, "welcome", office.said, disclosure=True)

        with line.accept(take):
            yield office


async def test_a_telephone_that_holds_is_silent_and_not_gone(tmp_path: Path) -> None:
    clock = WallClock()
    voice, rate = soundfile.read(SPEECH, dtype="float32", start=5 * SAMPLE_RATE, frames=4 * SAMPLE_RATE)
    assert rate == SAMPLE_RATE
    async with office(tmp_path, silence_s=0.6) as here, phone() as caller:
        leg = await caller.call(f"sip:4001@127.0.0.1:{here.port}")
        leg.sink.play(np.tile(voice, 3))
        await clock.sleep_until(clock.now_s() + 0.8)
        leg.call.hold(clock.now_s(), held=True)  # what is played on is music for us
        await here.until(CallHeld)
        await clock.sleep_until(clock.now_s() + 1.5)  # longer than a line may be dead
        resumed_s = clock.now_s()
        leg.call.hold(resumed_s, held=False)
        log = await here.until(CallResumed)
        assert fold(log, CallState(here.call)).holds == frozenset()
        await clock.sleep_until(clock.now_s() + 0.8)
        leg.close()
        spoken_s = clock.now_s() - resumed_s
        log = await here.until(CallEnded)
    check_log(log)
    held, resumed = (next(s for s in log if isinstance(s.event, kind)) for kind in (CallHeld, CallResumed))
    assert (held.event, resumed.event) == (CallHeld("caller", Party.CALLER), CallResumed("caller", Party.CALLER))
    assert of_type(log, CallEnded)[0].reason is CallEndReason.CALLER_HUNG_UP
    assert not of_type(log, AudioDropped)
    said = soundfile.read(tmp_path / f"{here.call}.wav", dtype="float32")[0][:, 0]
    # The log ends later: the last turn is understood first.
    assert abs(said.size - resumed.at - from_s(spoken_s)) < from_s(0.5)
    assert np.abs(said[: held.at - from_s(0.2)]).max() > 0.05
    assert not said[held.at + from_s(0.5) : resumed.at - from_s(0.1)].any()  # behind what a busy machine had waiting
    assert np.abs(said[resumed.at + from_s(0.3) :]).max() > 0.05


async def test_holding_from_the_first_moment_begins_the_call_in_silence() -> None:
    clock = WallClock()
    async with office() as here, phone() as caller:
        leg = await caller.call(f"sip:4001@127.0.0.1:{here.port}")
        leg.call.hold(clock.now_s(), held=True)
        log = await here.until(CallHeld)
        state = fold(log, CallState(here.call))
        assert state.holds == {Party.CALLER}
        leg.close()
        check_log(await here.until(CallEnded))


async def test_a_call_that_was_taken_is_open_for_what_is_said_before_the_answer() -> None:
    """Whoever takes a call may speak in it at once, and need not ask whether it is open yet."""
    async with office(trunk=replace(LOOPBACK, early_media=True)) as here, phone() as caller:
        here.said = np.full(SAMPLE_RATE // 4, 0.1, np.float32)
        leg = await caller.call(f"sip:4001@127.0.0.1:{here.port}")
        assert leg.call.is_answered
        leg.close()
        log = await here.until(CallEnded)
    check_log(log)
    assert of_type(log, PromptPlayed) == [PromptPlayed("welcome", disclosure=True, completed=True)]
