"""Words and tone as one point on the arousal-valence plane, and the name of that point.

Tone says much about arousal and little about valence (Scherer 2003, section 3; Juslin and Laukka 2003), words the other
way round. So tone gives arousal, words give valence, and each lends the other a little:

- A raised voice on a service line is more often displeased than delighted (Devillers, L. and Vidrascu, L. (2006),
  "Real-life emotions detection with lexical and paralinguistic cues on human-human call center dialogs", Interspeech),
  so arousal above normal lowers valence by a third of itself until words say otherwise.
- Strongly negative words count as some arousal even when they are spoken evenly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from prosody.arousal import Arousal
from prosody.types import Contribution, EmotionLabel

_VALENCE_OF_AROUSAL: Final = -0.35
_AROUSAL_OF_WORDS: Final = 0.4
_WORDS_SHARE: Final = 0.85
"""Share of valence that the strongest words take over from tone."""
_WORDS_CONFIDENCE: Final = 0.8
_LEAST_CONFIDENCE: Final = 0.2
"""Below this no label is given."""


@dataclass(frozen=True, slots=True)
class Affect:
    """A point on the plane; `value`s of `contributions` add up to it, per dimension."""

    arousal: float
    valence: float
    confidence: float
    contributions: tuple[Contribution, ...]


def affect_of_tone(tone: Arousal) -> Affect:
    """What tone alone says."""
    valence = _VALENCE_OF_AROUSAL * max(tone.value, 0.0)
    tendency = (Contribution("raised_voice", "valence", valence),) if valence else ()
    return Affect(tone.value, valence, tone.confidence, _largest_first(tone.contributions + tendency))


def fuse(tone: Affect, valence: float | None, strength: float) -> Affect:
    """Tone and words together.

    Args:
        tone: from `affect_of_tone`.
        valence: of the words, in [-1, 1]; None where they say nothing.
        strength: how strongly they say it, in [0, 1]; 0 leaves tone as it is.
    """
    if valence is None or strength == 0:
        return tone
    share = _WORDS_SHARE * strength
    lift = _AROUSAL_OF_WORDS * strength * max(-valence, 0.0)
    arousal = max(-1.0, min(1.0, tone.arousal + lift))
    kept = [
        Contribution(c.feature, c.dimension, c.value * (1 - share)) if c.dimension == "valence" else c
        for c in tone.contributions
    ]
    said = [Contribution("words", "valence", share * valence)]
    if arousal != tone.arousal:
        said.append(Contribution("words", "arousal", arousal - tone.arousal))
    return Affect(
        arousal=arousal,
        valence=(1 - share) * tone.valence + share * valence,
        confidence=1 - (1 - tone.confidence) * (1 - _WORDS_CONFIDENCE * strength),
        contributions=_largest_first((*kept, *said)),
    )


def name_affect(affect: Affect) -> EmotionLabel:
    """The region of the plane, after Russell, J. A. (1980), "A circumplex model of affect", JPSP 39(6), figure 2.

    `uncertain` where confidence is low, and where the voice is raised but nothing says whether in joy or in anger.
    """
    arousal, valence = affect.arousal, affect.valence
    if affect.confidence < _LEAST_CONFIDENCE:
        return EmotionLabel.UNCERTAIN
    if valence >= 0.25:
        return EmotionLabel.PLEASED
    if arousal <= -0.3:
        return EmotionLabel.SAD if valence <= -0.25 else EmotionLabel.CALM
    if arousal >= 0.35:
        if valence <= -0.25:
            return EmotionLabel.ANGRY
        return EmotionLabel.ANXIOUS if valence <= -0.1 else EmotionLabel.UNCERTAIN
    return EmotionLabel.FRUSTRATED if valence <= -0.25 else EmotionLabel.NEUTRAL


def _largest_first(contributions: tuple[Contribution, ...]) -> tuple[Contribution, ...]:
    """By magnitude; names break ties, so that the order never varies."""
    return tuple(sorted(contributions, key=lambda c: (-abs(c.value), c.dimension, c.feature)))
