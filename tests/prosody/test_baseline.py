"""A baseline is robust, has a fading prior, and says nothing before it knows anything."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prosody.baseline import REMEMBERED, RunningBaseline, Spread

SPREAD = Spread(between=2.0, short=1.0)


def taught(*values: float, voiced_s: float = 2.0) -> RunningBaseline:
    baseline = RunningBaseline(SPREAD)
    for value in values:
        baseline.learn(value, voiced_s)
    return baseline


def test_nothing_is_compared_before_the_first_utterance() -> None:
    baseline = RunningBaseline(SPREAD)
    assert baseline.compare(5.0, 1.0) is None
    with pytest.raises(ValueError, match="first utterance"):
        baseline.location()
    assert baseline.scale() == SPREAD.between


def test_outliers_move_neither_location_nor_scale_much() -> None:
    calm = [0.0, 1.0, -1.0, 0.5, -0.5, 0.2, -0.2, 0.8, -0.8]
    clean, dirty = taught(*calm), taught(*calm, 24.0, 24.0)
    assert dirty.location() == pytest.approx(clean.location(), abs=0.5)
    assert dirty.scale() < 1.5 * clean.scale()


def test_the_prior_fades() -> None:
    generator = np.random.default_rng(0)
    few, many = (taught(*generator.normal(0, 6, count)) for count in (3, REMEMBERED))
    assert few.scale() < many.scale() < 6.5
    assert many.scale() > 4


def test_a_monotonous_start_does_not_make_it_touchy() -> None:
    assert taught(*[3.0] * REMEMBERED).scale() >= 0.8 * SPREAD.between


def test_few_utterances_and_little_voice_widen_what_is_expected() -> None:
    def z(baseline: RunningBaseline, voiced_s: float) -> float:
        deviation = baseline.compare(6.0, voiced_s)
        assert deviation is not None
        return deviation.z

    young, old = taught(0.0), taught(*[0.0] * 10)
    assert z(young, 2.0) < z(old, 2.0)
    assert z(old, 0.2) < z(old, 2.0)


def test_short_utterances_weigh_less() -> None:
    baseline = taught(0.0, 0.0)
    for _ in range(3):
        baseline.learn(10.0, 0.2)
    assert baseline.location() == 0.0
    assert baseline.weight == pytest.approx(2.3)


def test_old_utterances_are_forgotten() -> None:
    assert taught(*[50.0] * 100, *[1.0] * REMEMBERED).location() == 1.0


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=60), st.floats(-100, 100), st.floats(0.01, 30))
def test_any_history_gives_finite_deviations(values: list[float], value: float, voiced_s: float) -> None:
    baseline = taught(*values, voiced_s=voiced_s)
    deviation = baseline.compare(value, voiced_s)
    assert deviation is not None
    assert math.isfinite(deviation.z)
    assert 0 < deviation.sharpness <= 1
    assert min(values) <= baseline.location() <= max(values)
    assert baseline.scale() > 0
