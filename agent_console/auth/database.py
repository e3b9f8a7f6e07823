"""The accounts' storage: one SQLite file with two tables, opened by whoever needs it (server and command line)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import sqlalchemy as sa

from agent_console.auth.errors import AccountsUnavailableError
from voice.contracts.errors import DataFolderError

FILE_NAME: Final = "accounts.db"

BUSY_TIMEOUT_MS: Final = 5_000
"""How long a write waits for another process, for example `warmline users add` beside a running server."""

_metadata = sa.MetaData()

ACCOUNTS: Final = sa.Table(
    "accounts",
    _metadata,
    sa.Column("user", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
)

SESSIONS: Final = sa.Table(
    "sessions",
    _metadata,
    sa.Column("id", sa.Text, primary_key=True, comment="sha256 of the token, hexadecimal"),
    sa.Column("user", sa.Text, sa.ForeignKey("accounts.user", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("started_at", sa.Float, nullable=False),
    sa.Column("used_at", sa.Float, nullable=False),
)


class AuthDatabase:
    """Entering opens the file (creating it, readable by its owner only), leaving closes it. Methods block."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._engine = sa.create_engine(
            sa.URL.create("sqlite", database=str(path)), connect_args={"timeout": BUSY_TIMEOUT_MS / 1000}
        )
        sa.event.listen(self._engine, "connect", _prepare_connection)

    def __enter__(self) -> Self:
        """Open the file.

        Raises:
            DataFolderError: it cannot be created, written, or is no database.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
            _metadata.create_all(self._engine)
            with self._engine.begin() as db:
                db.execute(sa.delete(SESSIONS).where(SESSIONS.c.id == ""))  # proves that the file takes writes
        except (OSError, sa.exc.DBAPIError) as error:
            self._engine.dispose()
            cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
            raise DataFolderError(
                f"The accounts file {self._path} must be a writable SQLite database; got: {cause}.",
                fix="Choose another data folder (--data), or mend the file's permissions.",
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._engine.dispose()

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """One transaction.

        Raises:
            AccountsUnavailableError: the storage fails.
        """
        try:
            with self._engine.begin() as db:
                yield db
        except sa.exc.IntegrityError:
            raise
        except sa.exc.DBAPIError as error:
            raise AccountsUnavailableError(
                f"The accounts file {self._path} cannot be used: {error.orig}.",
                fix="Check that the disk has room and that the file is writable.",
            ) from error


def _prepare_connection(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
