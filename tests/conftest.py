"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Warmline runs on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def project() -> Path:
    """The root of the checkout."""
    return Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared_data(project: Path) -> Path:
    """The development data beside the checkout; the test is skipped where it is absent."""
    folder = Path(os.environ.get("WARMLINE_TEST_DATA", project.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no development data at {folder} (set WARMLINE_TEST_DATA)")
    return folder
