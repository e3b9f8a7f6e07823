"""The journal: one of the two ports between the calls and the people's side.

`tests/conformance/test_journal.py` runs against every implementation.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from routing.events import Stamped, VoiceRecalled
from routing.terms import Channel
from voice.contracts.audio import CallId


@dataclass(frozen=True, slots=True)
class CallEntry:
    """One call in the journal's index, newest first in listings.

    Attributes:
        call: its id.
        started_at: UTC, ISO 8601, from call.started.
        last_seq: the highest `seq` that is stored.
        ended: whether call.ended is stored.
    """

    call: CallId
    started_at: str
    last_seq: int
    ended: bool


class JournalReader(Protocol):
    """What the people's side may do."""

    async def calls(self, *, limit: int = 100, before: str | None = None) -> Sequence[CallEntry]:
        """The newest calls by `started_at`; `before` is a `started_at` to page on from.

        Raises:
            JournalUnavailableError: the storage cannot be read.
        """
        ...

    async def read(self, call: CallId, *, after: int = -1, limit: int = 10_000) -> Sequence[Stamped]:
        """Stored events of one call with `seq` > `after`, in order.

        Raises:
            UnknownCallError: no event of that call is stored.
            JournalPositionError: `after` lies beyond the last stored `seq`.
        """
        ...

    def follow(self, call: CallId, *, after: int = -1) -> AsyncGenerator[Stamped]:
        """Stored events with `seq` > `after`, then each new one as it is stored, without gap or duplicate.

        A follower reads at its own pace: nothing is queued for it, so it can neither lose events nor fill memory. It
        never ends by itself, because notes may be written long after call.ended; close it (`aclosing`) to leave.

        Raises:
            UnknownCallError: no event of that call is stored.
            JournalPositionError: `after` lies beyond the last stored `seq`.
            JournalUnavailableError: the storage cannot be read.
        """
        ...

    def watch(self) -> AbstractAsyncContextManager[AsyncIterator[Stamped]]:
        """Every event of every call stored from the moment of entering, in order per call.

        Raises:
            SlowFollowerError: the watcher fell behind its bounded queue.
        """
        ...


class Journal(JournalReader, Protocol):
    """The journal as the calls see it."""

    async def append(self, events: Sequence[Stamped]) -> None:
        """Store events of one call; returns when they are durable and followers have been told.

        The events are one run: `seq` continues what is stored, without a gap. Nothing is stored where one is refused.

        Raises:
            JournalSequenceError: `seq` is not the next one.
            JournalUnavailableError: the storage cannot be written (disk full, read-only).
        """
        ...

    async def unfinished(self) -> Sequence[CallId]:
        """Every call without a stored call.ended.

        Raises:
            JournalUnavailableError: the storage cannot be read.
        """
        ...

    async def recall_voice(self, channel: Channel, caller: str) -> VoiceRecalled | None:
        """How the caller of that address sounded when last heard; None where that was never learned.

        It is the voice.learned of their newest call by `started_at` that has one. The address is compared as it is;
        whether it tells callers apart is for whoever asks to know.

        Raises:
            JournalUnavailableError: the storage cannot be read.
        """
        ...
