"""The E-model against values that ITU-T has worked out."""

from __future__ import annotations

import pytest

from voice.rtp.quality import BPL_OPUS, CLEAN_R, mean_opinion, rating


@pytest.mark.parametrize(
    ("rated", "opinion"),
    # G.107 (03/2005), table B.1: R and MOS of the lower limits of "very satisfied" to "nearly all users dissatisfied".
    [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58)],
)
def test_opinions_are_those_of_g_107(rated: float, opinion: float) -> None:
    assert mean_opinion(rated) == pytest.approx(opinion, abs=0.01)


def test_a_clean_line_is_rated_as_g_107_rates_its_defaults() -> None:
    assert rating(0, 0) == CLEAN_R
    assert mean_opinion(CLEAN_R) == pytest.approx(4.41, abs=0.01)


@pytest.mark.parametrize(
    ("delay_ms", "fall"),
    # Cole and Rosenbluth (2001), eq. 4, by hand: 0.024 d, and from 177.3 ms on 0.134 d - 19.503.
    [(100, 2.4), (177.3, 4.255), (200, 7.297), (300, 20.697), (400, 34.097)],
)
def test_delay_costs_what_cole_and_rosenbluth_fitted(delay_ms: float, fall: float) -> None:
    assert CLEAN_R - rating(delay_ms, 0) == pytest.approx(fall, abs=0.001)


def test_loss_costs_what_equation_7_29_says() -> None:
    # As much loss in percent as Bpl takes half of 95 away.
    assert CLEAN_R - rating(0, BPL_OPUS / 100) == pytest.approx(47.5)
    assert CLEAN_R - rating(0, 0.05) == pytest.approx(95 * 5 / 30.1)
    assert rating(0, 0.05, burst_ratio=2) < rating(0, 0.05)


def test_opinions_stay_on_the_scale_and_fall_with_the_rating() -> None:
    scores = [mean_opinion(rated) for rated in range(-10, 111)]
    assert all(1 <= score <= 4.5 for score in scores)
    assert scores == sorted(scores)
