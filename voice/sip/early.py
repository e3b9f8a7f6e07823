"""An answer before the answer: what audio is, said while it rings (RFC 3960); acknowledged if asked for (RFC 3262).

Pure: time is an argument.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final

from voice.sip.messages import Request, Response, add_header, cseq_of, set_body
from voice.sip.timers import Timer, Timers
from voice.sip.transactions import GIVE_UP_S, T1_S, ServerTransaction

RELIABLE: Final = "100rel"
"""What who calls requires, where nothing but a final response may be lost on its way."""


class EarlyAnswer:
    """A 183 with a description.

    Args:
        invite: that it answers.
        description: of our side.
        kind: its content type.
        lost: called where it is to be acknowledged and never is.
    """

    def __init__(
        self, invite: ServerTransaction, description: str, kind: str, *, lost: Callable[[float], None]
    ) -> None:
        self.description = description
        self.is_acknowledged = True
        self._invite = invite
        self._kind = kind
        self._lost = lost
        self._then: Callable[[float], None] = lambda _: None
        self._number = ""
        self._wait_s = T1_S
        self._repeat: Timer | None = None
        self._limit: Timer | None = None

    @property
    def is_reliable(self) -> bool:
        """Whether it was, or is to be, acknowledged: the description in it is the only one then."""
        return bool(self._number)

    def send(self, response: Response, timers: Timers, now_s: float, *, reliable: bool) -> None:
        """Send it.

        Args:
            response: the 183, without a body.
            timers: where it waits.
            now_s: the moment.
            reliable: whether it has to be acknowledged; it is repeated until then, whatever carries it (RFC 3262, 3).
        """
        set_body(response, self._kind, self.description)
        if reliable:
            self.is_acknowledged = False
            number = 1 + secrets.randbelow((1 << 31) - 2)
            self._number = f"{number} {cseq_of(self._invite.request).seq} INVITE"
            add_header(response, "Require", RELIABLE)
            add_header(response, "RSeq", str(number))
        self._invite.respond(response, now_s)
        if reliable:
            self._repeat = timers.at(now_s + T1_S, lambda due_s: self._again(timers, due_s))
            self._limit = timers.at(now_s + GIVE_UP_S, self._give_up)

    def take(self, prack: Request) -> bool:
        """Take a PRACK; answers whether it acknowledges this: it is to be answered, and then `release` called."""
        said = " ".join((prack.headers.get_first("rack", "") or "").split())
        if not self._number or said != self._number:
            return False
        self.is_acknowledged = True
        self.cancel()
        return True

    def wait(self, then: Callable[[float], None]) -> None:
        """Do something once it is acknowledged: nothing final may be said before."""
        self._then = then

    def release(self, now_s: float) -> None:
        """Do what waited, once."""
        then, self._then = self._then, lambda _: None
        then(now_s)

    def cancel(self) -> None:
        """Say it no more."""
        for timer in (self._repeat, self._limit):
            if timer is not None:
                timer.cancel()

    def _again(self, timers: Timers, now_s: float) -> None:
        self._invite.repeat()
        self._wait_s *= 2
        self._repeat = timers.at(now_s + self._wait_s, lambda due_s: self._again(timers, due_s))

    def _give_up(self, now_s: float) -> None:
        self.cancel()
        self._lost(now_s)
