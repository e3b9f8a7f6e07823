"""The curve is causal and counts media time; levels have hysteresis and a dwell."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prosody.curve import DEFAULT_CURVE, Curve
from prosody.shift import ShiftDetector, distress
from prosody.types import EmotionLevel
from voice.contracts.audio import SegmentId, Span, from_s


def test_one_time_constant_of_speech_goes_63_percent_of_the_way() -> None:
    value = Curve().follow(Span(0, from_s(DEFAULT_CURVE.rise_s)), 1.0, 1.0)
    assert value == pytest.approx(1 - math.exp(-1), abs=1e-6)


def test_it_falls_more_slowly_than_it_rises() -> None:
    curve = Curve()
    up = curve.follow(Span(0, from_s(2)), 1.0, 1.0)
    down = up - curve.follow(Span(from_s(2), from_s(4)), 0.0, 1.0)
    assert 0 < down < up


def test_silence_leads_to_rest() -> None:
    curve = Curve()
    before = curve.follow(Span(0, from_s(10)), 1.0, 1.0)
    long_after = from_s(10 + DEFAULT_CURVE.rest_s)
    after = curve.follow(Span(long_after, long_after + 160), 0.5, 0.0)
    assert after == pytest.approx(before * math.exp(-1), rel=1e-6)


def test_without_confidence_it_stands_still() -> None:
    curve = Curve()
    value = curve.follow(Span(0, from_s(2)), 0.8, 0.7)
    assert curve.follow(Span(from_s(2), from_s(7)), -1.0, 0.0) == value


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(-1, 1), st.floats(0, 1)), max_size=30)
)
def test_it_stays_between_rest_and_what_it_heard(points: list[tuple[int, int, float, float]]) -> None:
    curve, at = Curve(), 0
    heard = [0.0]
    for gap, length, value, confidence in points:
        heard.append(value)
        span = Span(at + gap, at + gap + length)
        at = span.end
        reached = curve.follow(span, value, confidence)
        assert min(heard) - 1e-9 <= reached <= max(heard) + 1e-9


def observe(detector: ShiftDetector, number: int, own: float, curve: float, confidence: float = 0.9) -> str | None:
    """An utterance whose distress, and the curve's, come half from arousal and half from valence."""
    half = 0.5 / 0.65
    shift = detector.observe(
        SegmentId(number),
        Span(number * 100, number * 100 + 50),
        own=(own * half, -own * half),
        curve=(curve * half, -curve * half),
        confidence=confidence,
    )
    return None if shift is None else f"{shift.previous}>{shift.current}"


def test_distress_joins_both_and_ignores_joy_and_sleepiness() -> None:
    assert distress(0.5, -0.5) == pytest.approx(0.65)
    assert distress(-1.0, 1.0) == 0
    assert distress(1.0, -1.0) == 1.0


def test_levels_have_hysteresis() -> None:
    detector = ShiftDetector()
    course = [(0.3, 0.3), (0.5, 0.45), (0.4, 0.4), (0.3, 0.3), (0.3, 0.28), (0.1, 0.26), (0.1, 0.2), (0.1, 0.1)]
    seen = [observe(detector, number, own, curve) for number, (own, curve) in enumerate(course)]
    assert seen == [None, "settled>tense", None, None, None, None, "tense>settled", None]


def test_a_curve_that_hovers_at_a_threshold_does_not_chatter() -> None:
    detector = ShiftDetector()
    shifts = [observe(detector, number, 0.39, 0.41 if number % 2 else 0.39) for number in range(40)]
    assert sum(shift is not None for shift in shifts) == 1


def test_one_utterance_is_not_enough_however_loud() -> None:
    detector = ShiftDetector()
    assert observe(detector, 0, 0.0, 0.0) is None
    assert observe(detector, 1, 1.0, 0.9) is None
    assert observe(detector, 2, 0.0, 0.7) is None
    assert detector.level is EmotionLevel.SETTLED


def test_two_loud_ones_go_straight_to_upset() -> None:
    detector = ShiftDetector()
    observe(detector, 0, 0.9, 0.5)
    assert observe(detector, 1, 0.9, 0.8) == "settled>upset"


def test_what_cannot_be_judged_neither_helps_nor_hinders() -> None:
    detector = ShiftDetector()
    observe(detector, 0, 0.9, 0.5)
    assert observe(detector, 1, 0.0, 0.5, confidence=0.1) is None
    assert observe(detector, 2, 0.9, 0.8) == "settled>upset"
