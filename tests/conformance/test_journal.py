"""What every journal must do; runs on the one in memory and on SQLite."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import anyio
import pytest

from asr.types import Language
from prosody.types import FeatureNormal, VoiceNormal
from routing.events import CallEnded, CallEvent, CallStarted, DtmfReceived, Stamped, VoiceLearned, VoiceRecalled
from routing.journal.memory import MemoryJournal
from routing.journal.news import WATCH_EVENTS
from routing.journal.ports import Journal
from routing.journal.sqlite import SqliteJournal, _voice_query
from routing.service_events import NoteWritten
from routing.terms import CallEndReason, Channel, Direction
from routing.wire import encode_line
from voice.contracts.audio import CallId, Party
from voice.contracts.errors import (
    JournalPositionError,
    JournalSequenceError,
    JournalUnavailableError,
    SlowFollowerError,
    UnknownCallError,
)

pytestmark = pytest.mark.anyio
CALL = CallId("c-1")


def started(minute: int = 0) -> CallStarted:
    at = f"2026-01-01T00:{minute:02}:00Z"
    return CallStarted(Direction.INBOUND, Channel.WEBRTC, "web", "main", Language.ZH, at)


def log(call: CallId, length: int, *, minute: int = 0) -> list[Stamped]:
    events: list[CallEvent] = [started(minute), *(DtmfReceived(Party.CALLER, str(n % 10)) for n in range(length - 1))]
    return [Stamped(call, seq, seq * 320, event) for seq, event in enumerate(events)]


@asynccontextmanager
async def open_journal(kind: str, folder: Path) -> AsyncIterator[Journal]:
    if kind == "memory":
        yield MemoryJournal()
    else:
        async with SqliteJournal.open(folder / "journal.db") as journal:
            yield journal


@pytest.fixture(params=["memory", "sqlite"])
async def journal(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Journal]:
    async with open_journal(request.param, tmp_path) as journal:
        yield journal


async def test_what_is_appended_is_read_back(journal: Journal) -> None:
    events = log(CALL, 20)
    await journal.append(events[:1])
    await journal.append(events[1:7])
    await journal.append(events[7:])
    assert list(await journal.read(CALL)) == events
    assert list(await journal.read(CALL, after=4, limit=3)) == events[5:8]
    assert list(await journal.read(CALL, after=19)) == []


async def test_appending_nothing_is_nothing(journal: Journal) -> None:
    await journal.append([])
    assert list(await journal.calls()) == []


@pytest.mark.parametrize("wrong", [[2], [0], [1, 3], [5], [2, 1]], ids=str)
async def test_a_gap_or_a_repetition_is_refused_whole(journal: Journal, wrong: list[int]) -> None:
    events = log(CALL, 9)
    await journal.append(events[:1])
    with pytest.raises(JournalSequenceError):
        await journal.append([events[seq] for seq in wrong])
    assert list(await journal.read(CALL)) == events[:1]
    await journal.append(events[1:])
    assert list(await journal.read(CALL)) == events


async def test_one_append_holds_one_call(journal: Journal) -> None:
    with pytest.raises(JournalSequenceError):
        await journal.append([log(CALL, 1)[0], log(CallId("c-2"), 2)[1]])


async def test_a_log_begins_with_call_started(journal: Journal) -> None:
    with pytest.raises(JournalSequenceError):
        await journal.append([Stamped(CALL, 0, 0, NoteWritten("a", "b"))])


async def test_an_unknown_call_and_a_future_position_are_refused(journal: Journal) -> None:
    with pytest.raises(UnknownCallError):
        await journal.read(CALL)
    await journal.append(log(CALL, 3))
    for after in (3, 99, -2):
        with pytest.raises(JournalPositionError):
            await journal.read(CALL, after=after)
        with pytest.raises(JournalPositionError):
            await anext(journal.follow(CALL, after=after))


async def test_calls_are_listed_newest_first_in_pages(journal: Journal) -> None:
    for minute in range(5):
        await journal.append(log(CallId(f"c-{minute}"), minute + 1, minute=minute))
    await journal.append([Stamped(CallId("c-4"), 5, 9999, CallEnded(CallEndReason.AUDIO_ENDED, 9999))])
    first = await journal.calls(limit=2)
    assert [(entry.call, entry.last_seq, entry.ended) for entry in first] == [("c-4", 5, True), ("c-3", 3, False)]
    rest = await journal.calls(before=first[-1].started_at)
    assert [entry.call for entry in rest] == ["c-2", "c-1", "c-0"]


async def test_unfinished_calls_are_those_without_an_end(journal: Journal) -> None:
    for name in ("c-1", "c-2", "c-3"):
        await journal.append(log(CallId(name), 2))
    await journal.append([Stamped(CallId("c-2"), 2, 9999, CallEnded(CallEndReason.AUDIO_ENDED, 9999))])
    assert set(await journal.unfinished()) == {"c-1", "c-3"}


async def test_a_follower_sees_everything_once_while_it_is_written(journal: Journal) -> None:
    events = log(CALL, 400)
    await journal.append(events[:1])
    seen: list[Stamped] = []

    async def read_all() -> None:
        async with aclosing(journal.follow(CALL, after=-1)) as follower:
            async for stamped in follower:
                seen.append(stamped)
                if stamped.seq == 399:
                    return

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read_all)
            for start in range(1, 400, 7):
                await journal.append(events[start : start + 7])
    assert seen == events


async def test_a_follower_resumes_after_any_seq(journal: Journal) -> None:
    events = log(CALL, 30)
    await journal.append(events)
    for after in (-1, 0, 17, 28):
        async with aclosing(journal.follow(CALL, after=after)) as follower:
            assert (await anext(follower)).seq == after + 1


async def test_notes_after_the_end_reach_the_follower(journal: Journal) -> None:
    await journal.append(log(CALL, 1))
    await journal.append([Stamped(CALL, 1, 10, CallEnded(CallEndReason.AUDIO_ENDED, 10))])
    with anyio.fail_after(60):
        async with aclosing(journal.follow(CALL, after=1)) as follower, anyio.create_task_group() as tasks:
            tasks.start_soon(journal.append, [Stamped(CALL, 2, 20, NoteWritten("qa", "ok"))])
            assert (await anext(follower)).event == NoteWritten("qa", "ok")


async def test_a_watcher_sees_all_calls_from_entering_on(journal: Journal) -> None:
    await journal.append(log(CallId("before"), 3))
    async with journal.watch() as feed:
        await journal.append(log(CALL, 2))
        await journal.append(log(CallId("c-2"), 1))
        with anyio.fail_after(60):
            seen = [(await anext(feed)).call for _ in range(3)]
    assert seen == [CALL, CALL, "c-2"]


async def test_a_watcher_that_does_not_read_is_cut_and_harms_nobody(journal: Journal) -> None:
    events = log(CALL, WATCH_EVENTS + 2)
    async with journal.watch() as feed:
        await journal.append(events)
        assert [(await anext(feed)).seq for _ in range(WATCH_EVENTS)] == list(range(WATCH_EVENTS))
        with pytest.raises(SlowFollowerError):
            await anext(feed)
    assert len(await journal.read(CALL)) == len(events)


async def test_many_calls_at_once_each_keep_their_order(journal: Journal) -> None:
    async def write(call: CallId) -> None:
        for stamped in log(call, 60):
            await journal.append([stamped])

    async with anyio.create_task_group() as tasks:
        for number in range(10):
            tasks.start_soon(write, CallId(f"c-{number}"))
    for number in range(10):
        assert [stamped.seq for stamped in await journal.read(CallId(f"c-{number}"))] == list(range(60))


def sounding(f0: float) -> VoiceNormal:
    return VoiceNormal((FeatureNormal("f0_median", f0, 1.5, 6.0),))


async def tell(
    journal: Journal,
    call: str,
    voice: VoiceNormal | None,
    *,
    caller: str,
    minute: int = 0,
    channel: Channel = Channel.SIP,
) -> None:
    """A finished call of a caller, in three appends."""
    at = f"2026-01-01T00:{minute:02}:00Z"
    events: list[CallEvent] = [CallStarted(Direction.INBOUND, channel, caller, "main", Language.ZH, at)]
    events += [VoiceLearned(voice)] if voice else []
    events.append(CallEnded(CallEndReason.AUDIO_ENDED, 320))
    for seq, event in enumerate(events):
        await journal.append([Stamped(CallId(call), seq, seq * 320, event)])


async def test_a_voice_is_recalled_by_channel_and_address(journal: Journal) -> None:
    assert await journal.recall_voice(Channel.SIP, "sip:ann@a.example") is None
    await tell(journal, "c-ann", sounding(91.0), caller="sip:ann@a.example")
    await tell(journal, "c-bob", sounding(82.0), caller="sip:bob@a.example")
    await tell(journal, "c-mute", None, caller="sip:eve@a.example")
    assert await journal.recall_voice(Channel.SIP, "sip:ann@a.example") == VoiceRecalled(
        sounding(91.0), CallId("c-ann")
    )
    for channel, caller in (
        (Channel.WEBRTC, "sip:ann@a.example"),
        (Channel.SIP, "sip:ANN@a.example"),
        (Channel.SIP, "sip:ann@a.example' OR '1'='1"),
        (Channel.SIP, "%"),
        (Channel.SIP, ""),
        (Channel.SIP, "sip:eve@a.example"),
    ):
        assert await journal.recall_voice(channel, caller) is None


async def test_the_newest_call_that_taught_a_voice_is_recalled(journal: Journal) -> None:
    await tell(journal, "c-2", sounding(92.0), caller="ann", minute=2)
    await tell(journal, "c-9", sounding(99.0), caller="ann", minute=9)
    await tell(journal, "c-1", sounding(91.0), caller="ann", minute=1)  # stored last, begun first
    await tell(journal, "c-95", None, caller="ann", minute=10)  # newer, but said too little
    assert await journal.recall_voice(Channel.SIP, "ann") == VoiceRecalled(sounding(99.0), CallId("c-9"))


async def test_sqlite_keeps_events_over_a_restart(tmp_path: Path) -> None:
    events = log(CALL, 10)
    async with open_journal("sqlite", tmp_path) as journal:
        await journal.append(events[:6])
    async with open_journal("sqlite", tmp_path) as journal:
        await journal.append(events[6:])
        assert list(await journal.read(CALL)) == events


async def test_the_database_itself_refuses_gaps_and_changes(tmp_path: Path) -> None:
    async with open_journal("sqlite", tmp_path) as journal:
        await journal.append(log(CALL, 3))
    database = sqlite3.connect(tmp_path / "journal.db")
    try:
        with pytest.raises(sqlite3.IntegrityError, match="next one"):
            database.execute("INSERT INTO event VALUES ('c-1', 7, 'x', x'00')")
        with pytest.raises(sqlite3.IntegrityError, match="never changed"):
            database.execute("UPDATE event SET body = x'00'")
    finally:
        database.close()


OLD_SCHEMA = """
CREATE TABLE call (id TEXT NOT NULL, started_at TEXT NOT NULL, last_seq INTEGER NOT NULL, ended BOOLEAN NOT NULL,
                   PRIMARY KEY (id));
CREATE INDEX ix_call_started_at ON call (started_at);
CREATE INDEX ix_call_ended ON call (ended);
CREATE TABLE event (call TEXT NOT NULL, seq INTEGER NOT NULL, type TEXT NOT NULL, body BLOB NOT NULL,
                    PRIMARY KEY (call, seq)) WITHOUT ROWID;
CREATE TRIGGER event_is_next BEFORE INSERT ON event
    WHEN NEW.seq <> (SELECT coalesce(max(seq), -1) + 1 FROM event WHERE call = NEW.call)
    BEGIN SELECT RAISE(ABORT, 'seq is not the next one'); END;
CREATE TRIGGER event_is_kept BEFORE UPDATE ON event
    BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
"""
"""What version 0.1.0 made."""


async def test_a_journal_of_before_loses_nothing_and_learns_voices(tmp_path: Path) -> None:
    events = log(CALL, 6)
    database = sqlite3.connect(tmp_path / "journal.db")
    database.executescript(OLD_SCHEMA)
    database.execute("INSERT INTO call VALUES (?, ?, 5, 0)", (CALL, "2026-01-01T00:00:00Z"))
    rows = [(one.call, one.seq, one.event.TYPE, encode_line(one)) for one in events]
    database.executemany("INSERT INTO event VALUES (?, ?, ?, ?)", rows)
    database.commit()
    database.close()
    for _ in range(2):  # opening twice changes nothing more
        async with open_journal("sqlite", tmp_path) as journal:
            assert list(await journal.read(CALL)) == events
            assert list(await journal.unfinished()) == [CALL]
            assert await journal.recall_voice(Channel.WEBRTC, "web") is None
    async with open_journal("sqlite", tmp_path) as journal:
        # The call began before there was anything to recall, and ends after.
        await journal.append([Stamped(CALL, 6, 9000, VoiceLearned(sounding(91.0)))])
        assert await journal.recall_voice(Channel.WEBRTC, "web") == VoiceRecalled(sounding(91.0), CALL)
        assert len(await journal.read(CALL)) == 7


async def test_erasing_a_call_erases_the_voice_it_taught(tmp_path: Path) -> None:
    async with open_journal("sqlite", tmp_path) as journal:
        await tell(journal, "c-1", sounding(91.0), caller="ann")
        await tell(journal, "c-2", sounding(92.0), caller="ann", minute=1)
        database = sqlite3.connect(tmp_path / "journal.db")
        try:
            database.execute("DELETE FROM event WHERE call = 'c-2'")
            database.execute("DELETE FROM call WHERE id = 'c-2'")
            database.commit()
            assert database.execute("SELECT call FROM voice").fetchall() == [("c-1",)]
        finally:
            database.close()
        assert await journal.recall_voice(Channel.SIP, "ann") == VoiceRecalled(sounding(91.0), CallId("c-1"))


async def test_a_voice_is_found_by_an_index(tmp_path: Path) -> None:
    async with open_journal("sqlite", tmp_path) as journal:
        await tell(journal, "c-1", sounding(91.0), caller="ann")
    database = sqlite3.connect(tmp_path / "journal.db")
    query = str(_voice_query(Channel.SIP, "ann").compile(compile_kwargs={"literal_binds": True}))
    try:
        plan = " ".join(row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {query}"))
    finally:
        database.close()
    assert "USING INDEX voice_of_caller (channel=? AND caller=?)" in plan.replace("COVERING ", "")
    assert "SEARCH event USING PRIMARY KEY" in plan
    assert "SCAN" not in plan
    assert "TEMP B-TREE" not in plan


async def test_a_folder_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(JournalUnavailableError, match="data folder"):
        async with open_journal("sqlite", tmp_path / "nowhere"):
            pass


async def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"no database at all, but long enough to look" * 50)
    with pytest.raises(JournalUnavailableError):
        async with open_journal("sqlite", tmp_path):
            pass


async def test_a_full_disk_loses_nothing_that_was_stored(tmp_path: Path) -> None:
    events = log(CALL, 4000)
    async with open_journal("sqlite", tmp_path) as journal:
        await journal.append(events[:10])
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))  # as a full disk: writes fail beyond this size
        try:
            with pytest.raises(JournalUnavailableError, match="room"):
                await journal.append(events[10:])
            assert list(await journal.read(CALL)) == events[:10]
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        await journal.append(events[10:])
        assert list(await journal.read(CALL)) == events
