"""However far a call had come when its process was killed, its log is made a complete one."""

from __future__ import annotations

import pytest

from routing.events import CallEnded, CallEvent, CallStarted, Stamped
from routing.grammar import check_log
from routing.journal.memory import MemoryJournal
from routing.leg_events import PartyJoined
from routing.recovery import end_interrupted
from routing.terms import CallEndReason
from tests.routing.test_grammar import EVENTS, stamp
from voice.contracts.audio import CallId, Party

pytestmark = pytest.mark.anyio
CALL = CallId("c")
LENGTH_BEFORE_THE_END = list(EVENTS).index("ended")


@pytest.mark.parametrize("length", range(1, LENGTH_BEFORE_THE_END + 1))
async def test_a_log_cut_anywhere_is_completed(length: int) -> None:
    journal = MemoryJournal()
    await journal.append(stamp(EVENTS)[:length])
    assert await end_interrupted(journal) == [CALL]
    log = list(await journal.read(CALL))
    check_log(log)
    assert log[:length] == stamp(EVENTS)[:length]
    ended = log[-1].event
    assert isinstance(ended, CallEnded)
    assert ended.reason is CallEndReason.INTERRUPTED


async def test_ended_calls_are_left_as_they_are() -> None:
    journal = MemoryJournal()
    await journal.append(stamp(EVENTS))
    assert await end_interrupted(journal) == []
    assert len(await journal.read(CALL)) == len(EVENTS)


async def test_every_unfinished_call_is_ended() -> None:
    journal = MemoryJournal()
    started = EVENTS["started"]
    assert isinstance(started, CallStarted)
    for number in range(250):
        events: list[CallEvent] = [
            CallStarted(
                started.direction,
                started.channel,
                "a",
                "b",
                started.language,
                "2026-01-01T00:00:00Z",
            ),
            PartyJoined(Party.CALLER),
        ]
        call = CallId(f"c-{number}")
        await journal.append([Stamped(call, seq, 0, event) for seq, event in enumerate(events)])
    assert len(await end_interrupted(journal)) == 250
    assert await end_interrupted(journal) == []
