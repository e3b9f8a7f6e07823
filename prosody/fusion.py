"""Words, tone and models as one point on the arousal-valence plane, and the name of that point.

Tone says much about arousal and little about valence (Scherer 2003, section 3; Juslin and Laukka 2003), words the other
way round. So tone gives arousal, words give valence, and each lends the other a little:

- A raised voice on a service line is more often displeased than delighted (Devillers, L. and Vidrascu, L. (2006),
  "Real-life emotions detection with lexical and paralinguistic cues on human-human call center dialogs", Interspeech),
  so arousal above normal lowers valence by a third of itself until words say otherwise. That is a tendency and no
  evidence: the voice alone is called anxious, never angry.
- Strongly negative words count as some arousal even when they are spoken evenly.

A trained model's rating and a tag that the recognizer heard join as weighted means: each by its confidence, the tag by
half of it, because its confidence is assumed and not calibrated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from prosody.arousal import Arousal
from prosody.types import Contribution, EmotionLabel, ToneRating

_VALENCE_OF_AROUSAL: Final = -0.35
_TENDENCY: Final = "raised_voice"
_AROUSAL_OF_WORDS: Final = 0.4
_WORDS_SHARE: Final = 0.85
"""Share of valence that the strongest words take over from tone."""
_WORDS_CONFIDENCE: Final = 0.8
_HEARD_SHARE: Final = 0.5
_LEAST_CONFIDENCE: Final = 0.55
"""Below this no label is given: it would be little better than a coin."""

PLANE: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "angry": (0.59, -0.51),
        "bored": (-0.62, -0.65),
        "disgusted": (0.35, -0.60),
        "fearful": (0.60, -0.64),
        "happy": (0.51, 0.81),
        "neutral": (0.0, 0.0),
        "sad": (-0.27, -0.63),
        "surprised": (0.67, 0.40),
    }
)
"""Arousal and valence of emotion words: Russell, J. A. and Mehrabian, A. (1977), "Evidence for a three-factor theory of
emotions", J. Research in Personality 11(3), table 2. Neutral is the origin."""

HEARD_CONFIDENCE: Final = 0.5
"""Of a tag that comes without a probability; an assumption."""


@dataclass(frozen=True, slots=True)
class Affect:
    """A point on the plane; `value`s of `contributions` add up to it, per dimension.

    Attributes:
        arousal: [-1, 1].
        valence: [-1, 1].
        confidence: [0, 1].
        contributions: largest first.
        voiced: whether a voice was heard, without which nothing but words says anything.
        models: names of the trained models that had a say.
    """

    arousal: float
    valence: float
    confidence: float
    contributions: tuple[Contribution, ...]
    voiced: bool = True
    models: tuple[str, ...] = ()


SILENT: Final = Affect(0.0, 0.0, 0.0, (), voiced=False)
"""What was no voice: tones, noise, a door; or was not measured."""


def affect_of_tone(tone: Arousal, rating: ToneRating | None = None) -> Affect:
    """What tone says, with or without a trained model.

    Args:
        tone: of a voiced utterance.
        rating: of the same utterance by a trained model; None where there is none.
    """
    valence = _VALENCE_OF_AROUSAL * max(tone.value, 0.0)
    tendency = (Contribution(_TENDENCY, "valence", valence),) if valence else ()
    affect = Affect(tone.value, valence, tone.confidence, _largest_first(tone.contributions + tendency))
    return affect if rating is None else _join(affect, rating, "tone_model", 1.0)


def affect_of_tag(tag: str) -> ToneRating | None:
    """What an emotion tag in the text of a recognizer says, such as SenseVoice's `<|ANGRY|>`.

    Args:
        tag: one of HAPPY, SAD, ANGRY, NEUTRAL, FEARFUL, DISGUSTED, SURPRISED, in any case, with or without `<|` and
            `|>`.

    Returns:
        A rating with the tag's place on the plane; None for a tag that names no emotion, such as EMO_UNKNOWN. Surprise
        has no valence: on a service line it is as often unpleasant.
    """
    word = tag.strip().removeprefix("<|").removesuffix("|>").strip().lower()
    if word not in _TAGS:
        return None
    arousal, valence = PLANE[word]
    return ToneRating(arousal, None if word == "surprised" else valence, HEARD_CONFIDENCE, "heard-tag")


_TAGS: Final = frozenset(PLANE) - {"bored"}


def fuse(tone: Affect, valence: float | None, strength: float, heard: ToneRating | None = None) -> Affect:
    """Tone and words together.

    Args:
        tone: from `affect_of_tone`.
        valence: of the words, in [-1, 1]; None where they say nothing.
        strength: how strongly they say it, in [0, 1]; 0 leaves tone as it is. Its square root counts: mild words have a
            mild valence already and are not to be discounted twice.
        heard: from `affect_of_tag`; without a voice it counts for nothing.
    """
    if heard is not None and tone.voiced:
        tone = _join(tone, heard, "heard_tag", _HEARD_SHARE)
    if valence is None or strength == 0:
        return tone
    trust = math.sqrt(strength)
    share = _WORDS_SHARE * trust
    lift = _AROUSAL_OF_WORDS * strength * max(-valence, 0.0)
    arousal = max(-1.0, min(1.0, tone.arousal + lift))
    said = [Contribution("words", "valence", share * valence)]
    if arousal != tone.arousal:
        said.append(Contribution("words", "arousal", arousal - tone.arousal))
    return Affect(
        arousal=arousal,
        valence=(1 - share) * tone.valence + share * valence,
        confidence=max(tone.confidence, _WORDS_CONFIDENCE * trust),
        contributions=_largest_first((*_scaled(tone.contributions, "valence", 1 - share), *said)),
        voiced=tone.voiced,
        models=tone.models,
    )


def name_affect(affect: Affect) -> EmotionLabel:
    """The region of the plane, after Russell, J. A. (1980), "A circumplex model of affect", JPSP 39(6), figure 2.

    `uncertain` where confidence is low, and where the voice is raised and what is said is neither pleasant nor
    unpleasant. Anger needs evidence of displeasure: words, a tag or a model that judges valence.
    """
    arousal, valence = affect.arousal, affect.valence
    if affect.confidence < _LEAST_CONFIDENCE:
        return EmotionLabel.UNCERTAIN
    if valence >= 0.25:
        return EmotionLabel.PLEASED
    if arousal <= -0.3:
        return EmotionLabel.SAD if valence <= -0.25 else EmotionLabel.CALM
    if arousal >= 0.35:
        if valence <= -0.25 and any(
            one.dimension == "valence" and one.feature != _TENDENCY for one in affect.contributions
        ):
            return EmotionLabel.ANGRY
        return EmotionLabel.ANXIOUS if valence <= -0.1 else EmotionLabel.UNCERTAIN
    return EmotionLabel.FRUSTRATED if valence <= -0.25 else EmotionLabel.NEUTRAL


def _join(affect: Affect, rating: ToneRating, feature: str, trust: float) -> Affect:
    """Two opinions as one: a mean by confidence; whoever has no opinion on a dimension does not count there.

    Confidence is the same mean of both, less up to a half where they contradict each other in arousal.
    """
    weight = trust * rating.confidence
    share = weight / (weight + affect.confidence) if weight > 0 else 0.0
    if share == 0:
        return affect
    contributions, values = affect.contributions, {"arousal": affect.arousal, "valence": affect.valence}
    for dimension, value in (("arousal", rating.arousal), ("valence", rating.valence)):
        if value is not None:
            values[dimension] = (1 - share) * values[dimension] + share * value
            joined = Contribution(feature, dimension, share * value)
            contributions = (*_scaled(contributions, dimension, 1 - share), joined)
    apart = 0.0 if rating.arousal is None or affect.confidence == 0 else abs(rating.arousal - affect.arousal) / 2
    return Affect(
        arousal=values["arousal"],
        valence=values["valence"],
        confidence=((1 - share) * affect.confidence + share * rating.confidence) * (1 - apart / 2),
        contributions=_largest_first(contributions),
        voiced=affect.voiced,
        models=(*affect.models, rating.model),
    )


def _scaled(contributions: tuple[Contribution, ...], dimension: str, factor: float) -> tuple[Contribution, ...]:
    """Those of one dimension, times a factor."""
    return tuple(
        Contribution(one.feature, one.dimension, one.value * factor) if one.dimension == dimension else one
        for one in contributions
    )


def _largest_first(contributions: tuple[Contribution, ...]) -> tuple[Contribution, ...]:
    """By magnitude; names break ties, so that the order never varies."""
    return tuple(sorted(contributions, key=lambda c: (-abs(c.value), c.dimension, c.feature)))
