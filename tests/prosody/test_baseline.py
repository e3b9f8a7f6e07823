"""A baseline is robust, has a fading prior, and says nothing before it knows anything."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prosody.baseline import REMEMBERED, RunningBaseline, Spread
from prosody.types import FeatureNormal

SPREAD = Spread(between=2.0, short=1.0)
KNOWN = Spread(between=2.0, short=1.0, calls=1.0)


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
    assert baseline.weight == pytest.approx(2.6)


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


def carried(location: float, weight: float = 10.0, scale: float = 2.0) -> FeatureNormal:
    return FeatureNormal("pitch", location, scale, weight)


def test_what_an_earlier_call_learned_lets_the_first_utterance_be_compared() -> None:
    baseline = RunningBaseline(KNOWN, carried(100.0))
    assert baseline.learned == 0
    assert baseline.location() == 100.0
    deviation = baseline.compare(106.0, 2.0)
    assert deviation is not None
    assert deviation.distance == 6.0
    assert 1.5 < deviation.z < 3
    assert deviation.z < (taught(*[100.0] * 20).compare(106.0, 2.0) or deviation).z


def test_an_earlier_call_counts_little_however_long_it_was() -> None:
    long, short = RunningBaseline(KNOWN, carried(100.0, 40.0)), RunningBaseline(KNOWN, carried(100.0, 0.5))
    assert long.weight == pytest.approx(4.0)  # (between / calls)^2
    assert short.weight == pytest.approx(0.5)
    handset = RunningBaseline(Spread(2.0, 1.0, calls=6.0), carried(100.0, 40.0))
    assert handset.weight == pytest.approx(1 / 9)


def test_this_call_outgrows_the_earlier_one() -> None:
    baseline = RunningBaseline(KNOWN, carried(100.0))
    places = []
    for _ in range(REMEMBERED):
        baseline.learn(102.0, 2.0)
        places.append(baseline.location())
    assert places == sorted(places)
    assert 100.1 < places[0] < 101.0
    assert places[-1] > 101.7


def test_an_earlier_call_that_is_contradicted_is_given_up() -> None:
    """Another person calls from the same number, an octave away."""
    baseline = RunningBaseline(KNOWN, carried(100.0))
    for _ in range(3):
        baseline.learn(112.0, 2.0)
    assert baseline.location() > 111.0
    assert baseline.weight < 3.5


def test_a_normal_goes_from_call_to_call() -> None:
    first = taught(*np.random.default_rng(2).normal(50, 2, 20))
    normal = first.normal("pitch")
    assert normal is not None
    assert (normal.name, normal.location, normal.scale) == ("pitch", first.location(), first.scale())
    assert normal.weight == 20
    second = RunningBaseline(KNOWN, normal)
    assert second.location() == first.location()
    assert RunningBaseline(KNOWN).normal("pitch") is None


def test_a_share_of_an_utterance_is_learned_slowly() -> None:
    baseline = taught(*[0.0] * 4)
    for _ in range(15):
        baseline.learn(10.0, 2.0, share=0.25)
    assert baseline.location() == 0.0
    for _ in range(2):
        baseline.learn(10.0, 2.0, share=0.25)
    assert baseline.location() == 10.0


positive = st.floats(0.01, 40)


@given(st.floats(-100, 100), positive, positive, st.lists(st.floats(-100, 100), max_size=30), st.floats(-100, 100))
def test_any_earlier_call_gives_finite_deviations(
    location: float, scale: float, weight: float, values: list[float], value: float
) -> None:
    baseline = RunningBaseline(KNOWN, carried(location, weight, scale))
    for one in values:
        baseline.learn(one, 1.0)
    deviation = baseline.compare(value, 1.0)
    assert deviation is not None
    assert math.isfinite(deviation.z)
    assert min([location, *values]) - 1e-9 <= baseline.location() <= max([location, *values]) + 1e-9
    assert 0 < baseline.weight <= REMEMBERED + 4
