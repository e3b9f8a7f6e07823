"""Bounds of the live websockets, each with its meaning."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LiveLimits:
    """Bounds per console, unless stated otherwise.

    Attributes:
        outgoing: events and messages that wait to be sent. A busy call yields about 10 a second, so this is 100 s of
            one call or 10 s of ten.
        stall_s: how long the browser may take nothing at all before it counts as slow and is closed with 1013.
        close_s: how long it may take to accept the close before the connection is cut.
        watches: calls watched at once.
        burst: messages that may come at once.
        messages_per_s: messages a second in the long run; more closes with 1008.
        session_check_s: how often an open socket asks whether its session still lasts.
        sockets: websockets over all consoles.
        sockets_per_session: websockets of one session (browser tabs share one).
    """

    outgoing: int = 1_000
    stall_s: float = 10.0
    close_s: float = 2.0
    watches: int = 50
    burst: int = 200
    messages_per_s: float = 20.0
    session_check_s: float = 30.0
    sockets: int = 500
    sockets_per_session: int = 20
