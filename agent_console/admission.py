"""Admission by measured load: looking at recognition once a second, for as long as Warmline serves."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import anyio

from asr.admission import Admission
from asr.ports import Recognition
from voice.contracts.errors import CapacityError
from voice.contracts.ports import Clock

LOOK_EVERY_S: Final = 1.0
"""How often recognition is looked at."""


class Doorkeeper:
    """Says whether one more call can be recognized.

    Args:
        recognition: running.
        clock: time.
        cores: processors of this machine that may be used; found out unless given.
    """

    def __init__(self, recognition: Recognition, clock: Clock, cores: int | None = None) -> None:
        self._recognition = recognition
        self._clock = clock
        self._admission = Admission(cores or _cores())

    def refusal(self) -> CapacityError | None:
        """Why no call is taken now; None where one is."""
        why = self._admission.refusal
        return None if why is None else CapacityError(str(why), fix="Call again in a minute.")

    @asynccontextmanager
    async def looking(self, calls: Callable[[], int]) -> AsyncIterator[None]:
        """Look for as long as the context lasts; `calls` answers how many there are."""

        async def look() -> None:
            while True:
                self._admission.see(self._recognition.load(), calls(), self._clock.now_s())
                await self._clock.sleep_until(self._clock.now_s() + LOOK_EVERY_S)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(look, name="admission")
            yield
            tasks.cancel_scope.cancel()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
