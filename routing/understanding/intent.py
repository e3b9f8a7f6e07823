"""What a turn is about: linear classifiers over pieces and over a sentence's vector, with calibrated confidence.

Two experts share a decision: one over pieces of characters, sounds and words, which survives homophones; one over the
vector of a sentence encoder, which knows what words mean. Their logits are added. Without the encoder the first one
decides alone, with temperature and threshold of its own.

Training needs scikit-learn (`routing.understanding.train`); recognizing needs numpy and the stored artefact only.
"""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.understanding.embedder import Vector
from routing.understanding.features import count_features
from routing.understanding.heard import Heard
from routing.understanding.utterances import UNKNOWN
from voice.contracts.errors import ModelCorruptError, ModelMissingError

MODEL: Final = Path(__file__).parent / "model" / "intent.npz"
"""The artefact that ships; made by `python -m routing.understanding.train`."""

FORMAT: Final = 2
MAX_FEATURES: Final = 200_000


@dataclass(frozen=True, slots=True)
class Intent:
    """What a turn is about.

    Attributes:
        label: one of the taxonomy's labels, or `unknown`.
        confidence: calibrated probability of the label, [0, 1]; for a rejected turn, of the best label it did not get.
        model_version: version of the model and of its data.
        best: the most probable label of the taxonomy, rejected or not; empty where nothing known was said.
        best_confidence: its probability among the labels of the taxonomy, [0, 1].
    """

    label: str
    confidence: float
    model_version: str
    best: str = field(default="", compare=False)
    best_confidence: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True, eq=False)
class VectorExpert:
    """The expert over sentence vectors.

    Attributes:
        embedder: name of the vectors it was trained on.
        weights: shape (d, k), float32.
        bias: shape (k,), float32.
        share: what its logits are multiplied by before they are added.
    """

    embedder: str
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    share: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How logits become confidence, by language: temperatures (Guo et al. 2017), and when a turn is `unknown`."""

    temperatures: Mapping[str, float]
    reject_below: Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class IntentModel:
    """The classifier.

    Attributes:
        version: for example `intent-2+2f1c7b90`: format, and hash of the training data.
        labels: classes, shape (k,).
        vocabulary: feature to row.
        weights: shape (n, k), float32.
        idf: inverse document frequencies, shape (n,), float32; a feature counts by them before the length norm.
        bias: shape (k,), float32.
        expert: over sentence vectors; None where it was trained without.
        alone: calibration without vectors.
        together: calibration with them.
        data_hash: SHA-256 over the training data.
        groups: groups of the training data and a hash of each.
        metrics: held-out figures, as the training printed them.
    """

    version: str
    labels: tuple[str, ...]
    vocabulary: Mapping[str, int]
    weights: NDArray[np.float32]
    idf: NDArray[np.float32]
    bias: NDArray[np.float32]
    expert: VectorExpert | None
    alone: Calibration
    together: Calibration
    data_hash: str
    groups: Mapping[str, str]
    metrics: Mapping[str, Any]

    def recognize(self, heard: Heard, vector: Vector | None = None) -> Intent:
        """The intent of a turn.

        Args:
            heard: what was said.
            vector: of the embedder that `expert` names; None decides without.
        """
        logits = self.logits(count_features(heard))
        if logits is None:
            return Intent(UNKNOWN, 0.0, self.version)
        calibration = self.alone
        if vector is not None and self.expert is not None:
            calibration = self.together
            logits = logits + np.float32(self.expert.share) * (vector @ self.expert.weights + self.expert.bias)
        language = "zh" if heard.has_han else "en"
        scaled = logits / calibration.temperatures[language]
        probabilities = np.exp(scaled - scaled.max())
        probabilities /= probabilities.sum()
        place = int(probabilities.argmax())
        confidence = round(float(probabilities[place]), 4)
        named = [number for number, label in enumerate(self.labels) if label != UNKNOWN]
        best = max(named, key=lambda number: float(probabilities[number]))
        share = round(float(probabilities[best] / probabilities[named].sum()), 4)
        rejected = confidence < calibration.reject_below[language]
        label = UNKNOWN if rejected else self.labels[place]
        return Intent(label, confidence, self.version, self.labels[best], share)

    def logits(self, features: Counter[str]) -> NDArray[np.float32] | None:
        """Scores by class for counted features, sublinear tf-idf of unit length; None where no feature is known."""
        known = [(self.vocabulary[name], count) for name, count in features.items() if name in self.vocabulary]
        if not known:
            return None
        rows = np.array([row for row, _ in known])
        values = (1 + np.log(np.array([count for _, count in known], dtype=np.float32))) * self.idf[rows]
        values /= np.sqrt((values * values).sum())
        scores: NDArray[np.float32] = values @ self.weights[rows] + self.bias
        return scores


@cache
def load_model(path: Path = MODEL) -> IntentModel:
    """Load the artefact; a few milliseconds.

    Raises:
        ModelMissingError: there is none.
        ModelCorruptError: it is not what the training writes.
    """
    fix = "Run `warmline train intent`; for the one that ships, `python -m routing.understanding.train`."
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            head = json.loads(stored["head"].tobytes())
            names = stored["features"].tobytes().decode().split("\n")
            arrays = {
                name: stored[name].astype(np.float32)
                for name in ("weights", "idf", "bias", "vector_weights", "vector_bias")
            }
        return _assemble(head, names, arrays)
    except FileNotFoundError:
        raise ModelMissingError(f"{path.name}: expected the intent model; there is no such file.", fix=fix) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as broken:
        raise ModelCorruptError(
            f"{path.name}: expected the intent model; it cannot be read ({broken}).", fix=fix
        ) from None


def _assemble(head: dict[str, Any], names: list[str], arrays: dict[str, NDArray[np.float32]]) -> IntentModel:
    if head.get("format") != FORMAT:
        raise ValueError(f"expected format {FORMAT}; got {head.get('format')!r}")
    labels = tuple(head["labels"])
    rows, classes = len(names), len(labels)
    vector_weights = arrays["vector_weights"]
    fits = (
        arrays["weights"].shape == (rows, classes)
        and arrays["idf"].shape == (rows,)
        and arrays["bias"].shape == arrays["vector_bias"].shape == (classes,)
        and vector_weights.ndim == 2
        and vector_weights.shape[1] == classes
        and 0 < rows <= MAX_FEATURES
        and all(np.isfinite(values).all() for values in arrays.values())
    )
    if not fits:
        raise ValueError("its arrays do not fit together")
    expert = head["expert"]
    return IntentModel(
        version=head["version"],
        labels=labels,
        vocabulary={name: row for row, name in enumerate(names)},
        weights=arrays["weights"],
        idf=arrays["idf"],
        bias=arrays["bias"],
        expert=VectorExpert(expert["embedder"], vector_weights, arrays["vector_bias"], expert["share"])
        if expert
        else None,
        alone=Calibration(**head["alone"]),
        together=Calibration(**head["together"]),
        data_hash=head["data_hash"],
        groups=head["groups"],
        metrics=head["metrics"],
    )
