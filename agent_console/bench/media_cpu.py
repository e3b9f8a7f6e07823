"""What legs cost while they run, and whether this process was in time meanwhile."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import anyio
import numpy as np

from agent_console.bench.media_callers import connected
from agent_console.bench.media_legs import Leg
from voice.contracts.audio import Pcm

PACKET_S: Final = 0.02
TICK_S: Final = 0.01
"""How often it is looked whether the event loop comes in time."""

LATE_S: Final = 0.04
"""A tick that comes later than this is a late one: two packets' time."""


@dataclass(frozen=True, slots=True)
class Load:
    """What some legs cost while they ran.

    Attributes:
        legs: how many.
        cpu_ms_per_s: processor time per second of audio that came, all threads of this process; infinite where none
            came. What did not come, because the callers' process was kept waiting, costs nothing and counts for
            nothing.
        busy: processor time over time, 1 is one core.
        late_p99_ms: how late a tick of the event loop came, 99th percentile.
        late_share: the share of ticks that came more than 40 ms late.
        frames: share of the frames that should have come that came.
    """

    legs: int
    cpu_ms_per_s: float
    busy: float
    late_p99_ms: float
    late_share: float
    frames: float


async def measure_load(new_leg: Callable[[], Leg], legs: int, speech: Pcm, seconds: float) -> Load:
    """Connect so many legs, let callers speak to them, and measure this process meanwhile.

    A load that is too heavy is no error but an answer: late ticks, missing frames.

    Args:
        new_leg: makes one.
        legs: how many.
        speech: what both sides say, 16 kHz.
        seconds: how long it is measured.

    Raises:
        MediaError: the callers' process ended, or said nothing for too long.
    """
    async with connected(new_leg, legs, speech) as (made, _):
        before = sum(leg.frames for leg in made)
        began_s, cpu_s = time.monotonic(), time.process_time()
        late_s = await _watch(seconds)
        took_s, used_s = time.monotonic() - began_s, time.process_time() - cpu_s
        came = sum(leg.frames for leg in made) - before
    return Load(
        legs,
        1000 * used_s / (came * PACKET_S) if came else math.inf,
        used_s / took_s,
        1000 * float(np.percentile(late_s, 99)),
        float(np.mean(np.array(late_s) > LATE_S)),
        came / (took_s / PACKET_S * legs),
    )


async def _watch(seconds: float) -> list[float]:
    """How late each tick came. A tick that was missed while another one was late counts as late as it would be."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    ticks = int(seconds / TICK_S)
    late_s: list[float] = []
    over = anyio.Event()

    def tick() -> None:
        now_s = loop.time()
        while len(late_s) < ticks and (due_s := began_s + (len(late_s) + 1) * TICK_S) <= now_s + 1e-3:
            late_s.append(now_s - due_s)
        if len(late_s) == ticks:
            over.set()
        else:
            loop.call_at(began_s + (len(late_s) + 1) * TICK_S, tick)

    tick()
    await over.wait()
    return late_s
