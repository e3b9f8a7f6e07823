"""Train the intent classifier from the project's utterances: `python -m routing.understanding.train`.

Deterministic: the same data gives the same artefact. Needs scikit-learn, which recognizing does not.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.document import read_file
from routing.understanding.features import count_features
from routing.understanding.heard import hear
from routing.understanding.intent import FORMAT, MODEL, UNKNOWN, hash_data
from routing.understanding.lexicon import LANGUAGES, load_lexicon
from routing.understanding.taxonomy import DATA, load_taxonomy
from routing.understanding.turn import mask
from voice.contracts.errors import UnderstandingDataError

FOLDS: Final = 5
SEED: Final = 7
INVERSE_PENALTY: Final = 10.0
"""C of the logistic regression; chosen by cross-validated accuracy among 10, 30, 100."""

MIN_DOCUMENTS: Final = 2
"""Utterances that a feature has to occur in."""

READINGS: Final = {"曝": "bao"}
"""Readings that callers use where the dictionary puts another first: 曝光."""

SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": {
        "type": "array",
        "minItems": 1,
        "items": {"type": "string", "minLength": 1, "maxLength": 400},
    },
}


@dataclass(frozen=True, slots=True)
class Utterance:
    """One line of training data."""

    text: str
    label: str
    language: str
    source: str


def read_utterances(folder: Path = DATA) -> tuple[Utterance, ...]:
    """All utterances, in the order of files and lines; the same wording under the same intent counts once.

    Raises:
        UnderstandingDataError: a file is not valid, names an unknown intent, or one wording has two intents.
    """
    known = {*load_taxonomy(folder), UNKNOWN}
    seen: dict[str, str] = {}
    found: list[Utterance] = []
    for path in sorted((folder / "utterances").glob("*.yaml")):
        document = read_file(path, error=UnderstandingDataError)
        document.check(SCHEMA)
        document.refuse(
            document.problem((label,), f"{label} is no intent that exists.")
            for label in document.data
            if label not in known
        )
        document.refuse(
            document.problem((label, number), f"this wording stands under {seen[text]} as well.")
            for label, texts in document.data.items()
            for number, text in enumerate(texts)
            if seen.setdefault(text, label) != label
        )
        language = path.name.split("-")[0]
        written = {one.text for one in found}
        found += [
            Utterance(text, label, language, path.stem)
            for label, texts in document.data.items()
            for text in dict.fromkeys(texts)
            if text not in written
        ]
    return tuple(found)


def features_of(utterances: Iterable[Utterance]) -> list[Counter[str]]:
    """Counted features, denied words masked as in `Understander`."""
    lexicons = tuple(load_lexicon(language) for language in LANGUAGES)
    return [count_features(hear(mask(hear(one.text), lexicons))) for one in utterances]


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A trained classifier; shapes as in `IntentModel`, weights before the idf is applied to the input."""

    labels: tuple[str, ...]
    names: tuple[str, ...]
    idf: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def scores(self, counted: Sequence[Counter[str]]) -> NDArray[np.float64]:
        """Logits, shape (len(counted), k)."""
        scored: NDArray[np.float64] = _matrix(counted, self.names, self.idf) @ self.weights + self.bias
        return scored


def fit(counted: Sequence[Counter[str]], labels: Sequence[str]) -> Fitted:
    """Fit a multinomial logistic regression on sublinear tf-idf."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  a second to import; training only

    documents = Counter(name for one in counted for name in one)
    names = tuple(sorted(name for name, count in documents.items() if count >= MIN_DOCUMENTS))
    idf = np.array([np.log((1 + len(counted)) / (1 + documents[name])) + 1 for name in names])
    regression = LogisticRegression(C=INVERSE_PENALTY, max_iter=2000, class_weight="balanced", tol=1e-4)
    regression.fit(_matrix(counted, names, idf), labels)
    return Fitted(
        tuple(str(label) for label in regression.classes_), names, idf, regression.coef_.T, regression.intercept_
    )


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


def cross_validate(utterances: Sequence[Utterance], counted: Sequence[Counter[str]]) -> NDArray[np.float64]:
    """Logits of every utterance from a classifier that did not see it, shape (n, k)."""
    from sklearn.model_selection import StratifiedKFold  # noqa: PLC0415  training only

    strata = [f"{one.language}/{one.label}" for one in utterances]
    logits: NDArray[np.float64] | None = None
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(strata, strata):
        fitted = fit([counted[row] for row in train], [utterances[row].label for row in train])
        if logits is None:
            logits = np.zeros((len(utterances), len(fitted.labels)))
        logits[test] = fitted.scores([counted[row] for row in test])
    if logits is None:
        raise UnderstandingDataError("Expected utterances to train from; there are none.")
    return logits


def softmax(logits: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Probabilities by row."""
    scaled = logits / temperature
    grown = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = grown / grown.sum(axis=1, keepdims=True)
    return shares


def fit_temperature(logits: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    """Temperature with the least negative log-likelihood (Guo et al. 2017, eq. 9), on a grid from 0.05 to 5."""
    grid = np.exp(np.linspace(np.log(0.05), np.log(5), 200))
    losses = [-np.log(softmax(logits, one)[np.arange(len(truth)), truth] + 1e-12).mean() for one in grid]
    return round(float(grid[int(np.argmin(losses))]), 4)


def expected_calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_], bins: int = 10) -> float:
    """ECE over equally wide bins (Guo et al. 2017, eq. 3)."""
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    parts = [
        abs(confidence[place == one].mean() - right[place == one].mean()) * (place == one).mean()
        for one in range(bins)
        if (place == one).any()
    ]
    return float(sum(parts))


def macro_f1(truth: NDArray[np.int64], guess: NDArray[np.int64], classes: Iterable[int]) -> float:
    """Mean F1 over classes that occur."""
    scores = []
    for one in classes:
        both = int(((truth == one) & (guess == one)).sum())
        all_of = int((truth == one).sum()) + int((guess == one).sum())
        if (truth == one).any():
            scores.append(2 * both / all_of)
    return float(np.mean(scores))


def measure(
    utterances: Sequence[Utterance], logits: NDArray[np.float64], labels: Sequence[str]
) -> tuple[dict[str, float], dict[str, float], dict[str, dict[str, float]]]:
    """Temperatures, reject thresholds and figures by language, from cross-validated logits.

    ECE is measured with a temperature fitted on the other half of the utterances, so that it flatters nothing.
    """
    temperatures: dict[str, float] = {}
    rejects: dict[str, float] = {}
    figures: dict[str, dict[str, float]] = {}
    truth_all = np.array([labels.index(one.label) for one in utterances])
    unknown = labels.index(UNKNOWN) if UNKNOWN in labels else -1
    for language in LANGUAGES:
        rows = np.array([row for row, one in enumerate(utterances) if one.language == language])
        scores, truth = logits[rows], truth_all[rows]
        temperatures[language] = fit_temperature(scores, truth)
        halves = np.arange(len(rows)) % 2
        probabilities = np.zeros_like(scores)
        for half in (0, 1):
            temperature = fit_temperature(scores[halves != half], truth[halves != half])
            probabilities[halves == half] = softmax(scores[halves == half], temperature)
        confidence, guess = probabilities.max(axis=1), probabilities.argmax(axis=1)
        right = guess == truth
        named = truth != unknown
        rejects[language] = reject_threshold(confidence, right)
        taken = (confidence >= rejects[language]) & (guess != unknown) & named
        figures[language] = {
            "utterances": len(rows),
            "accuracy": round(float(right[named].mean()), 4),
            "macro_f1": round(macro_f1(truth[named], guess[named], [c for c in range(len(labels)) if c != unknown]), 4),
            "ece": round(expected_calibration_error(confidence, right), 4),
            "taken": round(float(taken.sum() / named.sum()), 4),
            "accuracy_taken": round(float(right[taken].mean()), 4),
            "unknown_recall": round(float(right[~named].mean()), 4) if (~named).any() else 0.0,
        }
    return temperatures, rejects, figures


def reject_threshold(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """The greatest confidence from 0.5 down to 0.2, in steps of 0.05, below which most answers are wrong."""
    for threshold in np.arange(0.5, 0.19, -0.05):
        below = confidence < threshold
        if below.any() and right[below].mean() < 0.5:
            return round(float(threshold), 2)
    return 0.2


def train(folder: Path = DATA) -> bytes:
    """Train and answer the artefact: an npz archive of plain arrays and a JSON head, without pickles."""
    utterances = read_utterances(folder)
    counted = features_of(utterances)
    fitted = fit(counted, [one.label for one in utterances])
    temperatures, rejects, figures = measure(utterances, cross_validate(utterances, counted), fitted.labels)
    data_hash = hash_data(folder)
    head = {
        "format": FORMAT,
        "version": f"ngram-{FORMAT}+{data_hash[:8]}",
        "labels": fitted.labels,
        "temperatures": temperatures,
        "reject_below": rejects,
        "data_hash": data_hash,
        "metrics": figures,
    }
    return _pack(
        head=np.frombuffer(json.dumps(head, ensure_ascii=False).encode(), dtype=np.uint8),
        features=np.frombuffer("\n".join(fitted.names).encode(), dtype=np.uint8),
        weights=fitted.weights.astype(np.float16),
        idf=fitted.idf.astype(np.float16),
        bias=fitted.bias.astype(np.float32),
    )


def _pack(**arrays: NDArray[Any]) -> bytes:
    """An npz archive whose bytes depend on its content only (np.savez writes the time of day)."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            body = io.BytesIO()
            np.lib.format.write_array(body, array, allow_pickle=False)
            archive.writestr(
                zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), body.getvalue(), zipfile.ZIP_DEFLATED
            )
    return packed.getvalue()


def spell_syllables() -> str:
    """The table that `heard.syllables` reads, one toneless reading for every character of GBK, from pypinyin (MIT)."""
    from pypinyin import lazy_pinyin  # noqa: PLC0415  a quarter of a second to import; needed for this table only

    characters = [chr(code) for code in range(0x4E00, 0xA000) if chr(code).encode("gbk", "ignore")]
    table: dict[str, list[str]] = {}
    for character in characters:
        reading = READINGS.get(character) or "".join(lazy_pinyin(character, errors="ignore"))
        if reading.isascii() and reading:
            table.setdefault(reading, []).append(character)
    return "".join(f"{syllable} {''.join(same)}\n" for syllable, same in sorted(table.items()))


def main() -> None:
    """Train, store the artefact, print its figures; `--syllables` writes the table of sounds anew before that."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=MODEL)
    parser.add_argument("--syllables", action="store_true")
    wanted = parser.parse_args()
    if wanted.syllables:
        (DATA / "syllables.txt").write_text(spell_syllables(), encoding="utf-8")
    packed = train()
    wanted.out.parent.mkdir(parents=True, exist_ok=True)
    wanted.out.write_bytes(packed)
    with np.load(io.BytesIO(packed), allow_pickle=False) as stored:
        head = json.loads(stored["head"].tobytes())
    sys.stdout.write(json.dumps(head, indent=2, ensure_ascii=False) + f"\n{len(packed)} bytes\n")


if __name__ == "__main__":
    main()
