"""The writer of callbacks into the logs of the calls that asked for them: into a live one, or behind its end."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Final, Self

import anyio

from routing.callback_events import Callback, CallbackEvent, CallbackRequested, follow
from routing.events import CallEnded, Stamped
from routing.journal.ports import Journal
from voice.contracts.audio import CallId
from voice.contracts.errors import JournalSequenceError, UnknownCallError, WarmlineError

WAITING_EVENTS: Final = 256
"""Events that wait to be written: some minutes of a desk that calls back all day."""

LAST_S: Final = 2.0
"""How long the last events may take to be written when the process stops."""

TRIES: Final = 5
"""How often an event is written again behind one that somebody else wrote at the same moment."""

_log = logging.getLogger(__name__)

WriteLive = Callable[[CallId, CallbackEvent], Awaitable[None]]
"""Writes into a live call's log; raises `UnknownCallError` where the call is over, or about to be."""


class CallbackLog:
    """Writes in order; made by `CallbackLog.open`.

    Args:
        journal: where the logs are.
        write_live: see there.
    """

    def __init__(self, journal: Journal, write_live: WriteLive) -> None:
        self._journal = journal
        self._write_live = write_live
        self._done = anyio.Event()
        self._send, self._waiting = anyio.create_memory_object_stream[tuple[CallId, CallbackEvent]](WAITING_EVENTS)

    @classmethod
    @asynccontextmanager
    async def open(cls, journal: Journal, write_live: WriteLive) -> AsyncIterator[Self]:
        """A writer for as long as the context lasts; on leaving, what waits is written where the calls are over."""
        log = cls(journal, write_live)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(log._run, name="callbacks' log")
            try:
                yield log
            finally:
                log._send.close()
                with anyio.move_on_after(LAST_S, shield=True):
                    await log._done.wait()
                tasks.cancel_scope.cancel()

    async def write(self, call: CallId, event: CallbackEvent) -> None:
        """Have an event written; returns at once unless too much waits."""
        await self._send.send((call, event))

    async def _run(self) -> None:
        with self._waiting:
            async for call, event in self._waiting:
                try:
                    await self._put(call, event)
                except WarmlineError as error:
                    _log.error("call %s: %s cannot be written (%s)", call, event.TYPE, error.code)
        self._done.set()

    async def _put(self, call: CallId, event: CallbackEvent) -> None:
        if isinstance(event, CallbackRequested):
            with suppress(UnknownCallError):
                await self._write_live(call, event)
                return
        await self._put_behind(call, event)

    async def _put_behind(self, call: CallId, event: CallbackEvent) -> None:
        """Write behind the end of a call, which may be a moment away.

        Raises:
            CallbackError: it cannot follow on what the log says of the callback.
            WarmlineError: the journal's reason.
        """
        for attempt in range(TRIES):
            last, callback = await self._read(call)
            follow(callback, event)
            try:
                await self._journal.append([Stamped(call, last.seq + 1, last.at, event)])
            except JournalSequenceError:
                if attempt == TRIES - 1:
                    raise
            else:
                return

    async def _read(self, call: CallId) -> tuple[Stamped, Callback | None]:
        """The last event of a call that is over, or about to be, and what its log says of the callback."""
        callback: Callback | None = None
        last_seq, ended = -1, False
        async with aclosing(self._journal.follow(call)) as stored:
            async for last in stored:
                last_seq, ended = last.seq, ended or isinstance(last.event, CallEnded)
                if isinstance(last.event, CallbackEvent):
                    callback = follow(callback, last.event)
                if ended and last_seq >= await self._last_seq(call, last_seq):
                    return last, callback
        raise UnknownCallError(f"Nothing is stored of call {call!r}.")

    async def _last_seq(self, call: CallId, after: int) -> int:
        page = await self._journal.read(call, after=after, limit=1)
        return page[-1].seq if page else after
