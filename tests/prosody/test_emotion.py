"""The tracker: relative to the caller, explained, independent of how tone and words interleave."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prosody.emotion import MOST_WAITING, EmotionTracker
from prosody.features import measure
from prosody.types import (
    EmotionBasis,
    EmotionLabel,
    EmotionLevel,
    EmotionScore,
    EmotionShift,
    ProsodyFeatures,
    ToneRating,
)
from tests.prosody.callers import CALM, RAISED, SILENT, UNVOICED, Heard, Words, play, span_of
from voice.contracts.audio import Pcm, SegmentId, Span
from voice.contracts.errors import CapacityError, EmotionInputError

if TYPE_CHECKING:
    from tests.prosody.conftest import Recording


def test_the_first_utterance_is_uncertain_and_the_second_is_not() -> None:
    first, second, *_ = play([RAISED, RAISED, RAISED])
    assert first[0].label is EmotionLabel.UNCERTAIN
    assert first[0].arousal == first[0].confidence == 0
    assert second[0].confidence > 0.55
    assert second[0].label is EmotionLabel.NEUTRAL
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


def keypad(seconds: float) -> Pcm:
    """Seven keys, ITU-T Q.23."""
    rows, columns = (697, 770, 852, 941), (1209, 1336, 1477)
    parts = []
    for key in range(7):
        moments = np.arange(round(seconds * 16_000)) / 16_000
        tone = np.sin(2 * np.pi * rows[key % 4] * moments) + np.sin(2 * np.pi * columns[key % 3] * moments)
        parts += [0.2 * tone, np.zeros(1_280)]
    return np.concatenate(parts).astype(np.float32)


def melody(rise: float, harmonics: Callable[..., Pcm]) -> Pcm:
    """Ten struck notes of a major scale, the way music on hold sounds."""
    notes = (0, 4, 7, 12, 7, 4, 5, 9, 12, 9)
    fading = np.exp(-np.arange(6_400) / 6_000)
    return np.concatenate(
        [harmonics(262 * 2 ** ((note + rise) / 12), 0.4, range(1, 10)) * fading for note in notes]
    ).astype(np.float32)


def test_tones_music_and_noise_move_nothing(
    harmonics: Callable[..., Pcm], telephone: Callable[..., Pcm], aishell: list[Recording]
) -> None:
    """After some calm speech, louder and louder; nothing of it becomes a mood, a shift or part of the normal."""
    noise = np.random.default_rng(1).standard_normal(48_000).astype(np.float32)
    moments = np.arange(48_000) / 16_000
    hum = sum(np.sin(2 * np.pi * 50 * partial * moments) / partial for partial in range(1, 20))
    sounds = [
        *(keypad(seconds) * gain for seconds in (0.1, 0.5) for gain in (0.5, 2.0)),
        *(telephone(melody(rise, harmonics)) * gain for rise, gain in ((0, 1.0), (7, 2.0), (12, 4.0))),
        *(noise * gain for gain in (0.01, 0.1, 0.25)),
        (0.1 * np.asarray(hum)).astype(np.float32),
        (0.2 * np.sin(2 * np.pi * 425 * moments)).astype(np.float32),
    ]
    tracker = EmotionTracker()
    for number, recording in enumerate(aishell[:4]):
        tracker.score_tone(SegmentId(number), span_of(number), measure(recording.pcm))
        tracker.score_words(SegmentId(number), None, 0.0)
    normal = tracker.normal()
    for number, pcm in enumerate(sounds, 4):
        tone = tracker.score_tone(SegmentId(number), span_of(number), measure(pcm))
        fused, shift = tracker.score_words(SegmentId(number), None, 0.0)
        assert tone.arousal == tone.valence == tone.confidence == 0
        assert tone.label is fused.label is EmotionLabel.UNCERTAIN
        assert shift is None
        assert abs(fused.curve_arousal) < 0.2
    assert tracker.normal() == normal


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
    flux=st.none() | st.floats(0, 2),
    mfcc_sd=st.just(()) | st.tuples(*[st.floats(0, 30)] * 13),
)
spoken = st.tuples(st.none() | st.floats(-1, 1), st.floats(0, 1))
share = st.none() | st.floats(-1, 1)
opinion = st.none() | st.builds(ToneRating, share, share, st.floats(0, 1), st.just("made-up/1"))
Said = tuple[ProsodyFeatures | None, Words, Heard]
calls: st.SearchStrategy[list[Said]] = st.lists(
    st.tuples(st.none() | measured | st.sampled_from([CALM, RAISED]), spoken, st.tuples(opinion, opinion)),
    min_size=1,
    max_size=14,
)


def play_all(call: list[Said]) -> list[tuple[EmotionScore, EmotionScore, EmotionShift | None]]:
    return play([features for features, _, _ in call], [words for _, words, _ in call], [heard for _, _, heard in call])


@settings(max_examples=150, deadline=None)
@given(calls, st.data())
def test_the_result_does_not_depend_on_how_tone_and_words_interleave(call: list[Said], data: st.DataObject) -> None:
    together = play_all(call)
    tracker = EmotionTracker()
    tones: list[EmotionScore] = []
    fused: list[tuple[EmotionScore, EmotionShift | None]] = []
    while len(fused) < len(call):
        ahead = len(tones) > len(fused)
        if len(tones) < len(call) and (not ahead or data.draw(st.booleans())):
            number = len(tones)
            features, _, (rating, _) = call[number]
            tones.append(tracker.score_tone(SegmentId(number), span_of(number), features, rating))
        else:
            number = len(fused)
            _, words, (_, tag) = call[number]
            fused.append(tracker.score_words(SegmentId(number), *words, tag))
    assert [(tone, *rest) for tone, rest in zip(tones, fused, strict=True)] == together


@settings(max_examples=100, deadline=None)
@given(calls)
def test_ranges_hold_for_any_call(call: list[Said]) -> None:
    level = EmotionLevel.SETTLED
    for tone, fused, shift in play_all(call):
        for score in (tone, fused):
            for value in (score.arousal, score.valence, score.curve_arousal, score.curve_valence):
                assert -1 <= value <= 1
            for value in (score.confidence, score.curve_arousal_sd, score.curve_valence_sd, score.risk):
                assert 0 <= value <= 1
            assert (score.label is EmotionLabel.UNCERTAIN) or score.confidence >= 0.55
            for dimension, value in (("arousal", score.arousal), ("valence", score.valence)):
                parts = [one.value for one in score.contributions if one.dimension == dimension]
                assert sum(parts) == pytest.approx(value, abs=1e-9)
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
