"""Session timers (RFC 4028): a call whose other side is gone ends, though nobody said so. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from voice.contracts.sip_errors import SipMessageError
from voice.sip.messages import Request, Response, tokens_of
from voice.sip.timers import Timer, Timers

LONGEST_S: Final = 86_400
_VALUE: Final = re.compile(r"([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class SessionInterval:
    """What was agreed on.

    Attributes:
        seconds: without a refresh, after which the session is over.
        refresher: who refreshes: the side that sent the INVITE (uac) or the other one.
        is_required: whether the other side knows session timers.
    """

    seconds: int
    refresher: Literal["uac", "uas"]
    is_required: bool = True

    def __str__(self) -> str:
        return f"{self.seconds};refresher={self.refresher}"


def asked_interval(message: Request | Response) -> SessionInterval | None:
    """What `Session-Expires` says; None where there is none.

    Raises:
        SipMessageError: no number of seconds.
    """
    value = message.headers.get_first("session-expires") or message.headers.get_first("x")
    if value is None:
        return None
    first, _, rest = value.partition(";")
    match = _VALUE.fullmatch(first.strip())
    if match is None:
        raise SipMessageError("A Session-Expires of seconds was expected.")
    seconds = min(int(match[1]), LONGEST_S)
    knows = "timer" in tokens_of(message, "supported") | tokens_of(message, "require")
    asked = [part.partition("=")[2].strip().lower() for part in rest.split(";") if "refresher" in part.lower()]
    refresher: Literal["uac", "uas"] = "uas" if asked[:1] == ["uas"] or not (asked or knows) else "uac"
    return SessionInterval(seconds, refresher, knows or isinstance(message, Response))


class SessionTimer:
    """Refreshes a session, or sees that it is refreshed.

    Args:
        timers: where it waits.
        refresh: does so.
        expire: ends the call.
    """

    def __init__(self, timers: Timers, refresh: Callable[[float], None], expire: Callable[[float], None]) -> None:
        self._timers = timers
        self._refresh = refresh
        self._expire = expire
        self._running: list[Timer] = []

    def begin(self, interval: SessionInterval | None, *, we_refresh: bool, now_s: float) -> None:
        """Begin anew; None switches it off. A refresh by either side begins it anew as well."""
        self.cancel()
        if interval is None:
            return
        # RFC 4028, 10: halfway through it is refreshed, a third (at most 32 s) before its end it is given up.
        if we_refresh:
            self._running.append(self._timers.at(now_s + interval.seconds / 2, self._refresh))
        last_s = interval.seconds - min(32.0, interval.seconds / 3)
        self._running.append(self._timers.at(now_s + last_s, self._expire))

    def cancel(self) -> None:
        """Stop."""
        for timer in self._running:
            timer.cancel()
        self._running.clear()
