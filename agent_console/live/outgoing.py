"""What waits to be sent to one browser: bounded, in order, merged where that is cheaper."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

import anyio

from agent_console.live.protocol import MAX_FRAME_BYTES, events_message
from voice.contracts.audio import CallId
from voice.contracts.errors import CapacityError

_BATCH_BYTES: Final = MAX_FRAME_BYTES - 1024
"""Events of one message, leaving room for its head."""


@dataclass(slots=True)
class _Message:
    text: str
    line_of: CallId | None = None


@dataclass(slots=True)
class _Batch:
    call: CallId
    events: list[str] = field(default_factory=list)
    size: int = 0


class Outgoing:
    """A queue for one reader and many writers, all on the event loop.

    `limit` counts events and messages. Writers that can wait (history, followers) ask for `room()` first, which leaves
    half of the queue to those that cannot (answers, changes of the list). Events of one call that follow each other
    travel in one message; an unsent line of the list gives way to its newer version.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: deque[_Message | _Batch] = deque()
        self._lines: dict[CallId, _Message] = {}
        self._held = 0
        self._filled = anyio.Event()
        self._taken = anyio.Event()

    @property
    def held(self) -> int:
        """Events and messages that wait."""
        return self._held

    def put(self, text: str) -> None:
        """Add a message.

        Raises:
            CapacityError: the queue is full.
        """
        self._append(_Message(text))

    def put_line(self, call: CallId, text: str) -> None:
        """Add a line of the list, or replace the call's line that still waits.

        Raises:
            CapacityError: the queue is full.
        """
        if waiting := self._lines.get(call):
            waiting.text = text
            return
        message = _Message(text, line_of=call)
        self._append(message)
        self._lines[call] = message

    def put_event(self, call: CallId, event: str) -> None:
        """Add an event, given as JSON.

        Raises:
            CapacityError: the queue is full.
        """
        size = len(event.encode()) + 1
        newest = self._items[-1] if self._items else None
        if isinstance(newest, _Batch) and newest.call == call and newest.size + size <= _BATCH_BYTES:
            self._count_one()
        else:
            newest = _Batch(call)
            self._append(newest)
        newest.events.append(event)
        newest.size += size

    def drop_events(self, call: CallId) -> None:
        """Forget the events of a call that still wait."""
        kept = [item for item in self._items if not (isinstance(item, _Batch) and item.call == call)]
        self._held = sum(len(item.events) if isinstance(item, _Batch) else 1 for item in kept)
        self._items = deque(kept)
        self._taken.set()

    async def room(self) -> None:
        """Return once half of the queue is free."""
        while self._held >= self._limit // 2:
            if self._taken.is_set():  # shared by all who wait
                self._taken = anyio.Event()
            await self._taken.wait()

    async def take(self) -> str:
        """The next message, as soon as there is one."""
        while not self._items:
            self._filled = anyio.Event()
            await self._filled.wait()
        item = self._items.popleft()
        if isinstance(item, _Batch):
            self._held -= len(item.events)
            text = events_message(item.call, item.events)
        else:
            self._held -= 1
            text = item.text
            if item.line_of is not None:
                del self._lines[item.line_of]
        self._taken.set()
        return text

    def _append(self, item: _Message | _Batch) -> None:
        self._count_one()
        self._items.append(item)
        self._filled.set()

    def _count_one(self) -> None:
        if self._held >= self._limit:
            raise CapacityError(
                f"The browser let {self._limit} events and messages pile up.", fix="Connect again and resume by seq."
            )
        self._held += 1
