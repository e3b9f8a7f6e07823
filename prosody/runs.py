"""Stretches of frames that belong together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from prosody.compiled import compiled


@compiled
def find_runs(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Where a mask is true.

    Args:
        mask: shape (n,).

    Returns:
        First place and the place after the last of each stretch, in order; shape (stretches, 2).
    """
    edges = np.empty((len(mask) // 2 + 1, 2), np.intp)
    count = 0
    inside = False
    for place in range(len(mask)):
        if mask[place] != inside:
            if inside:
                edges[count, 1] = place
                count += 1
            else:
                edges[count, 0] = place
            inside = not inside
    if inside:
        edges[count, 1] = len(mask)
        count += 1
    return edges[:count]
