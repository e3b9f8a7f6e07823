"""The call board: what is known of every recent call, kept up to date from the journal for all consoles at once."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final, Self

import anyio
from anyio.abc import TaskGroup

from agent_console.live.protocol import call_message
from agent_console.live.summary import CallSummary, summarise
from agent_console.qa.recordings import Recordings
from routing.events import CallStarted, Stamped
from routing.journal.ports import CallEntry, JournalReader
from routing.state import CallState
from voice.contracts.audio import CallId
from voice.contracts.errors import JournalError, JournalUnavailableError, SlowFollowerError
from voice.contracts.ports import Clock

LIST_CALLS: Final = 100
"""Calls in the list; also how many ended calls the board remembers for it."""

OPEN_CALLS: Final = 1_000
"""Calls without an end that the board follows; the oldest gives way (a crash may leave calls without an end)."""

CACHED_CALLS: Final = 1_000
"""Summaries of older calls that are kept after somebody asked; about 1 MB."""

LINE_INTERVAL_S: Final = 0.2
"""Least time between two lines of one call: at most 5 a second."""

RETRY_S: Final = 1.0
"""Pause after the journal failed."""

READ_EVENTS: Final = 1_000

Listener = Callable[[CallId, str], None]
"""Takes a call's id and its new line, spelled as a message; must not block or raise."""

_log = logging.getLogger(__name__)


class CallBoard:
    """Folds the journal into summaries. Entering `running` starts it; nothing happens before."""

    def __init__(self, journal: JournalReader, recordings: Recordings, clock: Clock) -> None:
        self._journal = journal
        self._recordings = recordings
        self._clock = clock
        self._open: OrderedDict[CallId, CallState] = OrderedDict()
        self._ended: dict[CallId, CallSummary] = {}
        self._older: OrderedDict[CallId, CallSummary] = OrderedDict()
        self._broken: OrderedDict[CallId, None] = OrderedDict()
        self._listeners: list[Listener] = []
        self._sent_s: dict[CallId, float] = {}
        self._due: set[CallId] = set()
        self._tasks: TaskGroup | None = None
        self._loaded = anyio.Event()
        self._current = False
        self._changes = 0

    @property
    def is_current(self) -> bool:
        """Whether the journal is being followed right now."""
        return self._current

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Follow the journal until the context is left."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            tasks.start_soon(self._follow)
            yield self
            tasks.cancel_scope.cancel()
        self._tasks = None

    async def wait_loaded(self) -> None:
        """Return once the recent calls have been read."""
        await self._loaded.wait()

    def recent(self) -> list[CallSummary]:
        """The list: the newest calls first, as they stand."""
        summaries = [*self._ended.values(), *(self._summarise(state) for state in self._open.values())]
        summaries.sort(key=lambda summary: (summary.started_at, summary.call), reverse=True)
        return summaries[:LIST_CALLS]

    @contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:
        """Tell `listener` of every changed line while the context lasts."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    async def summary(self, call: CallId) -> CallSummary:
        """The summary of any call, recent or old.

        Raises:
            UnknownCallError: no event of that call is stored.
            JournalUnavailableError: the storage cannot be read.
        """
        if self._current:
            if state := self._open.get(call):
                return self._summarise(state)
            if known := self._ended.get(call) or self._older.get(call):
                return known
        return await self._summarise_stored(call)

    async def summary_of(self, entry: CallEntry) -> CallSummary:
        """The summary of a call in the journal's index; ended calls are remembered.

        Raises:
            JournalUnavailableError: the storage cannot be read.
        """
        known = self._ended.get(entry.call) or self._older.get(entry.call)
        if known is not None and known.last_seq >= entry.last_seq:
            return known
        state = self._open.get(entry.call)
        if state is not None and state.last_seq >= entry.last_seq:
            return self._summarise(state)
        return await self._summarise_stored(entry.call)

    async def _summarise_stored(self, call: CallId) -> CallSummary:
        changes = self._changes
        summary = self._summarise(await self._read_on(CallState(call)))
        # Not remembered where something was stored while it was read: it may be of this call.
        if summary.ended and changes == self._changes:
            self._older[call] = summary
            while len(self._older) > CACHED_CALLS:
                self._older.popitem(last=False)
        return summary

    async def _follow(self) -> None:
        while True:
            try:
                async with self._journal.watch() as news:
                    # What was missed while nothing was followed may concern any call.
                    self._older.clear()
                    # Read after the watch has begun, so that nothing falls between the two.
                    await self._load()
                    self._current = True
                    self._loaded.set()
                    async for stamped in news:
                        await self._take(stamped)
            except SlowFollowerError:
                _log.warning("the call board fell behind the journal and reads again")
            except JournalUnavailableError as error:
                _log.error("the journal cannot be followed (%s)", error.code)  # the trace says no more
            finally:
                self._current = False
            # Also after a watch that ended by itself: the console goes on with what it knows.
            self._loaded.set()
            await self._clock.sleep_until(self._clock.now_s() + RETRY_S)

    async def _load(self) -> None:
        for entry in reversed(await self._journal.calls(limit=LIST_CALLS)):
            state = self._open.get(entry.call)
            ended = self._ended.get(entry.call)
            seen = state.last_seq if state else ended.last_seq if ended else -1
            if seen < entry.last_seq and entry.call not in self._broken:
                await self._reread(state or CallState(entry.call))

    async def _take(self, stamped: Stamped) -> None:
        if stamped.call in self._broken:
            return
        state = self._open.get(stamped.call)
        if state is None and isinstance(stamped.event, CallStarted) and stamped.call not in self._ended:
            state = CallState(stamped.call)
        if state is None:
            # A note on an ended call, or a call that the board had let go.
            await self._reread(CallState(stamped.call))
        elif stamped.seq == state.last_seq + 1:
            try:
                self._keep(_apply(state, stamped))
            except JournalError as error:
                self._leave_out(stamped.call, error)
        elif stamped.seq > state.last_seq:
            await self._reread(state)

    async def _reread(self, state: CallState) -> None:
        try:
            self._keep(await self._read_on(state))
        except JournalUnavailableError:
            raise
        except JournalError as error:
            self._leave_out(state.call, error)

    def _leave_out(self, call: CallId, error: JournalError) -> None:
        _log.error("call %s cannot be listed (%s)", call, error.code)
        self._open.pop(call, None)
        self._broken[call] = None
        if len(self._broken) > OPEN_CALLS:
            self._broken.popitem(last=False)

    async def _read_on(self, state: CallState) -> CallState:
        """The state of a call after everything that is stored."""
        while True:
            page = await self._journal.read(state.call, after=state.last_seq, limit=READ_EVENTS)
            for stamped in page:
                state = _apply(state, stamped)
            if len(page) < READ_EVENTS:
                return state

    def _keep(self, state: CallState) -> None:
        call = state.call
        self._changes += 1
        if state.ended is None:
            self._open[call] = state
            if len(self._open) > OPEN_CALLS:
                self._open.popitem(last=False)
        else:
            summary = self._summarise(state)
            self._open.pop(call, None)
            self._older.pop(call, None)
            self._ended[call] = summary
            if len(self._ended) > LIST_CALLS:
                del self._ended[min(self._ended, key=lambda each: (self._ended[each].started_at, each))]
        self._announce(call)

    def _announce(self, call: CallId) -> None:
        """Tell the listeners now, or once the interval has passed."""
        if call in self._due or self._tasks is None:
            return
        due_s = self._sent_s.get(call, -LINE_INTERVAL_S) + LINE_INTERVAL_S
        if due_s <= self._clock.now_s():
            self._tell(call)
        else:
            self._due.add(call)
            self._tasks.start_soon(self._tell_later, call, due_s)

    async def _tell_later(self, call: CallId, due_s: float) -> None:
        await self._clock.sleep_until(due_s)
        self._due.discard(call)
        self._tell(call)

    def _tell(self, call: CallId) -> None:
        state = self._open.get(call)
        if state is not None:
            self._sent_s[call] = self._clock.now_s()
        else:
            self._sent_s.pop(call, None)
        summary = self._summarise(state) if state is not None else self._ended.get(call)
        if summary is None or not self._listeners:
            return
        line = call_message(summary)
        for listener in tuple(self._listeners):
            listener(call, line)

    def _summarise(self, state: CallState) -> CallSummary:
        # One look-up in a local folder; a thread would cost more than it saves.
        return summarise(state, recording=self._recordings.exists(state.call))


def _apply(state: CallState, stamped: Stamped) -> CallState:
    """The state after one more event.

    Raises:
        JournalError: the event refers to what the log never told of.
    """
    try:
        return state.apply(stamped)
    except LookupError as error:
        raise JournalError(f"The log of call {state.call} breaks its grammar at {stamped.seq}.") from error
