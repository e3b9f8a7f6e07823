"""Websocket tickets: a browser cannot add headers to a websocket, so a signed-in page first fetches a ticket."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from agent_console.auth.errors import TicketError
from agent_console.auth.sessions import TOKEN_BYTES, digest
from voice.contracts.ports import Clock

LIFETIME_S: Final = 30.0

MAX_OPEN: Final = 10_000
"""Tickets that wait to be used; the oldest gives way. About 330 a second."""


@dataclass(frozen=True, slots=True)
class _Open:
    session_id: str
    expires_s: float


class Tickets:
    """Open tickets, each good for one websocket of one session within 30 s. Only hashes are kept, in memory."""

    def __init__(self, clock: Clock, *, max_open: int = MAX_OPEN) -> None:
        self._clock = clock
        self._max_open = max_open
        self._open: OrderedDict[str, _Open] = OrderedDict()

    def issue(self, session_id: str) -> str:
        """A new ticket, bound to a session."""
        now = self._clock.now_s()
        # Lifetimes are equal, so the oldest ticket is also the first to expire.
        while self._open and (len(self._open) >= self._max_open or next(iter(self._open.values())).expires_s <= now):
            self._open.popitem(last=False)
        ticket = secrets.token_urlsafe(TOKEN_BYTES)
        self._open[digest(ticket)] = _Open(session_id, now + LIFETIME_S)
        return ticket

    def redeem(self, ticket: str) -> str:
        """The session of a ticket, which is then used up.

        Raises:
            TicketError: the ticket is unknown, used or stale.
        """
        found = self._open.pop(digest(ticket), None)
        if found is None:
            raise TicketError("A ticket that was issued and not used yet was expected.", fix="Fetch a new ticket.")
        if found.expires_s <= self._clock.now_s():
            raise TicketError(f"A ticket is good for {LIFETIME_S:.0f} s; this one is older.", fix="Fetch a new ticket.")
        return found.session_id
