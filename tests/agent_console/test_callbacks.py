"""A caller over SIP asks to be called back, hangs up, and is: by the desk's decisions, over the trunk's gateway."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path

import anyio
import numpy as np
import pytest
import soundfile

from routing.callback_events import (
    CallbackAnswered,
    CallbackDialled,
    CallbackFailed,
    CallbackRequested,
    CallbackStage,
)
from routing.commands import CommandRefusedError, JoinCall, LegAnswered, LegMode
from routing.desk.commands import FailBridge
from routing.desk.terms import ContactState, Presence
from routing.events import CallEnded, CallStarted, Stamped
from routing.grammar import check_log
from routing.journal.memory import MemoryJournal
from routing.leg_events import PartyJoined
from routing.service_events import HandoverBridged, PromptPlayed
from routing.state import CallState, fold
from routing.terms import CallEndReason, Direction, TransferFailure
from tests.agent_console.callback_office import MEI, NUMBER, open_office
from tests.routing.callers import ICE, PITCHES, Person
from tests.routing.rooms import of_type
from tests.voice.sip.baresip import run_baresip
from voice.clock import WallClock
from voice.contracts.audio import Party
from voice.contracts.errors import MediaError
from voice.sip.leg import SipLeg
from voice.sip.line import Line
from voice.webrtc.client import WebRtcCaller

pytestmark = pytest.mark.anyio
WISH = CallbackRequested(f"tel:{NUMBER}")


def steps(log: list[Stamped]) -> list[object]:
    kinds = (CallbackRequested, CallbackDialled, CallbackAnswered, CallbackFailed)
    return [one.event for one in log if isinstance(one.event, kinds)]


async def test_who_hung_up_is_rung_back_and_speaks_with_the_agent(tmp_path: Path) -> None:
    async with open_office(tmp_path) as here, AsyncExitStack() as stack:
        asked = await here.ask_for_callback()
        assert here.contact is not None
        since = here.contact.since
        await here.ready()
        await here.accept()
        await here.until(lambda: bool(here.rung) and here.contact is not None and here.contact.call != asked)
        contact = here.contact
        assert (contact.kind, contact.state, contact.since) == ("live", ContactState.CONNECTING, since)
        assert here.keeper.ledger.agents[MEI].calls == (contact.call,)
        client = await stack.enter_async_context(WebRtcCaller(WallClock(), ICE))
        joined = await here.board.execute(
            JoinCall("join-mei", contact.call, MEI, LegMode.SERVE, await client.create_offer())
        )
        assert isinstance(joined, LegAnswered)
        await client.accept(joined.sdp)
        mei = Person("mei", client)
        caller = Person("caller", here.ear)  # type: ignore[arg-type]  # of a client, what it heard is asked for

        async def speak() -> None:
            with suppress(MediaError):  # hung up on
                while client.end_reason is None:
                    await client.speak(mei.voice(), tail_s=0.0)

        here.tasks.start_soon(speak)
        await here.until(lambda: contact.state is ContactState.SERVING)
        await here.until(lambda: mei.hears() == {"caller"} and caller.hears() == {"mei"})
        here.rung[0].close()  # they hang up
        log = await here.until_written(contact.call, lambda log: isinstance(log[-1].event, CallEnded))
        await here.until(lambda: here.contact is None)
        assert here.keeper.ledger.agents[MEI].shown is Presence.READY
        before = await here.until_written(asked, lambda log: isinstance(log[-1].event, CallbackAnswered))
    check_log(log)
    check_log(before)
    started = of_type(log, CallStarted)[0]
    assert (started.direction, started.caller, started.called) == (Direction.OUTBOUND, NUMBER, "4008001234")
    assert {(one.name, one.value) for one in started.attributes} >= {
        ("sip.trunk", "loopback"),
        ("callback.of", asked),
        ("callback.attempt", "1"),
    }
    assert steps(before) == [WISH, CallbackDialled(MEI, 1), CallbackAnswered(MEI, contact.call)]
    assert PartyJoined(Party.AGENT, MEI) in [one.event for one in log]
    assert len(of_type(log, HandoverBridged)) == 1
    greeting = of_type(log, PromptPlayed)[0]
    assert (greeting.prompt, greeting.disclosure, greeting.completed) == ("callback.answered", True, True)
    assert of_type(log, CallEnded)[0].reason is CallEndReason.CALLER_HUNG_UP


async def test_a_softphone_of_others_making_asks_is_rung_back_and_answers(tmp_path: Path) -> None:
    """Debian's baresip, which answers by itself."""
    spoken = tmp_path / "spoken.wav"
    time = np.arange(60 * 8_000) / 8_000
    soundfile.write(spoken, 0.2 * np.sin(2 * np.pi * PITCHES["caller"] * time), 8_000, subtype="PCM_16")
    folder = tmp_path / "phone"
    folder.mkdir()
    with run_baresip(folder, spoken, user=NUMBER, codecs=";answermode=auto") as phone:
        async with open_office(tmp_path, gateway=phone.sip) as here, AsyncExitStack() as stack:
            await phone.command(("dial", f"sip:4008001234@127.0.0.1:{here.line.port}"), until="CALL_ESTABLISHED")
            await phone.command(("sndcode", "0"))
            await here.until(lambda: here.contact is not None and here.contact.told_callback)
            await phone.command(("sndcode", "*"))
            await here.until(lambda: here.contact is not None and here.contact.kind == "callback")
            await phone.command(("hangup", ""))
            asked = here.calls[0]
            await here.until(lambda: here.board.live_calls == 0)
            await here.ready()
            await here.accept()
            await here.until(lambda: here.contact is not None and here.contact.call != asked)
            assert here.contact is not None
            call = here.contact.call
            client = await stack.enter_async_context(WebRtcCaller(WallClock(), ICE))
            joined = await here.board.execute(
                JoinCall("join-mei", call, MEI, LegMode.SERVE, await client.create_offer())
            )
            assert isinstance(joined, LegAnswered)
            await client.accept(joined.sdp)
            mei = Person("mei", client)
            await client.speak(mei.voice(), tail_s=0.0)
            await here.until(lambda: mei.hears() == {"caller"})
            await phone.command(("hangup", ""))
            log = await here.until_written(call, lambda log: isinstance(log[-1].event, CallEnded))
            before = await here.until_written(asked, lambda log: isinstance(log[-1].event, CallbackAnswered))
    check_log(log)
    assert steps(before) == [WISH, CallbackDialled(MEI, 1), CallbackAnswered(MEI, call)]
    assert len(of_type(log, HandoverBridged)) == 1


async def test_who_is_busy_twice_is_given_up_and_the_agent_is_free(tmp_path: Path) -> None:
    async with open_office(tmp_path) as here:
        asked = await here.ask_for_callback()
        here.answers = 486
        await here.ready()
        await here.accept()
        await here.until(lambda: here.contact is not None and here.contact.state is ContactState.ASLEEP)
        assert here.keeper.ledger.agents[MEI].shown is Presence.READY
        await here.accept()  # after the rest
        await here.until(lambda: here.contact is None)
        assert here.keeper.ledger.agents[MEI].shown is Presence.READY
        log = await here.until_written(
            asked, lambda log: isinstance(log[-1].event, CallbackFailed) and log[-1].event.given_up
        )
        assert here.refused == 2
    check_log(log)
    busy = TransferFailure.BUSY
    assert steps(log) == [
        WISH,
        CallbackDialled(MEI, 1),
        CallbackFailed(MEI, busy, False),
        CallbackDialled(MEI, 2),
        CallbackFailed(MEI, busy, True),
    ]
    callback = fold(log, CallState(asked)).callback
    assert callback is not None
    assert (callback.stage, callback.failure) == (CallbackStage.GIVEN_UP, busy)


async def test_where_the_agent_is_gone_the_telephone_stops_ringing(tmp_path: Path) -> None:
    async with open_office(tmp_path) as here:
        asked = await here.ask_for_callback()
        never = anyio.Event()

        async def ring(*_: object) -> None:
            await never.wait()

        here.phone._take = ring
        await here.ready()
        await here.accept()
        await here.until(lambda: bool(here.phone.agent.calls))
        await here.keeper.execute(FailBridge("gone", asked, MEI))
        await here.until(lambda: not here.phone.agent.calls)
        log = await here.until_written(asked, lambda log: isinstance(log[-1].event, CallbackFailed))
        assert here.contact is not None
        assert (here.contact.kind, here.contact.attempts) == ("callback", 0)
        never.set()
    check_log(log)
    assert steps(log)[-1] == CallbackFailed(MEI, TransferFailure.WITHDRAWN, False)


async def test_while_it_rings_only_the_agent_hears_it_until_somebody_answers(tmp_path: Path) -> None:
    async with open_office(tmp_path) as here, AsyncExitStack() as stack:
        asked = await here.ask_for_callback()
        picked_up, answer = anyio.Event(), here.phone._take
        assert answer is not None

        async def ring(leg: SipLeg, line: Line) -> None:
            await picked_up.wait()
            await answer(leg, line)

        here.phone._take = ring
        await here.ready()
        await here.accept()
        await here.until(lambda: bool(here.phone.agent.calls))
        clients = [await stack.enter_async_context(WebRtcCaller(WallClock(), ICE)) for _ in range(3)]
        offers = [await client.create_offer() for client in clients]
        with pytest.raises(CommandRefusedError, match="No live call"):
            await here.board.execute(JoinCall("boss", asked, "boss", LegMode.SERVE, offers[0]))
        for number, client in enumerate(clients[:2]):  # the page is loaded again
            joined = await here.board.execute(JoinCall(f"l{number}", asked, MEI, LegMode.SERVE, offers[number]))
            assert isinstance(joined, LegAnswered)
            await client.accept(joined.sdp)
            await here.until(partial(hears_ringing, client))
        await here.until(lambda: clients[0].end_reason is not None)
        assert here.board.live_calls == 0, "there is no call that could be recorded"
        picked_up.set()
        await here.until(lambda: clients[1].end_reason is not None)
        await here.until(lambda: here.contact is not None and here.contact.call != asked)
        assert here.contact is not None
        joined = await here.board.execute(JoinCall("serve", here.contact.call, MEI, LegMode.SERVE, offers[2]))
        assert isinstance(joined, LegAnswered)
        await here.until(lambda: here.board.live_calls == 1)


def hears_ringing(client: WebRtcCaller) -> bool:
    """Whether they have heard our own ringing tone for a tenth of a second."""
    blocks = client.heard[: client.heard.size // 1600 * 1600].reshape(-1, 1600)
    turn = np.exp(-2j * np.pi * 450 * np.arange(1600) / 16_000)
    return bool((np.abs(blocks @ turn) / 800 > 0.05).any())


async def test_a_restart_while_it_rings_keeps_the_place(tmp_path: Path) -> None:
    journal, never = MemoryJournal(), anyio.Event()
    async with open_office(tmp_path, journal=journal) as here:
        asked = await here.ask_for_callback()

        async def ring(*_: object) -> None:
            await never.wait()

        here.phone._take = ring
        await here.ready()
        await here.accept()
        await here.until(lambda: bool(here.phone.agent.calls))
        assert here.contact is not None
        since = here.contact.since
    never.set()
    async with open_office(tmp_path, journal=journal) as here:
        await here.until(lambda: here.contact is not None and here.contact.state is ContactState.OFFERED)
        assert here.contact is not None
        assert (here.contact.call, here.contact.since, here.contact.attempts) == (asked, since, 0)
        await here.accept()
        await here.until(lambda: bool(here.rung))
        log = await here.until_written(asked, lambda log: isinstance(log[-1].event, CallbackAnswered))
    check_log(log)


@pytest.mark.parametrize("dials", ["139", "00"])
async def test_whom_no_trunk_dials_is_offered_no_callback(dials: str, tmp_path: Path) -> None:
    async with open_office(tmp_path, dials=dials) as here:
        leg = await here.phone.call(f"sip:4008001234@127.0.0.1:{here.line.port}", caller=f"sip:{NUMBER}@127.0.0.1")
        async with leg:
            leg.send_key("0")
            await here.until(lambda: here.contact is not None and here.contact.told_nobody)
            leg.send_key("*")
            log = await here.until_written(here.calls[0], _nobody_was_told)
            assert here.contact is not None
            assert (here.contact.kind, here.contact.address, here.contact.told_callback) == ("live", None, False)
    assert not steps(log)


def _nobody_was_told(log: Sequence[Stamped]) -> bool:
    return any(isinstance(one.event, PromptPlayed) and one.event.prompt.startswith("notice.") for one in log)
