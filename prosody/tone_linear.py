"""A trained tone model: logistic regression on deviations from the caller's normal, as a file of numbers.

Trained with scikit-learn by `python -m prosody.train_tone`; rating needs neither scikit-learn nor a pickle. It judges
arousal only: what it could learn of valence from sound did not hold for speakers and languages that it had not seen.

It is off unless it is asked for. On the corpus that it was trained on it is better than the rules of `prosody.arousal`,
on others it is not; the figures stand in the file and in the README.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self

from prosody.normal import MEASURES, deviations
from prosody.types import ToneInput, ToneRating
from voice.contracts.errors import ModelCorruptError, ModelMissingError

MODEL: Final = Path(__file__).with_name("tone_linear.json")
"""The model that ships."""

FORMAT: Final = 1
LARGEST_Z: Final = 3.0
"""A deviation beyond this says no more (and may be an octave error)."""

ACTIVATION: Final = 0.45
"""Arousal at which the speaker is as likely aroused as not; that of `prosody.arousal`, so that both have one scale."""

_RETRAIN: Final = "Run `python -m prosody.train_tone`."


@dataclass(frozen=True, slots=True)
class LinearToneModel:
    """The model.

    Attributes:
        name: for example `tone-linear/3f2a91c0`: kind, and the beginning of `data_sha256`.
        weights: by measure, for deviations in units of what would be expected; arousal is tanh of the weighted sum.
        steepness: of the logistic curve that says how likely the speaker is aroused, per unit of the weighted sum.
        data_sha256: over the labels and the audio that it was trained on.
        metrics: what the training measured, with the speakers of each fold unseen.
    """

    name: str
    weights: Mapping[str, float]
    steepness: float
    data_sha256: str
    metrics: Mapping[str, float]

    @classmethod
    def load(cls, path: Path = MODEL) -> Self:
        """Load the file of numbers.

        Raises:
            ModelMissingError: there is none.
            ModelCorruptError: it is not what the training writes.
        """
        try:
            document = json.loads(path.read_bytes())
        except OSError as error:
            raise ModelMissingError(f"Expected a tone model at {path}; {error.strerror}.", fix=_RETRAIN) from error
        except ValueError as error:
            raise ModelCorruptError(f"{path} is not JSON: {error}.", fix=_RETRAIN) from error
        try:
            return cls.of(document)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelCorruptError(
                f"{path} is not a tone model of format {FORMAT}: {error!r}.", fix=_RETRAIN
            ) from error

    @classmethod
    def of(cls, document: Any) -> Self:
        """From a training's document; raises KeyError, TypeError, ValueError or AttributeError for what is none."""
        if document["format"] != FORMAT:
            raise ValueError(f"format {document['format']}")
        weights = {str(name): float(weight) for name, weight in document["weights"].items()}
        unknown = set(weights) - {measure.name for measure in MEASURES}
        steepness, digest = float(document["steepness"]), str(document["data_sha256"])
        numbers = [*weights.values(), steepness]
        if unknown or not weights or not all(map(math.isfinite, numbers)) or steepness <= 0 or len(digest) != 64:
            raise ValueError(f"unknown measures {sorted(unknown)}, or numbers that are none")
        metrics = {str(name): float(value) for name, value in document["metrics"].items()}
        name = f"tone-linear/{digest[:8]}"
        return cls(name, MappingProxyType(weights), steepness, digest, MappingProxyType(metrics))

    def rate(self, utterance: ToneInput) -> ToneRating | None:
        """Judge an utterance; None without a voice, and for the first one of an unknown caller."""
        found = deviations(utterance.normal, utterance.features)
        known = [name for name in self.weights if name in found]
        if "f0_median" not in known:
            return None
        total = sum(self.weights[name] * max(-LARGEST_Z, min(LARGEST_Z, found[name].z)) for name in known)
        size = sum(abs(self.weights[name]) for name in known)
        sharpness = sum(abs(self.weights[name]) * found[name].sharpness for name in known) / size
        likely = 1 / (1 + math.exp(-self.steepness * (max(total, 0.0) - math.atanh(ACTIVATION) * sharpness)))
        return ToneRating(math.tanh(total), None, max(likely, 1 - likely), self.name)
