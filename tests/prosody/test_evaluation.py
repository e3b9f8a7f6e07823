"""What tone is worth on real speech: acted emotions, neutral reading, and neutral reading that escalates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from prosody.evaluation import (
    ACCEPTED,
    EMOTIONS,
    Evaluation,
    LabelledUtterance,
    Recording,
    evaluate,
    find_shifts,
    judge,
    measure_recordings,
    region,
)
from prosody.features import measure
from prosody.fusion import PLANE
from prosody.types import EmotionLabel, EmotionLevel, ProsodyFeatures, ToneInput, ToneRating
from voice.audio.telephone import through_telephone
from voice.contracts.audio import Pcm

if TYPE_CHECKING:
    from tests.prosody.conftest import Recording as Speech


def escalate(pcm: Pcm, factor: float, gain_db: float) -> Pcm:
    """Play faster (pitch and rate rise together) and louder."""
    places = np.arange(0, len(pcm) - 1, factor)
    faster = np.interp(places, np.arange(len(pcm)), pcm) * 10 ** (gain_db / 20)
    return np.asarray(np.clip(faster, -1, 1), np.float32)


def by_speaker(recordings: list[Speech], speaker: str) -> list[Speech]:
    return [recording for recording in recordings if recording.speaker == speaker]


@pytest.fixture(scope="module", params=["clean", "telephone"])
def acted(request: pytest.FixtureRequest, emodb: list[Speech]) -> list[LabelledUtterance]:
    """EMO-DB, as recorded and through a telephone."""
    line = through_telephone if request.param == "telephone" else lambda pcm: pcm
    return measure_recordings([Recording(r.speaker, r.emotion, line(r.pcm)) for r in emodb])


@pytest.fixture(scope="module")
def judged(acted: list[LabelledUtterance]) -> Evaluation:
    return evaluate(acted)


def test_arousal_separates_acted_emotions(judged: Evaluation) -> None:
    auc = judged.figures["auc_arousal"]
    assert auc.value > 0.95
    assert auc.low is not None
    assert auc.high is not None
    assert 0.9 < auc.low <= auc.value <= auc.high <= 1
    assert auc.n == 59 + 58
    assert len(judged.auc_by_speaker) == 5
    assert min(judged.auc_by_speaker.values()) > 0.85
    assert judged.figures["uar_arousal"].value > 0.85
    assert judged.figures["ccc_arousal"].value > 0.6


def test_every_utterance_is_counted_once(judged: Evaluation) -> None:
    assert (judged.judged, judged.without_normal) == (138, 0)
    assert {label: sum(row.values()) for label, row in judged.confusion.items()} == {
        "anger": 24,
        "boredom": 18,
        "disgust": 21,
        "fear": 20,
        "happiness": 15,
        "neutral": 23,
        "sadness": 17,
    }
    assert sum(sum(row.values()) for row in judged.regions.values()) == 138
    assert sum(each.n for each in judged.calibration) == 117


def test_tone_alone_does_not_claim_to_know_what_is_pleasant(judged: Evaluation) -> None:
    """The rules hear that somebody is aroused, not whether in joy or anger; the figures have to say so."""
    assert judged.figures["ccc_valence"].value < 0.3
    assert judged.figures["uar_region"].value < 0.75


def test_an_evaluation_is_the_same_every_time(acted: list[LabelledUtterance], judged: Evaluation) -> None:
    assert evaluate(acted) == judged


def test_labels_that_say_nothing_are_found_out(acted: list[LabelledUtterance]) -> None:
    """Labels dealt at random, neutral ones kept: what is left is chance."""
    order = np.random.default_rng(0)
    others = [each for each in acted if not each.is_neutral]
    dealt = order.permutation([str(each.emotion) for each in others])
    shuffled = [replace(each, emotion=str(label)) for each, label in zip(others, dealt, strict=True)]
    found = evaluate(shuffled + [each for each in acted if each.is_neutral])
    aroused = [each.emotion in ("anger", "fear", "happiness") for each in shuffled]
    assert any(aroused)
    # Neutral utterances keep their place below, so the area stays above one half, but far from what is claimed.
    assert found.figures["auc_arousal"].value < 0.8
    assert found.figures["ccc_arousal"].value < 0.4


class Oracle:
    """A model that was told the answers, by the pitch of the utterance."""

    name = "oracle"

    def __init__(self, truth: dict[float | None, tuple[float, float]]) -> None:
        self._truth = truth

    def rate(self, utterance: ToneInput) -> ToneRating | None:
        assert utterance.normal.features, "a model is told the speaker's normal"
        arousal, valence = self._truth[utterance.features.f0_median_hz]
        return ToneRating(arousal, valence, 1.0, self.name)


def test_a_model_that_knows_the_answers_reaches_more(acted: list[LabelledUtterance], judged: Evaluation) -> None:
    asked: list[str] = []
    oracle = Oracle({each.features.f0_median_hz: PLANE[EMOTIONS[str(each.emotion)]] for each in acted})

    def model_for(speaker: str) -> Oracle:
        asked.append(speaker)
        return oracle

    found = evaluate(acted, model_for)
    assert asked == ["03", "09", "11", "14", "15"]
    for name in ("ccc_valence", "uar_region", "uar_label"):
        assert found.figures[name].value > judged.figures[name].value + 0.2, name


def made_up(speaker: str, f0_hz: float | None, emotion: str | None = None, **values: float) -> LabelledUtterance:
    """An utterance of which only the pitch is known."""
    base = measure(np.zeros(0, np.float32))
    features = replace(base, duration_s=3.0, voiced_ratio=0.6, f0_median_hz=f0_hz)
    return LabelledUtterance(speaker, emotion, features, values.get("arousal"), values.get("valence"))


@pytest.fixture
def apart() -> list[LabelledUtterance]:
    return [
        made_up(speaker, low * factor, emotion)
        for speaker, low in (("low", 100.0), ("high", 230.0))
        for emotion, factor in (("neutral", 1.0), ("neutral", 1.03), ("neutral", 0.98), ("anger", 1.5), ("fear", 1.4))
    ]


def test_speakers_are_judged_against_themselves(apart: list[LabelledUtterance]) -> None:
    """The calm high voice lies above the angry low one; only a baseline of one's own tells them apart."""
    found = evaluate(apart)
    auc = found.figures["auc_arousal"]
    assert auc.value == auc.low == auc.high == 1.0
    assert found.auc_by_speaker == {"high": 1.0, "low": 1.0}


def test_an_utterance_is_no_evidence_for_itself(apart: list[LabelledUtterance]) -> None:
    alone = [made_up("a", 100.0, "neutral"), made_up("a", 150.0, "anger"), made_up("b", 200.0, "fear")]
    affects = judge(alone)
    assert affects[0] is None, "its only neutral utterance is itself"
    assert affects[1] is not None
    assert affects[2] is None, "no neutral utterance at all"
    found = evaluate(alone)
    assert (found.judged, found.without_normal) == (1, 2)


def test_given_values_go_before_the_place_of_the_label() -> None:
    utterances = [
        made_up("a", 100.0, "neutral"),
        made_up("a", 101.0, "neutral"),
        made_up("a", 150.0, "anger", arousal=0.9, valence=0.2),
        made_up("a", 140.0, arousal=0.5, valence=-0.5),
        made_up("a", 99.0, arousal=0.1, valence=0.1),
    ]
    assert utterances[2].true == (0.9, 0.2)
    assert utterances[3].true == (0.5, -0.5)
    assert [each.is_neutral for each in utterances] == [True, True, False, False, True]
    found = evaluate(utterances)
    assert found.judged == 5
    assert found.figures["ccc_arousal"].n == 5
    assert found.figures["ccc_arousal"].low is None, "one speaker gives no interval"
    assert found.figures["uar_label"].n == 3, "values are no labels"
    assert set(found.regions) == {"neutral", "raised pleasant", "raised unpleasant"}


def test_a_voice_that_cannot_be_heard_is_judged_uncertain(apart: list[LabelledUtterance]) -> None:
    unheard = made_up("low", None, "boredom")
    affect = judge([*apart, unheard])[-1]
    assert affect is not None
    assert (affect.arousal, affect.confidence, affect.voiced) == (0.0, 0.0, False)
    assert evaluate([*apart, unheard]).confusion["boredom"] == {EmotionLabel.UNCERTAIN: 1}


def test_what_the_labels_do_not_allow_is_absent() -> None:
    calm = [made_up("a", 100.0, "neutral"), made_up("a", 101.0, "neutral"), made_up("a", 99.0, "neutral")]
    assert "auc_arousal" not in evaluate(calm).figures
    with pytest.raises(ValueError, match="neutral"):
        evaluate([made_up("a", 100.0, "anger"), made_up("a", 120.0, "fear")])
    with pytest.raises(ValueError, match="neutral"):
        evaluate([])


def test_every_emotion_has_a_place_and_an_acceptable_label() -> None:
    for word in EMOTIONS.values():
        assert word in PLANE
        assert ACCEPTED[word]
        assert EmotionLabel.UNCERTAIN not in ACCEPTED[word]


@pytest.mark.parametrize(
    ("arousal", "valence", "where"),
    [
        (0.0, 0.0, "neutral"),
        (0.2, -0.2, "neutral"),
        (0.6, -0.5, "raised unpleasant"),
        (0.0, -0.4, "raised unpleasant"),
        (0.5, 0.0, "raised pleasant"),
        (-0.6, -0.6, "lowered"),
        (-0.4, 0.3, "lowered"),
    ],
)
def test_the_plane_has_four_regions(arousal: float, valence: float, where: str) -> None:
    assert region(arousal, valence) == where


def test_acted_anger_shifts_within_two_utterances(emodb: list[Speech]) -> None:
    order = np.random.default_rng(0)
    found = early = tried = 0
    for speaker in ("03", "09", "11", "14", "15"):
        mine = by_speaker(emodb, speaker)
        neutral = [measure(recording.pcm) for recording in mine if recording.emotion == "neutral"]
        angry = [measure(recording.pcm) for recording in mine if recording.emotion == "anger"]
        for _ in range(10):
            chosen = [neutral[place] for place in order.permutation(len(neutral))[:3]]
            early += bool(find_shifts(chosen))
            shifts = find_shifts(chosen + [angry[place] for place in order.permutation(len(angry))[:2]])
            found += any("arousal_high" in shift.reason for shift in shifts)
            tried += 1
    assert found >= 0.9 * tried
    assert early == 0


@pytest.mark.parametrize(("speaker", "least"), [("S0150", 17), ("S0252", 9)])
def test_a_voice_that_rises_from_the_middle_on_is_found_within_two_utterances(
    aishell: list[Speech], telephone: Callable[..., Pcm], speaker: str, least: int
) -> None:
    """Played faster and louder, which raises pitch, level and rate but, unlike a raised voice, neither flux nor tilt.

    S0252 reads so unevenly that this is missed in half of the calls.
    """
    mine = [2 * recording.pcm for recording in by_speaker(aishell, speaker) if len(recording.pcm) > 32_000]
    calm = [measure(telephone(pcm)) for pcm in mine]
    raised = [measure(telephone(escalate(pcm, 1.3, 8))) for pcm in mine]
    order = np.random.default_rng(0)
    found = early = 0
    for _ in range(20):
        chosen = order.permutation(len(mine))[:6]
        shifts = find_shifts([calm[place] for place in chosen[:4]] + [raised[place] for place in chosen[4:]])
        found += any(shift.current is not EmotionLevel.SETTLED and shift.segments[-1] >= 4 for shift in shifts)
        early += any(shift.segments[-1] < 4 for shift in shifts)
    assert found >= least
    assert early == 0


def test_reading_the_news_does_not_upset_anybody(aishell: list[Speech]) -> None:
    """7.6 minutes of read, neutral speech in an order that jumps between topics and sessions."""
    for speaker in ("S0150", "S0252"):
        features: list[ProsodyFeatures] = [measure(recording.pcm) for recording in by_speaker(aishell, speaker)]
        shifts = find_shifts(features)
        assert sum(shift.reason != "settling" for shift in shifts) <= 1
        assert all(shift.current is not EmotionLevel.UPSET for shift in shifts)
