"""The native libraries of recognition bear each other in one process, whichever part is imported first.

vosk, sherpa-onnx and wetext each bring their own OpenFst, whose registries the loader makes one. With wetext first,
loading vosk never ends; with sherpa-onnx first, wetext corrupts the heap.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

NUMBERS, VOSK, SHERPA, WHISPER = "asr.text.numbers", "asr.vosk", "asr.sherpa", "asr.whisper"


@pytest.mark.parametrize(
    "order",
    [
        (NUMBERS, VOSK, SHERPA, WHISPER),
        (NUMBERS, SHERPA, VOSK),
        (SHERPA, VOSK, NUMBERS),
        (SHERPA, NUMBERS, VOSK),
        (VOSK, NUMBERS, SHERPA),
        (WHISPER, SHERPA, NUMBERS, VOSK),
    ],
    ids=" ".join,
)
def test_parts_load_in_any_order(project: Path, order: tuple[str, ...]) -> None:
    use = "from asr.types import Language; print(asr.text.numbers._normalizer(Language.ZH).normalize('五百'))"
    done = subprocess.run(
        [sys.executable, "-c", f"import {', '.join(order)}; {use}"],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.strip() == "500", done.stderr
