"""The embedded journal: one SQLite file, write-ahead logged, durable at every commit.

Appends of all calls that come in while a commit runs are stored by the next one, together (grouped commits). That the
`seq` of a call has no gap is enforced by the database itself, by a trigger, not only by this code.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import anyio
import sqlalchemy as sa
from anyio.to_thread import run_sync

from routing.events import CallEnded, CallStarted, Stamped, VoiceLearned, VoiceRecalled
from routing.journal.news import PAGE_EVENTS, News
from routing.journal.ports import CallEntry
from routing.journal.sequence import check_position, check_run, unknown_call
from routing.terms import Channel
from routing.wire import decode_line, encode_line
from voice.contracts.audio import CallId
from voice.contracts.errors import EventError, JournalSequenceError, JournalUnavailableError, WarmlineError

PENDING_APPENDS: Final = 256
"""Appends that may wait for the next commit; a call waits when there are more (a commit takes milliseconds)."""

_metadata = sa.MetaData()
_call = sa.Table(
    "call",
    _metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("started_at", sa.Text, nullable=False, index=True),
    sa.Column("last_seq", sa.Integer, nullable=False),
    sa.Column("ended", sa.Boolean, nullable=False, index=True),
)
_event = sa.Table(
    "event",
    _metadata,
    sa.Column("call", sa.Text, primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
# Where a caller's voice was learned: a signpost into `event`, without the figures themselves. It came later than the
# other tables; a journal of before gets it, empty, when it is opened, and nothing else of it changes.
_voice = sa.Table(
    "voice",
    _metadata,
    sa.Column("call", sa.Text, primary_key=True),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("caller", sa.Text, nullable=False),
    sa.Column("started_at", sa.Text, nullable=False),
    sa.Index("voice_of_caller", "channel", "caller", "started_at", "call"),
    sqlite_with_rowid=False,
)
_TRIGGERS: Final = (
    """CREATE TRIGGER IF NOT EXISTS event_is_next BEFORE INSERT ON event
       WHEN NEW.seq <> (SELECT coalesce(max(seq), -1) + 1 FROM event WHERE call = NEW.call)
       BEGIN SELECT RAISE(ABORT, 'seq is not the next one'); END""",
    """CREATE TRIGGER IF NOT EXISTS event_is_kept BEFORE UPDATE ON event
       BEGIN SELECT RAISE(ABORT, 'events are never changed'); END""",
    # Who erases a call from the journal erases what it taught of the caller's voice.
    """CREATE TRIGGER IF NOT EXISTS voice_goes_with_its_event AFTER DELETE ON event WHEN OLD.type = 'voice.learned'
       BEGIN DELETE FROM voice WHERE call = OLD.call; END""",
)


@dataclass(slots=True, eq=False)
class _Append:
    """Events waiting to be stored; `done` is set when `error` is known."""

    events: Sequence[Stamped]
    done: anyio.Event = field(default_factory=anyio.Event)
    error: WarmlineError | None = None


class SqliteJournal:
    """A journal in a file; made by `SqliteJournal.open`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._news = News()
        self._engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 5.0})
        self._send, self._receive = anyio.create_memory_object_stream[_Append](PENDING_APPENDS)

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator[Self]:
        """The journal in the file `path` (created where absent), for as long as the context lasts.

        Raises:
            JournalUnavailableError: the file cannot be created, opened, or is no journal.
        """
        journal = cls(path)
        try:
            await run_sync(journal._create)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(journal._store, name="journal-writer")
                try:
                    yield journal
                finally:
                    journal._send.close()  # the writer stores what waits, then ends
        finally:
            journal._send.close()
            journal._receive.close()
            await run_sync(journal._engine.dispose)

    async def append(self, events: Sequence[Stamped]) -> None:
        """See `Journal.append`."""
        if not events:
            return
        waiting = _Append(events)
        await self._send.send(waiting)
        await waiting.done.wait()
        if waiting.error:
            raise waiting.error

    async def calls(self, *, limit: int = 100, before: str | None = None) -> Sequence[CallEntry]:
        """See `JournalReader.calls`."""
        query = sa.select(_call).order_by(_call.c.started_at.desc(), _call.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(_call.c.started_at < before)
        rows = await run_sync(self._fetch, query)
        return [CallEntry(CallId(row.id), row.started_at, row.last_seq, row.ended) for row in rows]

    async def unfinished(self) -> Sequence[CallId]:
        """See `Journal.unfinished`."""
        rows = await run_sync(self._fetch, sa.select(_call.c.id).where(sa.not_(_call.c.ended)).order_by(_call.c.id))
        return [CallId(row.id) for row in rows]

    async def recall_voice(self, channel: Channel, caller: str) -> VoiceRecalled | None:
        """See `Journal.recall_voice`."""
        found = await run_sync(self._fetch, _voice_query(channel, caller))
        if not found:
            return None
        learned = decode_line(found[0].body).event
        if not isinstance(learned, VoiceLearned):
            raise EventError(f"Call {found[0].call}: a voice.learned was expected; got {learned.TYPE}.")
        return VoiceRecalled(learned.normal, CallId(found[0].call))

    async def read(self, call: CallId, *, after: int = -1, limit: int = 10_000) -> Sequence[Stamped]:
        """See `JournalReader.read`."""
        return await run_sync(self._read, call, after, limit)

    async def follow(self, call: CallId, *, after: int = -1) -> AsyncGenerator[Stamped]:
        """See `JournalReader.follow`."""

        async def read_after(call: CallId, seq: int) -> Sequence[Stamped]:
            return await self.read(call, after=seq, limit=PAGE_EVENTS)

        async for stamped in self._news.follow(call, after, read_after):
            yield stamped

    def watch(self) -> AbstractAsyncContextManager[AsyncIterator[Stamped]]:
        """See `JournalReader.watch`."""
        return self._news.watch()

    async def _store(self) -> None:
        async for first in self._receive:
            group = [first]
            while self._receive.statistics().current_buffer_used:
                group.append(self._receive.receive_nowait())
            with anyio.CancelScope(shield=True):
                await run_sync(self._commit, group)
            for append in group:
                if append.error is None:
                    self._news.tell(append.events)
                append.done.set()

    def _create(self) -> None:
        sa.event.listen(self._engine, "connect", _prepare_connection)
        try:
            with self._engine.begin() as db:
                _metadata.create_all(db)
                for trigger in _TRIGGERS:
                    db.exec_driver_sql(trigger)
        except sa.exc.DBAPIError as error:
            raise self._unavailable("opened", error) from error

    def _commit(self, group: list[_Append]) -> None:
        """Store a group in one commit.

        Where the database refuses it, each append is tried by itself, so that a culprit does not take the others along.
        """
        try:
            self._insert(group)
        except sa.exc.DBAPIError as error:
            if len(group) > 1:
                for append in group:
                    self._commit([append])
            elif isinstance(error, sa.exc.IntegrityError):
                group[0].error = JournalSequenceError(f"The journal refused events of call {group[0].events[0].call}.")
            else:
                group[0].error = self._unavailable("written", error)

    def _insert(self, group: list[_Append]) -> None:
        with self._engine.begin() as db:
            last: dict[CallId, int] = {}
            for append in group:
                append.error = None
                call = append.events[0].call
                if call not in last:
                    stored = db.scalar(sa.select(_call.c.last_seq).where(_call.c.id == call))
                    last[call] = -1 if stored is None else stored
                try:
                    check_run(append.events, next_seq=last[call] + 1)
                except JournalSequenceError as error:
                    append.error = error
                    continue
                last[call] = append.events[-1].seq
                db.execute(sa.insert(_event), [_event_row(stamped) for stamped in append.events])
                self._index(db, append.events)

    @staticmethod
    def _index(db: sa.Connection, events: Sequence[Stamped]) -> None:
        call = events[0].call
        if isinstance(events[0].event, CallStarted):
            started_at = events[0].event.started_at
            db.execute(sa.insert(_call).values(id=call, started_at=started_at, last_seq=0, ended=False))
        change: dict[str, Any] = {"last_seq": events[-1].seq}
        if any(isinstance(stamped.event, CallEnded) for stamped in events):
            change["ended"] = True
        db.execute(sa.update(_call).where(_call.c.id == call).values(change))
        for stamped in events:
            if isinstance(stamped.event, VoiceLearned):
                _index_voice(db, stamped)

    def _fetch(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        try:
            with self._engine.connect() as db:
                return db.execute(query).all()
        except sa.exc.DBAPIError as error:
            raise self._unavailable("read", error) from error

    def _read(self, call: CallId, after: int, limit: int) -> Sequence[Stamped]:
        entry = self._fetch(sa.select(_call.c.last_seq).where(_call.c.id == call))
        if not entry:
            raise unknown_call(call)
        check_position(call, after, last_seq=entry[0].last_seq)
        query = sa.select(_event.c.body).where(_event.c.call == call, _event.c.seq > after)
        rows = self._fetch(query.order_by(_event.c.seq).limit(limit))
        return [decode_line(row.body) for row in rows]

    def _unavailable(self, verb: str, error: sa.exc.DBAPIError) -> JournalUnavailableError:
        return JournalUnavailableError(
            f"The journal {self._path} cannot be {verb}: {error.orig}.",
            fix="Check that the data folder exists, is writable and that the disk has room.",
        )


def _voice_query(channel: Channel, caller: str) -> sa.Select[Any]:
    """The newest voice.learned of a caller; the index leads there."""
    return (
        sa.select(_voice.c.call, _event.c.body)
        .join(_event, sa.and_(_event.c.call == _voice.c.call, _event.c.seq == _voice.c.seq))
        .where(_voice.c.channel == channel.value, _voice.c.caller == caller)
        .order_by(_voice.c.started_at.desc(), _voice.c.call.desc())
        .limit(1)
    )


def _index_voice(db: sa.Connection, learned: Stamped) -> None:
    head = db.scalar(sa.select(_event.c.body).where(_event.c.call == learned.call, _event.c.seq == 0))
    started = decode_line(head).event if head is not None else None
    if isinstance(started, CallStarted):
        row = {"channel": started.channel.value, "caller": started.caller, "started_at": started.started_at}
        db.execute(sa.insert(_voice).prefix_with("OR REPLACE").values(call=learned.call, seq=learned.seq, **row))


def _event_row(stamped: Stamped) -> dict[str, Any]:
    body = encode_line(stamped)
    return {"call": stamped.call, "seq": stamped.seq, "type": stamped.event.TYPE, "body": body}


def _prepare_connection(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
