"""The switchboard over real WebRTC on loopback: commands are typed, idempotent, and harm no other call."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
import soundfile

from asr.fake import FakeRecognizer
from asr.types import Language
from routing.commands import (
    CallAnswered,
    CommandRefusedError,
    Done,
    HangUp,
    OfferCall,
    PressKey,
    ReofferCall,
    ShowSecret,
)
from routing.events import CallEnded, CallStarted, DtmfReceived, SpeechEnded, Stamped, TranscriptFinal
from routing.grammar import check_log
from routing.journal.memory import MemoryJournal
from routing.leg_events import MediaMeasured
from routing.service_events import AnnouncementMade, RouteDecided
from routing.switchboard import Switchboard
from routing.terms import CallEndReason, Wording
from tests.routing.rooms import open_rooms, voice_of
from voice.clock import WallClock
from voice.contracts.audio import CallId, Party
from voice.contracts.errors import UnknownCallError
from voice.webrtc.answerer import WebRtcAnswerer
from voice.webrtc.client import WebRtcCaller
from voice.webrtc.ice import IceSettings
from voice.webrtc.leg import WebRtcLeg

pytestmark = pytest.mark.anyio
ICE = IceSettings(host_addresses=("127.0.0.1",))


class Exchange:
    """A switchboard and its journal."""

    def __init__(self, board: Switchboard, journal: MemoryJournal) -> None:
        self.board = board
        self.journal = journal

    async def offer(self, caller: WebRtcCaller, *, key: str | None = None) -> CallAnswered:
        command = OfferCall(key or secrets.token_hex(8), await caller.create_offer(), Language.ZH, "web")
        answered = await self.board.execute(command)
        assert isinstance(answered, CallAnswered)
        await caller.accept(answered.sdp)
        await caller.wait_connected()
        return answered

    async def until(self, call: CallId, kind: type) -> list[Stamped]:
        """The call's log once it holds an event of `kind`."""
        with anyio.fail_after(30):
            async for stamped in self.journal.follow(call):
                if isinstance(stamped.event, kind):
                    break
        return list(await self.journal.read(call))


@asynccontextmanager
async def open_exchange(recordings: Path | None = None, *, max_calls: int = 4) -> AsyncIterator[Exchange]:
    clock, journal, answerer = WallClock(), MemoryJournal(), WebRtcAnswerer(ICE)

    async def answer(sdp: str) -> WebRtcLeg:
        return await answerer.answer(sdp, clock)

    async with (
        open_rooms(FakeRecognizer()) as rooms,
        Switchboard.open(rooms, journal, answer, clock, recordings=recordings, max_calls=max_calls) as board,
    ):
        yield Exchange(board, journal)


def a_caller() -> WebRtcCaller:
    return WebRtcCaller(WallClock(), ICE)


async def refused(exchange: Exchange, command: OfferCall | ReofferCall | HangUp | PressKey | ShowSecret) -> str:
    with pytest.raises(CommandRefusedError) as refusal:
        await exchange.board.execute(command)
    return refusal.value.reason


def reasons(log: Sequence[Stamped]) -> list[CallEndReason]:
    return [stamped.event.reason for stamped in log if isinstance(stamped.event, CallEnded)]


async def test_a_call_is_heard_journalled_and_recorded(tmp_path: Path) -> None:
    async with open_exchange(tmp_path) as exchange, a_caller() as caller:
        answered = await exchange.offer(caller)
        await caller.speak(voice_of(2))
        await caller.close()
        log = await exchange.until(answered.call, CallEnded)
    check_log(log)
    assert isinstance(log[0].event, CallStarted)
    assert len([stamped for stamped in log if isinstance(stamped.event, SpeechEnded)]) == 2
    assert all(stamped.event.text for stamped in log if isinstance(stamped.event, TranscriptFinal))
    assert reasons(log) == [CallEndReason.CALLER_HUNG_UP]
    measured = [stamped.event for stamped in log if isinstance(stamped.event, MediaMeasured)]
    assert len(measured) >= 2  # after five seconds, and at the end
    # Bounds for a machine that is busy with other tests: what comes late counts as lost.
    assert all(one.party is Party.CALLER and (one.loss or 0) < 0.1 and (one.mos or 0) > 3 for one in measured)
    # Closed when the switchboard is: the file has its final name and the call's length.
    info = soundfile.info(tmp_path / f"{answered.call}.wav")
    assert (info.channels, info.samplerate) == (2, 16_000)
    assert info.duration >= 5


async def test_a_call_goes_on_over_another_connection_of_the_same_caller() -> None:
    async with open_exchange() as exchange, a_caller() as caller, a_caller() as moved, a_caller() as stranger:
        answered = await exchange.offer(caller)
        await caller.speak(voice_of(1))
        offer = await stranger.create_offer()
        assert await refused(exchange, ReofferCall("key-1", answered.call, offer, "guessed")) == "secret.wrong"
        assert await refused(exchange, ReofferCall("key-2", CallId("other"), offer, answered.secret)) == "call.unknown"
        assert await refused(exchange, ReofferCall("key-3", answered.call, "v=0", answered.secret)) == "webrtc.sdp"
        again = await exchange.board.execute(
            ReofferCall("key-4", answered.call, await moved.create_offer(), answered.secret)
        )
        assert isinstance(again, CallAnswered)
        assert (again.call, again.secret) == (answered.call, answered.secret)
        await moved.accept(again.sdp)
        await moved.wait_connected()
        await caller.close()
        await moved.speak(voice_of(1))
        await moved.close()
        log = await exchange.until(answered.call, CallEnded)
    check_log(log)
    assert len([stamped for stamped in log if isinstance(stamped.event, SpeechEnded)]) == 2
    assert reasons(log) == [CallEndReason.CALLER_HUNG_UP]


async def test_the_same_key_makes_one_call() -> None:
    async with open_exchange() as exchange, a_caller() as caller:
        command = OfferCall("key", await caller.create_offer(), Language.ZH, "web")
        answers: list[object] = []

        async def execute() -> None:
            answers.append(await exchange.board.execute(command))

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(execute)
        assert len({id(answer) for answer in answers}) == 1
        assert exchange.board.live_calls == 1


async def test_a_key_is_pressed_once_however_often_it_is_sent() -> None:
    async with open_exchange() as exchange, a_caller() as caller:
        answered = await exchange.offer(caller)
        press = PressKey("once", answered.call, "0", answered.secret)
        for _ in range(3):
            assert await exchange.board.execute(press) == Done(answered.call)
        assert await exchange.board.execute(HangUp("h", answered.call, "mei")) == Done(answered.call)
        log = await exchange.until(answered.call, CallEnded)
    assert len([stamped for stamped in log if isinstance(stamped.event, DtmfReceived)]) == 1
    assert [stamped.event.target for stamped in log if isinstance(stamped.event, RouteDecided)] == ["human"]
    assert reasons(log) == [CallEndReason.AGENT_HUNG_UP]


async def test_what_was_announced_stands_in_the_log_and_only_the_caller_knows_the_secret() -> None:
    made = AnnouncementMade("busy", Wording("当前排队较多", "It is busy"), spoken=False)
    async with open_exchange() as exchange, a_caller() as caller:
        answered = await exchange.offer(caller)
        exchange.board.note(answered.call, made)
        with pytest.raises(UnknownCallError):
            exchange.board.note(CallId("c-none"), made)
        shown = ShowSecret("told", answered.call, answered.secret)
        assert await exchange.board.execute(shown) == Done(answered.call)
        assert await refused(exchange, ShowSecret("told", answered.call, "guessed")) == "secret.wrong"
        await exchange.board.execute(HangUp("h", answered.call, "mei"))
        log = await exchange.until(answered.call, CallEnded)
        # Who was the caller may read what was told them when it is over.
        assert await exchange.board.execute(shown) == Done(answered.call)
    check_log(log)
    assert made in [stamped.event for stamped in log]


async def test_what_cannot_be_carried_out_is_refused_with_a_reason() -> None:
    async with open_exchange() as exchange, a_caller() as caller:
        answered = await exchange.offer(caller)
        call, secret = answered.call, answered.secret
        assert await refused(exchange, OfferCall("1", "no sdp", Language.ZH, "web")) == "webrtc.sdp"
        assert await refused(exchange, PressKey("2", CallId("c-none"), "0", secret)) == "call.unknown"
        assert await refused(exchange, PressKey("3", call, "0", "guessed")) == "secret.wrong"
        assert await refused(exchange, PressKey("4", call, "00", secret)) == "dtmf.digit"
        assert await refused(exchange, HangUp("5", call, "caller", "guessed")) == "secret.wrong"
        assert exchange.board.live_calls == 1
        await exchange.board.execute(HangUp("6", call, "caller", secret))
        log = await exchange.until(call, CallEnded)
        assert reasons(log) == [CallEndReason.CALLER_HUNG_UP]


async def test_one_call_too_many_is_refused_and_the_others_go_on() -> None:
    async with open_exchange(max_calls=1) as exchange, a_caller() as caller, a_caller() as second:
        answered = await exchange.offer(caller)
        command = OfferCall("full", await second.create_offer(), Language.ZH, "web")
        assert await refused(exchange, command) == "capacity.exceeded"
        await caller.speak(voice_of(1))
        await exchange.until(answered.call, TranscriptFinal)


async def test_stopping_sees_live_calls_through() -> None:
    async with a_caller() as caller:
        async with open_exchange() as exchange:
            answered = await exchange.offer(caller)
            await caller.speak(voice_of(1)[: 16_000 * 18 // 10], tail_s=0.1)
        log = list(await exchange.journal.read(answered.call))
    check_log(log)
    assert reasons(log) == [CallEndReason.SERVER_SHUTDOWN]
    assert any(isinstance(stamped.event, TranscriptFinal) for stamped in log)


async def test_a_recording_folder_that_is_gone_does_not_stop_a_call(tmp_path: Path) -> None:
    async with open_exchange(tmp_path / "gone") as exchange, a_caller() as caller:
        answered = await exchange.offer(caller)
        await caller.speak(voice_of(1))
        await exchange.until(answered.call, TranscriptFinal)
