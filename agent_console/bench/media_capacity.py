"""How many two-way legs one core carries, and whether their cost grows with their number: measured, not extrapolated.

The number of legs is raised until a load is too heavy for the core. What is answered is the largest number that was
carried, and the smallest that was not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from agent_console.bench.media_cpu import Load

MOST_LATE: Final = 0.001
"""The share of ticks that may come more than 40 ms late."""

LEAST_FRAMES: Final = 0.97
"""The share of frames that has to come. The callers' own process is kept waiting for a moment now and then."""

FULL: Final = 0.98
"""A core that is busy for this share of the time has nothing left."""

STEP: Final = 1.15
"""Each number of legs is so many times the one before."""

FIRST: Final = 0.75
"""The first number of legs is this share of what the cost of a leg suggests."""

MOST_STEPS: Final = 6

TRIES: Final = 2
"""A load that seems too heavy is measured again: another program may have had the core for a moment."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many legs one core carries.

    Attributes:
        carried: the largest number of legs that was carried; 0 where none was.
        refused: the smallest one that was too many; None where none was tried that is.
        loads: everything that was measured, in order.
    """

    carried: int
    refused: int | None
    loads: tuple[Load, ...]


@dataclass(frozen=True, slots=True)
class Growth:
    """Processor time over the number of legs, as a straight line fitted by least squares.

    Attributes:
        slope_ms_per_s: of processor time that one more leg costs per second.
        base_ms_per_s: of processor time per second that no leg accounts for.
        r2: the share of the variance that the line explains; 1 is a straight line.
    """

    slope_ms_per_s: float
    base_ms_per_s: float
    r2: float


def is_carried(load: Load) -> bool:
    """Whether a load left the core enough to be in time."""
    return load.late_share <= MOST_LATE and load.frames >= LEAST_FRAMES and load.busy < FULL


async def measure_capacity(
    measure: Callable[[int], Awaitable[Load]], cost_ms_per_s: float, is_time: Callable[[], bool] = lambda: True
) -> Capacity:
    """Find the number of legs between carried and too many.

    Args:
        measure: loads one core with so many legs.
        cost_ms_per_s: what a leg is known to cost; says where to begin.
        is_time: whether another load may be measured; asked before each but the first.
    """
    legs = max(1, round(FIRST * 1000 / cost_ms_per_s))
    loads: list[Load] = []
    carried, refused = 0, None
    for _ in range(MOST_STEPS):
        if loads and not is_time():
            break
        for _ in range(TRIES):
            loads.append(await measure(legs))
            if is_carried(loads[-1]):
                break
        if is_carried(loads[-1]):
            carried = max(carried, legs)
            after = max(legs + 1, round(legs * STEP))
        else:
            refused = legs if refused is None else min(refused, legs)
            after = min(legs - 1, round(legs / STEP))
        if after < 1 or (carried and refused is not None):
            break
        legs = after
    return Capacity(carried, refused, tuple(loads))


def fit_growth(loads: Sequence[Load]) -> Growth:
    """The line through processor time over legs; at least two different numbers of legs."""
    legs = np.array([load.legs for load in loads], np.float64)
    used = np.array([1000 * load.busy for load in loads], np.float64)
    slope, base = np.polyfit(legs, used, 1)
    left = float(np.sum((used - slope * legs - base) ** 2))
    whole = float(np.sum((used - used.mean()) ** 2))
    return Growth(float(slope), float(base), 1 - left / whole if whole else 0.0)
