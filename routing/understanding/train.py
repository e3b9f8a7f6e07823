"""Train the intent classifier from utterances: `warmline train intent`; for the model that ships, run this module.

Deterministic: the same data gives the same artefact. Needs scikit-learn, which recognizing does not. Figures are held
out by group (one author on one field): a model that saw a field's words is not asked about that field.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.understanding.calibration import (
    Labels,
    Logits,
    f1_of,
    fit_temperature,
    judge,
    log_loss,
    reject_threshold,
    softmax,
)
from routing.understanding.embedder import Embedder, blank_once
from routing.understanding.features import count_features
from routing.understanding.heard import hear
from routing.understanding.intent import FORMAT, MODEL
from routing.understanding.lexicon import LANGUAGES, load_lexicon
from routing.understanding.syllable_table import spell_syllables
from routing.understanding.taxonomy import DATA
from routing.understanding.turn import mask
from routing.understanding.utterances import (
    UNKNOWN,
    Utterance,
    hash_data,
    hash_groups,
    read_utterances,
)
from voice.contracts.errors import MissingExtraError, UnderstandingDataError

INVERSE_PENALTY: Final = 10.0
VECTOR_INVERSE_PENALTY: Final = 3.0
"""C of the two logistic regressions; chosen by accuracy held out by group among 3, 10, 30."""

VECTOR_SCALE: Final = 3.0
"""Length of a centred sentence vector beside that of the pieces, which is 1; chosen likewise among 1, 3, 6."""

MIN_DOCUMENTS: Final = 2
"""Utterances that a feature has to occur in."""

SHARES: Final = (0.25, 0.35, 0.5, 0.65, 0.8, 1.0)
"""What the vectors' logits may be multiplied by; the one with the least held-out loss is taken."""

THRESHOLDS: Final = (0.5, 0.45, 0.4, 0.35, 0.3, 0.25, 0.2)

Progress = Callable[[str, int, int], None]


def say_nothing(step: str, of: int, done: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Utterances as the experts see them; `vectors` of shape (n, d), None without an embedder."""

    utterances: tuple[Utterance, ...]
    counted: list[Counter[str]]
    vectors: NDArray[np.float64] | None
    embedder: str

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels that occur, sorted."""
        return tuple(sorted({one.label for one in self.utterances}))


def prepare(utterances: Sequence[Utterance], embedder: Embedder | None, progress: Progress = say_nothing) -> Material:
    """Features of all utterances, what they deny left blank as in `Understander`."""
    lexicons = tuple(load_lexicon(language) for language in LANGUAGES)
    masked = [mask(hear(one.text), lexicons) for one in utterances]
    counted = [count_features(hear(text)) for text in masked]
    vectors = None
    if embedder is not None:
        rows = []
        for number, text in enumerate(masked, start=1):
            rows.append(embedder.embed(blank_once(text)))
            progress("embed", len(masked), number)
        vectors = np.array(rows, np.float64)
    return Material(tuple(utterances), counted, vectors, embedder.name if embedder else "")


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """The fitted expert over pieces; weights before the idf is applied to the input."""

    names: tuple[str, ...]
    idf: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def scores(self, counted: Sequence[Counter[str]]) -> Logits:
        """Logits, shape (len(counted), k)."""
        scored: Logits = _matrix(counted, self.names, self.idf) @ self.weights + self.bias
        return scored


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """The fitted expert over sentence vectors."""

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def scores(self, vectors: NDArray[np.float64]) -> Logits:
        """Logits, shape (len(vectors), k)."""
        scored: Logits = vectors @ self.weights + self.bias
        return scored


def fit_pieces(counted: Sequence[Counter[str]], labels: Sequence[str]) -> Pieces:
    """Fit a multinomial logistic regression on sublinear tf-idf."""
    documents = Counter(name for one in counted for name in one)
    names = tuple(sorted(name for name, count in documents.items() if count >= MIN_DOCUMENTS))
    idf = np.array([np.log((1 + len(counted)) / (1 + documents[name])) + 1 for name in names])
    weights, bias = _regress(_matrix(counted, names, idf), labels, INVERSE_PENALTY)
    return Pieces(names, idf, weights, bias)


def fit_vectors(vectors: NDArray[np.float64], labels: Sequence[str]) -> Vectors:
    """Fit a multinomial logistic regression on centred vectors; centring and scale go into its weights."""
    centre = vectors.mean(axis=0)
    scale = VECTOR_SCALE / np.sqrt(((vectors - centre) ** 2).sum(axis=1).mean())
    weights, bias = _regress((vectors - centre) * scale, labels, VECTOR_INVERSE_PENALTY)
    return Vectors(weights * scale, bias - (centre * scale) @ weights)


def _regress(rows: Any, labels: Sequence[str], inverse_penalty: float) -> tuple[NDArray[np.float64], Logits]:
    try:
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  a second to import; training only
    except ImportError:
        raise MissingExtraError(
            "Training needs scikit-learn, which is not installed.", fix="Run: pip install 'scikit-learn>=1.6'"
        ) from None
    regression = LogisticRegression(C=inverse_penalty, max_iter=2000, class_weight="balanced", tol=1e-4)
    regression.fit(rows, labels)
    return regression.coef_.T, regression.intercept_


def _matrix(counted: Sequence[Counter[str]], names: Sequence[str], idf: NDArray[np.float64]) -> Any:
    from scipy.sparse import csr_matrix  # noqa: PLC0415  training only

    rows = {name: row for row, name in enumerate(names)}
    indices: list[int] = []
    values: list[float] = []
    starts = [0]
    for one in counted:
        known = sorted((rows[name], count) for name, count in one.items() if name in rows)
        found = (
            np.array([1 + np.log(count) for _, count in known]) * idf[[row for row, _ in known]]
            if known
            else np.array([])
        )
        norm = float(np.sqrt((found * found).sum())) or 1.0
        indices += [row for row, _ in known]
        values += list(found / norm)
        starts.append(len(indices))
    return csr_matrix((values, indices, starts), shape=(len(counted), len(names)))


def hold_out(material: Material, progress: Progress = say_nothing) -> tuple[Logits, Logits | None]:
    """Logits of every utterance from experts that saw nothing of its group, shape (n, k) each.

    Raises:
        UnderstandingDataError: without one group some intent has no utterance left, so nothing can be held out.
    """
    classes = list(material.classes)
    groups = [one.group for one in material.utterances]
    labels = np.array([one.label for one in material.utterances])
    pieces = np.zeros((len(labels), len(classes)))
    vectors = None if material.vectors is None else np.zeros_like(pieces)
    names = sorted(set(groups))
    for number, group in enumerate(names, start=1):
        inside = np.array([one == group for one in groups])
        kept = np.flatnonzero(~inside)
        lost = set(classes) - set(labels[kept])
        if lost:
            raise UnderstandingDataError(
                f"Expected every intent in at least two groups; {', '.join(sorted(lost))} only stands in {group}.",
                fix="Add a file of another author or field.",
            )
        expert = fit_pieces([material.counted[row] for row in kept], list(labels[kept]))
        pieces[inside] = expert.scores([material.counted[row] for row in np.flatnonzero(inside)])
        if vectors is not None and material.vectors is not None:
            vectors[inside] = fit_vectors(material.vectors[kept], list(labels[kept])).scores(material.vectors[inside])
        progress("hold out", len(names), number)
    return pieces, vectors


def choose_share(pieces: Logits, vectors: Logits, truth: Labels) -> float:
    """What to multiply the vectors' logits by: the least loss at the best temperature."""

    def loss(share: float) -> float:
        logits = pieces + share * vectors
        return log_loss(logits, truth, fit_temperature(logits, truth))

    return min(SHARES, key=loss)


def calibrate(logits: Logits, truth: Labels, languages: Sequence[str], unknown: int) -> dict[str, dict[str, float]]:
    """Temperatures and thresholds by language, as `Calibration` takes them."""
    temperatures: dict[str, float] = {}
    reject: dict[str, float] = {}
    for language in LANGUAGES:
        rows = np.array([one == language for one in languages])
        temperatures[language] = fit_temperature(logits[rows], truth[rows])
        shares = softmax(logits[rows], temperatures[language])
        right = shares.argmax(axis=1) == truth[rows]
        named = shares.argmax(axis=1) != unknown
        reject[language] = reject_threshold(shares.max(axis=1)[named], right[named], THRESHOLDS)
    return {"temperatures": temperatures, "reject_below": reject}


@dataclass(frozen=True, slots=True)
class Answers:
    """The best intent of every utterance and its probability among the intents."""

    best: tuple[str, ...]
    confidence: tuple[float, ...]


def measure(material: Material, logits: Logits) -> tuple[dict[str, Any], Answers]:
    """Held-out figures by language, group and intent.

    `accuracy`, `macro_f1`, `ece` and `coverage_at_95` are over the lines with a need, the best intent counting;
    `taken` and `accuracy_taken` are what the reject option makes of them; `unknown_recall` is over the others. The
    temperature comes from the other groups, so that the calibration flatters nothing.
    """
    classes = list(material.classes)
    unknown = classes.index(UNKNOWN) if UNKNOWN in classes else -1
    truth = np.array([classes.index(one.label) for one in material.utterances])
    languages = np.array([one.language for one in material.utterances])
    groups = np.array([one.group for one in material.utterances])
    shares = np.zeros_like(logits)
    rejected = np.zeros(len(truth), bool)
    for group in np.unique(groups):
        inside = groups == group
        others = ~inside
        found = calibrate(logits[others], truth[others], list(languages[others]), unknown)
        language = str(languages[inside][0])
        if not (languages[others] == language).any():
            found = calibrate(logits, truth, list(languages), unknown)
        shares[inside] = softmax(logits[inside], found["temperatures"][language])
        rejected[inside] = shares[inside].max(axis=1) < found["reject_below"][language]
    rejected |= shares.argmax(axis=1) == unknown
    named = truth != unknown
    intents = shares.copy()
    if unknown >= 0:
        intents[:, unknown] = 0
    intents /= intents.sum(axis=1, keepdims=True)
    guess, confidence = intents.argmax(axis=1), intents.max(axis=1)

    def quality(rows: NDArray[np.bool_]) -> dict[str, Any]:
        taken = rows & ~rejected
        return {
            **asdict(judge(truth[rows], guess[rows], confidence[rows])),
            "taken": round(float(taken.sum() / rows.sum()), 4),
            "accuracy_taken": round(float((truth == guess)[taken].mean()), 4) if taken.any() else 0.0,
        }

    figures: dict[str, Any] = {}
    for language in LANGUAGES:
        rows = (languages == language) & named
        others = (languages == language) & ~named
        if rows.any():
            figures[language] = {
                **quality(rows),
                "unknown_recall": round(float(rejected[others].mean()), 4) if others.any() else None,
                "per_intent": {
                    label: {
                        "f1": round(f1_of(truth[rows], guess[rows], number), 4),
                        "recall": round(float((guess == truth)[rows & (truth == number)].mean()), 4),
                        "n": int((rows & (truth == number)).sum()),
                    }
                    for number, label in enumerate(classes)
                    if (rows & (truth == number)).any()
                },
            }
    figures["groups"] = {
        str(group): quality(rows)["accuracy"]
        for group in np.unique(groups)
        if (rows := (groups == group) & named).any()
    }
    answers = Answers(tuple(classes[number] for number in guess), tuple(float(one) for one in confidence))
    return figures, answers


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """An artefact and what it says of itself: an npz archive of plain arrays and a JSON head, without pickles.

    `answers` are the held-out ones, in the order of the utterances.
    """

    head: Mapping[str, Any]
    packed: bytes
    answers: Answers


def train(
    embedder: Embedder | None, folder: Path = DATA, extra: Path | None = None, progress: Progress = say_nothing
) -> Trained:
    """Train from the utterances that ship and, where given, from those of a folder of files of the same kind.

    Raises:
        UnderstandingDataError: a data file is not valid.
        MissingExtraError: scikit-learn is not installed.
    """
    utterances = read_utterances(folder, extra)
    material = prepare(utterances, embedder, progress)
    labels = [one.label for one in utterances]
    classes = list(material.classes)
    truth = np.array([classes.index(label) for label in labels])
    languages = [one.language for one in utterances]
    unknown = classes.index(UNKNOWN) if UNKNOWN in classes else -1
    pieces, vectors = hold_out(material, progress)
    share = 0.0 if vectors is None else choose_share(pieces, vectors, truth)
    joined = pieces if vectors is None else pieces + share * vectors
    figures, answers = measure(material, joined)
    expert = fit_pieces(material.counted, labels)
    data_hash = hash_data(folder, extra)
    head = {
        "format": FORMAT,
        "version": f"intent-{FORMAT}+{data_hash[:8]}{'' if vectors is not None else '-alone'}",
        "labels": classes,
        "expert": None if vectors is None else {"embedder": material.embedder, "share": share},
        "alone": calibrate(pieces, truth, languages, unknown),
        "together": calibrate(joined, truth, languages, unknown),
        "data_hash": data_hash,
        "groups": hash_groups(utterances),
        "metrics": {"together": figures, "alone": measure(material, pieces)[0]},
    }
    second = (
        Vectors(np.zeros((0, len(classes))), np.zeros(len(classes)))
        if material.vectors is None
        else fit_vectors(material.vectors, labels)
    )
    arrays: dict[str, NDArray[Any]] = {
        "head": np.frombuffer(json.dumps(head, ensure_ascii=False).encode(), dtype=np.uint8),
        "features": np.frombuffer("\n".join(expert.names).encode(), dtype=np.uint8),
        "weights": expert.weights.astype(np.float16),
        "idf": expert.idf.astype(np.float32),
        "bias": expert.bias.astype(np.float32),
        "vector_weights": second.weights.astype(np.float32),
        "vector_bias": second.bias.astype(np.float32),
    }
    return Trained(head, pack(arrays), answers)


def pack(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """An npz archive whose bytes depend on nothing but the arrays."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, array in arrays.items():
            body = io.BytesIO()
            np.lib.format.write_array(body, array, allow_pickle=False)
            archive.writestr(
                zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), body.getvalue(), zipfile.ZIP_DEFLATED
            )
    return packed.getvalue()


def main() -> None:
    """Train, store the artefact that ships, print its figures; `--syllables` writes the table of sounds before."""
    from routing.understanding.sentence_encoder import SentenceEncoder  # noqa: PLC0415  only a developer's run needs it

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=MODEL)
    parser.add_argument("--encoder", type=Path, default=Path("models/sentence-encoder"))
    parser.add_argument("--syllables", action="store_true")
    wanted = parser.parse_args()
    if wanted.syllables:
        (DATA / "syllables.txt").write_text(spell_syllables(), encoding="utf-8")
    trained = train(SentenceEncoder.load(wanted.encoder))
    wanted.out.parent.mkdir(parents=True, exist_ok=True)
    wanted.out.write_bytes(trained.packed)
    sys.stdout.write(json.dumps(trained.head, indent=2, ensure_ascii=False) + f"\n{len(trained.packed)} bytes\n")


if __name__ == "__main__":
    main()
