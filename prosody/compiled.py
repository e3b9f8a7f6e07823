"""Machine code from Python, the one door to numba.

Loops over frames, candidates and periods are what numpy cannot do cheaply. What is compiled is kept on disk, so that
only the first process on a machine pays for it; `prosody.features.warm_up` states the cost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function of numbers and arrays at its first call; it then runs without Python's lock.

    Arithmetic keeps its order (no fast-math), so that equal input gives equal bits. Division by zero gives infinity or
    NaN, as in numpy, instead of raising: asking before each division would keep loops from becoming vector code.
    """
    try:
        return cast(Callable[P, R], numba.njit(cache=True, nogil=True, error_model="numpy")(function))
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        return cast(Callable[P, R], numba.njit(nogil=True, error_model="numpy")(function))
