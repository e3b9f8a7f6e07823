"""Sessions: who is signed in. The browser holds a random token; the storage holds only its hash."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from agent_console.auth.accounts import Account, Role
from agent_console.auth.database import ACCOUNTS, SESSIONS, AuthDatabase

TOKEN_BYTES: Final = 32

MAX_SESSIONS_PER_USER: Final = 20
"""The oldest session of a user ends when one more begins."""

TOUCH_S: Final = 30.0
"""How stale the stored moment of last use may be; saves a write per request."""


def digest(token: str) -> str:
    """What is stored in place of a token: its SHA-256. Tokens are random, so neither salt nor stretching is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in person.

    Attributes:
        id: the token's hash; safe to keep, useless to a thief.
        account: who.
    """

    id: str
    account: Account


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session lasts, in seconds: after its last use, and altogether."""

    idle_s: float
    absolute_s: float


class Sessions:
    """The sessions of one installation. Methods block: call them in a worker thread.

    `now` is wall-clock time (seconds since 1970), because sessions outlive the process.
    """

    def __init__(self, database: AuthDatabase, limits: SessionLimits, *, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self._now = now
        self.limits = limits

    def open(self, account: Account) -> str:
        """Begin a session; answers its token (256 random bits, URL-safe)."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        now = self._now()
        with self._database.begin() as db:
            db.execute(sa.delete(SESSIONS).where(self._is_over(now)))
            mine = sa.select(SESSIONS.c.id).where(SESSIONS.c.user == account.user)
            surplus = mine.order_by(SESSIONS.c.used_at.desc()).offset(MAX_SESSIONS_PER_USER - 1)
            db.execute(sa.delete(SESSIONS).where(SESSIONS.c.id.in_(surplus)))
            db.execute(
                sa.insert(SESSIONS).values(id=digest(token), user=account.user, started_at=now, used_at=now),
            )
        return token

    def find(self, session_id: str) -> Session | None:
        """The session with this id, if it still lasts; finding it counts as use."""
        now = self._now()
        query = sa.select(ACCOUNTS, SESSIONS.c.used_at).join(SESSIONS, SESSIONS.c.user == ACCOUNTS.c.user)
        with self._database.begin() as db:
            row = db.execute(query.where(SESSIONS.c.id == session_id, ~self._is_over(now))).first()
            if row is None:
                return None
            if now - row.used_at >= TOUCH_S:
                db.execute(sa.update(SESSIONS).where(SESSIONS.c.id == session_id).values(used_at=now))
        return Session(session_id, Account(row.user, row.name, Role(row.role), row.created_at))

    def close(self, session_id: str) -> None:
        """End a session; nothing happens where it is over already."""
        with self._database.begin() as db:
            db.execute(sa.delete(SESSIONS).where(SESSIONS.c.id == session_id))

    def _is_over(self, now: float) -> sa.ColumnElement[bool]:
        return sa.or_(
            SESSIONS.c.used_at <= now - self.limits.idle_s, SESSIONS.c.started_at <= now - self.limits.absolute_s
        )
