"""Timers of the signalling: what is to be done when. Pure: time is an argument."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

Due = Callable[[float], None]
"""What is done when a timer is due; told the moment."""


@dataclass(slots=True, eq=False)
class Timer:
    """Something that is to be done at a moment, unless it is cancelled before."""

    at_s: float
    due: Due
    is_cancelled: bool = False

    def cancel(self) -> None:
        """Let it never happen."""
        self.is_cancelled = True


@dataclass(slots=True, eq=False)
class Timers:
    """Timers in order of their moments."""

    _heap: list[tuple[float, int, Timer]] = field(default_factory=list)
    _order: itertools.count[int] = field(default_factory=itertools.count)

    def __len__(self) -> int:
        return len(self._heap)

    def at(self, moment_s: float, due: Due) -> Timer:
        """Do something at a moment."""
        timer = Timer(moment_s, due)
        heapq.heappush(self._heap, (moment_s, next(self._order), timer))
        return timer

    def run(self, now_s: float) -> None:
        """Do what is due by now, in order."""
        while self._heap and self._heap[0][0] <= now_s:
            timer = heapq.heappop(self._heap)[2]
            if not timer.is_cancelled:
                timer.due(now_s)
