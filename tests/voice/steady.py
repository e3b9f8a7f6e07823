"""Tests of sound at real pace on a machine that others use, too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec

import anyio

from voice.clock import WallClock

STANDSTILL_S = 0.02
"""A process that gets no turn for so long is late with a packet, and may be heard to be."""

MOST_TRIES = 5

P = ParamSpec("P")


def steadily(test: Callable[P, Awaitable[None]]) -> Callable[P, Awaitable[None]]:
    """Try a test anew where it failed while the machine stood still: sound then jumps, as it should.

    Where the machine did not, it has failed.
    """

    @wraps(test)
    async def attempt(*arguments: P.args, **named: P.kwargs) -> None:
        for left in reversed(range(MOST_TRIES)):
            failure, stood = None, Standstill()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(stood.watch)
                try:
                    await test(*arguments, **named)
                except AssertionError as error:
                    failure = error
                tasks.cancel_scope.cancel()
            if failure is None:
                return
            if not left or stood.longest_s < STANDSTILL_S:
                raise failure

    return attempt


class Standstill:
    """How long the event loop got no turn at most."""

    def __init__(self) -> None:
        self.longest_s = 0.0

    async def watch(self) -> None:
        """Look every 10 ms."""
        clock = WallClock()
        while True:
            due_s = clock.now_s() + 0.01
            await clock.sleep_until(due_s)
            self.longest_s = max(self.longest_s, clock.now_s() - due_s)
