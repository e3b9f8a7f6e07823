"""What it would save to run Silero on windows of several calls at once.

The network that ships takes one window at a time. Others of the same package (`silero_vad/data/` of silero-vad 6.2.3)
take any number; one of them is named on the command line. Whoever batches waits for the windows of other calls: up to a
frame (20 ms), because windows of 32 ms end where frames do.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime

from voice.contracts.audio import SAMPLE_RATE
from voice.contracts.errors import ModelCorruptError
from voice.vad.silero import CONTEXT, WINDOW

SIZES: Final = (1, 4, 16, 32)
_RUNS: Final = 100
_ROUNDS: Final = 7


def batch_costs(path: Path) -> Sequence[tuple[int, float]]:
    """Calls at once, and ms of CPU per second of one call's audio; least of several rounds.

    Raises:
        ModelCorruptError: it is no Silero network for any number of windows.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        return [(count, _cost(session, count)) for count in SIZES]
    except Exception as error:  # onnxruntime raises a dozen unrelated classes, some of them bare RuntimeError
        raise ModelCorruptError(
            f"A Silero network that takes several windows was expected at {path}: {error}",
            fix="Take `silero_vad/data/silero_vad_half.onnx` of the package silero-vad 6.2.3.",
        ) from error


def _cost(session: onnxruntime.InferenceSession, count: int) -> float:
    sound = 0.1 * np.random.default_rng(9).standard_normal((count, CONTEXT + WINDOW)).astype(np.float32)
    feed = {"input": sound, "state": np.zeros((2, count, 128), np.float32)}
    if any(entry.name == "sr" for entry in session.get_inputs()):
        feed["sr"] = np.array(SAMPLE_RATE, np.int64)
    best_s = np.inf
    for _ in range(_ROUNDS):
        began_s = time.process_time()
        for _ in range(_RUNS):
            session.run(None, feed)
        best_s = min(best_s, (time.process_time() - began_s) / _RUNS)
    return float(1000 * best_s / count / (WINDOW / SAMPLE_RATE))
