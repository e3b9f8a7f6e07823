"""How well tone tells what people feel: figures on labelled recordings.

Each utterance is judged against the other neutral ones of its own speaker, as a caller is judged against the beginning
of the call. Nothing of other speakers is known to the rules, so every speaker is unseen; a trained model has to be
handed over for each speaker anew to be so (`model_for`).

Where a corpus names emotions instead of giving values, an emotion stands for its customary place on the plane
(`prosody.fusion.PLANE`). What was acted is not what was felt, and a place on the plane is a convention: agreement with
it (CCC) says less than the order of utterances (AUC).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from prosody.arousal import CallerVoice
from prosody.emotion import EmotionTracker
from prosody.features import measure
from prosody.fusion import PLANE, SILENT, Affect, affect_of_tone, name_affect
from prosody.metrics import (
    Bin,
    Estimate,
    Places,
    area_under_roc,
    calibration_error,
    concordance,
    estimate,
    reliability,
    unweighted_recall,
)
from prosody.ports import ToneModel
from prosody.types import EmotionLabel, EmotionShift, ProsodyFeatures, ToneInput
from voice.contracts.audio import Pcm, SegmentId, Span, from_s

EMOTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "anger": "angry",
        "boredom": "bored",
        "disgust": "disgusted",
        "fear": "fearful",
        "afraid": "fearful",
        "happiness": "happy",
        "joy": "happy",
        "neutral": "neutral",
        "sadness": "sad",
        "surprise": "surprised",
    }
    | {word: word for word in PLANE}
)
"""Labels that corpora use, and the emotion word whose place they take."""

NEUTRAL: Final = "neutral"

ACCEPTED: Final[Mapping[str, frozenset[EmotionLabel]]] = MappingProxyType(
    {
        "angry": frozenset({EmotionLabel.ANGRY, EmotionLabel.FRUSTRATED}),
        "bored": frozenset({EmotionLabel.SAD, EmotionLabel.CALM}),
        "disgusted": frozenset({EmotionLabel.FRUSTRATED, EmotionLabel.ANGRY}),
        "fearful": frozenset({EmotionLabel.ANXIOUS}),
        "happy": frozenset({EmotionLabel.PLEASED}),
        "neutral": frozenset({EmotionLabel.NEUTRAL, EmotionLabel.CALM}),
        "sad": frozenset({EmotionLabel.SAD}),
        "surprised": frozenset({EmotionLabel.ANXIOUS, EmotionLabel.PLEASED}),
    }
)
"""Which of our labels are right for an emotion; `uncertain` never is. Our labels do not know boredom and disgust."""

AROUSED_FROM: Final = 0.4
CALM_UP_TO: Final = 0.1
"""True arousal of the two classes that are told apart. In between lies disgust (0.35), which studies place on either
side; it counts in neither."""

JUDGED_AROUSED_FROM: Final = 0.45
"""Judged arousal that counts as aroused: where `prosody.arousal` sees even chances."""

NEAR_NEUTRAL: Final = 0.3
"""Distance from the origin of the plane within which a point is neutral."""


@dataclass(frozen=True, slots=True)
class LabelledUtterance:
    """One utterance with what its speaker expressed, or was asked to.

    Attributes:
        speaker: whose baseline applies.
        emotion: the corpus label, one of `EMOTIONS`; None where values are given.
        features: its prosody.
        arousal: given value in [-1, 1]; None takes that of the emotion's place.
        valence: likewise.
        pcm: its audio, which some models need.
    """

    speaker: str
    emotion: str | None
    features: ProsodyFeatures
    arousal: float | None = None
    valence: float | None = None
    pcm: Pcm | None = None

    @property
    def word(self) -> str | None:
        """The emotion by its name on the plane."""
        return None if self.emotion is None else EMOTIONS[self.emotion]

    @property
    def true(self) -> tuple[float | None, float | None]:
        """Arousal and valence as given, or by convention."""
        placed = (None, None) if self.word is None else PLANE[self.word]
        return (
            placed[0] if self.arousal is None else self.arousal,
            placed[1] if self.valence is None else self.valence,
        )

    @property
    def is_neutral(self) -> bool:
        """Whether it shapes its speaker's baseline: labelled so, or without a label and with values near the origin."""
        if self.emotion is not None:
            return self.word == NEUTRAL
        arousal, valence = self.true
        return math.hypot(arousal or 0.0, valence or 0.0) < NEAR_NEUTRAL


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures on one set of utterances; each figure is absent where the labels do not allow it.

    Attributes:
        figures: by name:
            `auc_arousal`: how often an aroused utterance scores above a calm one; chance 0.5.
            `uar_arousal`: mean recall of aroused and calm at the fixed boundary; chance 0.5.
            `uar_region`: mean recall of the regions of the plane (see `region`); chance one over their number.
            `uar_label`: mean share, over the emotions, of utterances whose label is acceptable (`ACCEPTED`).
            `ccc_arousal`, `ccc_valence`: concordance with the true values.
            `answered`: share that gets another label than `uncertain`.
            `ece`: expected calibration error of the confidence in the judgement aroused or not.
        confusion: corpus label to our label to count.
        regions: true region to judged region to count.
        calibration: of the same judgement as `ece`.
        auc_by_speaker: `auc_arousal` within each speaker.
        judged: utterances that count.
        without_normal: utterances left out because their speaker has no other neutral one.
    """

    figures: Mapping[str, Estimate]
    confusion: Mapping[str, Mapping[str, int]]
    regions: Mapping[str, Mapping[str, int]]
    calibration: tuple[Bin, ...]
    auc_by_speaker: Mapping[str, float]
    judged: int
    without_normal: int


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A labelled recording of one utterance; attributes as in `LabelledUtterance`, audio of shape (n,) at 16 kHz."""

    speaker: str
    emotion: str | None
    pcm: Pcm
    arousal: float | None = None
    valence: float | None = None

    def measured(self, usual_hz: float | None) -> LabelledUtterance:
        """Measure it, as a call does for a caller of this usual F0; None for an unknown caller."""
        features = measure(self.pcm, usual_hz)
        return LabelledUtterance(self.speaker, self.emotion, features, self.arousal, self.valence, self.pcm)


def measure_recordings(
    recordings: Sequence[Recording], progress: Callable[[int], None] = lambda _done: None
) -> list[LabelledUtterance]:
    """Measure recordings as a call would: with the usual F0 of the speaker's other neutral ones.

    Args:
        recordings: of any speakers.
        progress: told how many are done.

    Returns:
        In the order given.

    Raises:
        AudioFormatError: audio that cannot be measured; see `prosody.features.measure`.
    """
    first = [one.measured(None) for one in recordings]
    found = []
    for done, (one, utterance) in enumerate(zip(recordings, first, strict=True), start=1):
        usual_hz = _voice_without(utterance, first).usual_hz
        found.append(utterance if usual_hz is None else one.measured(usual_hz))
        progress(done)
    return found


def judge(
    utterances: Sequence[LabelledUtterance], model_for: Callable[[str], ToneModel | None] = lambda _speaker: None
) -> list[Affect | None]:
    """What tone says of each utterance, against all neutral ones of its speaker but itself; in the order given.

    Args:
        utterances: of any speakers.
        model_for: the model that judges a speaker beside the rules, which must not have learned from that speaker to
            count as speaker-independent; None for the rules alone.

    Returns:
        None where the speaker has no other neutral utterance.
    """
    judged: list[Affect | None] = []
    models = {speaker: model_for(speaker) for speaker in sorted({each.speaker for each in utterances})}
    for utterance in utterances:
        voice = _voice_without(utterance, utterances)
        if voice.weight <= 0:
            judged.append(None)
        elif utterance.features.f0_median_hz is None:
            judged.append(SILENT)
        else:
            model = models[utterance.speaker]
            pcm = np.zeros(0, np.float32) if utterance.pcm is None else utterance.pcm
            rating = None if model is None else model.rate(ToneInput(pcm, utterance.features, voice.normal()))
            judged.append(affect_of_tone(voice.rate(utterance.features), rating))
    return judged


def evaluate(
    utterances: Sequence[LabelledUtterance],
    model_for: Callable[[str], ToneModel | None] = lambda _speaker: None,
    *,
    seed: int = 0,
) -> Evaluation:
    """Judge labelled utterances and hold the judgements against the labels.

    Args:
        utterances: of at least one speaker, with neutral ones of each.
        model_for: see `judge`.
        seed: of the bootstrap over speakers.

    Raises:
        ValueError: no speaker has a neutral utterance, so that nothing can be judged.
    """
    pairs = [
        (true, affect)
        for true, affect in zip(utterances, judge(utterances, model_for), strict=True)
        if affect is not None
    ]
    if not pairs:
        raise ValueError("Evaluation needs a speaker with at least one neutral utterance beside the judged one.")
    labelled = [(true, affect) for true, affect in pairs if true.word is not None]
    classed = [(true, affect) for true, affect in pairs if _class_of(true) is not None]
    aroused = np.array([_class_of(true) == "aroused" for true, _ in classed], np.bool_)
    scores = np.array([affect.arousal for _, affect in classed], np.float64)
    held = (scores >= JUDGED_AROUSED_FROM) == aroused
    confidence = np.array([affect.confidence for _, affect in classed], np.float64)
    sides = np.where(aroused, "aroused", "calm")

    figures = {
        "auc_arousal": _estimate(classed, lambda at: area_under_roc(scores[at], aroused[at]), seed),
        "uar_arousal": _estimate(classed, lambda at: unweighted_recall(sides[at], held[at]), seed),
        "uar_region": _region_recall(pairs, seed),
        "uar_label": _label_recall(labelled, seed),
        "ccc_arousal": _concordance(pairs, 0, seed),
        "ccc_valence": _concordance(pairs, 1, seed),
        "answered": _answered(pairs, seed),
        "ece": _estimate(classed, lambda at: calibration_error(reliability(confidence[at], held[at])), seed),
    }
    return Evaluation(
        figures={name: figure for name, figure in figures.items() if figure is not None},
        confusion=_count((true.emotion or "", name_affect(affect).value) for true, affect in labelled),
        regions=_count(
            (of_true, region(affect.arousal, affect.valence))
            for true, affect in pairs
            if (of_true := _true_region(true)) is not None
        ),
        calibration=reliability(confidence, held),
        auc_by_speaker=_by_speaker([true.speaker for true, _ in classed], scores, aroused),
        judged=len(pairs),
        without_normal=len(utterances) - len(pairs),
    )


def region(arousal: float, valence: float) -> str:
    """The region of a point on the plane: near the origin, lowered, raised and pleasant, raised and unpleasant.

    Whether a lowered voice is content or sad is not asked: on the plane of tone alone both have no valence.
    """
    if math.hypot(arousal, valence) < NEAR_NEUTRAL:
        return NEUTRAL
    if arousal < 0:
        return "lowered"
    return "raised pleasant" if valence >= 0 else "raised unpleasant"


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


def _voice_without(utterance: LabelledUtterance, utterances: Iterable[LabelledUtterance]) -> CallerVoice:
    """What the neutral utterances of a speaker teach, but for the one that is judged."""
    voice = CallerVoice()
    for other in utterances:
        if other is not utterance and other.speaker == utterance.speaker and other.is_neutral:
            voice.learn(other.features)
    return voice


_Pairs = Sequence[tuple[LabelledUtterance, Affect]]


def _class_of(utterance: LabelledUtterance) -> str | None:
    arousal, _ = utterance.true
    if arousal is None or CALM_UP_TO < arousal < AROUSED_FROM:
        return None
    return "aroused" if arousal >= AROUSED_FROM else "calm"


def _true_region(utterance: LabelledUtterance) -> str | None:
    arousal, valence = utterance.true
    return None if arousal is None or valence is None else region(arousal, valence)


def _estimate(pairs: _Pairs, statistic: Callable[[Places], float | None], seed: int) -> Estimate | None:
    return estimate(statistic, [true.speaker for true, _ in pairs], seed=seed) if pairs else None


def _region_recall(pairs: _Pairs, seed: int) -> Estimate | None:
    placed = [(true, affect) for true, affect in pairs if _true_region(true) is not None]
    truth = np.array([_true_region(true) for true, _ in placed], np.str_)
    right = np.array([region(affect.arousal, affect.valence) for _, affect in placed], np.str_) == truth
    return _estimate(placed, lambda at: unweighted_recall(truth[at], right[at]), seed)


def _label_recall(pairs: _Pairs, seed: int) -> Estimate | None:
    truth = np.array([true.word for true, _ in pairs], np.str_)
    right = np.array([name_affect(affect) in ACCEPTED[true.word or NEUTRAL] for true, affect in pairs], np.bool_)
    return _estimate(pairs, lambda at: unweighted_recall(truth[at], right[at]), seed)


def _concordance(pairs: _Pairs, dimension: int, seed: int) -> Estimate | None:
    placed = [(true, affect) for true, affect in pairs if true.true[dimension] is not None]
    wanted = np.array([true.true[dimension] for true, _ in placed], np.float64)
    given = np.array([(affect.arousal, affect.valence)[dimension] for _, affect in placed], np.float64)
    return _estimate(placed, lambda at: concordance(given[at], wanted[at]), seed)


def _answered(pairs: _Pairs, seed: int) -> Estimate | None:
    answers = np.array([name_affect(affect) is not EmotionLabel.UNCERTAIN for _, affect in pairs], np.float64)
    return _estimate(pairs, lambda at: float(answers[at].mean()), seed)


def _by_speaker(speakers: Sequence[str], scores: NDArray[np.float64], aroused: NDArray[np.bool_]) -> dict[str, float]:
    owner = np.array(speakers, np.str_)
    areas = {name: area_under_roc(scores[owner == name], aroused[owner == name]) for name in sorted(set(speakers))}
    return {name: area for name, area in areas.items() if area is not None}


def _count(pairs: Iterable[tuple[str, str]]) -> dict[str, dict[str, int]]:
    counts = Counter(pairs)
    found: dict[str, dict[str, int]] = {}
    for (true, judged), n in sorted(counts.items()):
        found.setdefault(true, {})[judged] = n
    return found
