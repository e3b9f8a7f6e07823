"""What the tests of understanding share."""

from __future__ import annotations

import pytest

from routing.understanding.turn import Understander


@pytest.fixture(scope="session")
def understander() -> Understander:
    """Loaded once; it holds no state of any call."""
    return Understander.load()
