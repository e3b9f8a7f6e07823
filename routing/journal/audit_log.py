"""The audit log in a file. Durable at every commit; the head is kept in a second file, replaced whole after each.

Both files belong to the installation: whoever can write both can rewrite history. What makes the log evidence against
them as well is a head that was put where they cannot reach (`warmline audit head`).
Methods block: call them in a worker thread.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import sqlalchemy as sa

from routing.audit import AuditEntry, AuditHead, AuditRecord, chain
from voice.contracts.errors import AuditError, JournalUnavailableError

_metadata = sa.MetaData()
_audit = sa.Table(
    "audit",
    _metadata,
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)
_TRIGGERS: Final = (
    """CREATE TRIGGER IF NOT EXISTS audit_is_next BEFORE INSERT ON audit
       WHEN NEW.position <> (SELECT coalesce(max(position), -1) + 1 FROM audit)
       BEGIN SELECT RAISE(ABORT, 'position is not the next one'); END""",
    """CREATE TRIGGER IF NOT EXISTS audit_is_kept BEFORE UPDATE ON audit
       BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END""",
    """CREATE TRIGGER IF NOT EXISTS audit_is_never_cut BEFORE DELETE ON audit
       BEGIN SELECT RAISE(ABORT, 'entries are never deleted'); END""",
)


class AuditLogFile:
    """The file; entering opens it, creating it where absent, leaving closes it.

    Args:
        path: the log; its head stands beside it, in the file with `.head` added.
        existing: whether the log must be there already (for reading).
    """

    def __init__(self, path: Path, *, existing: bool = False) -> None:
        self._path = path
        self._existing = existing
        self._head_path = path.with_name(f"{path.name}.head")
        self._engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 5.0})

    def __enter__(self) -> Self:
        """Open the file.

        Raises:
            AuditError: it must be there and is not.
            JournalUnavailableError: it cannot be created, opened, or is no audit log.
        """
        if self._existing and not self._path.is_file():
            raise AuditError(f"There is no audit log {self._path}.", fix="Name the data folder with --data.")
        sa.event.listen(self._engine, "connect", _prepare_connection)
        try:
            if not self._existing:
                with self._engine.begin() as db:
                    _metadata.create_all(db)
                    for trigger in _TRIGGERS:
                        db.exec_driver_sql(trigger)
            self._newest()
        except sa.exc.DBAPIError as error:
            self._engine.dispose()
            raise self._unavailable("opened", error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._engine.dispose()

    def append(self, entries: Sequence[AuditEntry]) -> AuditHead | None:
        """Store entries together; answers the head when they are durable.

        Raises:
            AuditError: an entry may not be written; then none is.
            JournalUnavailableError: the storage cannot be written.
        """
        try:
            with self._engine.begin() as db:
                # Taken inside the transaction, so that two processes cannot chain to the same entry.
                db.exec_driver_sql("UPDATE audit SET position = position WHERE 0")
                head = _head_of(db)
                for record in chain(entries, head):
                    row = {"position": record.position, "body": record.body, "hash": record.hash}
                    db.execute(sa.insert(_audit).values(row))
                    head = AuditHead(record.position, record.hash)
            if head is not None:
                self._keep_head(head)
        except (sa.exc.DBAPIError, OSError) as error:
            raise self._unavailable("written", error) from error
        return head

    def records(self) -> Iterator[AuditRecord]:
        """Every entry in order of its stated position, read as it is, whole or not.

        Raises:
            JournalUnavailableError: the storage cannot be read.
        """
        query = sa.select(_audit).order_by(_audit.c.position)
        try:
            with self._engine.connect() as db:
                for row in db.execution_options(yield_per=1_000).execute(query):
                    yield AuditRecord(row.position, row.body, row.hash)
        except sa.exc.DBAPIError as error:
            raise self._unavailable("read", error) from error

    def kept_head(self) -> AuditHead | None:
        """The head in the second file; None where there is no such file.

        Raises:
            AuditError: the file holds something else.
        """
        try:
            return AuditHead.parse(self._head_path.read_text(encoding="ascii", errors="replace"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise AuditError(f"{self._head_path.name}: cannot be read ({error.strerror}).") from error

    def _newest(self) -> AuditHead | None:
        with self._engine.connect() as db:
            return _head_of(db)

    def _keep_head(self, head: AuditHead) -> None:
        fresh = self._head_path.with_name(f"{self._head_path.name}.new")
        with fresh.open("w", encoding="ascii") as file:
            file.write(f"{head}\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._head_path)

    def _unavailable(self, verb: str, error: sa.exc.DBAPIError | OSError) -> JournalUnavailableError:
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        return JournalUnavailableError(
            f"The audit log {self._path} cannot be {verb}: {cause}.",
            fix="Check that the data folder exists, is writable and that the disk has room.",
        )


def _head_of(db: sa.Connection) -> AuditHead | None:
    row = db.execute(sa.select(_audit).order_by(_audit.c.position.desc()).limit(1)).first()
    return None if row is None else AuditHead(row.position, row.hash)


def _prepare_connection(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
