"""The Silero detector: a small recurrent network, run by onnxruntime.

`silero_vad.onnx` is `silero_vad/data/silero_vad_openvino_16k.onnx` of the package silero-vad 6.2.3 (MIT, see
`silero_vad.LICENSE`). Of the variants in that package it is the one for 16 kHz alone, without branches in its graph:
its answers equal those of the general one bit for bit, it costs a fifth less and is half as large.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final, Self

import numpy as np
import onnxruntime

from voice.contracts.audio import FRAME_SAMPLES, Pcm, Samples
from voice.contracts.errors import FrameError, ModelCorruptError, ModelMissingError

WINDOW: Final[Samples] = 512
"""What the network hears at a time: 32 ms."""

CONTEXT: Final[Samples] = 64
"""The end of the window before, put before each window."""

_STATE_SHAPE: Final = (2, 1, 128)
_SHIPPED: Final = Path(__file__).with_name("silero_vad.onnx")
_SHIPPED_SHA256: Final = "7776b81ad1b0350c15d7f1555943b9232eb53e9ca5d989c6d0cea9ebc8664d87"


class SileroModel:
    """The loaded network, without state: one is shared by all detectors of a process, from any thread."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Load the network; takes some tens of milliseconds.

        Args:
            path: the model file; None takes the shipped one and verifies its checksum.

        Raises:
            ModelMissingError: the file is not there.
            ModelCorruptError: the file is not this network.
        """
        file = path or _SHIPPED
        reinstall = "Install Warmline anew: the detector's model is part of it."
        try:
            data = file.read_bytes()
        except OSError as error:
            raise ModelMissingError(
                f"Expected the Silero VAD model at {file}; {error.strerror}.", fix=reinstall
            ) from error
        if path is None and hashlib.sha256(data).hexdigest() != _SHIPPED_SHA256:
            raise ModelCorruptError(f"The Silero VAD model at {file} is not the shipped one.", fix=reinstall)
        options = onnxruntime.SessionOptions()
        # One stream's window is far too small to be worth sharing between threads.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises a dozen unrelated classes, some of them bare RuntimeError
            raise ModelCorruptError(
                f"The Silero VAD model at {file} cannot be loaded: {error}", fix=reinstall
            ) from error
        shapes = {entry.name: list(entry.shape) for entry in session.get_inputs()}
        if shapes != {"input": [1, CONTEXT + WINDOW], "state": list(_STATE_SHAPE)}:
            raise ModelCorruptError(
                f"Expected a Silero VAD network for 16 kHz at {file}; its inputs are {shapes}.",
                fix="Take `silero_vad_openvino_16k.onnx` of the package silero-vad 6.2.3.",
            )
        return cls(session)

    def run(self, window: Pcm, state: Pcm) -> tuple[float, Pcm]:
        """One step of the network.

        Args:
            window: shape (1, 576): 64 samples of context, then 512 new ones.
            state: shape (2, 1, 128), from the step before; zeros at first.

        Returns:
            The probability of speech in [0, 1], and the next state.
        """
        probability, after = self._session.run(None, {"input": window, "state": state})
        return float(probability[0, 0]), after


class SileroVad:
    """Answers, for each frame, the network's probability for the last whole window of 512 samples.

    Windows (32 ms) and frames (20 ms) share no border. A frame gets the probability of the newest window that has ended
    by the frame's end: that window ends 0 to 28 ms before the frame does, so the answer lags by that much. The first
    frame, before any window has ended, gets 0.

    Args:
        model: the loaded network.
    """

    def __init__(self, model: SileroModel) -> None:
        self._model = model
        self._input = np.zeros((1, CONTEXT + WINDOW), np.float32)
        self._filled: Samples = CONTEXT
        self._state: Pcm = np.zeros(_STATE_SHAPE, np.float32)
        self._probability = 0.0

    def probability(self, pcm: Pcm) -> float:
        """Probability of speech in [0, 1].

        Raises:
            FrameError: not 320 samples.
        """
        if pcm.shape != (FRAME_SAMPLES,):
            raise FrameError(f"A detector hears frames of {FRAME_SAMPLES} samples; got shape {pcm.shape}.")
        row = self._input[0]
        first = min(FRAME_SAMPLES, row.size - self._filled)
        row[self._filled : self._filled + first] = pcm[:first]
        self._filled += first
        if self._filled == row.size:
            self._probability, self._state = self._model.run(self._input, self._state)
            row[:CONTEXT] = row[-CONTEXT:]
            # A frame is shorter than a window: its rest never fills a second one.
            self._filled = CONTEXT + FRAME_SAMPLES - first
            row[CONTEXT : self._filled] = pcm[first:]
        return self._probability

    def reset(self) -> None:
        """Forget the past, as if newly made."""
        self._input[:] = 0
        self._filled = CONTEXT
        self._state = np.zeros(_STATE_SHAPE, np.float32)
        self._probability = 0.0
