"""A server that dies under a test leaves its last words in the test's failure."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.journeys import stage


@pytest.mark.parametrize(
    ("last_words", "told"),
    [
        ("sys.exit('out of chairs')", "exit code 1"),
        ("print('out of chairs', flush=True); os.kill(os.getpid(), 9)", "killed by SIGKILL"),
    ],
)
def test_a_server_that_is_gone_says_why(
    last_words: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = f"import os, sys; print('http://127.0.0.1:1/call', flush=True); {last_words}"

    def die(*_: str, **__: str) -> list[str]:
        return [sys.executable, "-c", program]

    monkeypatch.setattr(stage, "warmline", die)
    (tmp_path / "data").mkdir()
    with (
        pytest.raises(AssertionError, match="no answer") as failed,
        stage.serve(tmp_path / "data", tmp_path) as server,
    ):
        server.process.wait(20)
        raise AssertionError("no answer")
    (note,) = failed.value.__notes__
    assert told in note
    assert "out of chairs" in note
