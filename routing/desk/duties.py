"""What has to happen at a later moment, in the order of the moments."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from enum import StrEnum


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
