"""A model that memory does not suffice for: told as that, by every engine, and told at once."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from asr.models.memory import demand_memory, free_memory, is_lack_of_memory
from voice.contracts.errors import ModelError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds a process's memory like this")

LOAD = """
    import resource
    from pathlib import Path
    from asr.{engine} import load_{engine}
    from voice.contracts.errors import ModelError

    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    limit = pages * resource.getpagesize() + ({free} << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        load_{engine}(Path({folder!r}))
    except ModelError as error:
        print(error.code, error)
"""


@pytest.mark.model
@pytest.mark.parametrize(
    ("engine", "model", "free"), [("whisper", "whisper-base", 60), ("vosk", "vosk-ko", 60), ("vosk", "vosk-ko", 400)]
)
def test_lack_of_memory_is_not_taken_for_a_damaged_model(
    need_model: Callable[[str], Path], engine: str, model: str, free: int
) -> None:
    script = LOAD.format(engine=engine, free=free, folder=str(need_model(model)))
    told = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.startswith(f"model.error Memory does not suffice for {engine}/{model}.")
    assert "Choose a smaller model" in told.stdout


def test_a_folder_that_weighs_more_than_is_free_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "weights").write_bytes(bytes(3 << 20))
    monkeypatch.setattr("asr.models.memory.free_memory", lambda: 5 << 20)
    demand_memory("vosk/x", tmp_path)
    with pytest.raises(ModelError, match=r"takes about 6 MiB; 5 MiB are free") as refused:
        demand_memory("vosk/x", tmp_path, times=2)
    assert refused.value.fix
    monkeypatch.setattr("asr.models.memory.free_memory", lambda: None)
    demand_memory("vosk/x", tmp_path, times=2)


def test_there_is_memory_here() -> None:
    free = free_memory()
    assert free is not None
    assert 50 << 20 < free < 1 << 45


@pytest.mark.parametrize(
    ("error", "lacks"),
    [
        (MemoryError(), True),
        (RuntimeError("mkl_malloc: failed to allocate memory"), True),
        (RuntimeError("std::bad_alloc"), True),
        (RuntimeError("File model.bin is incomplete"), False),
    ],
)
def test_lack_of_memory_is_told_from_the_message(error: Exception, *, lacks: bool) -> None:
    assert is_lack_of_memory(error) is lacks
