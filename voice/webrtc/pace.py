"""When legs wake: together, so that many of them share one turn of the event loop."""

from __future__ import annotations

import math
from typing import Final

COMMON_S: Final = 0.01
"""The grid that waking moments are put on. A turn of the event loop costs as much as what a leg does in it; on average
a leg waits half of this for company."""


def on_common_turn(moment_s: float) -> float:
    """The next moment of the common grid, at or after the one that is meant."""
    return math.ceil(moment_s / COMMON_S - 1e-6) * COMMON_S
