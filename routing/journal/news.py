"""Telling followers and watchers of what was just stored, within one process."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import anyio
from anyio.streams.memory import MemoryObjectSendStream

from routing.events import Stamped
from voice.contracts.audio import CallId
from voice.contracts.errors import SlowFollowerError

WATCH_EVENTS: Final = 4096
"""Events that wait for a watcher: about 20 s of 20 busy calls (10 events a second each)."""

PAGE_EVENTS: Final = 500
"""Events that a follower reads from the storage at once."""

ReadAfter = Callable[[CallId, int], Awaitable[Sequence[Stamped]]]


class News:
    """Wakes followers and feeds watchers. A follower holds no queue: it is woken and reads on where it stood."""

    def __init__(self) -> None:
        self._changed: dict[CallId, anyio.Event] = {}
        self._watchers: dict[MemoryObjectSendStream[Stamped], bool] = {}

    def tell(self, events: Sequence[Stamped]) -> None:
        """Announce stored events; called on the event loop, in the order of storage."""
        for call in {stamped.call for stamped in events}:
            if changed := self._changed.pop(call, None):
                changed.set()
        for watcher, slow in list(self._watchers.items()):
            if slow:
                continue
            try:
                for stamped in events:
                    watcher.send_nowait(stamped)
            except anyio.WouldBlock:
                self._watchers[watcher] = True
                watcher.close()

    async def follow(self, call: CallId, after: int, read_after: ReadAfter) -> AsyncGenerator[Stamped]:
        """Yield what `read_after` answers, again after each news of `call`."""
        while True:
            # Taken before reading, so that what is stored meanwhile wakes us.
            changed = self._changed.setdefault(call, anyio.Event())
            events = await read_after(call, after)
            for stamped in events:
                after = stamped.seq
                yield stamped
            if not events:
                await changed.wait()

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[AsyncIterator[Stamped]]:
        """Yield an iterator over everything told from now on."""
        send, receive = anyio.create_memory_object_stream[Stamped](WATCH_EVENTS)
        self._watchers[send] = False

        async def read() -> AsyncIterator[Stamped]:
            async for stamped in receive:
                yield stamped
            raise SlowFollowerError(
                f"A watcher of all calls fell more than {WATCH_EVENTS} events behind.", fix="Read on from the journal."
            )

        try:
            yield read()
        finally:
            del self._watchers[send]
            send.close()
            receive.close()
