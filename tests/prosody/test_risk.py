"""Risk ranks calls: by distress and by where it is heading."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prosody.risk import DEFAULT_RISK, Risk, RiskSettings
from prosody.shift import distress
from voice.contracts.audio import from_s
from voice.contracts.errors import SettingsError

SD = 0.15


def follow(
    values: Sequence[float], every_s: float = 5.0, sd: float = SD, settings: RiskSettings = DEFAULT_RISK
) -> float:
    """Risk at the last of some points, one every few seconds."""
    risk, last = Risk(settings), 0.0
    for number, value in enumerate(values):
        last = risk.follow(from_s(every_s * number), value, sd)
    return last


def test_without_a_trend_it_is_the_distress() -> None:
    assert follow([0.4]) == pytest.approx(0.4)
    assert follow([0.4] * 6) == pytest.approx(0.4)
    assert follow([0.0] * 6) == 0


def test_upset_but_settling_ranks_below_getting_worse() -> None:
    settling = follow([0.9, 0.85, 0.8, 0.7, 0.6])
    worsening = follow([0.1, 0.2, 0.3, 0.4, 0.5])
    assert settling < 0.5 < worsening
    assert follow([0.75] * 5) > settling, "upset and staying so ranks above upset and settling"


def test_quiet_displeasure_counts() -> None:
    assert follow([distress(-0.5, -0.6)] * 4) > 0.4


def test_only_what_lies_within_the_window_makes_a_trend() -> None:
    longer = int(DEFAULT_RISK.window_s / 5) + 1
    assert follow([0.0, 0.0] + [0.5] * longer) == pytest.approx(0.5)
    assert follow([0.0, 0.0] + [0.5] * (longer - 1)) > 0.5


def test_two_points_close_together_make_hardly_a_trend() -> None:
    def share(every_s: float) -> float:
        """Of the trend that the two points show, how much is believed."""
        return (follow([0.3, 0.4], every_s) - 0.4) / (DEFAULT_RISK.ahead_s * 0.1 / every_s)

    assert 0 < share(1) < 0.02
    assert share(1) < share(5) < share(20) < 1


def test_what_is_hardly_known_makes_no_trend() -> None:
    rising = [0.1, 0.2, 0.3, 0.4]
    assert follow(rising, sd=0.9) < follow(rising, sd=0.3) < follow(rising, sd=0.1)
    assert follow(rising, sd=0.9) - 0.4 < 0.1


def test_the_slope_is_that_of_bayesian_regression() -> None:
    """Against the posterior mean by linear algebra, with a flat prior on the intercept."""
    times = np.array([0.0, 4.0, 9.0, 15.0, 17.0])
    values = np.array([0.1, 0.15, 0.3, 0.25, 0.4])
    sds = np.array([0.3, 0.2, 0.15, 0.4, 0.2])
    risk, last = Risk(), 0.0
    for moment, value, sd in zip(times, values, sds, strict=True):
        last = risk.follow(from_s(moment), value, sd)
    design = np.stack([np.ones(5), times], axis=1) / sds[:, None]
    precision = design.T @ design + np.diag([0.0, DEFAULT_RISK.steepest**-2])
    slope = np.linalg.solve(precision, design.T @ (values / sds))[1]
    assert last == pytest.approx(0.4 + DEFAULT_RISK.ahead_s * slope)


courses = st.lists(st.floats(0, 1), min_size=1, max_size=12)
spacings = st.floats(0.5, 30)


@given(courses, spacings, st.floats(0.02, 1))
def test_it_stays_in_range(values: list[float], every_s: float, sd: float) -> None:
    assert 0 <= follow(values, every_s, sd) <= 1


@given(courses, spacings, st.floats(0, 1))
def test_more_distress_now_is_never_less_risk(values: list[float], every_s: float, more: float) -> None:
    worse = [*values[:-1], min(1.0, values[-1] + more)]
    assert follow(worse, every_s) >= follow(values, every_s) - 1e-9


@given(courses, spacings, st.floats(0, 1))
def test_more_distress_all_along_is_never_less_risk(values: list[float], every_s: float, more: float) -> None:
    room = min(more, 1 - max(values))
    assert follow([value + room for value in values], every_s) >= follow(values, every_s) - 1e-9


@given(st.floats(0, 1), st.lists(st.floats(0, 1), min_size=1, max_size=5), st.floats(1, 5))
def test_the_same_distress_is_more_risk_after_a_rise_than_after_a_fall(
    now: float, changes: list[float], every_s: float
) -> None:
    """Two mirrored courses to the same point."""
    away = np.cumsum(changes[::-1])[::-1] / max(1.0, sum(changes)) * min(now, 1 - now)
    risen = follow([*(now - away), now], every_s)
    fallen = follow([*(now + away), now], every_s)
    assert risen >= now - 1e-9 >= fallen - 2e-9


@pytest.mark.parametrize("name", ["window_s", "ahead_s", "steepest"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_settings_that_mean_nothing_are_refused(name: str, value: float) -> None:
    with pytest.raises(SettingsError, match=f"{name} is a positive, finite number; got {value}"):
        replace(DEFAULT_RISK, **{name: value})
