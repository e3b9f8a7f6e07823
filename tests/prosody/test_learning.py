"""What becomes a caller's normal, what never does, and what goes from call to call."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from prosody.emotion import EmotionTracker
from prosody.types import EmotionLabel, EmotionLevel, FeatureNormal, ProsodyFeatures, VoiceNormal
from tests.prosody.callers import CALM, RAISED, learned, play, span_of
from voice.contracts.audio import SegmentId
from voice.contracts.errors import EmotionInputError


def test_anger_does_not_become_normal() -> None:
    """Three and a half minutes without one calm sentence."""
    results = play([CALM] * 5 + [RAISED] * 35)
    assert results[-1][0].arousal == results[6][0].arousal > 0.6
    assert not any(shift.reason == "settling" for _, _, shift in results if shift)


def test_a_calm_sentence_keeps_anger_from_becoming_normal() -> None:
    results = play([CALM] * 5 + ([RAISED] * 20 + [CALM]) * 6)
    assert results[-2][0].arousal > 0.6


def test_a_change_that_stays_becomes_normal_in_the_end() -> None:
    """The caller hands the phone to somebody with a higher, brighter voice."""
    results = play([CALM] * 5 + [RAISED] * 90)
    assert results[40][0].arousal > 0.6
    assert abs(results[-1][0].arousal) < 0.1
    assert [shift.current for _, _, shift in results if shift][-1] is EmotionLevel.SETTLED


def test_who_was_angry_from_the_start_is_measured_against_calm_later() -> None:
    results = play([RAISED] * 4 + [CALM] * 8 + [RAISED] * 2)
    assert abs(results[3][0].arousal) < 0.05
    assert results[4][0].arousal < -0.3
    assert abs(results[11][0].arousal) < 0.1
    assert results[-1][0].arousal > 0.4


def test_a_known_caller_is_scored_from_the_first_utterance() -> None:
    normal = learned([CALM] * 12)
    raised, usual = (EmotionTracker(normal).score_tone(SegmentId(0), span_of(0), one) for one in (RAISED, CALM))
    assert raised.arousal > 0.4
    assert raised.label is EmotionLabel.ANXIOUS
    assert abs(usual.arousal) < 0.05
    assert usual.label is EmotionLabel.NEUTRAL
    assert raised.arousal < play([CALM] * 12 + [RAISED])[-1][0].arousal


def test_a_known_caller_who_begins_in_anger_is_not_learned() -> None:
    tracker = EmotionTracker(learned([CALM] * 12))
    scores = [tracker.score_tone(SegmentId(number), span_of(number), RAISED) for number in range(5)]
    assert scores[-1].arousal == scores[0].arousal > 0.4


def test_another_person_from_the_same_number_is_learned_within_minutes() -> None:
    other = replace(CALM, f0_median_hz=250.0, spectral_tilt_db=-6.0, intensity_mean_db=-20.0)
    tracker = EmotionTracker(learned([CALM] * 12))
    scores = [tracker.score_tone(SegmentId(number), span_of(number), other) for number in range(30)]
    assert scores[0].arousal > 0.6
    assert abs(scores[-1].arousal) < 0.1


def test_what_a_call_learned_is_what_the_next_one_begins_with() -> None:
    normal = learned([CALM, *[replace(CALM, f0_median_hz=150.0)] * 4])
    pitch = {one.name: one for one in normal.features}["f0_median"]
    assert 2 ** (pitch.location / 12) == pytest.approx(150.0)
    assert pitch.weight == pytest.approx(5.0)
    again = EmotionTracker(normal)
    assert again.usual_hz == pytest.approx(150.0)
    assert {one.name: one.location for one in again.normal().features} == {
        one.name: pytest.approx(one.location) for one in normal.features
    }
    assert EmotionTracker().usual_hz is None
    assert EmotionTracker().normal() == EmotionTracker(VoiceNormal()).normal() == VoiceNormal()


def test_a_normal_of_another_version_is_taken_as_far_as_it_is_known() -> None:
    strange = FeatureNormal("shoe_size", 43.0, 1.0, 5.0)
    assert EmotionTracker(VoiceNormal((strange,))).normal() == VoiceNormal()


@pytest.mark.parametrize(
    ("location", "scale", "weight"), [(math.nan, 1, 1), (90, 0, 1), (90, -1, 1), (90, 1, -1), (90, math.inf, 1)]
)
def test_a_normal_that_no_call_learned_is_refused(location: float, scale: float, weight: float) -> None:
    with pytest.raises(EmotionInputError, match="f0_median"):
        EmotionTracker(VoiceNormal((FeatureNormal("f0_median", location, scale, weight),)))


@pytest.mark.parametrize(
    "changed",
    [replace(CALM, intensity_mean_db=-14.0), replace(CALM, intensity_mean_db=-16.0, spectral_tilt_db=-8.0)],
    ids=["gain", "handset"],
)
def test_another_level_or_handset_is_no_mood_and_soon_normal(changed: ProsodyFeatures) -> None:
    results = play([CALM] * 10 + [changed] * 20)
    assert not any(shift for _, _, shift in results)
    assert results[10][0].arousal > 0.2
    assert abs(results[-1][0].arousal) < 0.05
