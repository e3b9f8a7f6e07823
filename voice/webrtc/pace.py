"""When legs wake: together, so that many of them share one turn of the event loop."""

from __future__ import annotations

import math
from typing import Final

COMMON_S: Final = 0.02
"""The grid that waking moments are put on: a packet's time, so that every leg wakes once for each of its packets, and
all of them together. A process that wakes finds its caches cold; with eight legs in one turn a packet costs two thirds
of what it costs with four. On average a moment is put off by half of this."""


def on_common_turn(moment_s: float) -> float:
    """The next moment of the common grid, at or after the one that is meant."""
    return math.ceil(moment_s / COMMON_S - 1e-6) * COMMON_S
