"""One party's voice on its way to another: a small buffer between two clocks."""

from __future__ import annotations

from typing import Final

import numpy as np

from voice.audio.fade import FADE, fade_in, fade_out, shorten
from voice.contracts.audio import FRAME_SAMPLES, Pcm, Samples

TARGET: Final[Samples] = 2 * FRAME_SAMPLES
"""How much is waited for before a voice starts: 40 ms, for frames come and go at moments of their own."""

MOST_TARGET: Final[Samples] = 5 * FRAME_SAMPLES
"""How far that grows where a voice breaks off: 100 ms."""

BOUND: Final[Samples] = 10 * FRAME_SAMPLES
"""More than 200 ms never wait: whoever hears a voice that late talks over it. What is oldest goes."""

SETTLED: Final = 25
"""Takes over which what waits is looked at before anything is done about it: half a second. Where the process stands
still for a moment, frames come in twos and are taken in twos; what is done about the first two has to be undone for the
next, and both are heard."""

LOOK_BACK: Final = 10 * SETTLED
"""Takes after which what was never needed is given up: five seconds."""

_QUIET: Final = np.float32(0.003)
"""Samples below this (-50 dBFS) are silence, which may be a frame longer or shorter."""

_EMPTY: Final[Pcm] = np.zeros(0, np.float32)


class Feed:
    """A `Voice`: frames are put in at the speaker's pace and taken out at the listener's.

    It starts from silence once `TARGET` is there, passes every sample on as it is, and where nothing is left it falls
    silent with a fade and starts anew. Where the speaker's clock is the faster one, a silent frame is left out now and
    then, or a cross-faded one where no silence comes; where it is the slower one, a silent frame is repeated.
    """

    def __init__(self) -> None:
        self._waiting: Pcm = _EMPTY
        self._flows = False
        self._target: Samples = TARGET
        self._looks = 0
        self._least: Samples = BOUND
        self._most: Samples = 0
        self._unused: Samples = BOUND
        self._lacks = False
        self._exceeds = False

    @property
    def waiting(self) -> Samples:
        """How much waits to be heard."""
        return self._waiting.size

    def put(self, pcm: Pcm) -> None:
        """What the speaker says, shape (n,), float32."""
        self._waiting = np.concatenate([self._waiting, pcm])
        if self._waiting.size > BOUND:
            self._waiting = shorten(self._waiting, self._waiting.size - self._target)

    def take(self, samples: Samples) -> Pcm:
        """The next samples for the listener; zeros where there are none."""
        starts = not self._flows
        if starts and self._waiting.size < max(self._target, samples):
            return np.zeros(samples, np.float32)
        self._flows = True
        if self._waiting.size < samples:
            return self._break_off(samples)
        taken, self._waiting = self._waiting[:samples], self._waiting[samples:]
        self._even_out(taken)
        return fade_in(taken) if starts else taken

    def _break_off(self, samples: Samples) -> Pcm:
        last, self._waiting, self._flows = self._waiting, _EMPTY, False
        if np.abs(last).max(initial=0.0) >= _QUIET:
            self._target = min(self._target + FRAME_SAMPLES, MOST_TARGET)
        taken = np.zeros(samples, np.float32)
        taken[: last.size] = fade_out(last)
        return taken

    def _even_out(self, taken: Pcm) -> None:
        """Keep close to the target what waits."""
        waits, reserve = self._waiting.size, self._target - FRAME_SAMPLES
        self._least, self._most, self._looks = min(self._least, waits), max(self._most, waits), self._looks + 1
        if self._looks % SETTLED == 0:
            self._judge(reserve)
        if self._lacks and taken.size == FRAME_SAMPLES and _is_quiet(taken):
            self._waiting = np.concatenate([taken, self._waiting])
            self._lacks = False
        elif self._exceeds and waits >= reserve + FRAME_SAMPLES and _is_quiet(self._waiting[: FRAME_SAMPLES + FADE]):
            self._leave_out()

    def _judge(self, reserve: Samples) -> None:
        """Look back on half a second, and now and then on five.

        Args:
            reserve: what is to wait when something has been taken.
        """
        self._lacks = self._most <= reserve - FRAME_SAMPLES // 2
        self._unused = min(self._unused, self._least)
        has_unused = self._exceeds and self._unused >= reserve + FRAME_SAMPLES
        self._exceeds = has_unused or self._least >= reserve + 2 * FRAME_SAMPLES
        self._least, self._most = BOUND, 0
        if self._looks < LOOK_BACK:
            return
        if self._unused < reserve + FRAME_SAMPLES:
            self._target = max(TARGET, self._target - FRAME_SAMPLES)
        elif self._exceeds:  # for five seconds, and no silence came
            self._leave_out()
        else:
            self._exceeds = True
        self._unused, self._looks = BOUND, 0

    def _leave_out(self) -> None:
        self._waiting = shorten(self._waiting, FRAME_SAMPLES)
        self._exceeds = False


def _is_quiet(pcm: Pcm) -> bool:
    return bool(np.abs(pcm).max(initial=0.0) < _QUIET)
