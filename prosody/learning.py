"""What becomes a caller's normal, and what does not: calm speech does, anger does not, a change that stays does slowly.

An upset caller's utterances are no normal, or anger would be measured against anger. But a caller who hands the phone
to somebody else, changes the handset or was already angry at the start would then stay measured against something that
is no more. So the normal freezes while the caller is upset and thaws in three ways: an utterance near the normal is
learned whatever the level; one far below it is learned too (who began in anger and calms down has had the wrong
normal); and what has stayed far above it for minutes is learned at a quarter of its weight.
"""

from __future__ import annotations

from typing import Final

from prosody.types import EmotionLevel
from voice.contracts.audio import Samples, Span, from_s

_FIRST_UTTERANCES: Final = 3.0
"""Full utterances of an unknown caller that are learned whatever they sound like; without a normal there is nothing to
be upset against."""

_SETTLED_BELOW: Final = 0.55
"""An utterance more aroused than this is not learned as normal, even while the level is still settled."""

_UPSET_BELOW: Final = 0.2
"""An utterance less aroused than this is learned even while the level is not settled."""

_PATIENCE: Final[Samples] = from_s(240.0)
"""Media time without a calm utterance after which the new state begins to be learned."""

_PATIENCE_UNCONFIRMED: Final[Samples] = from_s(60.0)
"""The same while the normal comes from an earlier call and this call has not confirmed it."""

_SLOW: Final = 0.25


class LearningRule:
    """How much of each utterance is learned. Depends on tone and media time only.

    Args:
        is_known: whether a normal was carried over from an earlier call.
    """

    def __init__(self, *, is_known: bool) -> None:
        self._is_known = is_known
        self._frozen_since: Samples | None = None

    def share(self, span: Span, arousal: float, level: EmotionLevel, learned: float) -> float:
        """The share of an utterance's weight that is learned, [0, 1].

        Args:
            span: its media time; utterances come in order.
            arousal: of its tone.
            level: of tone alone, after it.
            learned: full utterances of this call that the normal rests on.
        """
        if arousal < (_SETTLED_BELOW if level is EmotionLevel.SETTLED else _UPSET_BELOW):
            self._frozen_since = None
            return 1.0
        if not self._is_known and learned < _FIRST_UTTERANCES:
            return 1.0
        if self._frozen_since is None:
            self._frozen_since = span.start
        patience = _PATIENCE_UNCONFIRMED if learned < _FIRST_UTTERANCES else _PATIENCE
        return _SLOW if span.end - self._frozen_since >= patience else 0.0
