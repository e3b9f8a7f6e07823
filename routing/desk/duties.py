"""What has to happen at a later moment, in the order of the moments."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from routing.desk.config import Queue
from routing.desk.records import ContactRecord
from routing.desk.terms import ContactState


class Duty(StrEnum):
    """What is due. Whoever sees to a duty looks first whether it still stands; a cancelled one is simply left there."""

    OFFER_ENDS = "offer_ends"
    CONNECTION_ENDS = "connection_ends"
    WRAP_UP_ENDS = "wrap_up_ends"
    HOLD_ENDS = "hold_ends"
    EXCLUSION_ENDS = "exclusion_ends"
    OVERFLOW = "overflow"
    WAKE = "wake"
    ANNOUNCE = "announce"
    LEASE_ENDS = "lease_ends"
    ASKING_ENDS = "asking_ends"


Due = tuple[float, int, Duty, str]
"""Moment, order of noting, what, and whom it concerns."""


@dataclass(slots=True)
class Duties:
    """A calendar. What is noted for the same moment comes in the order of noting."""

    _heap: list[Due] = field(default_factory=list)
    _noted: int = 0

    def note(self, at: float, duty: Duty, whom: str) -> None:
        """Note something for a moment."""
        heapq.heappush(self._heap, (at, self._noted, duty, whom))
        self._noted += 1

    @property
    def next_at(self) -> float | None:
        """The first moment at which something is due; None where nothing ever is."""
        return self._heap[0][0] if self._heap else None

    def take(self, now: float, most: int | None = None) -> list[Due]:
        """Take out what is due by now, in order; no more than `most`, if given."""
        taken: list[Due] = []
        while self._heap and self._heap[0][0] <= now and (most is None or len(taken) < most):
            taken.append(heapq.heappop(self._heap))
        return taken

    def __len__(self) -> int:
        return len(self._heap)


def duties_of(contact: ContactRecord, queue: Queue) -> Iterator[tuple[float, Duty, str]]:
    """What is due for a caller, in the order in which it has to be noted: moment, what, and whom it concerns.

    Args:
        contact: the caller.
        queue: the one that they are in.
    """
    if contact.held_until is not None:
        yield contact.held_until, Duty.HOLD_ENDS, contact.call
    yield from overflows_of(contact, queue)
    for one in contact.exclusions:
        yield one.until, Duty.EXCLUSION_ENDS, contact.call
    if contact.offer is not None and contact.state is ContactState.OFFERED:
        yield contact.offer.expires_at, Duty.OFFER_ENDS, contact.offer.id
    if contact.connect_by is not None:
        yield contact.connect_by, Duty.CONNECTION_ENDS, contact.call
    if contact.asleep_until is not None:
        yield contact.asleep_until, Duty.WAKE, contact.call


def overflows_of(contact: ContactRecord, queue: Queue) -> Iterator[tuple[float, Duty, str]]:
    """When a caller may be moved on, as `duties_of`."""
    for step in queue.overflow:
        yield contact.queued_since + step.after_s, Duty.OVERFLOW, contact.call


def announced_next(contact: ContactRecord, queue: Queue, now: float) -> float:
    """When a caller is told next how things stand.

    Counted from when each of them came, so that after a restart not all are told at the same moment.
    """
    told = math.floor((now - contact.since) / queue.announce_s)
    return contact.since + (told + 1) * queue.announce_s
