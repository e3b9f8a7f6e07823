"""Accounts: who may sign in, and as what."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from agent_console.auth.database import ACCOUNTS, SESSIONS, AuthDatabase
from agent_console.auth.passwords import PasswordVault, check_password, normalise_user
from voice.contracts.errors import AccountError


class Role(StrEnum):
    """What a person does here."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    QA = "qa"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Account:
    """One person.

    Attributes:
        user: the name to sign in with, normalised.
        name: the name to show.
        role: what the person does.
        created_at: seconds since 1970, UTC.
    """

    user: str
    name: str
    role: Role
    created_at: float


class Accounts:
    """The accounts of one installation. Every method blocks (storage, hashing): call them in a worker thread."""

    def __init__(
        self, database: AuthDatabase, vault: PasswordVault | None = None, *, now: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._vault = vault or PasswordVault()
        self._now = now

    def add(self, user: str, password: str, role: Role | str, *, name: str | None = None) -> Account:
        """Create an account.

        Raises:
            AccountError: name, password or role break the rules, or the name is taken.
        """
        key = normalise_user(user)
        check_password(password, user=key)
        shown = (name or user).strip()[:200]
        account = Account(key, shown, _as_role(role), self._now())
        row = {
            "user": key,
            "name": shown,
            "role": account.role.value,
            "password_hash": self._vault.hash(password),
            "created_at": account.created_at,
        }
        try:
            with self._database.begin() as db:
                db.execute(sa.insert(ACCOUNTS).values(row))
        except sa.exc.IntegrityError as error:
            raise AccountError(f"There is an account '{key}' already.", fix="Choose another name.") from error
        return account

    def all(self) -> Sequence[Account]:
        """Every account, by name."""
        with self._database.begin() as db:
            return [_account(row) for row in db.execute(sa.select(ACCOUNTS).order_by(ACCOUNTS.c.user))]

    def remove(self, user: str) -> None:
        """Delete an account and end its sessions.

        Raises:
            AccountError: there is no such account.
        """
        key = normalise_user(user)
        with self._database.begin() as db:
            found = db.execute(sa.delete(ACCOUNTS).where(ACCOUNTS.c.user == key)).rowcount
        _demand(found, key)

    def set_password(self, user: str, password: str) -> None:
        """Give an account another password and end its sessions.

        Raises:
            AccountError: there is no such account, or the password breaks the rules.
        """
        key = normalise_user(user)
        check_password(password, user=key)
        hashed = self._vault.hash(password)  # before the transaction: it is slow on purpose
        with self._database.begin() as db:
            found = db.execute(sa.update(ACCOUNTS).where(ACCOUNTS.c.user == key).values(password_hash=hashed)).rowcount
            db.execute(sa.delete(SESSIONS).where(SESSIONS.c.user == key))
        _demand(found, key)

    def verify(self, user: str, password: str) -> Account | None:
        """The account whose name and password these are, or None; both answers take equally long.

        A hash made with older parameters is renewed on the way.
        """
        try:
            key = normalise_user(user)
        except AccountError:
            key = ""
        with self._database.begin() as db:
            row = db.execute(sa.select(ACCOUNTS).where(ACCOUNTS.c.user == key)).first()
        stored = row.password_hash if row else None
        if not self._vault.matches(password, stored) or row is None:
            return None
        if self._vault.is_outdated(row.password_hash):
            renewed = self._vault.hash(password)
            with self._database.begin() as db:
                # The old hash in the condition: a password changed meanwhile stays changed.
                unchanged = (ACCOUNTS.c.user == key) & (ACCOUNTS.c.password_hash == row.password_hash)
                db.execute(sa.update(ACCOUNTS).where(unchanged).values(password_hash=renewed))
        return _account(row)


def _account(row: sa.Row[tuple[object, ...]]) -> Account:
    return Account(row.user, row.name, Role(row.role), row.created_at)


def _as_role(role: Role | str) -> Role:
    try:
        return Role(role)
    except ValueError:
        raise AccountError(f"A role is one of {', '.join(Role)}; got {role!r}.") from None


def _demand(found: int, user: str) -> None:
    if not found:
        raise AccountError(f"There is no account '{user}'.", fix="`warmline users list` shows every account.")
