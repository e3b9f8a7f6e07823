"""The tracker: relative to the caller, explained, independent of how tone and words interleave."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prosody.emotion import MOST_WAITING, EmotionTracker
from prosody.types import EmotionBasis, EmotionLabel, EmotionLevel, EmotionScore, EmotionShift, ProsodyFeatures
from voice.contracts.audio import SegmentId, Span
from voice.contracts.errors import CapacityError, EmotionInputError

CALM = ProsodyFeatures(
    duration_s=3.0,
    voiced_ratio=0.6,
    f0_median_hz=140.0,
    f0_range_st=8.0,
    f0_slope_st_per_s=-1.0,
    intensity_mean_db=-26.0,
    intensity_range_db=18.0,
    speech_rate_hz=4.0,
    articulation_rate_hz=4.5,
    pause_count=0,
    pause_ratio=0.0,
    spectral_tilt_db=-12.0,
)
RAISED = replace(CALM, f0_median_hz=190.0, intensity_mean_db=-19.0, spectral_tilt_db=-8.0, articulation_rate_hz=5.4)
UNVOICED = replace(
    CALM, voiced_ratio=0.0, f0_median_hz=None, f0_range_st=None, articulation_rate_hz=None, spectral_tilt_db=None
)

Scored = tuple[EmotionScore, EmotionScore, EmotionShift | None]
Words = tuple[float | None, float]
SILENT: Words = (None, 0.0)


def span_of(number: int) -> Span:
    return Span(number * 96_000, number * 96_000 + 48_000)


def play(features: Sequence[ProsodyFeatures | None], words: Sequence[Words] | None = None) -> list[Scored]:
    """One call, words right after tone."""
    tracker = EmotionTracker()
    said = words or [SILENT] * len(features)
    results = []
    for number, (measured, (valence, strength)) in enumerate(zip(features, said, strict=True)):
        tone = tracker.score_tone(SegmentId(number), span_of(number), measured)
        results.append((tone, *tracker.score_words(SegmentId(number), valence, strength)))
    return results


def test_the_first_utterance_is_uncertain_and_the_second_is_not() -> None:
    first, second, *_ = play([RAISED, RAISED, RAISED])
    assert first[0].label is EmotionLabel.UNCERTAIN
    assert first[0].arousal == first[0].confidence == 0
    assert second[0].confidence > 0.2
    assert abs(second[0].arousal) < 0.05  # a loud high voice is this caller's normal


def test_a_raised_voice_is_aroused_and_says_why() -> None:
    tone = play([CALM] * 4 + [RAISED])[-1][0]
    assert tone.arousal > 0.5
    assert tone.contributions[0].feature == "f0_median"
    assert {c.feature for c in tone.contributions} >= {"f0_median", "intensity", "spectral_tilt", "articulation_rate"}
    assert tone.basis is EmotionBasis.TONE


def test_a_lowered_voice_is_calm() -> None:
    low = replace(CALM, f0_median_hz=120.0, intensity_mean_db=-33.0, spectral_tilt_db=-17.0, f0_range_st=4.0)
    score = play([CALM] * 5 + [low])[-1][1]
    assert score.arousal < -0.4
    assert score.label is EmotionLabel.CALM


@pytest.mark.parametrize("words", [(None, 0.0), (-0.8, 0.9), (0.9, 1.0), (0.0, 0.4)])
def test_contributions_add_up(words: Words) -> None:
    for tone, fused, _ in play([CALM] * 3 + [RAISED] * 3, [words] * 6):
        for score in (tone, fused):
            for dimension, value in (("arousal", score.arousal), ("valence", score.valence)):
                parts = [c.value for c in score.contributions if c.dimension == dimension]
                assert sum(parts) == pytest.approx(value, abs=1e-9)
            sizes = [abs(c.value) for c in score.contributions]
            assert sizes == sorted(sizes, reverse=True)


def test_tone_alone_escalates_within_two_utterances() -> None:
    results = play([CALM] * 4 + [RAISED] * 3)
    shifts = [(number, shift) for number, (_, _, shift) in enumerate(results) if shift]
    number, shift = shifts[0]
    assert number <= 5
    assert shift.previous is EmotionLevel.SETTLED
    assert "arousal_high" in shift.reason
    assert shift.segments == (4, 5)
    assert shift.span == Span(span_of(4).start, span_of(5).end)


def test_words_alone_escalate_and_settle_again() -> None:
    bad, good = (-0.9, 0.9), (0.4, 0.5)
    results = play([CALM] * 14, [SILENT] * 3 + [bad] * 3 + [good] * 8)
    shifts = [(number, shift) for number, (_, _, shift) in enumerate(results) if shift]
    assert shifts[0][0] in (3, 4)
    assert "valence_low" in shifts[0][1].reason
    assert shifts[-1][1].current is EmotionLevel.SETTLED
    assert shifts[-1][1].reason == "settling"


def test_one_outcry_is_no_shift() -> None:
    assert not any(shift for _, _, shift in play([CALM] * 4 + [RAISED] + [CALM] * 4))


def test_anger_does_not_become_normal() -> None:
    results = play([CALM] * 5 + [RAISED] * 60)
    assert results[-1][0].arousal == pytest.approx(results[6][0].arousal, abs=0.02)
    assert not any(shift.reason == "settling" for _, _, shift in results if shift)


def test_a_leap_that_no_voice_makes_is_left_out() -> None:
    """A tracker that follows the third harmonic lands 19 semitones above the voice."""
    tone = play([CALM] * 4 + [replace(CALM, f0_median_hz=420.0)])[-1][0]
    assert abs(tone.arousal) < 0.1
    assert "f0_median" not in {c.feature for c in tone.contributions}
    assert tone.confidence < play([CALM] * 5)[-1][0].confidence


@pytest.mark.parametrize("nothing", [None, UNVOICED])
def test_without_voice_nothing_is_claimed_and_words_still_count(nothing: ProsodyFeatures | None) -> None:
    tone, fused, _ = play([*[CALM] * 4, nothing], [SILENT] * 4 + [(-0.8, 1.0)])[-1]
    assert tone.confidence == 0
    assert tone.label is EmotionLabel.UNCERTAIN
    assert fused.valence < -0.5
    assert fused.confidence > 0.5
    assert fused.label in (EmotionLabel.FRUSTRATED, EmotionLabel.ANGRY)


def test_friendly_words_turn_a_raised_voice_into_pleasure() -> None:
    score = play([CALM] * 4 + [RAISED], [SILENT] * 4 + [(0.9, 0.9)])[-1][1]
    assert score.label is EmotionLabel.PLEASED


def test_order_is_enforced() -> None:
    tracker = EmotionTracker()
    with pytest.raises(EmotionInputError, match="none is waiting"):
        tracker.score_words(SegmentId(0), None, 0)
    tracker.score_tone(SegmentId(3), span_of(3), CALM)
    tracker.score_tone(SegmentId(5), span_of(5), CALM)
    with pytest.raises(EmotionInputError, match="got 4 after 5"):
        tracker.score_tone(SegmentId(4), span_of(6), CALM)
    with pytest.raises(EmotionInputError, match="segment 3 is next"):
        tracker.score_words(SegmentId(5), None, 0)
    tracker.score_words(SegmentId(3), None, 0)
    with pytest.raises(EmotionInputError, match="segment 5 is next"):
        tracker.score_words(SegmentId(3), None, 0)


@pytest.mark.parametrize(("valence", "strength"), [(1.5, 0.5), (0.0, -0.1), (0.0, 1.1), (math.nan, 0.5), (0, math.nan)])
def test_words_out_of_range_are_refused_and_may_be_given_again(valence: float, strength: float) -> None:
    tracker = EmotionTracker()
    tracker.score_tone(SegmentId(0), span_of(0), CALM)
    with pytest.raises(EmotionInputError, match="valence in"):
        tracker.score_words(SegmentId(0), valence, strength)
    tracker.score_words(SegmentId(0), 0.0, 0.5)


def test_words_that_never_come_do_not_grow_memory() -> None:
    tracker = EmotionTracker()
    for number in range(MOST_WAITING):
        tracker.score_tone(SegmentId(number), span_of(number), CALM)
    with pytest.raises(CapacityError, match="outstanding"):
        tracker.score_tone(SegmentId(MOST_WAITING), span_of(MOST_WAITING), CALM)


optional = st.none() | st.floats(-60, 60)
measured = st.builds(
    ProsodyFeatures,
    duration_s=st.floats(0, 20),
    voiced_ratio=st.floats(0, 1),
    f0_median_hz=st.none() | st.floats(60, 500),
    f0_range_st=st.none() | st.floats(0, 36),
    f0_slope_st_per_s=optional,
    intensity_mean_db=st.none() | st.floats(-90, 0),
    intensity_range_db=optional,
    speech_rate_hz=st.none() | st.floats(0.1, 20),
    articulation_rate_hz=st.none() | st.floats(0.1, 20),
    pause_count=st.integers(0, 9),
    pause_ratio=st.floats(0, 1),
    spectral_tilt_db=optional,
)
spoken = st.tuples(st.none() | st.floats(-1, 1), st.floats(0, 1))
calls = st.lists(st.tuples(st.none() | measured | st.sampled_from([CALM, RAISED]), spoken), min_size=1, max_size=14)


@settings(max_examples=150, deadline=None)
@given(calls, st.data())
def test_the_result_does_not_depend_on_how_tone_and_words_interleave(
    call: list[tuple[ProsodyFeatures | None, Words]], data: st.DataObject
) -> None:
    together = play([features for features, _ in call], [words for _, words in call])
    tracker = EmotionTracker()
    tones: list[EmotionScore] = []
    fused: list[tuple[EmotionScore, EmotionShift | None]] = []
    while len(fused) < len(call):
        ahead = len(tones) > len(fused)
        if len(tones) < len(call) and (not ahead or data.draw(st.booleans())):
            number = len(tones)
            tones.append(tracker.score_tone(SegmentId(number), span_of(number), call[number][0]))
        else:
            number = len(fused)
            fused.append(tracker.score_words(SegmentId(number), *call[number][1]))
    assert [(tone, *rest) for tone, rest in zip(tones, fused, strict=True)] == together


@settings(max_examples=100, deadline=None)
@given(calls)
def test_ranges_hold_for_any_call(call: list[tuple[ProsodyFeatures | None, Words]]) -> None:
    level = EmotionLevel.SETTLED
    for tone, fused, shift in play([features for features, _ in call], [words for _, words in call]):
        for score in (tone, fused):
            for value in (score.arousal, score.valence, score.curve_arousal, score.curve_valence):
                assert -1 <= value <= 1
            assert 0 <= score.confidence <= 1
            assert (score.label is EmotionLabel.UNCERTAIN) or score.confidence >= 0.2
        if shift:
            assert shift.previous is level
            assert shift.current is not level
            assert len(shift.segments) >= 2
            level = shift.current


def test_every_label_can_be_reached() -> None:
    low = replace(CALM, f0_median_hz=118.0, intensity_mean_db=-34.0, spectral_tilt_db=-18.0, f0_range_st=3.0)
    cases: list[tuple[ProsodyFeatures, Words]] = [
        (CALM, SILENT),
        (CALM, (-0.7, 0.6)),
        (CALM, (0.8, 0.8)),
        (low, SILENT),
        (low, (-0.6, 0.7)),
        (RAISED, (-0.9, 0.8)),
        (RAISED, (-0.1, 0.6)),
        (RAISED, (0.2, 0.9)),
    ]
    found = Counter(play([CALM] * 5 + [features], [SILENT] * 5 + [words])[-1][1].label for features, words in cases)
    assert set(found) == set(EmotionLabel)
