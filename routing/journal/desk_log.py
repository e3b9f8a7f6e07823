"""The desk's log in a file: every event for good, and now and then a snapshot, so that starting takes no time.

Write-ahead logged and durable at every commit; a batch is stored whole or not at all. That `seq` has no gap is
enforced by the database itself. Methods block: call them in a worker thread.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import sqlalchemy as sa

from voice.contracts.errors import DeskLogError, JournalUnavailableError

_metadata = sa.MetaData()
_event = sa.Table(
    "desk_event",
    _metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
_snapshot = sa.Table(
    "desk_snapshot",
    _metadata,
    sa.Column("next_seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
_TRIGGERS: Final = (
    """CREATE TRIGGER IF NOT EXISTS desk_event_is_next BEFORE INSERT ON desk_event
       WHEN NEW.seq <> (SELECT coalesce(max(seq), -1) + 1 FROM desk_event)
       BEGIN SELECT RAISE(ABORT, 'seq is not the next one'); END""",
    """CREATE TRIGGER IF NOT EXISTS desk_event_is_kept BEFORE UPDATE ON desk_event
       BEGIN SELECT RAISE(ABORT, 'events are never changed'); END""",
)


class DeskLogFile:
    """The file; entering opens it, creating it where absent, leaving closes it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 5.0})

    def __enter__(self) -> Self:
        """Open the file.

        Raises:
            JournalUnavailableError: it cannot be created, opened, or is no desk's log.
        """
        sa.event.listen(self._engine, "connect", _prepare_connection)
        try:
            with self._engine.begin() as db:
                _metadata.create_all(db)
                for trigger in _TRIGGERS:
                    db.exec_driver_sql(trigger)
        except sa.exc.DBAPIError as error:
            self._engine.dispose()
            raise self._unavailable("opened", error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._engine.dispose()

    def append(self, first_seq: int, bodies: Sequence[bytes]) -> None:
        """Store events that follow on each other; returns when they are durable.

        Raises:
            DeskLogError: `first_seq` is not the next one.
            JournalUnavailableError: the storage cannot be written.
        """
        rows = [{"seq": first_seq + number, "body": body} for number, body in enumerate(bodies)]
        try:
            with self._engine.begin() as db:
                db.execute(sa.insert(_event), rows)
        except sa.exc.IntegrityError as error:
            raise DeskLogError(f"Seq {first_seq} is not the next one of the desk's log.") from error
        except sa.exc.DBAPIError as error:
            raise self._unavailable("written", error) from error

    def read(self, first_seq: int = 0) -> list[bytes]:
        """Stored events from `first_seq` on, in order.

        Raises:
            JournalUnavailableError: the storage cannot be read.
        """
        query = sa.select(_event.c.body).where(_event.c.seq >= first_seq).order_by(_event.c.seq)
        try:
            with self._engine.connect() as db:
                return [row.body for row in db.execute(query)]
        except sa.exc.DBAPIError as error:
            raise self._unavailable("read", error) from error

    def keep_snapshot(self, next_seq: int, body: bytes) -> None:
        """Keep a snapshot in place of the one before.

        Raises:
            JournalUnavailableError: the storage cannot be written.
        """
        try:
            with self._engine.begin() as db:
                db.execute(sa.delete(_snapshot))
                db.execute(sa.insert(_snapshot).values(next_seq=next_seq, body=body))
        except sa.exc.DBAPIError as error:
            raise self._unavailable("written", error) from error

    def snapshot(self) -> bytes | None:
        """The snapshot that is kept, if one is.

        Raises:
            JournalUnavailableError: the storage cannot be read.
        """
        query = sa.select(_snapshot.c.body).order_by(_snapshot.c.next_seq.desc()).limit(1)
        try:
            with self._engine.connect() as db:
                return db.scalar(query)
        except sa.exc.DBAPIError as error:
            raise self._unavailable("read", error) from error

    def _unavailable(self, verb: str, error: sa.exc.DBAPIError) -> JournalUnavailableError:
        return JournalUnavailableError(
            f"The desk's log {self._path} cannot be {verb}: {error.orig}.",
            fix="Check that the data folder exists, is writable and that the disk has room.",
        )


def _prepare_connection(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
