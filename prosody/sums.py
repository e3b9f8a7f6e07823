"""Sums in strands: several run side by side, in an order that neither threads nor the place in memory decide."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from prosody.compiled import compiled

STRANDS: Final = 64
"""Sums that run side by side in `sum_of_products`."""


@compiled
def sum_of(values: NDArray[Any]) -> float:
    """Sum of some values in their own precision; what is lost in single is some 1e-7 of the sum of magnitudes."""
    a = b = c = d = e = f = g = h = values.dtype.type(0)
    whole = len(values) - len(values) % 8
    for place in range(0, whole, 8):
        a += values[place]
        b += values[place + 1]
        c += values[place + 2]
        d += values[place + 3]
        e += values[place + 4]
        f += values[place + 5]
        g += values[place + 6]
        h += values[place + 7]
    for place in range(whole, len(values)):
        a += values[place]
    return float(((a + b) + (c + d)) + ((e + f) + (g + h)))


@compiled
def sum_of_squares(values: NDArray[Any]) -> float:
    """Sum of squares, as `sum_of` adds."""
    a = b = c = d = e = f = g = h = values.dtype.type(0)
    whole = len(values) - len(values) % 8
    for place in range(0, whole, 8):
        a += values[place] * values[place]
        b += values[place + 1] * values[place + 1]
        c += values[place + 2] * values[place + 2]
        d += values[place + 3] * values[place + 3]
        e += values[place + 4] * values[place + 4]
        f += values[place + 5] * values[place + 5]
        g += values[place + 6] * values[place + 6]
        h += values[place + 7] * values[place + 7]
    for place in range(whole, len(values)):
        a += values[place] * values[place]
    return float(((a + b) + (c + d)) + ((e + f) + (g + h)))


@compiled
def sum_of_products(one: NDArray[Any], other: NDArray[Any], strands: NDArray[np.float64]) -> float:
    """Sum of products in double precision.

    Args:
        one: shape (n,).
        other: as many.
        strands: room for `STRANDS` sums.
    """
    strands[:] = 0.0
    for start in range(0, len(one), len(strands)):
        first, second = one[start : start + len(strands)], other[start : start + len(strands)]
        for strand in range(len(first)):
            strands[strand] += first[strand] * second[strand]
    return sum_of(strands)


@compiled
def largest_of(values: NDArray[np.float32]) -> np.float32:
    """The largest of some values, 0 if none is positive."""
    a = b = c = d = np.float32(0)
    whole = len(values) - len(values) % 4
    for place in range(0, whole, 4):
        a = values[place] if values[place] > a else a
        b = values[place + 1] if values[place + 1] > b else b
        c = values[place + 2] if values[place + 2] > c else c
        d = values[place + 3] if values[place + 3] > d else d
    for place in range(whole, len(values)):
        a = values[place] if values[place] > a else a
    return max(a, b, c, d)


@compiled
def slope_of(places: NDArray[np.intp], values: NDArray[np.float64]) -> float:
    """Least-squares slope of values over their places, per place.

    Args:
        places: rising, at least two different ones; shape (n,).
        values: shape (n,).
    """
    middle = sum_of(places * 1.0) / len(places)
    level = sum_of(values) / len(places)
    moment, spread = 0.0, 0.0
    for index in range(len(places)):
        moment += (places[index] - middle) * (values[index] - level)
        spread += (places[index] - middle) ** 2
    return moment / spread
