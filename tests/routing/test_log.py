"""The writer of a call's log loses nothing while the journal is away, and leaves out only partials."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import pytest

from asr.types import Language
from prosody.types import AgentTone
from routing.agent_tone import AgentTonePermission
from routing.events import (
    AgentToneAllowed,
    AgentToneScored,
    CallStarted,
    DtmfReceived,
    ReportableEvent,
    Stamped,
    TranscriptPartial,
)
from routing.journal.memory import MemoryJournal
from routing.log import GIVE_UP_AFTER_S, OUTBOX_EVENTS, CallLog
from routing.terms import Channel, Direction
from voice.clock import ManualClock
from voice.contracts.audio import CallId, Party, SegmentId
from voice.contracts.errors import AgentToneRefusedError, JournalUnavailableError, SettingsError

pytestmark = pytest.mark.anyio
CALL = CallId("c")
STARTED = CallStarted(Direction.INBOUND, Channel.WEBRTC, "a", "b", Language.ZH, "2026-01-01T00:00:00Z")


class FailingJournal(MemoryJournal):
    """Unavailable for the first `failures` appends."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures

    async def append(self, events: Sequence[Stamped]) -> None:
        if self.failures:
            self.failures -= 1
            raise JournalUnavailableError("The disk is full.")
        await super().append(events)


def make_log(journal: MemoryJournal, clock: ManualClock | None = None) -> CallLog:
    return CallLog(CALL, journal, lambda: 0, clock or ManualClock())


def key(number: int) -> ReportableEvent:
    return DtmfReceived(Party.CALLER, str(number % 10))


async def test_events_are_stored_in_order_without_gap() -> None:
    journal = MemoryJournal()
    log = make_log(journal)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(log.run)
        await log.write(STARTED)
        for number in range(2000):
            await log.write(key(number))
        log.close()
    stored = await journal.read(CALL)
    assert [one.seq for one in stored] == list(range(2001))
    assert [one.event for one in stored[1:]] == [key(number) for number in range(2000)]


async def test_time_never_runs_backwards() -> None:
    journal = MemoryJournal()
    times = iter([5, 3, 9])
    log = CallLog(CALL, journal, lambda: next(times), ManualClock())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(log.run)
        await log.write(STARTED)
        await log.write(key(1))
        await log.write(key(2))
        log.close()
    assert [one.at for one in await journal.read(CALL)] == [5, 5, 9]


async def test_a_partial_is_left_out_when_the_journal_is_behind_and_nothing_else_is() -> None:
    journal = MemoryJournal()
    log = make_log(journal)
    await log.write(STARTED)
    for number in range(OUTBOX_EVENTS - 1):
        await log.write(key(number))
    assert not log.offer(TranscriptPartial(SegmentId(0), "x"))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(log.write, key(7))  # waits for room
        tasks.start_soon(log.run)
        await anyio.wait_all_tasks_blocked()
        assert log.offer(TranscriptPartial(SegmentId(0), "y"))
        log.close()
    stored = await journal.read(CALL)
    assert len(stored) == OUTBOX_EVENTS + 2
    assert [one.seq for one in stored] == list(range(OUTBOX_EVENTS + 2))


async def test_nothing_is_lost_while_the_journal_is_away() -> None:
    journal, clock = FailingJournal(failures=3), ManualClock()
    log = make_log(journal, clock)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(log.run)
            await log.write(STARTED, key(1))
            while journal.failures:
                await anyio.wait_all_tasks_blocked()
                clock.advance(0.5)
            await log.write(key(2))
            log.close()
    assert [one.seq for one in await journal.read(CALL)] == [0, 1, 2]


async def test_a_journal_that_stays_away_ends_the_call() -> None:
    journal, clock = FailingJournal(failures=10**6), ManualClock()
    log = make_log(journal, clock)

    async def wait_long() -> None:
        while clock.now_s() <= GIVE_UP_AFTER_S + 1:
            await anyio.wait_all_tasks_blocked()
            clock.advance(0.5)

    with anyio.fail_after(30), pytest.raises(ExceptionGroup) as raised:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(log.run)
            await log.write(STARTED)
            tasks.start_soon(wait_long)
    assert raised.group_contains(JournalUnavailableError)


async def test_an_agents_tone_enters_no_log_without_permission() -> None:
    log = make_log(MemoryJournal())
    scored = AgentToneScored(SegmentId(0), AgentTone(0.4, 0.6))
    with pytest.raises(AgentToneRefusedError):
        await log.write_agent_tone(scored)
    with pytest.raises(AgentToneRefusedError):
        await log.write(AgentToneAllowed("works agreement 7"))
    with pytest.raises(AgentToneRefusedError):
        await log.write(scored)  # type: ignore[arg-type]  # what the type forbids is refused at run time, too


async def test_with_permission_an_agents_tone_is_logged() -> None:
    journal, permission = MemoryJournal(), AgentTonePermission("works agreement 7")
    log = CallLog(CALL, journal, lambda: 0, ManualClock(), agent_tone=permission)
    scored = AgentToneScored(SegmentId(0), AgentTone(0.4, 0.6))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(log.run)
        await log.write(STARTED, AgentToneAllowed(permission.legal_basis))
        await log.write_agent_tone(scored)
        log.close()
    assert [one.event for one in await journal.read(CALL)][2] == scored


@pytest.mark.parametrize("basis", ["", "   ", "yes", "  true    "])
def test_a_permission_states_a_legal_basis(basis: str) -> None:
    with pytest.raises(SettingsError, match="legal basis"):
        AgentTonePermission(basis)
