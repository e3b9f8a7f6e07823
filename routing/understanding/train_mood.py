"""Training the mood model: `python -m routing.understanding.train_mood [FOLDER_OF_MODELS]`.

Each file of `data/mood` is one author. Figures are with every author held out in turn, so that they say what is to be
expected of callers whose words nobody has seen. Needs scikit-learn and the sentence encoder; hashed pieces
know no meanings, and a judgement over them called greetings complaints.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.document import read_file
from routing.understanding.embedder import Embedder, blank_once
from routing.understanding.heard import Heard, hear
from routing.understanding.lexicon import LANGUAGES, Lexicon, load_lexicon
from routing.understanding.mood import FORMAT, MODEL, weigh
from routing.understanding.sentence_encoder import MODEL_NAME, SentenceEncoder
from routing.understanding.sentiment import Sentiment, read_sentiment
from routing.understanding.taxonomy import DATA
from routing.understanding.turn import mask
from routing.understanding.utterances import read_utterances
from voice.contracts.errors import UnderstandingDataError

INVERSE_PENALTY: Final = 30.0
"""Chosen with authors held out; a tenth and ten times as much cost one to four points of F1."""

SHIFT: Final = -0.5
"""How far log odds are moved, because most turns complain of nothing and a false alarm costs their callers the AI.

Chosen with `CALM_WEIGHT` on authors held out and on the utterances of `data/utterances` that are no complaint, groups
held out. Without those utterances -0.75 gave F1 0.92 (zh) and 0.95 (en) and took 12.9 % of them for discontent; with
them -0.75, -0.5 and -0.25 give 0.91, 0.92 and 0.93 (zh), 0.95 (en), and take 8.1, 9.6 and 11.1 %. Half of what is left
has words that say so, and a part of it is discontent.
"""

CALM_WEIGHT: Final = 0.1
"""Weight of an utterance of the intents without a word of discontent, as one of no discontent.

None of them were labelled for this, and some complain. 0.15 costs Mandarin authors as much recall as 0.1 saves callers.
"""

ALARM_INVERSE_PENALTY: Final = 10.0
ORDINARY_WEIGHT: Final = 0.3
"""Weight of an utterance of the intents, none of which were labelled for this, beside one that was.

Complaints count as threats where their words say so, and are left out where not.
"""

_TEXTS: Final = {"type": "array", "minItems": 1, "maxItems": 5000, "items": {"type": "string", "minLength": 1}}
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["negative", "neutral"],
    "properties": {"negative": _TEXTS, "escalate": _TEXTS, "neutral": _TEXTS},
}


@dataclass(frozen=True, slots=True)
class Said:
    """One labelled utterance."""

    author: str
    text: str
    negative: bool
    escalate: bool


@dataclass(frozen=True, slots=True)
class Ordinary:
    """An utterance of the intents, judged by its words: nobody labelled its mood."""

    heard: Heard
    negative: bool
    escalate: bool


def read_said(folder: Path = DATA) -> tuple[Said, ...]:
    """All labelled utterances, in order of their files.

    Raises:
        UnderstandingDataError: a file is not valid; names line and field.
    """
    said: list[Said] = []
    for path in sorted((folder / "mood").glob("*.yaml")):
        document = read_file(path, error=UnderstandingDataError)
        document.check(SCHEMA)
        for kind, texts in document.data.items():
            said += [Said(path.stem, text, kind != "neutral", kind == "escalate") for text in texts]
    if not said:
        raise UnderstandingDataError("mood: expected files with labelled utterances; there are none.")
    return tuple(said)


def fit_alarm(
    vectors: NDArray[np.float64], escalate: Sequence[bool], weights: Sequence[float]
) -> tuple[NDArray[np.float64], float]:
    """Weights, shape (size,), and bias of a judgement whether a sentence has to bring a person at once."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  only training needs it

    centre = vectors.mean(axis=0)
    model = LogisticRegression(C=ALARM_INVERSE_PENALTY, max_iter=3000)
    model.fit(vectors - centre, list(escalate), sample_weight=list(weights))
    found: NDArray[np.float64] = model.coef_[0]
    return found, float(model.intercept_[0] - centre @ found)


def fit(
    vectors: NDArray[np.float64], negative: Sequence[bool], calm: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Weights, shape (size,), and bias of a logistic regression over centred vectors.

    Args:
        vectors: of labelled utterances, shape (utterances, size).
        negative: whether each expresses discontent.
        calm: of utterances that likely do not, shape (others, size).
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  only training needs it

    together = np.vstack([vectors, calm])
    centre = together.mean(axis=0)
    model = LogisticRegression(C=INVERSE_PENALTY, max_iter=3000).fit(
        together - centre,
        [*negative, *[False] * len(calm)],
        sample_weight=[*[1.0] * len(vectors), *[CALM_WEIGHT] * len(calm)],
    )
    weights: NDArray[np.float64] = model.coef_[0]
    return weights, float(model.intercept_[0] - centre @ weights)


def hold_out(said: Sequence[Said], vectors: NDArray[np.float64], calm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability of discontent of every utterance, by a model that has seen no other of its author."""
    found = np.zeros(len(said))
    authors = np.array([one.author for one in said])
    negative = np.array([one.negative for one in said])
    for author in sorted({one.author for one in said}):
        unseen = authors == author
        weights, bias = fit(vectors[~unseen], negative[~unseen], calm)
        found[unseen] = 1 / (1 + np.exp(-(vectors[unseen] @ weights + bias)))
    return found


def score(found: Sequence[bool], there: Sequence[bool]) -> dict[str, float]:
    """Precision, recall and F1."""
    hits = sum(one and other for one, other in zip(found, there, strict=True))
    return {
        "precision": round(hits / max(1, sum(found)), 4),
        "recall": round(hits / max(1, sum(there)), 4),
        "f1": round(2 * hits / max(1, sum(found) + sum(there)), 4),
    }


def shifted(chances: NDArray[np.float64], shift: float) -> NDArray[np.float64]:
    """Probabilities whose log odds are moved."""
    odds = np.log(np.clip(chances, 1e-9, 1 - 1e-9) / np.clip(1 - chances, 1e-9, 1))
    moved: NDArray[np.float64] = 1 / (1 + np.exp(-(odds + shift)))
    return moved


def measure(said: Sequence[Said], moods: Sequence[Sentiment], chances: NDArray[np.float64]) -> dict[str, Any]:
    """Figures by language and by author: words alone, meaning alone, both."""
    judged = {
        "words": [mood.negative for mood in moods],
        "meaning": [bool(chance >= 0.5) for chance in chances],
        "both": [weigh(mood, float(chance)).negative for mood, chance in zip(moods, chances, strict=True)],
    }
    groups = {language: [one.author.startswith(language) for one in said] for language in LANGUAGES}
    groups |= {author: [one.author == author for one in said] for author in sorted({one.author for one in said})}
    return {
        group: {
            name: score(
                [each for each, take in zip(found, member, strict=True) if take],
                [one.negative for one, take in zip(said, member, strict=True) if take],
            )
            for name, found in judged.items()
        }
        for group, member in groups.items()
    }


def read_ordinary(folder: Path, lexicons: tuple[Lexicon, ...]) -> tuple[Ordinary, ...]:
    """Utterances of the intents; complaints whose words do not escalate are left out."""
    found: list[Ordinary] = []
    for one in read_utterances(folder):
        heard = hear(one.text)
        mood = read_sentiment(heard, lexicons)
        complaint = one.label == "complaint"
        if mood.escalate or not complaint:
            found.append(Ordinary(heard, complaint or mood.negative, complaint and mood.escalate))
    return tuple(found)


def train(embedders: Sequence[Embedder], folder: Path = DATA) -> dict[str, Any]:
    """The model as it is stored."""
    said = read_said(folder)
    lexicons = tuple(load_lexicon(language) for language in LANGUAGES)
    heard = [hear(one.text) for one in said]
    moods = [read_sentiment(each, lexicons) for each in heard]
    texts = [blank_once(mask(each, lexicons)) for each in heard]
    ordinary = read_ordinary(folder, lexicons)
    heads, alarms, metrics = {}, {}, {}
    for embedder in embedders:
        vectors = np.array([embedder.embed(text) for text in texts], dtype=np.float64)
        others = np.array([embedder.embed(blank_once(mask(one.heard, lexicons))) for one in ordinary], np.float64)
        calm = others[[not one.negative for one in ordinary]]
        weights, bias = fit(vectors, [one.negative for one in said], calm)
        chances = hold_out(said, vectors, calm)
        heads[embedder.name] = {
            "weights": [round(float(weight), 4) for weight in weights],
            "bias": round(bias + SHIFT, 4),
        }
        alarm, at = fit_alarm(
            np.vstack([vectors, others]),
            [*(one.escalate for one in said), *(one.escalate for one in ordinary)],
            [*[1.0] * len(said), *[ORDINARY_WEIGHT] * len(ordinary)],
        )
        alarms[embedder.name] = {"weights": [round(float(weight), 4) for weight in alarm], "bias": round(at, 4)}
        metrics[embedder.name] = measure(said, moods, shifted(chances, SHIFT)) | {"shift": SHIFT}
    digest = hashlib.sha256("\n".join(f"{one.author} {one.negative} {one.text}" for one in said).encode()).hexdigest()
    return {"format": FORMAT, "version": f"mood-2+{digest[:8]}", "metrics": metrics, "heads": heads, "alarms": alarms}


def main() -> None:
    """Train, print the figures, and store the model."""
    models = Path(sys.argv[1] if len(sys.argv) > 1 else "models")
    stored = train([SentenceEncoder.load(models / MODEL_NAME)])
    sys.stdout.write(json.dumps(stored["metrics"], ensure_ascii=False, indent=1) + "\n")
    MODEL.write_text(json.dumps(stored, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
