"""How well tone separates what people feel: figures on labelled recordings.

Nothing is trained here, so every speaker is unseen; what a speaker brings is their own neutral speech, as a caller
brings the beginning of the call.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from prosody.arousal import CallerVoice
from prosody.emotion import EmotionTracker
from prosody.types import EmotionShift, ProsodyFeatures
from voice.contracts.audio import SegmentId, Span, from_s

AROUSED: Final = frozenset({"anger", "happiness", "fear"})
CALM: Final = frozenset({"neutral", "sadness", "boredom"})

_DRAWS: Final = 2000


@dataclass(frozen=True, slots=True)
class LabelledUtterance:
    """One utterance with what its speaker was asked to express.

    Attributes:
        speaker: whose baseline applies.
        emotion: the corpus label; `neutral` makes the baseline.
        features: its prosody.
    """

    speaker: str
    emotion: str
    features: ProsodyFeatures


@dataclass(frozen=True, slots=True)
class Separation:
    """How often an aroused utterance scores above a calm one.

    Attributes:
        auc: area under the ROC curve over all speakers, [0, 1]; 0.5 is chance.
        low: 2.5 % bound of a bootstrap over speakers.
        high: 97.5 % bound.
        by_speaker: the area within each speaker, where both classes occur.
        aroused: utterances in the aroused class.
        calm: utterances in the calm class.
    """

    auc: float
    low: float
    high: float
    by_speaker: dict[str, float]
    aroused: int
    calm: int


def score_against_neutral(utterances: Sequence[LabelledUtterance]) -> list[float]:
    """Arousal of each utterance against all neutral ones of its speaker but itself; in the order given."""
    scores = []
    for utterance in utterances:
        voice = CallerVoice()
        for other in utterances:
            if other is not utterance and other.speaker == utterance.speaker and other.emotion == "neutral":
                voice.learn(other.features)
        scores.append(voice.rate(utterance.features).value)
    return scores


def separate_arousal(
    utterances: Sequence[LabelledUtterance],
    aroused: frozenset[str] = AROUSED,
    calm: frozenset[str] = CALM,
    seed: int = 0,
) -> Separation:
    """Area under the ROC curve of arousal, speaker-independently, with a confidence interval over speakers.

    Args:
        utterances: of at least one speaker, with neutral ones of each; labels outside both classes do not count.
        aroused: labels of the upper class.
        calm: labels of the lower class.
        seed: of the bootstrap (Efron, B. (1979), clusters of one speaker each, 2000 draws).

    Raises:
        ValueError: one of the classes is empty.
    """
    scores = np.array(score_against_neutral(utterances))
    labels = np.array([1 if u.emotion in aroused else 0 if u.emotion in calm else -1 for u in utterances])
    speakers = np.array([u.speaker for u in utterances])
    if not (labels == 1).any() or not (labels == 0).any():
        raise ValueError("Separation needs utterances of both classes.")
    names = sorted(set(speakers[labels >= 0].tolist()))
    members = {name: np.flatnonzero((speakers == name) & (labels >= 0)) for name in names}
    by_speaker = {}
    for name, chosen in members.items():
        area = _area(scores[chosen], labels[chosen])
        if area is not None:
            by_speaker[name] = area
    generator = np.random.default_rng(seed)
    areas = []
    for _ in range(_DRAWS):
        drawn = np.concatenate([members[names[place]] for place in generator.integers(len(names), size=len(names))])
        area = _area(scores[drawn], labels[drawn])
        if area is not None:
            areas.append(area)
    counted = labels >= 0
    whole = _area(scores[counted], labels[counted])
    low, high = np.percentile(areas, [2.5, 97.5])
    return Separation(
        auc=whole if whole is not None else 0.5,
        low=float(low),
        high=float(high),
        by_speaker=by_speaker,
        aroused=int((labels == 1).sum()),
        calm=int((labels == 0).sum()),
    )


def find_shifts(utterances: Iterable[ProsodyFeatures], gap_s: float = 3.0) -> list[EmotionShift]:
    """Play utterances as one caller's call, without words, and collect the shifts.

    Args:
        utterances: in the order spoken; segment ids count from 0.
        gap_s: silence between them, seconds.
    """
    tracker = EmotionTracker()
    shifts, start = [], 0
    for number, features in enumerate(utterances):
        span = Span(start, start + from_s(features.duration_s))
        tracker.score_tone(SegmentId(number), span, features)
        _, shift = tracker.score_words(SegmentId(number), None, 0.0)
        if shift is not None:
            shifts.append(shift)
        start = span.end + from_s(gap_s)
    return shifts


def _area(scores: NDArray[np.float64], labels: NDArray[np.int_]) -> float | None:
    """Mann-Whitney form of the area under the ROC curve, ties counted half; None where a class is missing."""
    upper, lower = scores[labels == 1], scores[labels == 0]
    if not len(upper) or not len(lower):
        return None
    difference = np.sign(upper[:, None] - lower[None, :])
    return float((difference.mean() + 1) / 2)
