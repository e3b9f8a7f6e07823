"""Tone, words, models and tags as one point on the plane."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from prosody.emotion import EmotionTracker
from prosody.fusion import affect_of_tag
from prosody.types import EmotionLabel, ProsodyFeatures, ToneRating
from tests.prosody.callers import CALM, RAISED, SILENT, UNVOICED, Words, learned, play, span_of
from voice.contracts.audio import SegmentId
from voice.contracts.errors import EmotionInputError


@pytest.mark.parametrize("words", [(None, 0.0), (-0.8, 0.9), (0.9, 1.0), (0.0, 0.4)])
def test_contributions_add_up(words: Words) -> None:
    for tone, fused, _ in play([CALM] * 3 + [RAISED] * 3, [words] * 6):
        for score in (tone, fused):
            for dimension, value in (("arousal", score.arousal), ("valence", score.valence)):
                parts = [c.value for c in score.contributions if c.dimension == dimension]
                assert sum(parts) == pytest.approx(value, abs=1e-9)
            sizes = [abs(c.value) for c in score.contributions]
            assert sizes == sorted(sizes, reverse=True)


def test_a_model_joins_by_its_confidence() -> None:
    tracker = EmotionTracker(learned([CALM] * 12))
    alone = EmotionTracker(learned([CALM] * 12)).score_tone(SegmentId(0), span_of(0), RAISED)
    rating = ToneRating(1.0, -0.8, 0.9, "trained/1")
    joined = tracker.score_tone(SegmentId(0), span_of(0), RAISED, rating)
    assert alone.arousal < joined.arousal < 1
    assert joined.valence < alone.valence
    assert joined.label is EmotionLabel.ANGRY
    assert joined.models == ("trained/1",)
    for dimension, value in (("arousal", joined.arousal), ("valence", joined.valence)):
        assert sum(c.value for c in joined.contributions if c.dimension == dimension) == pytest.approx(value)
    fused, _ = tracker.score_words(SegmentId(0), None, 0.0)
    assert fused.models == ("trained/1",)


def test_a_model_speaks_before_there_is_a_normal_but_not_without_a_voice() -> None:
    rating = ToneRating(0.8, None, 0.7, "trained/1")
    first, unvoiced = (EmotionTracker().score_tone(SegmentId(0), span_of(0), one, rating) for one in (CALM, UNVOICED))
    assert (first.arousal, first.confidence) == (0.8, 0.7)
    assert unvoiced.arousal == unvoiced.confidence == 0
    assert unvoiced.models == ()


def test_contradiction_makes_less_sure() -> None:
    normal = learned([CALM] * 12)

    def confidence(arousal: float) -> float:
        rating = ToneRating(arousal, None, 0.9, "trained/1")
        return EmotionTracker(normal).score_tone(SegmentId(0), span_of(0), RAISED, rating).confidence

    assert confidence(-0.8) < confidence(0.0) < confidence(0.8)


@pytest.mark.parametrize("rating", [(1.5, 0, 0.5), (0, math.nan, 0.5), (0, 0, 1.5), (0, 0, math.nan), (math.inf, 0, 0)])
def test_a_rating_out_of_range_is_refused(rating: tuple[float, float, float]) -> None:
    tracker = EmotionTracker()
    broken = ToneRating(*rating, "broken/1")
    with pytest.raises(EmotionInputError, match="broken/1"):
        tracker.score_tone(SegmentId(0), span_of(0), CALM, broken)
    tracker.score_tone(SegmentId(0), span_of(0), CALM)
    with pytest.raises(EmotionInputError, match="broken/1"):
        tracker.score_words(SegmentId(0), None, 0.0, broken)
    tracker.score_words(SegmentId(0), None, 0.0)


@pytest.mark.parametrize(
    ("tag", "arousal", "valence"),
    [
        ("<|ANGRY|>", 1, -1),
        ("<|HAPPY|>", 1, 1),
        ("<|SAD|>", -1, -1),
        ("<|FEARFUL|>", 1, -1),
        ("<|DISGUSTED|>", 1, -1),
        ("<|SURPRISED|>", 1, None),
        ("<|NEUTRAL|>", 0, 0),
        ("angry", 1, -1),
    ],
)
def test_tags_have_a_place_on_the_plane(tag: str, arousal: int, valence: int | None) -> None:
    rating = affect_of_tag(tag)
    assert rating is not None
    assert np.sign(rating.arousal or 0.0) == arousal
    assert valence is None if rating.valence is None else np.sign(rating.valence) == valence


@pytest.mark.parametrize("tag", ["<|EMO_UNKNOWN|>", "", "<||>", "<|zh|>", "<|Speech|>", "bored"])
def test_other_tags_say_nothing(tag: str) -> None:
    assert affect_of_tag(tag) is None


def test_a_tag_turns_a_raised_voice_into_joy_or_anger_and_is_nothing_without_a_voice() -> None:
    def label(features: ProsodyFeatures, tag: str) -> EmotionLabel:
        tracker = EmotionTracker(learned([CALM] * 12))
        tracker.score_tone(SegmentId(0), span_of(0), features)
        return tracker.score_words(SegmentId(0), None, 0.0, affect_of_tag(tag))[0].label

    assert label(RAISED, "<|ANGRY|>") is EmotionLabel.ANGRY
    assert label(RAISED, "<|HAPPY|>") is EmotionLabel.UNCERTAIN
    assert label(UNVOICED, "<|ANGRY|>") is EmotionLabel.UNCERTAIN


def test_the_voice_alone_is_never_called_angry() -> None:
    shouted = replace(RAISED, f0_median_hz=280.0, intensity_mean_db=-6.0, spectral_tilt_db=0.0, flux=0.4)
    tone, fused, _ = play([CALM] * 6 + [shouted])[-1]
    assert tone.arousal > 0.9
    assert tone.label is fused.label is EmotionLabel.ANXIOUS
    assert play([CALM] * 6 + [shouted], [SILENT] * 6 + [(-0.5, 0.5)])[-1][1].label is EmotionLabel.ANGRY


def test_friendly_words_turn_a_raised_voice_into_pleasure() -> None:
    score = play([CALM] * 4 + [RAISED], [SILENT] * 4 + [(0.9, 0.9)])[-1][1]
    assert score.label is EmotionLabel.PLEASED
