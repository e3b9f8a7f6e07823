"""Fixtures that every test may use."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

# Images of containers like to forbid what is read here: modules compiled once. Every worker and every process that a
# test starts (a command, a recognizer, a server) would compile a few hundred files anew, a second or more of CPU each.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


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


@pytest.fixture(scope="session")
def models_folder(project: Path) -> Path:
    """Where `warmline models pull` puts models for the tests."""
    return Path(os.environ.get("WARMLINE_MODELS", project / "models"))


@pytest.fixture(scope="session")
def need_model(models_folder: Path) -> Callable[[str], Path]:
    """Answers the folder of a model by name; skips where it is absent, but fails where CI=true."""

    def need(name: str) -> Path:
        folder = models_folder / name
        if folder.is_dir():
            return folder
        reason = f"no model {name} in {models_folder} (run: warmline models pull {name})"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)

    return need
