"""When a pause ends a turn: a silence timer, and what a judgement of the pause changes about it.

Three timers, of which one judgement per pause picks one. Everything counts media time, so the same audio is cut in the
same places however long the judgement took to make.

| judged | closed after |
|---|---|
| complete | `close_after_ms` |
| neither, or no judgement | the segmenter's `hangover_ms` |
| incomplete | `patience_ms` |
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from voice.contracts.audio import FRAME_SAMPLES, to_ms
from voice.contracts.errors import SettingsError


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """What a judgement of a pause changes; times are rounded up to whole frames of 20 ms.

    `close_after_ms` below the segmenter's hang-over makes finals come sooner and cuts more turns; at the hang-over it
    only leaves the incomplete ones more time. Which of the two a line wants is a policy; ARCHITECTURE.md has figures.

    Attributes:
        ask_after_ms: silence after which the pause is judged; at least one frame.
        close_after_ms: silence that ends a complete turn; at least one frame more than `ask_after_ms`.
        patience_ms: silence that ends an incomplete turn; at least `close_after_ms`.
        complete_from: probability from which a turn counts as complete.
        incomplete_below: probability below which it counts as incomplete, [0, complete_from].

    Raises:
        SettingsError: a value outside these bounds.
    """

    ask_after_ms: float = 240
    close_after_ms: float = 560
    patience_ms: float = 1_400
    complete_from: float = 0.9
    incomplete_below: float = 0.5

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value >= 0):
                raise SettingsError(f"{field.name} has to be a number of at least 0; got {value}.")
        frame_ms = to_ms(FRAME_SAMPLES)
        bounds = (
            (self.ask_after_ms >= frame_ms, f"ask_after_ms >= {frame_ms:g}"),
            (self.ask_after_ms + frame_ms <= self.close_after_ms, f"ask_after_ms + {frame_ms:g} <= close_after_ms"),
            (self.close_after_ms <= self.patience_ms, "close_after_ms <= patience_ms"),
            (
                0 <= self.incomplete_below <= self.complete_from <= 1,
                "0 <= incomplete_below <= complete_from <= 1",
            ),
        )
        for holds, rule in bounds:
            if not holds:
                raise SettingsError(f"The turn settings have to satisfy {rule}; got {self}.")
