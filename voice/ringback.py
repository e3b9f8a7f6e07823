"""Our own ringing tone, for whoever calls where the network plays none."""

from __future__ import annotations

from typing import Final

import numpy as np

from voice.contracts.audio import FRAME_SAMPLES, Pcm, Samples, from_s, to_s

HERTZ: Final = 450.0
"""Mainland China's (ITU-T E.180, supplement 2): 450 Hz, one second in five."""

SOUNDS: Final[Samples] = from_s(1.0)
PERIOD: Final[Samples] = from_s(5.0)

_LEVEL: Final = 0.1
_EDGE: Final[Samples] = from_s(0.01)
"""It swells and fades over 10 ms: an edge would click."""

_LATE: Final = 10
"""Frames that are made at once at most; what is later than these 200 ms is left out, as any voice's."""


class Ringback:
    """The tone, frame by frame as it is due. Pure: time is an argument.

    It sounds from `begin` on, and never again after `give_way`: where the network plays something itself, that is heard
    (RFC 3960, 3.2).
    """

    def __init__(self) -> None:
        self._begin_s: float | None = None
        self._given = 0
        self._is_over = False

    def begin(self, now_s: float) -> None:
        """It rings; nothing happens where it does already."""
        if self._begin_s is None:
            self._begin_s = now_s

    def give_way(self) -> None:
        """The network is heard."""
        self._is_over = True

    def frames(self, now_s: float) -> list[Pcm]:
        """What is due, in frames of 20 ms."""
        if self._begin_s is None or self._is_over:
            return []
        due = int((now_s - self._begin_s) / to_s(FRAME_SAMPLES)) + 1
        first, self._given = max(self._given, due - _LATE), max(due, self._given)
        return [_frame(number * FRAME_SAMPLES) for number in range(first, due)]


def _frame(start: Samples) -> Pcm:
    at = np.arange(start, start + FRAME_SAMPLES) % PERIOD
    edges = np.clip(np.minimum(at, SOUNDS - at) / _EDGE, 0.0, 1.0)
    return np.asarray(_LEVEL * edges * np.sin(2 * np.pi * HERTZ * to_s(1) * at), np.float32)
