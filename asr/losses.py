"""How often recognition processes were lost lately, and how long a new one is waited with for that."""

from __future__ import annotations

from typing import Final

WINDOW_S: Final = 60.0
"""How long a loss counts."""

BACK_OFF_S: Final = (0.0, 0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
"""How long a new process is waited with, by how many were lost in the latest `WINDOW_S`, the first included."""

LOOP: Final = 5
"""Processes lost in `WINDOW_S` from which on recognition counts as not ready."""


class Losses:
    """Processes that were lost; times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._at: list[float] = []

    def note(self, now_s: float) -> float:
        """One is lost now; answers how long a new one is waited with, seconds."""
        self._at = [*(at for at in self._at if now_s - at < WINDOW_S), now_s]
        return BACK_OFF_S[min(len(self._at), len(BACK_OFF_S)) - 1]

    def count(self, now_s: float) -> int:
        """How many count."""
        return sum(now_s - at < WINDOW_S for at in self._at)
