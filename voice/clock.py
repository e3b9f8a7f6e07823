"""Clocks: the wall, and one that is driven by hand (in tests, or by the media of an unpaced replay)."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel


class WallClock:
    """The machine's monotonic clock, which is the event loop's as well.

    Legs wake on a common grid. Whoever waits for the same moment shares one timer of the event loop: a timer for each
    costs as much as half of what a leg does when it wakes.
    """

    def __init__(self) -> None:
        self._turns: dict[tuple[asyncio.AbstractEventLoop, float], _Turn] = {}

    def now_s(self) -> float:
        """Monotonic seconds since an arbitrary origin."""
        return time.monotonic()

    def utc_now(self) -> datetime:
        """Date and time in UTC."""
        return datetime.now(UTC)

    async def sleep_until(self, moment_s: float) -> None:
        """Return once `now_s()` has reached `moment_s`; at once (but after a checkpoint) if it has."""
        if moment_s <= self.now_s():
            await anyio.lowlevel.checkpoint()
            return
        loop = asyncio.get_running_loop()
        # The loop may call up to its resolution early, hence the `while`.
        while moment_s > self.now_s():
            waker = loop.create_future()
            call_off = self.call_at(moment_s, partial(_wake, waker))
            try:
                await waker
            finally:
                call_off()

    def call_at(self, moment_s: float, call: Callable[[], None]) -> Callable[[], None]:
        """Call something at that moment, or as much earlier as the event loop's clock is coarse."""
        loop = asyncio.get_running_loop()
        key = loop, moment_s
        turn = self._turns.get(key)
        if turn is None:
            turn = self._turns[key] = _Turn()
            turn.timer = loop.call_at(moment_s, self._take_turn, key)
        return turn.join(call, self._turns, key)

    def _take_turn(self, key: tuple[asyncio.AbstractEventLoop, float]) -> None:
        if (turn := self._turns.get(key)) is None:
            return
        calls = turn.calls
        while calls:
            call = calls.pop(next(iter(calls)))
            try:
                call()
            except BaseException:
                # It is the event loop's to report. The others are called all the same.
                key[0].call_soon(self._take_turn, key)
                raise
        self._turns.pop(key, None)


class _Turn:
    """Those who are to be called at one moment."""

    def __init__(self) -> None:
        self.calls: dict[int, Callable[[], None]] = {}
        self.timer: asyncio.TimerHandle | None = None
        self._count = 0

    def join(self, call: Callable[[], None], turns: dict[Any, _Turn], key: object) -> Callable[[], None]:
        """Be called too; answers what calls it off. Of a turn that nobody waits for nothing is left."""
        calls = self.calls
        self._count = number = self._count + 1
        calls[number] = call

        def call_off() -> None:
            if calls.pop(number, None) is not None and not calls and turns.get(key) is self:
                del turns[key]
                if self.timer is not None:
                    self.timer.cancel()

        return call_off


def _wake(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)


class ManualClock:
    """A clock that stands still until somebody moves it.

    Moving it wakes, in the order of their moments (then in the order they went to sleep), every sleeper whose moment
    has come; they run when the mover next gives way to the event loop. To be used on one event loop.

    Args:
        start_s: what `now_s()` answers at first.
        start_utc: what `utc_now()` answers at first; it moves along.
    """

    def __init__(self, start_s: float = 0.0, start_utc: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now_s = start_s
        self._utc_at_zero = start_utc - timedelta(seconds=start_s)
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, Callable[[], object]]] = []

    def now_s(self) -> float:
        """The moment the clock was last moved to."""
        return self._now_s

    def utc_now(self) -> datetime:
        """Date and time in UTC."""
        return self._utc_at_zero + timedelta(seconds=self._now_s)

    @property
    def sleepers(self) -> int:
        """How many wait for a moment that has not come."""
        return len(self._sleepers)

    def advance(self, seconds: float) -> int:
        """Move the clock forward by `seconds`; see `advance_to`."""
        return self.advance_to(self._now_s + seconds)

    def advance_to(self, moment_s: float) -> int:
        """Move the clock forward to `moment_s` and wake whose moment has come.

        Returns:
            How many sleepers were woken.

        Raises:
            ValueError: `moment_s` lies in the past.
        """
        if moment_s < self._now_s:
            raise ValueError(f"A clock moves forward; it shows {self._now_s} s and was told {moment_s} s.")
        self._now_s = moment_s
        woken = 0
        while self._sleepers and self._sleepers[0][0] <= moment_s:
            heapq.heappop(self._sleepers)[2]()
            woken += 1
        return woken

    async def sleep_until(self, moment_s: float) -> None:
        """Return once the clock has been moved to `moment_s`; at once (but after a checkpoint) if it has."""
        if moment_s <= self._now_s:
            await anyio.lowlevel.checkpoint()
            return
        woken = anyio.Event()
        call_off = self.call_at(moment_s, woken.set)
        try:
            await woken.wait()
        finally:
            call_off()

    def call_at(self, moment_s: float, call: Callable[[], object]) -> Callable[[], None]:
        """Call something when the clock is next moved to that moment or beyond, from whoever moves it."""
        entry = (moment_s, next(self._order), call)
        heapq.heappush(self._sleepers, entry)

        def call_off() -> None:
            # What was called has left the queue already.
            if entry in self._sleepers:
                self._sleepers.remove(entry)
                heapq.heapify(self._sleepers)

        return call_off
