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

LOOK_BACK: Final = 250
"""Takes after which what was never needed is given up: five seconds."""

_QUIET: Final = np.float32(0.003)
"""Samples below this (-50 dBFS) are silence, which may be a frame longer or shorter."""

_EMPTY: Final[Pcm] = np.zeros(0, np.float32)


class Feed:
    """A `Voice`: frames are put in at the speaker's pace and taken out at the listener's.

    It starts from silence once `TARGET` is there, passes every sample on as it is, and where nothing is left it falls
    silent with a fade and starts anew. Where the speaker's clock is the faster one, a silent or cross-faded frame is
    left out now and then; where it is the slower one, a silent frame is repeated.
    """

    def __init__(self) -> None:
        self._waiting: Pcm = _EMPTY
        self._flows = False
        self._target: Samples = TARGET
        self._least: Samples = BOUND
        self._looks = 0

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
        waits = self._waiting.size
        reserve = self._target - FRAME_SAMPLES
        self._least, self._looks = min(self._least, waits), self._looks + 1
        if waits <= reserve - FRAME_SAMPLES // 2 and taken.size == FRAME_SAMPLES and _is_quiet(taken):
            self._waiting = np.concatenate([taken, self._waiting])
        elif waits >= reserve + 2 * FRAME_SAMPLES and _is_quiet(self._waiting[: FRAME_SAMPLES + FADE]):
            self._waiting = shorten(self._waiting, FRAME_SAMPLES)
        if self._looks < LOOK_BACK:
            return
        if self._least >= reserve + FRAME_SAMPLES:
            self._waiting = shorten(self._waiting, FRAME_SAMPLES)
        elif self._target > TARGET:
            self._target -= FRAME_SAMPLES
        self._least, self._looks = BOUND, 0


def _is_quiet(pcm: Pcm) -> bool:
    return bool(np.abs(pcm).max(initial=0.0) < _QUIET)
