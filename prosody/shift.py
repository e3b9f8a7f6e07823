"""When a caller's mood has changed: levels with hysteresis and a minimum dwell.

Distress joins raised arousal and lowered valence into one number in [0, 1]. A level is entered when the smoothed curve
stands at or above its entry threshold, and left when it falls below the lower exit threshold. Either counts only once
at least two utterances in a row have shown it themselves, over a least stretch of media time. One outcry, one octave
error or one calm sentence changes nothing, nor do two words in quick succession. A silence in which the curve is
interrupted also ends a row.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

from prosody.curve import is_interrupted
from prosody.types import EmotionLevel, EmotionShift
from voice.contracts.audio import Samples, SegmentId, Span, to_s
from voice.contracts.errors import SettingsError

_LEVELS: Final = (EmotionLevel.SETTLED, EmotionLevel.TENSE, EmotionLevel.UPSET)
_OF_AROUSAL: Final = 0.5
_OF_VALENCE: Final = 0.9
"""Valence weighs more: what is said is better known than what is felt, and tone already speaks through both."""
_LEAST_CONFIDENCE: Final = 0.3
"""An utterance below this is no evidence in either direction."""
_REMEMBERED: Final = 64
"""Utterances that a row may have."""
_NAMED: Final = 8
"""Utterances that a shift names as its evidence, unless the dwell takes more."""


@dataclass(frozen=True, slots=True)
class ShiftSettings:
    """Thresholds of distress, and the dwell.

    Attributes:
        enter: to tense, to upset; in (0, 1], rising.
        leave: from tense, from upset; each in (0, 1) and below its entry.
        utterances: in a row that must show the new level; at least 1.
        rise_s: from the beginning of the first of them to the end of the last, on the way up, seconds of media time; at
            most 60.
        settle_s: likewise on the way down, counted from the last shift on; longer, because people calm down more
            slowly than they flare up.

    The entry to tense is where two utterances still find acted anger (EMO-DB) and nine of ten readings played 1.3 times
    as fast and 8 dB louder (AISHELL-1), while prompts and readings (149 minutes) by telephone make less than
    one shift in half an hour.

    Raises:
        SettingsError: a value outside these bounds.
    """

    enter: tuple[float, float] = (0.52, 0.65)
    leave: tuple[float, float] = (0.3, 0.5)
    utterances: int = 2
    rise_s: float = 6.0
    settle_s: float = 8.0

    def __post_init__(self) -> None:
        (tense, upset), (calm, calmer) = self.enter, self.leave
        bounds = (
            (0 < tense < upset <= 1, "0 < enter[0] < enter[1] <= 1"),
            (0 < calm < tense, "0 < leave[0] < enter[0]"),
            (0 < calmer < upset, "0 < leave[1] < enter[1]"),
            (1 <= self.utterances <= _NAMED, f"1 <= utterances <= {_NAMED}"),
            (0 <= self.rise_s <= 60, "0 <= rise_s <= 60"),
            (0 <= self.settle_s <= 60, "0 <= settle_s <= 60"),
        )
        for holds, rule in bounds:
            if not holds:
                raise SettingsError(f"The settings of shifts have to satisfy {rule}; got {self}.")


DEFAULT_SHIFT: Final = ShiftSettings()


@dataclass(frozen=True, slots=True)
class _Witness:
    """An utterance that may become part of a shift."""

    segment: SegmentId
    span: Span
    distress: float


def distress(arousal: float, valence: float) -> float:
    """How much arousal is raised and valence lowered, in [0, 1]; it never falls as either does.

    Arousal counts the less the more pleasant the valence, so that joy stays low; displeasure counts however quiet it
    is, so that resignation does not.
    """
    raised = max(arousal, 0.0) * (1 - max(valence, 0.0))
    return min(1.0, _OF_AROUSAL * raised + _OF_VALENCE * max(-valence, 0.0))


def distress_sd(arousal_sd: float, valence_sd: float) -> float:
    """Standard deviation of `distress` of a point whose coordinates err independently, to first order."""
    return math.hypot(_OF_AROUSAL * arousal_sd, _OF_VALENCE * valence_sd)


class ShiftDetector:
    """The level of one curve."""

    def __init__(self, settings: ShiftSettings = DEFAULT_SHIFT) -> None:
        self._settings = settings
        self._level = 0
        self._since: Samples = 0
        self._heard: Span | None = None
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
        if self._heard is not None and is_interrupted(self._heard, span):
            self._recent.clear()
        self._heard = span
        if confidence < _LEAST_CONFIDENCE:
            return None
        self._recent.append(_Witness(segment, span, distress(*own)))
        target = self._target(distress(*curve))
        if target == self._level:
            return None
        run = self._evidence(rising=target > self._level)
        if not run:
            return None
        shift = EmotionShift(
            previous=_LEVELS[self._level],
            current=_LEVELS[target],
            span=Span(run[0].span.start, run[-1].span.end),
            segments=tuple(witness.segment for witness in run),
            reason=_reason(*curve) if target > self._level else "settling",
        )
        self._level = target
        self._since = span.end
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

    def _evidence(self, *, rising: bool) -> list[_Witness]:
        """The latest utterances in a row that themselves speak for the way up, or down; in order of time.

        Empty where they are too few or too short a time.
        """
        run: list[_Witness] = []
        dwelt = False
        for witness in reversed(self._recent):
            if not self._speaks(witness, rising=rising) or (dwelt and len(run) >= _NAMED):
                break
            run.append(witness)
            dwell_s = self._settings.rise_s if rising else self._settings.settle_s
            dwelt = len(run) >= self._settings.utterances and to_s(run[0].span.end - witness.span.start) >= dwell_s
        return run[::-1] if dwelt else []

    def _speaks(self, witness: _Witness, *, rising: bool) -> bool:
        """Whether an utterance by itself speaks for the way up, or down."""
        if rising:
            return witness.distress >= self._settings.leave[self._level]
        return witness.span.start >= self._since and witness.distress < self._settings.enter[self._level - 1]


def _reason(arousal: float, valence: float) -> str:
    """Which of the two carries the distress; both where each has at least a quarter of it."""
    raised, lowered = max(arousal, 0.0), max(-valence, 0.0)
    names = [
        name for name, part in (("arousal_high", raised), ("valence_low", lowered)) if part >= (raised + lowered) / 4
    ]
    return "+".join(names)
