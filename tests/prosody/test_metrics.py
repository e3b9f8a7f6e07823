"""Measures against cases worked out by hand, against scikit-learn, and at their borders."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from prosody.metrics import (
    Bin,
    Places,
    area_under_roc,
    calibration_error,
    concordance,
    estimate,
    recalls,
    reliability,
    unweighted_recall,
)


def test_area_under_roc_counts_pairs_and_halves_ties() -> None:
    # Four pairs: 3 > 1, 3 > 2, 2 > 1, 2 = 2.
    assert area_under_roc([3, 2, 1, 2], [True, True, False, False]) == pytest.approx(3.5 / 4)
    assert area_under_roc([1, 2], [True, True]) is None
    assert area_under_roc([], []) is None


def test_area_under_roc_is_that_of_scikit_learn() -> None:
    draw = np.random.default_rng(0)
    scores, positive = draw.integers(0, 9, 200), draw.random(200) < 0.3
    assert area_under_roc(scores, positive) == pytest.approx(roc_auc_score(positive, scores))


def test_concordance_of_lin_punishes_place_and_scale() -> None:
    true = np.array([1.0, 2.0, 3.0])
    assert concordance(true, true) == pytest.approx(1)
    assert concordance(-true + 4, true) == pytest.approx(-1)
    # Shifted by 1: 2 * (2/3) / (2/3 + 2/3 + 1).
    assert concordance(true + 1, true) == pytest.approx(4 / 7)
    assert concordance(2 * (true - 2) + 2, true) == pytest.approx(2 * (4 / 3) / (2 / 3 + 8 / 3))
    assert concordance([5, 5, 5], true) == pytest.approx(0)
    assert concordance([1], [1]) is None
    assert concordance([2, 2], [2, 2]) is None


def test_unweighted_recall_counts_classes_alike() -> None:
    truth = ["a"] * 9 + ["b"]
    right = [True] * 9 + [False]
    assert recalls(truth, right) == {"a": 1.0, "b": 0.0}
    assert unweighted_recall(truth, right) == 0.5
    assert unweighted_recall([], []) is None


def test_unweighted_recall_is_balanced_accuracy() -> None:
    draw = np.random.default_rng(1)
    truth, judged = draw.integers(0, 4, 300), draw.integers(0, 4, 300)
    found = unweighted_recall([str(each) for each in truth], truth == judged)
    assert found == pytest.approx(balanced_accuracy_score(truth, judged))


def test_reliability_sorts_judgements_by_confidence() -> None:
    bins = reliability([0.05, 0.72, 0.78, 1.0], [False, True, False, True])
    assert bins == (
        Bin(0.0, 0.1, 1, 0.05, 0.0),
        Bin(0.7, 0.8, 2, 0.75, 0.5),
        Bin(0.9, 1.0, 1, 1.0, 1.0),
    )
    assert calibration_error(bins) == pytest.approx((0.05 + 2 * 0.25 + 0) / 4)
    assert calibration_error(()) is None
    assert reliability([], []) == ()


def test_a_confidence_that_is_right_as_often_as_it_says_has_no_error() -> None:
    draw = np.random.default_rng(2)
    confidence = draw.random(50_000)
    error = calibration_error(reliability(confidence, draw.random(50_000) < confidence))
    assert error is not None
    assert error < 0.01
    assert (calibration_error(reliability(confidence, np.ones(50_000))) or 0) > 0.45


def mean_at(values: NDArray[np.float64], at: Places) -> float:
    return float(values[at].mean())


def test_an_interval_comes_from_speakers_not_from_utterances() -> None:
    # Two speakers who differ: drawing both from the same one gives either's own value.
    values, speakers = np.array([0.0] * 50 + [1.0] * 50), ["a"] * 50 + ["b"] * 50
    found = estimate(lambda at: float(values[at].mean()), speakers)
    assert found is not None
    assert (found.value, found.low, found.high, found.n) == (0.5, 0.0, 1.0, 100)


def test_an_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    draw = np.random.default_rng(3)
    held = 0
    for _ in range(100):
        owners = [str(owner) for owner in range(30) for _ in range(4)]
        values = np.repeat(draw.normal(0, 1, 30), 4) + draw.normal(0, 0.3, 120)
        found = estimate(partial(mean_at, values), owners, draws=200)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0 <= found.high
    assert 85 <= held <= 99


def test_an_interval_is_the_same_every_time_and_absent_for_one_speaker() -> None:
    values = np.random.default_rng(4).random(20)
    speakers = [str(number % 5) for number in range(20)]

    mean = partial(mean_at, values)
    assert estimate(mean, speakers, seed=7) == estimate(mean, speakers, seed=7)
    assert estimate(mean, speakers, seed=7) != estimate(mean, speakers, seed=8)
    alone = estimate(mean, ["only"] * 20)
    assert alone is not None
    assert alone.low is alone.high is None
    assert estimate(lambda _: None, speakers) is None
