"""Smart Turn v3: a small network that hears from the sound of an utterance whether its speaker has finished.

Pipecat's Smart Turn v3.2 (BSD-2-Clause) is the encoder of Whisper tiny with a classifier on top, quantised to int8. It
hears the last eight seconds up to the pause, padded with silence in front, scaled to zero mean and unit variance as a
whole, as Whisper's log-mel spectrum of 800 frames; it answers one probability. The weights do not ship:
`warmline models pull smart-turn` fetches them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Self

import numpy as np
import onnxruntime

from voice.audio.mel import BINS, HOP, log_mel
from voice.contracts.audio import Pcm, Samples, from_s
from voice.contracts.errors import FrameError, ModelCorruptError, ModelMissingError

HEARD: Final[Samples] = from_s(8)
"""What the network hears: the last eight seconds."""

MODEL_NAME: Final = "smart-turn"
"""Its name in the catalogue, and of its folder."""

MODEL_FILE: Final = "smart-turn-v3.2-cpu.onnx"
"""Its file in that folder."""

_FRAMES: Final = HEARD // HOP
_LEAST_VARIANCE: Final = np.float32(1e-7)
_PULL: Final = f"Fetch it with `warmline models pull {MODEL_NAME}`, or turn the judgement of turns off."


class SmartTurn:
    """The loaded network, without state: one is shared by all calls of a process, from any thread."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name

    @classmethod
    def load(cls, path: Path) -> Self:
        """Load the network; takes about a tenth of a second.

        Args:
            path: the ONNX file, or the folder that holds `MODEL_FILE`.

        Raises:
            ModelMissingError: the file is not there.
            ModelCorruptError: the file is no network, or another one.
        """
        file = path / MODEL_FILE if path.is_dir() else path
        try:
            data = file.read_bytes()
        except OSError as error:
            raise ModelMissingError(f"Expected the Smart Turn model at {file}; {error.strerror}.", fix=_PULL) from error
        options = onnxruntime.SessionOptions()
        # The recognizers have the cores: a pause is judged beside them, on one thread, and need not be judged fast.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises a dozen unrelated classes, some of them bare RuntimeError
            raise ModelCorruptError(f"The Smart Turn model at {file} cannot be loaded: {error}", fix=_PULL) from error
        takes = [(entry.type, list(entry.shape)[1:]) for entry in session.get_inputs()]
        gives = [(entry.type, list(entry.shape)[1:]) for entry in session.get_outputs()]
        if takes != [("tensor(float)", [BINS, _FRAMES])] or gives != [("tensor(float)", [1])]:
            raise ModelCorruptError(
                f"Expected a Smart Turn network, (n, {BINS}, {_FRAMES}) floats to (n, 1), at {file}; "
                f"it takes {takes} and gives {gives}.",
                fix=_PULL,
            )
        return cls(session)

    def probability(self, pcm: Pcm) -> float:
        """Probability that the speaker has finished, [0, 1]; some tens of milliseconds, so never on an event loop.

        Args:
            pcm: the utterance so far, its pause included, 16 kHz; shape (n,), n > 0. Its last eight seconds count.

        Raises:
            FrameError: no audio, or samples that are not finite.
            ModelCorruptError: the network answers what is no probability.
        """
        if pcm.ndim != 1 or not pcm.size:
            raise FrameError(f"A pause is judged by one row of samples; got shape {pcm.shape}.")
        if not np.isfinite(pcm).all():
            raise FrameError("A pause is judged by finite samples; got NaN or infinity.")
        features = log_mel(_scaled(pcm), _FRAMES)[np.newaxis]
        answer = float(self._session.run(None, {self._input: features})[0][0, 0])
        if not 0.0 <= answer <= 1.0:
            raise ModelCorruptError(f"Expected a probability from the Smart Turn network; it answered {answer}.")
        return answer


def _scaled(pcm: Pcm) -> Pcm:
    """The last eight seconds, silence in front where there is less, at zero mean and unit variance as a whole."""
    heard: Pcm = np.zeros(HEARD, np.float32)
    last = pcm[-HEARD:]
    heard[HEARD - len(last) :] = last
    heard -= heard.mean()
    heard /= np.sqrt(heard.var() + _LEAST_VARIANCE)
    return heard
