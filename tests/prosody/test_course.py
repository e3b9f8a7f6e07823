"""The course of a call: the same numbers live and in replay, whatever the order in which tone and words arrive."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prosody.course import Course, CoursePoint
from prosody.curve import Curve
from prosody.fusion import Affect
from prosody.types import EmotionLevel
from voice.contracts.audio import SegmentId, Span, from_s

Utterance = tuple[Span, Affect]


def utterance(
    at_s: float, arousal: float, valence: float, *, length_s: float = 3, confidence: float = 0.8
) -> Utterance:
    return Span(from_s(at_s), from_s(at_s + length_s)), Affect(arousal, valence, confidence, ())


def play(call: list[Utterance]) -> list[CoursePoint]:
    course = Course()
    return [course.take(SegmentId(number), span, affect) for number, (span, affect) in enumerate(call)]


@st.composite
def calls(draw: st.DrawFn) -> list[Utterance]:
    """Utterances in order, of any length and spacing."""
    call, at_s = [], 0.0
    for silence_s, length_s, arousal, valence, confidence in draw(
        st.lists(
            st.tuples(st.floats(0, 60), st.floats(0, 15), st.floats(-1, 1), st.floats(-1, 1), st.floats(0, 1)),
            min_size=1,
            max_size=25,
        )
    ):
        call.append(utterance(at_s + silence_s, arousal, valence, length_s=length_s, confidence=confidence))
        at_s += silence_s + length_s
    return call


def test_nothing_is_known_of_a_caller_who_said_nothing() -> None:
    [point] = play([utterance(0, 0.0, 0.0, confidence=0.0)])
    assert point == CoursePoint(0.0, 0.0, 1.0, 1.0, 0.0, None)


def test_both_curves_are_the_curve() -> None:
    call = [utterance(5 * number, 0.1 * number, -0.15 * number) for number in range(6)]
    arousal, valence = Curve(), Curve()
    for (span, affect), point in zip(call, play(call), strict=True):
        assert point.arousal == arousal.follow(span, affect.arousal, affect.confidence)
        assert point.valence == valence.follow(span, affect.valence, affect.confidence)
        assert (point.arousal_sd, point.valence_sd) == (arousal.sd, valence.sd)


def test_an_escalation_shifts_and_its_risk_runs_ahead() -> None:
    calm = [utterance(6 * number, 0.05, 0.0) for number in range(4)]
    rising = [utterance(24 + 6 * number, 0.3 + 0.2 * number, -0.2 - 0.2 * number) for number in range(4)]
    points = play(calm + rising)
    shifts = [number for number, point in enumerate(points) if point.shift]
    assert 4 <= shifts[0] <= 6
    assert all(point.risk < 0.15 for point in points[:4])
    risks = [point.risk for point in points[4:]]
    assert risks == sorted(risks)
    assert risks[2] > 0.8


def test_risk_falls_before_the_level_does() -> None:
    upset = [utterance(6 * number, 0.8, -0.7) for number in range(4)]
    calming = [utterance(24 + 6 * number, 0.3 - 0.15 * number, -0.3 + 0.15 * number) for number in range(4)]
    points = play(upset + calming)
    settled = next(number for number, point in enumerate(points) if point.shift and point.shift.reason == "settling")
    assert points[settled - 1].risk < 0.5 * points[3].risk


def test_a_pleased_caller_is_no_risk() -> None:
    points = play([utterance(5 * number, 0.7, 0.7) for number in range(8)])
    assert max(point.risk for point in points) < 0.2
    assert not any(point.shift for point in points)


def test_a_resigned_caller_is_one() -> None:
    points = play([utterance(5 * number, -0.5, -0.6) for number in range(8)])
    assert points[-1].risk > 0.4
    assert any(point.shift and point.shift.reason == "valence_low" for point in points)


@given(calls())
def test_ranges_hold(call: list[Utterance]) -> None:
    for point in play(call):
        assert -1 <= point.arousal <= 1
        assert -1 <= point.valence <= 1
        assert 0 < point.arousal_sd <= 1
        assert 0 < point.valence_sd <= 1
        assert 0 <= point.risk <= 1


@given(calls(), st.data())
def test_two_courses_of_one_call_do_not_touch_however_they_interleave(
    call: list[Utterance], data: st.DataObject
) -> None:
    """Tone runs ahead of words by any number of utterances, and words lower the valence; each line is as if alone."""
    fused = [(span, Affect(one.arousal, -math.fabs(one.valence), one.confidence, ())) for span, one in call]
    tone, words = Course(), Course()
    seen_tone: list[CoursePoint] = []
    seen_words: list[CoursePoint] = []
    while len(seen_words) < len(call):
        ahead = len(seen_tone) > len(seen_words)
        if len(seen_tone) < len(call) and (not ahead or data.draw(st.booleans())):
            seen_tone.append(tone.take(SegmentId(len(seen_tone)), *call[len(seen_tone)]))
        else:
            seen_words.append(words.take(SegmentId(len(seen_words)), *fused[len(seen_words)]))
    assert seen_tone == play(call)
    assert seen_words == play(fused)


@given(calls(), st.integers(0, 24))
def test_what_comes_later_changes_nothing_before(call: list[Utterance], until: int) -> None:
    assert play(call[:until]) == play(call)[:until]


@given(calls())
def test_the_level_is_that_of_the_last_shift(call: list[Utterance]) -> None:
    course, level = Course(), EmotionLevel.SETTLED
    for number, (span, affect) in enumerate(call):
        point = course.take(SegmentId(number), span, affect)
        if point.shift is not None:
            assert point.shift.previous is level
            level = point.shift.current
        assert course.level is level


@pytest.mark.parametrize("after_h", [0, 1, 8])
def test_when_a_call_begins_does_not_matter(after_h: int) -> None:
    """Only the time between utterances does."""
    call = [utterance(5 * number, 0.2 * number, -0.2 * number) for number in range(5)]
    moved = [
        (Span(span.start + from_s(3600 * after_h), span.end + from_s(3600 * after_h)), affect) for span, affect in call
    ]
    for point, other in zip(play(call), play(moved), strict=True):
        assert (other.arousal, other.valence, other.arousal_sd) == (point.arousal, point.valence, point.arousal_sd)
        assert other.risk == pytest.approx(point.risk, abs=1e-9)
        assert (other.shift is None) == (point.shift is None)
