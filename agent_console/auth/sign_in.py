"""Signing in and out, off the event loop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import anyio
from anyio import CapacityLimiter, to_thread

from agent_console.auth.accounts import Accounts
from agent_console.auth.database import FILE_NAME, AuthDatabase
from agent_console.auth.errors import AuthFailedError, AuthRequiredError
from agent_console.auth.sessions import Session, SessionLimits, Sessions, digest
from agent_console.auth.throttle import LoginThrottle
from agent_console.auth.tickets import Tickets
from voice.contracts.errors import CapacityError
from voice.contracts.ports import Clock

HASHES_AT_ONCE: Final = 2
"""Password checks that run at once; each takes 64 MiB and about 0.1 s of several cores."""

MAX_WAITING: Final = 32
"""Password checks that wait their turn: about 3 s of them."""


@dataclass(frozen=True)
class Authentication:
    """Everything that decides who somebody is; the console's only door to accounts and sessions."""

    accounts: Accounts
    sessions: Sessions
    tickets: Tickets
    throttle: LoginThrottle
    _hashing: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(HASHES_AT_ONCE))

    async def sign_in(self, user: str, password: str, *, address: str) -> tuple[str, Session]:
        """Check a password and begin a session; answers the session's token and the session.

        Raises:
            AuthFailedError: name and password do not belong together.
            AuthThrottledError: too many attempts failed lately.
            CapacityError: too many checks wait already.
        """
        if self._hashing.statistics().tasks_waiting >= MAX_WAITING:
            raise CapacityError(f"No more than {MAX_WAITING} sign-ins wait their turn.", fix="Try again in a moment.")
        self.throttle.begin(user, address)
        # A check that has begun is seen through, so that cutting the connection does not make guessing cheaper.
        with anyio.CancelScope(shield=True):
            account = await to_thread.run_sync(self.accounts.verify, user, password, limiter=self._hashing)
        if account is None:
            raise AuthFailedError(
                "This name and this password do not belong together.", fix="Check both; capital letters count."
            )
        self.throttle.succeed(user, address)
        token = await to_thread.run_sync(self.sessions.open, account)
        return token, Session(digest(token), account)

    async def session_of(self, token: str | None) -> Session:
        """The session of a token.

        Raises:
            AuthRequiredError: there is none, or it is over.
        """
        return await self.session(digest(token)) if token else _refuse()

    async def session(self, session_id: str) -> Session:
        """The session with an id.

        Raises:
            AuthRequiredError: there is none, or it is over.
        """
        return await to_thread.run_sync(self.sessions.find, session_id) or _refuse()

    async def sign_out(self, token: str) -> str:
        """End the session of a token, if there is one; answers the id it has or had."""
        session_id = digest(token)
        await to_thread.run_sync(self.sessions.close, session_id)
        return session_id


@contextmanager
def open_authentication(data: Path, limits: SessionLimits, clock: Clock) -> Iterator[Authentication]:
    """Everything over the accounts file in the data folder, until the context is left.

    Raises:
        DataFolderError: the file cannot be created or written.
    """

    def now() -> float:
        return clock.utc_now().timestamp()

    with AuthDatabase(data / FILE_NAME) as database:
        yield Authentication(
            Accounts(database, now=now), Sessions(database, limits, now=now), Tickets(clock), LoginThrottle(clock)
        )


def _refuse() -> Session:
    raise AuthRequiredError("A signed-in session is needed here; there is none, or it is over.", fix="Sign in.")
