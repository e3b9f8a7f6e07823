"""Figures of a classifier: known values, bounds, and what they must not do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.understanding.calibration import (
    coverage,
    expected_calibration_error,
    fit_temperature,
    judge,
    log_loss,
    macro_f1,
    reject_threshold,
    softmax,
    wilson,
)


def test_known_values() -> None:
    truth, guess = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0])
    assert macro_f1(truth, guess) == pytest.approx((0.5 + 2 / 3 + 0) / 3)
    quality = judge(truth, guess, np.array([0.9, 0.8, 0.7, 0.6]))
    assert (quality.n, quality.accuracy) == (4, 0.5)
    assert quality.coverage_at_95 == 0.25
    assert wilson(10, 10)[0] == pytest.approx(0.7225, abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_confidence_that_is_kept_has_no_error() -> None:
    confidence = np.full(1000, 0.75)
    right = np.arange(1000) % 4 != 0
    assert expected_calibration_error(confidence, right) == pytest.approx(0)
    assert expected_calibration_error(np.ones(1000), right) == pytest.approx(0.25)


def test_lines_of_equal_confidence_pass_together() -> None:
    right = np.array([True, False, True, True])
    assert coverage(np.array([0.9, 0.9, 0.9, 0.9]), right) == 0.0
    assert coverage(np.array([0.9, 0.2, 0.9, 0.9]), right) == 0.75
    assert coverage(np.array([0.1, 0.9]), np.array([True, True])) == 1.0


def test_the_temperature_makes_up_for_logits_that_are_too_sure() -> None:
    drawn = np.random.default_rng(3)
    logits = drawn.normal(size=(3000, 5))
    truth = np.array([drawn.choice(5, p=row) for row in softmax(logits)], np.int64)
    found = fit_temperature(4 * logits, truth)
    assert found == pytest.approx(4, rel=0.1)
    grid = np.exp(np.linspace(np.log(0.1), np.log(5), 300))
    assert log_loss(4 * logits, truth, found) <= min(log_loss(4 * logits, truth, one) for one in grid) + 1e-5


def test_the_threshold_is_where_most_are_wrong() -> None:
    confidence = np.array([0.22, 0.28, 0.33, 0.41, 0.9])
    right = np.array([False, False, True, True, True])
    assert reject_threshold(confidence, right, (0.5, 0.4, 0.3, 0.2)) == 0.4
    assert reject_threshold(confidence, right, (0.5, 0.2)) == 0.2


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50))
def test_figures_stay_within_bounds(lines: list[tuple[float, bool]]) -> None:
    confidence = np.array([one for one, _ in lines])
    right = np.array([one for _, one in lines])
    assert 0 <= expected_calibration_error(confidence, right) <= 1
    covered = coverage(confidence, right)
    assert 0 <= covered <= 1
    if right.all():
        assert covered == 1
    low, high = wilson(int(right.sum()), len(right))
    assert 0 <= low <= right.mean() + 1e-9
    assert right.mean() <= high + 1e-9 <= 1 + 1e-8
