"""A live call whose caller is being handed over: every step in its log, and an end to it when the caller hangs up."""

from __future__ import annotations

import anyio
import pytest

from routing.call import Call
from routing.grammar import check_log
from routing.handover import HandoverStage
from routing.journal.memory import MemoryJournal
from routing.service_events import HandoverFailed, HandoverOffered, HandoverRequested
from routing.state import CallState, fold
from routing.terms import CallEndReason, HandoverFailure, Wording
from tests.routing.rooms import CALL, STARTED, ScriptedRecognizer, of_type, open_rooms
from voice.clock import ManualClock
from voice.contracts.audio import AudioFrame, Party
from voice.contracts.errors import HandoverError, UnknownCallError

pytestmark = pytest.mark.anyio


async def test_a_hand_over_ends_with_the_call_and_a_step_out_of_turn_is_refused() -> None:
    journal = MemoryJournal()
    send, receive = anyio.create_memory_object_stream[AudioFrame](1)
    async with open_rooms(ScriptedRecognizer([])) as rooms:
        call = Call(CALL, STARTED, rooms, journal, ManualClock())
        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks, send:
                tasks.start_soon(call.run, receive, [Party.CALLER], lambda: CallEndReason.CALLER_HUNG_UP)
                await call.hand_over(HandoverRequested("t", Wording("要人工", "wants a person")))
                with pytest.raises(HandoverError):
                    await call.hand_over(HandoverOffered("another", "ann"))
                await call.hand_over(HandoverOffered("t", "ann"))
                await send.aclose()
        receive.close()
        with pytest.raises(UnknownCallError):
            await call.hand_over(HandoverOffered("t", "ann"))
    log = await journal.read(CALL)
    check_log(log)
    assert of_type(log, HandoverFailed) == [HandoverFailed("t", HandoverFailure.CALLER_GONE, "ann")]
    handover = fold(log, CallState(CALL)).handover
    assert handover is not None
    assert handover.stage is HandoverStage.OVER
