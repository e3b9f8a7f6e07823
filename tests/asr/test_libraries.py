"""The native libraries of recognition bear each other in one process, whichever part is imported first.

Vosk carries an OpenFst whose registries the loader joins with those of any other OpenFst: with kaldifst or pynini in
the same process, loading the second never ends or corrupts the heap. So nothing here may bring them.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TEXT, VOSK, SHERPA, WHISPER = "asr.text.writer", "asr.vosk", "asr.sherpa", "asr.whisper"


@pytest.mark.parametrize(
    "order",
    [(TEXT, VOSK, SHERPA, WHISPER), (SHERPA, VOSK, TEXT), (VOSK, TEXT, SHERPA), (WHISPER, SHERPA, TEXT, VOSK)],
    ids=" ".join,
)
def test_parts_load_in_any_order(project: Path, order: tuple[str, ...]) -> None:
    others = "import sys; print(*{'kaldifst', 'pynini', 'pywrapfst'} & set(sys.modules), 'done')"
    done = subprocess.run(
        [sys.executable, "-c", f"import numpy, rapidfuzz, {', '.join(order)}; {others}"],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.strip() == "done", done.stderr
