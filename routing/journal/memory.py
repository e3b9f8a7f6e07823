"""A journal in memory: for tests, and for replays that nobody wants to keep."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from routing.events import CallEnded, CallStarted, Stamped, VoiceLearned, VoiceRecalled
from routing.journal.news import PAGE_EVENTS, News
from routing.journal.ports import CallEntry
from routing.journal.sequence import check_position, check_run, unknown_call
from routing.terms import Channel
from voice.contracts.audio import CallId


class MemoryJournal:
    """Keeps every event of every call until it is dropped itself."""

    def __init__(self) -> None:
        self._events: dict[CallId, list[Stamped]] = {}
        self._entries: dict[CallId, CallEntry] = {}
        self._addresses: dict[CallId, tuple[Channel, str]] = {}
        self._voices: dict[tuple[Channel, str], dict[CallId, VoiceLearned]] = {}
        self._news = News()

    async def append(self, events: Sequence[Stamped]) -> None:
        """See `Journal.append`."""
        if not events:
            return
        call = events[0].call
        stored = self._events.get(call, [])
        check_run(events, next_seq=len(stored))
        self._events.setdefault(call, []).extend(events)
        for stamped in events:
            match stamped.event:
                case CallStarted(started_at=started_at, channel=channel, caller=caller):
                    self._addresses[call] = (channel, caller)
                    self._entries[call] = CallEntry(call, started_at, stamped.seq, ended=False)
                case CallEnded():
                    self._entries[call] = replace(self._entries[call], ended=True)
                case VoiceLearned() as learned:
                    self._voices.setdefault(self._addresses[call], {})[call] = learned
                case _:
                    pass
        self._entries[call] = replace(self._entries[call], last_seq=events[-1].seq)
        self._news.tell(events)

    async def calls(self, *, limit: int = 100, before: str | None = None) -> Sequence[CallEntry]:
        """See `JournalReader.calls`."""
        found = [entry for entry in self._entries.values() if before is None or entry.started_at < before]
        return sorted(found, key=lambda entry: (entry.started_at, entry.call), reverse=True)[:limit]

    async def unfinished(self) -> Sequence[CallId]:
        """See `Journal.unfinished`."""
        return [entry.call for entry in self._entries.values() if not entry.ended]

    async def recall_voice(self, channel: Channel, caller: str) -> VoiceRecalled | None:
        """See `Journal.recall_voice`."""
        learned = self._voices.get((channel, caller), {})
        newest = max(learned, key=lambda call: (self._entries[call].started_at, call), default=None)
        return None if newest is None else VoiceRecalled(learned[newest].normal, newest)

    async def read(self, call: CallId, *, after: int = -1, limit: int = 10_000) -> Sequence[Stamped]:
        """See `JournalReader.read`."""
        if call not in self._events:
            raise unknown_call(call)
        stored = self._events[call]
        check_position(call, after, last_seq=len(stored) - 1)
        return stored[after + 1 : after + 1 + limit]

    async def follow(self, call: CallId, *, after: int = -1) -> AsyncGenerator[Stamped]:
        """See `JournalReader.follow`."""

        async def read_after(call: CallId, seq: int) -> Sequence[Stamped]:
            return await self.read(call, after=seq, limit=PAGE_EVENTS)

        async for stamped in self._news.follow(call, after, read_after):
            yield stamped

    def watch(self) -> AbstractAsyncContextManager[AsyncIterator[Stamped]]:
        """See `JournalReader.watch`."""
        return self._news.watch()
