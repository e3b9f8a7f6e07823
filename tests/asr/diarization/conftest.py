"""What the tests of diarization share: the extra and a pipeline, where they are installed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asr.diarization.neural.installation import describe_installation


@pytest.fixture(scope="session")
def need_extra() -> None:
    """Skips where the extra `diarize` is absent, but fails where CI=true."""
    if describe_installation() is None:
        reason = "the extra diarize is not installed (run: make diarize)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def pipeline_folder(need_extra: None, need_model: Callable[[str], Path]) -> Path:
    """The catalogue's pipeline."""
    return need_model("diarization")


@pytest.fixture(scope="session")
def diarizer(pipeline_folder: Path) -> Any:
    """The catalogue's pipeline, loaded once: that takes seconds."""
    from asr.diarization.diarizer import open_diarizer

    return open_diarizer(pipeline_folder, threads=1)


@pytest.fixture(scope="session")
def sample_call(need_extra: None) -> tuple[Path, Path]:
    """Half a minute of a telephone call between two, with its reference turns, out of the pyannote.audio package."""
    from importlib.util import find_spec

    spec = find_spec("pyannote.audio")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "sample"
    return folder / "sample.wav", folder / "sample.rttm"
