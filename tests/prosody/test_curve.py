"""The curve is the Kalman filter that it claims to be: causal, in media time, and it knows how much it knows."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prosody.curve import DEFAULT_CURVE, GAP_S, Curve, CurveSettings, is_interrupted
from voice.contracts.audio import Span, from_s
from voice.contracts.errors import SettingsError

Utterances = list[tuple[float, float, float, float]]
"""Silence before, length, value and confidence of each."""

utterances: st.SearchStrategy[Utterances] = st.lists(
    st.tuples(st.floats(0, 300), st.floats(0, 15), st.floats(-1, 1), st.floats(0, 1)), max_size=30
)


def follow(course: Utterances, settings: CurveSettings = DEFAULT_CURVE) -> tuple[Curve, list[tuple[float, float]]]:
    """The curve after an uninterrupted course, and value and deviation at every point."""
    curve, points, at_s = Curve(settings), [], 0.0
    for silence_s, length_s, value, confidence in course:
        start_s = at_s + silence_s
        at_s = start_s + length_s
        points.append((curve.follow(Span(from_s(start_s), from_s(at_s)), value, confidence), curve.sd))
    return curve, points


def test_it_begins_at_rest_and_knows_nothing() -> None:
    curve = Curve()
    assert (curve.value, curve.sd) == (0.0, 1.0)


def test_the_first_utterance_joins_what_is_known_before_and_the_measurement_by_their_precisions() -> None:
    _, [(value, sd)] = follow([(0, 4, 0.8, 0.5)])
    error = (DEFAULT_CURVE.error**2 / 4 + DEFAULT_CURVE.least_error**2) / 0.5
    precision = 1 + 1 / error
    assert value == pytest.approx(0.8 / error / precision)
    assert sd == pytest.approx(precision**-0.5)


def test_it_is_the_posterior_of_the_process_that_it_names() -> None:
    """Against the same posterior by conditioning the joint normal distribution of all points at once."""
    course = [(0.0, 2.0, 0.3, 0.4), (3.0, 4.0, -0.2, 0.7), (8.0, 1.5, 0.9, 0.3), (1.0, 6.0, 0.7, 0.8)]
    ends = np.cumsum([silence + length for silence, length, _, _ in course])
    covariance = np.exp(-np.abs(ends[:, None] - ends[None, :]) / DEFAULT_CURVE.rest_s)
    error = [(DEFAULT_CURVE.error**2 / length + DEFAULT_CURVE.least_error**2) / trust for _, length, _, trust in course]
    seen = covariance + np.diag(error)
    weights = np.linalg.solve(seen, covariance[:, -1])
    _, points = follow(course)
    assert points[-1][0] == pytest.approx(float(weights @ [value for _, _, value, _ in course]))
    assert points[-1][1] == pytest.approx(float(np.sqrt(1 - weights @ covariance[:, -1])))


def test_a_long_clear_utterance_moves_it_further_than_a_short_or_a_doubtful_one() -> None:
    def moved(length_s: float, confidence: float) -> float:
        return follow([(0, 3, 0.0, 0.8), (2, length_s, 1.0, confidence)])[0].value

    assert moved(8, 0.9) > moved(2, 0.9) > moved(0.3, 0.9)
    assert moved(8, 0.9) > moved(8, 0.4) > moved(8, 0.05) > 0


def test_silence_leads_to_rest_and_to_knowing_nothing() -> None:
    spoken: Utterances = [(0, 10, 1.0, 1.0)]
    before, _ = follow(spoken)
    after, _ = follow([*spoken, (DEFAULT_CURVE.rest_s, 0, 0.0, 0.0)])
    assert after.value == pytest.approx(before.value / math.e)
    assert after.sd**2 == pytest.approx(1 - (1 - before.sd**2) * math.exp(-2))
    forgotten, _ = follow([*spoken, (3600, 0, 0.0, 0.0)])
    assert abs(forgotten.value) < 1e-9
    assert forgotten.sd == pytest.approx(1)


def test_after_silence_an_utterance_counts_for_more() -> None:
    def moved(silence_s: float) -> float:
        curve, _ = follow([(0, 5, 0.0, 0.9), (silence_s, 3, 0.5, 0.6)])
        return curve.value

    assert moved(60) > moved(10) > moved(1)


def test_without_confidence_nothing_is_learned() -> None:
    spoken: Utterances = [(0, 2, 0.8, 0.7)]
    heard, _ = follow([*spoken, (1, 5, -1.0, 0.0)])
    silent, _ = follow([*spoken, (6, 0, 0.0, 0.0)])
    assert (heard.value, heard.sd) == (silent.value, silent.sd)


def test_speech_without_a_pause_does_not_make_it_sure_of_itself() -> None:
    """Segments that touch still lie apart in time, so that the curve keeps following."""
    calm: Utterances = [(0, 15, 0.0, 0.9)] * 40
    curve, _ = follow([*calm, (0, 15, 0.9, 0.9)])
    assert curve.value > 0.6


def test_where_a_gap_is_drawn_little_is_known() -> None:
    best, _ = follow([(0, 60, 0.5, 1.0)] * 30)
    later, _ = follow([*[(0.0, 60.0, 0.5, 1.0)] * 30, (GAP_S, 0, 0.0, 0.0)])
    assert best.sd < 0.2
    assert later.sd >= 0.6


def test_a_gap_is_a_long_silence_between_two_utterances() -> None:
    end = from_s(10)
    assert not is_interrupted(Span(0, end), Span(end + from_s(GAP_S) - 1, end + from_s(30)))
    assert is_interrupted(Span(0, end), Span(end + from_s(GAP_S), end + from_s(30)))
    assert not is_interrupted(Span(0, end), Span(from_s(5), from_s(40)))


@given(utterances)
def test_it_stays_between_rest_and_what_it_heard(course: Utterances) -> None:
    heard = [0.0]
    _, points = follow(course)
    for (_, _, value, _), (reached, sd) in zip(course, points, strict=True):
        heard.append(value)
        assert min(heard) - 1e-9 <= reached <= max(heard) + 1e-9
        assert 0 < sd <= 1


@given(utterances, utterances)
def test_it_is_causal(course: Utterances, later: Utterances) -> None:
    assert follow(course)[1] == follow(course + later)[1][: len(course)]


@given(utterances)
def test_it_has_no_side_that_it_prefers(course: Utterances) -> None:
    mirrored: Utterances = [(silence, length, -value, trust) for silence, length, value, trust in course]
    assert [(-value, sd) for value, sd in follow(mirrored)[1]] == follow(course)[1]


@pytest.mark.parametrize("name", ["rest_s", "error", "least_error"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_settings_that_mean_nothing_are_refused(name: str, value: float) -> None:
    with pytest.raises(SettingsError, match=f"{name} has to be a positive, finite number; got {value}"):
        replace(DEFAULT_CURVE, **{name: value})
