"""Timers of the signalling: what is to be done when. Pure: time is an argument."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import Final

Due = Callable[[float], None]
"""What is done when a timer is due; told the moment."""

MOST_CANCELLED: Final = 256
"""Timers that were cancelled and still stand in line; where there are more, and more than others, they are put out."""


class Timer:
    """Something that is to be done at a moment, unless it is cancelled before; made by `Timers.at`."""

    def __init__(self, timers: Timers, due: Due) -> None:
        self._timers = timers
        self._due: Due | None = due

    @property
    def is_over(self) -> bool:
        """Whether it was done or cancelled."""
        return self._due is None

    def cancel(self) -> None:
        """Let it never happen."""
        if self._due is not None:
            self._due = None  # a session's timer may be an hour away: its call is not kept for so long
            self._timers.note_cancelled()

    def run(self, now_s: float) -> None:
        """Do it."""
        due, self._due = self._due, None
        if due is not None:
            due(now_s)


class Timers:
    """Timers in order of their moments."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._cancelled = 0

    def __len__(self) -> int:
        """How many are still to come."""
        return len(self._heap) - self._cancelled

    def at(self, moment_s: float, due: Due) -> Timer:
        """Do something at a moment."""
        timer = Timer(self, due)
        heapq.heappush(self._heap, (moment_s, next(self._order), timer))
        return timer

    def run(self, now_s: float) -> None:
        """Do what is due by now, in order."""
        while self._heap and self._heap[0][0] <= now_s:
            timer = heapq.heappop(self._heap)[2]
            if timer.is_over:
                self._cancelled -= 1
            else:
                timer.run(now_s)

    def note_cancelled(self) -> None:
        """One of them will never happen."""
        self._cancelled += 1
        if self._cancelled > max(MOST_CANCELLED, len(self._heap) // 2):
            self._heap = [entry for entry in self._heap if not entry[2].is_over]
            heapq.heapify(self._heap)
            self._cancelled = 0
