"""A tone model from an ONNX file, such as a wav2vec2 or emotion2vec network with a head for emotion.

Beside `MODEL.onnx` lies `MODEL.json`, which says what the network hears and what its numbers mean. Its keys are the
attributes of `prosody.sidecar.Sidecar`. Nothing is guessed: a network whose file, shapes or numbers are
not what the sidecar says is refused when it is loaded, by running it once.

Such a network hears the sound itself, not the caller's normal, and says the same of the same sound every time.
"""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from scipy.signal import resample_poly

from prosody.fusion import PLANE
from prosody.sidecar import Meaning, Normalisation, Sidecar
from prosody.types import ToneInput, ToneRating
from voice.contracts.audio import SAMPLE_RATE, Pcm, to_s
from voice.contracts.errors import ModelCorruptError, ModelError, ModelMissingError

_FIRST_RUN_S: Final = 1.0
_QUIET: Final = 1e-3

Array = NDArray[np.float32]


class OnnxToneModel:
    """A loaded network; shared by all calls, used from any thread. Runs on one thread of its own caller."""

    def __init__(self, session: onnxruntime.InferenceSession, sidecar: Sidecar, name: str, fixed: int | None) -> None:
        self._session = session
        self._sidecar = sidecar
        self._name = name
        self._fixed = fixed

    @classmethod
    def load(cls, path: Path) -> Self:
        """Load a network and its sidecar, and run it once.

        Args:
            path: the ONNX file; the sidecar has the same name with `.json`.

        Raises:
            ModelMissingError: one of the two files is not there.
            ModelCorruptError: the network cannot be loaded, or is not what the sidecar says.
        """
        sidecar = Sidecar.read(path.with_suffix(".json"))
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ModelMissingError(f"Expected an ONNX tone model at {path}; {error.strerror}.") from error
        options = onnxruntime.SessionOptions()
        # Many calls share the machine; one utterance that takes all cores would hold up their recognition.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 4
        try:
            session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises a dozen unrelated classes, some of them bare RuntimeError
            raise ModelCorruptError(f"The tone model at {path} cannot be loaded: {error}") from error
        model = cls(session, sidecar, f"{sidecar.name}/{digest[:8]}", _check_graph(session, sidecar, path))
        model._try_out(path)
        return model

    @property
    def name(self) -> str:
        """The sidecar's name and the beginning of the file's SHA-256."""
        return self._name

    @property
    def licence(self) -> str:
        """As the sidecar states it."""
        return self._sidecar.licence

    def rate(self, utterance: ToneInput) -> ToneRating | None:
        """Judge an utterance by its last `longest_s` seconds; None without a voice or below `shortest_s`.

        Raises:
            ModelError: the network failed, or answered with something else than finite numbers of the right shape.
        """
        if utterance.features.f0_median_hz is None or to_s(len(utterance.pcm)) < self._sidecar.shortest_s:
            return None
        return self._read(self._run(utterance.pcm))

    def _run(self, pcm: Pcm) -> Array:
        """One run of the network; the numbers of the sidecar's order.

        Raises:
            ModelError: as `rate`.
        """
        heard = _prepare(pcm, self._sidecar, self._fixed)
        try:
            (answer,) = self._session.run([self._sidecar.output], {self._sidecar.input: heard})
        except Exception as error:  # as above: no common base
            raise ModelError(f"The tone model {self._name} failed: {error}") from error
        expected = len(self._sidecar.order)
        if not isinstance(answer, np.ndarray) or answer.size != expected:
            shape = getattr(answer, "shape", type(answer).__name__)
            raise ModelError(f"The tone model {self._name} is expected to answer {expected} numbers; got {shape}.")
        numbers = np.asarray(answer, np.float32).reshape(-1)
        if not np.isfinite(numbers).all():
            raise ModelError(f"The tone model {self._name} answered NaN or infinity.")
        return numbers

    def _try_out(self, path: Path) -> None:
        """Run on a second of quiet noise, so that a network that cannot work is refused before the first call."""
        seconds = max(_FIRST_RUN_S, self._sidecar.shortest_s)
        noise = np.random.default_rng(0).standard_normal(round(seconds * SAMPLE_RATE)) * _QUIET
        try:
            self._read(self._run(noise.astype(np.float32)))
        except ModelError as error:
            raise ModelCorruptError(f"The tone model at {path} was tried out and does not work. {error}") from error

    def _read(self, numbers: Array) -> ToneRating:
        """The network's numbers as a rating."""
        sidecar = self._sidecar
        if sidecar.meaning is Meaning.DIMENSIONS:
            found = dict(zip(sidecar.order, (float(number) for number in numbers), strict=True))
            arousal, valence = (
                _stretch(found[name], sidecar.range, sidecar.neutral) if name in found else None
                for name in ("arousal", "valence")
            )
            return ToneRating(arousal, valence, sidecar.confidence, self._name)
        probabilities = _softmax(numbers / sidecar.temperature) if sidecar.is_logits else numbers.astype(np.float64)
        total = float(probabilities.sum())
        if (probabilities < 0).any() or not math.isclose(total, 1.0, abs_tol=0.01):
            raise ModelError(
                f"The tone model {self._name} is expected to answer probabilities that add up to 1; they add up to "
                f"{total:.3f}.",
                fix='If these are logits, say `"is_logits": true` in the sidecar.',
            )
        places = np.array([PLANE[sidecar.classes[name]] for name in sidecar.order])
        arousal, valence = (float(np.clip(value, -1, 1)) for value in probabilities @ places / total)
        raised = places[:, 0] > _RAISED
        confidence = float(probabilities[raised == (arousal > _RAISED)].sum() / total)
        return ToneRating(arousal, valence, min(1.0, confidence), self._name)


_RAISED: Final = 0.3
"""Arousal above which a place on the plane counts as aroused; halfway between neutral and anger."""


def _check_graph(session: onnxruntime.InferenceSession, sidecar: Sidecar, path: Path) -> int | None:
    """Names and input shape; answers the fixed number of samples, None where any will do."""
    inputs: dict[str, Any] = {entry.name: entry for entry in session.get_inputs()}
    outputs = [entry.name for entry in session.get_outputs()]
    if list(inputs) != [sidecar.input]:
        raise ModelCorruptError(f"Expected one input {sidecar.input} in {path}; it has {', '.join(inputs) or 'none'}.")
    if sidecar.output not in outputs:
        raise ModelCorruptError(f"Expected an output {sidecar.output} in {path}; it has {', '.join(outputs)}.")
    entry = inputs[sidecar.input]
    shape = list(entry.shape)
    batch = shape[0] if shape else None
    if entry.type != "tensor(float)" or len(shape) != 2 or (isinstance(batch, int) and batch != 1):
        raise ModelCorruptError(
            f"Expected {path} to hear float samples of shape (1, n); its input is {entry.type} of shape {shape}."
        )
    length = shape[1]
    if not isinstance(length, int):
        return None
    if length != sidecar.longest:
        raise ModelCorruptError(
            f"{path} hears exactly {length} samples, its sidecar says {sidecar.longest} ({sidecar.longest_s} s).",
            fix=f'Say `"longest_s": {length / sidecar.sampling_rate:g}`.',
        )
    return length


def _prepare(pcm: Pcm, sidecar: Sidecar, fixed: int | None) -> Array:
    """The end of an utterance as the network wants it, shape (1, n); what is too short for a fixed n gets silence."""
    heard = pcm[-round(sidecar.longest_s * SAMPLE_RATE) :].astype(np.float64)
    if sidecar.sampling_rate != SAMPLE_RATE:
        heard = resample_poly(heard, 1, SAMPLE_RATE // sidecar.sampling_rate)
    heard = heard[-sidecar.longest :]
    if sidecar.normalisation is Normalisation.UNIT_VARIANCE:
        heard = (heard - heard.mean()) / math.sqrt(float(heard.var()) + 1e-7)
    elif sidecar.normalisation is Normalisation.PEAK:
        heard = heard / max(float(np.abs(heard).max()), 1e-7)
    if fixed is not None:
        heard = np.pad(heard, (0, fixed - len(heard)))
    return heard.astype(np.float32)[None, :]


def _stretch(value: float, limits: tuple[float, float], neutral: float) -> float:
    """From the network's range to [-1, 1], its neutral point to 0; what lies outside is clipped."""
    low, high = limits
    scaled = (value - neutral) / (high - neutral if value >= neutral else neutral - low)
    return max(-1.0, min(1.0, scaled))


def _softmax(logits: Array) -> NDArray[np.float64]:
    powers = np.exp(logits.astype(np.float64) - float(logits.max()))
    shares: NDArray[np.float64] = powers / powers.sum()
    return shares
