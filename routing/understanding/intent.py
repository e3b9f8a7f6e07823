"""What a turn is about: a linear classifier over character, sound and word pieces, with calibrated confidence.

Training needs scikit-learn (`routing.understanding.train`); recognizing needs numpy and the stored artefact only.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.understanding.features import count_features
from routing.understanding.heard import Heard
from routing.understanding.taxonomy import DATA
from voice.contracts.errors import ModelCorruptError, ModelMissingError

UNKNOWN: Final = "unknown"
"""The label of a turn that names no need, or none that the classifier is sure of."""

MODEL: Final = Path(__file__).parent / "model" / "intent.npz"
"""The artefact that ships; made by `python -m routing.understanding.train`."""

FORMAT: Final = 1
MAX_FEATURES: Final = 200_000


@dataclass(frozen=True, slots=True)
class Intent:
    """What a turn is about.

    Attributes:
        label: one of the taxonomy's labels, or `unknown`.
        confidence: calibrated probability of the label, [0, 1]; for a rejected turn, of the best label it did not get.
        model_version: version of the model and of its data.
    """

    label: str
    confidence: float
    model_version: str


@dataclass(frozen=True, slots=True, eq=False)
class IntentModel:
    """The classifier.

    Attributes:
        version: for example `ngram-1+2f1c7b90`: kind, and hash of the training data.
        labels: classes, shape (k,).
        vocabulary: feature to row.
        weights: shape (n, k), float32; the inverse document frequency is multiplied in.
        idf: shape (n,), float32, for the length norm.
        bias: shape (k,), float32.
        temperatures: by language; logits are divided by it before the softmax (Guo et al. 2017).
        reject_below: by language; confidence under which a turn is `unknown`.
        data_hash: SHA-256 over the training data.
        metrics: cross-validated figures, as the training printed them.
    """

    version: str
    labels: tuple[str, ...]
    vocabulary: Mapping[str, int]
    weights: NDArray[np.float32]
    idf: NDArray[np.float32]
    bias: NDArray[np.float32]
    temperatures: Mapping[str, float]
    reject_below: Mapping[str, float]
    data_hash: str
    metrics: Mapping[str, Any]

    def recognize(self, heard: Heard) -> Intent:
        """The intent of a turn."""
        language = "zh" if heard.has_han else "en"
        logits = self.logits(count_features(heard))
        if logits is None:
            return Intent(UNKNOWN, 0.0, self.version)
        scaled = logits / self.temperatures[language]
        probabilities = np.exp(scaled - scaled.max())
        probabilities /= probabilities.sum()
        best = int(probabilities.argmax())
        confidence = round(float(probabilities[best]), 4)
        rejected = confidence < self.reject_below[language]
        return Intent(UNKNOWN if rejected else self.labels[best], confidence, self.version)

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
    fix = "Run `python -m routing.understanding.train`."
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            head = json.loads(stored["head"].tobytes())
            names = stored["features"].tobytes().decode().split("\n")
            weights = stored["weights"].astype(np.float32)
            idf = stored["idf"].astype(np.float32)
            bias = stored["bias"].astype(np.float32)
    except FileNotFoundError:
        raise ModelMissingError(f"{path.name}: expected the intent model; there is no such file.", fix=fix) from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as broken:
        raise ModelCorruptError(
            f"{path.name}: expected the intent model; it cannot be read ({broken}).", fix=fix
        ) from None
    labels = tuple(head.get("labels", ()))
    fits = weights.shape == (len(names), len(labels)) and idf.shape == (len(names),) and bias.shape == (len(labels),)
    if head.get("format") != FORMAT or not fits or not 0 < len(names) <= MAX_FEATURES:
        raise ModelCorruptError(f"{path.name}: expected format {FORMAT} with fitting shapes; got another.", fix=fix)
    return IntentModel(
        version=head["version"],
        labels=labels,
        vocabulary={name: row for row, name in enumerate(names)},
        weights=weights,
        idf=idf,
        bias=bias,
        temperatures=head["temperatures"],
        reject_below=head["reject_below"],
        data_hash=head["data_hash"],
        metrics=head["metrics"],
    )


def hash_data(folder: Path = DATA) -> str:
    """SHA-256 over everything the model is trained from: utterances, intents, lexicons (they mask what is denied)."""
    digest = hashlib.sha256()
    names = ["intents.yaml", "lexicon-zh.yaml", "lexicon-en.yaml", "concepts.yaml", "syllables.txt"]
    for path in [*sorted((folder / "utterances").glob("*.yaml")), *(folder / name for name in names)]:
        digest.update(f"{path.name}\n".encode())
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()
