"""Sums in strands are sums: for every length, in both precisions, and of what does not lie in a row."""

from __future__ import annotations

import math

import numpy as np
import pytest

from prosody.runs import find_runs
from prosody.sums import STRANDS, largest_of, slope_of, sum_of, sum_of_products, sum_of_squares

LENGTHS = [*range(20), 63, 64, 65, 160, 321]


def draw(length: int) -> np.ndarray:
    return np.random.default_rng(length).standard_normal(length)


@pytest.mark.parametrize("length", LENGTHS)
def test_no_value_is_left_out_or_counted_twice(length: int) -> None:
    values = draw(length)
    single = values.astype(np.float32)
    assert sum_of(values) == pytest.approx(math.fsum(values), abs=1e-13)
    assert sum_of(single) == pytest.approx(math.fsum(single.tolist()), abs=1e-6 * max(1.0, float(np.abs(single).sum())))
    assert sum_of_squares(single) == pytest.approx(math.fsum(value**2 for value in single.tolist()), rel=1e-6)
    other = draw(length + 1)[:length]
    room = np.empty(STRANDS)
    assert sum_of_products(single, other, room) == pytest.approx(float(single.astype(np.float64) @ other), abs=1e-12)
    assert largest_of(np.abs(single)) == (np.abs(single).max() if length else 0)


def test_a_column_has_the_sum_of_its_copy() -> None:
    table = np.random.default_rng(1).random((50, 3), np.float32)
    assert sum_of(table[:, 1]) == sum_of(table[:, 1].copy())


def test_nothing_positive_has_no_largest() -> None:
    assert largest_of(np.full(9, -1, np.float32)) == 0


def test_a_line_has_its_slope_where_places_are_missing() -> None:
    places = np.array([3, 4, 9, 20, 21, 40])
    assert slope_of(places, -0.25 * places + 7) == pytest.approx(-0.25)
    values = draw(6)
    assert slope_of(places, values) == pytest.approx(np.polyfit(places, values, 1)[0])


@pytest.mark.parametrize(
    ("mask", "runs"),
    [
        ("", []),
        ("....", []),
        ("xxxx", [(0, 4)]),
        ("x.x.x", [(0, 1), (2, 3), (4, 5)]),
        (".xx..x.", [(1, 3), (5, 6)]),
    ],
)
def test_runs_are_where_a_mask_is_true(mask: str, runs: list[tuple[int, int]]) -> None:
    found = find_runs(np.array([sign == "x" for sign in mask], np.bool_))
    assert found.shape == (len(runs), 2)
    assert [tuple(run) for run in found.tolist()] == runs
