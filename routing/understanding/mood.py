"""Discontent by meaning: a linear judgement over a sentence's vector, beside the words that give it away.

Words and ways of complaining are found wherever they stand and can be shown; a caller who complains in words of their
own (我这把年纪了让我跑四趟) is told by the likeness of the whole sentence to others. Trained by
`python -m routing.understanding.train_mood` on utterances of this project.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from routing.understanding.embedder import Vector
from routing.understanding.sentiment import NEGATIVE_FROM, Sentiment
from voice.contracts.errors import ModelCorruptError, ModelMissingError

MODEL: Final = Path(__file__).parent / "model" / "mood.json"
FORMAT: Final = 2

SURE: Final = 0.6
"""Probability from which a sentence without a telling word counts as discontent."""

UNLIKELY: Final = 0.05
"""Probability under which a way of complaining alone, without a word of the lexicons, is not believed.

With authors held out 0, 0.05 and 0.1 give F1 0.928, 0.926 and 0.916 (zh), 0.945, 0.948 and 0.951 (en), and take 11.0,
9.9 and 9.2 % of ordinary turns for discontent.
"""

MOST: Final = 0.6
"""Strength that meaning alone can give: no more than one clear word does, so that it never decides like a threat."""


ALARMED: Final = 0.5
"""Probability from which a sentence of discontent brings a person at once, without a word that does.

A threat that is missed costs more than a person too many. Of the 160 threats of the labelled sets c, d, h and i, which
train nothing, 0.7, 0.6, 0.5 and 0.4 find 83, 103, 120 and 124 without any word; of the nine that words missed when h
was new, 1, 5, 5 and 5. With authors and groups held out, words and alarm together wrongly take 5, 8, 15 and 24 of 405
complaints for threats, and 2, 2, 4 and 8 of 3 410 ordinary turns (2 of either by words). Asking for less discontent
than `SURE` found no further threat.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A linear judgement over the vectors of one embedder: weights of shape (size,), and bias."""

    weights: Vector
    bias: float


@dataclass(frozen=True, slots=True, eq=False)
class MoodModel:
    """Judges sentences.

    Attributes:
        version: kind, and hash of the training data.
        heads: of discontent, by the name of the embedder whose vectors they judge.
        alarms: of threats and accusations, likewise.
        metrics: figures with every author held out in turn.
    """

    version: str
    heads: Mapping[str, Head]
    alarms: Mapping[str, Head]
    metrics: Mapping[str, Any]

    def judge(self, vector: Vector, embedder: str) -> float | None:
        """Probability that a sentence expresses discontent; None for vectors that no head was trained on."""
        return _chance(self.heads.get(embedder), vector)

    def alarm(self, vector: Vector, embedder: str) -> float | None:
        """Probability that a sentence has to bring a person at once; None likewise."""
        return _chance(self.alarms.get(embedder), vector)


def _chance(head: Head | None, vector: Vector) -> float | None:
    if head is None or head.weights.shape != vector.shape or not vector.any():
        return None
    return float(1 / (1 + np.exp(-float(vector @ head.weights) - head.bias)))


def weigh(sentiment: Sentiment, probability: float | None, alarm: float | None = None) -> Sentiment:
    """What the words say, joined with what the sentence as a whole says.

    Meaning adds where it is sure, and takes back weak guesses that it finds unlikely; words of the lexicons stand.

    Args:
        sentiment: as `read_sentiment` found it.
        probability: of discontent; None where nothing judged it.
        alarm: probability of a threat or accusation; None where nothing judged it. It counts only where the turn is
            one of discontent.
    """
    # Who denies discontent (我不是要投诉) is believed, however alike the sentence is to a complaint.
    denied = sentiment.strength < NEGATIVE_FROM and any(term.negated for term in sentiment.terms)
    if probability is None or denied:
        return sentiment
    if probability >= SURE:
        strength = round(1 - (1 - sentiment.strength) * (1 - MOST * probability), 4)
        # Likeness says less of a mood than words do: half of it moves the curve.
        valence = round(max(-1.0, min(sentiment.valence or 0.0, 0.0) - MOST * probability / 2), 4)
        alarmed = alarm is not None and alarm >= ALARMED
        return replace(sentiment, strength=strength, valence=valence, escalate=sentiment.escalate or alarmed)
    telling = any(term.negative and not term.negated and not term.by_way for term in sentiment.terms)
    if probability < UNLIKELY and not telling and not sentiment.escalate and sentiment.strength >= NEGATIVE_FROM:
        return replace(sentiment, strength=round(sentiment.strength / 2, 4))
    return sentiment


@cache
def load_mood(path: Path = MODEL) -> MoodModel:
    """Load the model.

    Raises:
        ModelMissingError: there is none.
        ModelCorruptError: it is not what the training writes.
    """
    fix = "Run `python -m routing.understanding.train_mood`."
    try:
        return _read(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ModelMissingError(f"{path.name}: expected the mood model; there is no such file.", fix=fix) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as broken:
        raise ModelCorruptError(
            f"{path.name}: expected the mood model of format {FORMAT}; it cannot be read ({broken}).", fix=fix
        ) from None


def _read(stored: Any) -> MoodModel:
    if stored["format"] != FORMAT:
        raise ValueError(f"format {stored['format']!r}")
    return MoodModel(str(stored["version"]), _heads(stored["heads"]), _heads(stored["alarms"]), dict(stored["metrics"]))


def _heads(stored: Any) -> dict[str, Head]:
    heads = {
        str(name): Head(np.array(head["weights"], dtype=np.float32), float(head["bias"]))
        for name, head in stored.items()
    }
    if any(head.weights.ndim != 1 or not np.isfinite(head.weights).all() for head in heads.values()):
        raise ValueError("weights that are no row of numbers")
    return heads
