"""What all live websockets share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from agent_console.live.board import CallBoard
from agent_console.live.encoded import EncodedEvents
from agent_console.live.limits import LiveLimits
from voice.contracts.errors import CapacityError


class OpenSocket(Protocol):
    """A websocket that somebody else may end."""

    @property
    def session_id(self) -> str:
        """Whose it is."""
        ...

    def end_session(self) -> None:
        """Close it, because its session is over."""
        ...


class LiveHub:
    """The board, the events' JSON, and the open websockets."""

    def __init__(self, board: CallBoard, limits: LiveLimits) -> None:
        self.board = board
        self.encoded = EncodedEvents()
        self._limits = limits
        self._sockets: list[OpenSocket] = []

    @property
    def open_sockets(self) -> int:
        """Websockets that are being served, or closed, right now."""
        return len(self._sockets)

    def check_room(self, session_id: str) -> None:
        """Demand room for one more websocket.

        Raises:
            CapacityError: there are too many, in all or of this session.
        """
        mine = sum(1 for socket in self._sockets if socket.session_id == session_id)
        if len(self._sockets) >= self._limits.sockets or mine >= self._limits.sockets_per_session:
            raise CapacityError(
                f"There may be {self._limits.sockets} live connections, {self._limits.sockets_per_session} a session.",
                fix="Close pages that are not needed.",
            )

    @contextmanager
    def holding(self, socket: OpenSocket) -> Iterator[None]:
        """Count a websocket while the context lasts."""
        self._sockets.append(socket)
        try:
            yield
        finally:
            self._sockets.remove(socket)

    def end_session(self, session_id: str) -> None:
        """Close every websocket of a session."""
        for socket in tuple(self._sockets):
            if socket.session_id == session_id:
                socket.end_session()
