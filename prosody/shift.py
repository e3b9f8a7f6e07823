"""When a caller's mood has changed: levels with hysteresis and a minimum dwell.

Distress joins raised arousal and lowered valence into one number in [0, 1]. A level is entered when the smoothed curve
crosses its entry threshold and at least two utterances in a row have shown it themselves; it is left when the curve
falls below the lower exit threshold and at least two utterances in a row have stayed below the entry threshold. One
outcry, one octave error or one calm sentence changes nothing.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

from prosody.types import EmotionLevel, EmotionShift
from voice.contracts.audio import SegmentId, Span

_LEVELS: Final = (EmotionLevel.SETTLED, EmotionLevel.TENSE, EmotionLevel.UPSET)
_LEAST_CONFIDENCE: Final = 0.3
"""An utterance below this is no evidence in either direction."""
_REMEMBERED: Final = 8
"""Utterances that a shift may name as its evidence."""


@dataclass(frozen=True, slots=True)
class ShiftSettings:
    """Thresholds of distress, in (0, 1), and the dwell.

    Attributes:
        enter: to tense, to upset.
        leave: from tense, from upset; each below its entry.
        utterances: in a row that must show the new level.
    """

    enter: tuple[float, float] = (0.4, 0.62)
    leave: tuple[float, float] = (0.25, 0.45)
    utterances: int = 2


DEFAULT_SHIFT: Final = ShiftSettings()


@dataclass(frozen=True, slots=True)
class _Witness:
    """An utterance that may become part of a shift."""

    segment: SegmentId
    span: Span
    distress: float


def distress(arousal: float, valence: float) -> float:
    """Raised arousal and lowered valence, equally, in [0, 1]; joy and sadness alone stay low."""
    return min(1.0, 0.65 * max(arousal, 0.0) + 0.65 * max(-valence, 0.0))


def distress_sd(arousal_sd: float, valence_sd: float) -> float:
    """Standard deviation of `distress` of a point whose coordinates err independently, in first order."""
    return 0.65 * math.hypot(arousal_sd, valence_sd)


class ShiftDetector:
    """The level of one curve."""

    def __init__(self, settings: ShiftSettings = DEFAULT_SHIFT) -> None:
        self._settings = settings
        self._level = 0
        self._recent: deque[_Witness] = deque(maxlen=_REMEMBERED)

    @property
    def level(self) -> EmotionLevel:
        """Where the caller stands now."""
        return _LEVELS[self._level]

    def observe(
        self,
        segment: SegmentId,
        span: Span,
        *,
        own: tuple[float, float],
        curve: tuple[float, float],
        confidence: float,
    ) -> EmotionShift | None:
        """Take an utterance into account.

        Args:
            segment: its id.
            span: its media time.
            own: arousal and valence of this utterance alone.
            curve: arousal and valence of the smoothed curve after it.
            confidence: of `own`, in [0, 1].

        Returns:
            The shift that this utterance confirms, if any.
        """
        if confidence < _LEAST_CONFIDENCE:
            return None
        self._recent.append(_Witness(segment, span, distress(*own)))
        target = self._target(distress(*curve))
        if target == self._level:
            return None
        run = self._run(rising=target > self._level)
        if len(run) < self._settings.utterances:
            return None
        shift = EmotionShift(
            previous=_LEVELS[self._level],
            current=_LEVELS[target],
            span=Span(run[0].span.start, run[-1].span.end),
            segments=tuple(witness.segment for witness in run),
            reason=_reason(*curve) if target > self._level else "settling",
        )
        self._level = target
        return shift

    def _target(self, smoothed: float) -> int:
        """The level that the curve asks for, seen from the present one."""
        level = self._level
        while level < len(self._settings.enter) and smoothed >= self._settings.enter[level]:
            level += 1
        if level > self._level:
            return level
        while level > 0 and smoothed < self._settings.leave[level - 1]:
            level -= 1
        return level

    def _run(self, *, rising: bool) -> list[_Witness]:
        """The unbroken run of latest utterances that themselves speak for the way up, or down; in order of time."""
        run: list[_Witness] = []
        for witness in reversed(self._recent):
            if rising:
                speaks = witness.distress >= self._settings.leave[self._level]
            else:
                speaks = witness.distress < self._settings.enter[self._level - 1]
            if not speaks:
                break
            run.append(witness)
        return run[::-1]


def _reason(arousal: float, valence: float) -> str:
    """Which of the two carries the distress; both where each has at least a quarter of it."""
    raised, lowered = max(arousal, 0.0), max(-valence, 0.0)
    names = [
        name for name, part in (("arousal_high", raised), ("valence_low", lowered)) if part >= (raised + lowered) / 4
    ]
    return "+".join(names)
