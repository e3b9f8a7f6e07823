"""Training the intent classifier in an installation: figures before and after, and a version that can be left again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agent_console.intent_model import intent_versions, load_embedder
from agent_console.settings import Settings
from routing.understanding.calibration import Quality, judge
from routing.understanding.embedder import Embedder, PieceEmbedder, blank_once
from routing.understanding.heard import hear
from routing.understanding.intent import IntentModel, load_model
from routing.understanding.lexicon import LANGUAGES, load_lexicon
from routing.understanding.taxonomy import DATA
from routing.understanding.train import Answers, train
from routing.understanding.turn import mask
from routing.understanding.utterances import UNKNOWN, Utterance, hash_groups, read_utterances


@dataclass(frozen=True, slots=True)
class Training:
    """What a training led to.

    Attributes:
        before: head of the model that was in force.
        after: head of the new one.
        unseen: by language, figures `before` and `after` on the lines of groups that the model before was not trained
            on; the new model's are held out by group.
        stored: the new version's file name.
        in_force: whether it takes effect from the next start on.
        without_encoder: whether there was no sentence encoder to train with.
    """

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    unseen: Mapping[str, Any]
    stored: str
    in_force: bool
    without_encoder: bool


def train_intent(
    settings: Settings,
    extra: Path | None,
    progress: Callable[[str, int, int], None],
    *,
    put_in_force: bool,
    folder: Path = DATA,
) -> Training:
    """Train, measure, and store a version.

    Raises:
        UnderstandingDataError: the data is not valid.
        MissingExtraError: scikit-learn is not installed.
        ModelError: the model in force or the encoder cannot be read.
        DataFolderError: the version cannot be written.
    """
    versions = intent_versions(settings.data)
    model = load_model(versions.path())
    embedder = load_embedder(settings.models)
    without = isinstance(embedder, PieceEmbedder)
    trained = train(None if without else embedder, folder, extra, progress)
    utterances = read_utterances(folder, extra)
    unseen = _unseen(model, trained.answers, utterances, embedder)
    versions.store(trained.head["version"], trained.packed)
    if put_in_force:
        versions.use(trained.head["version"])
    before = {"version": model.version, "data_hash": model.data_hash, "metrics": model.metrics}
    return Training(before, trained.head, unseen, trained.head["version"], put_in_force, without)


def _unseen(
    model: IntentModel, answers: Answers, utterances: Sequence[Utterance], embedder: Embedder
) -> dict[str, Any]:
    fresh = {group for group, digest in hash_groups(utterances).items() if model.groups.get(group) != digest}
    lexicons = tuple(load_lexicon(language) for language in LANGUAGES)
    known = model.expert is not None and model.expert.embedder == embedder.name
    found: dict[str, Any] = {}
    for language in LANGUAGES:
        rows = [
            row
            for row, one in enumerate(utterances)
            if one.language == language and one.group in fresh and one.label != UNKNOWN
        ]
        if not rows:
            continue
        truth = [utterances[row].label for row in rows]
        old = []
        for row in rows:
            said = mask(hear(utterances[row].text), lexicons)
            old.append(model.recognize(hear(said), embedder.embed(blank_once(said)) if known else None))
        found[language] = {
            "before": _figures(truth, [one.best for one in old], [one.best_confidence for one in old]),
            "after": _figures(truth, [answers.best[row] for row in rows], [answers.confidence[row] for row in rows]),
        }
    return found


def _figures(truth: Sequence[str], guess: Sequence[str], confidence: Sequence[float]) -> dict[str, Any]:
    names = sorted({*truth, *guess})
    quality: Quality = judge(
        np.array([names.index(one) for one in truth], np.int64),
        np.array([names.index(one) for one in guess], np.int64),
        np.array(confidence, np.float64),
    )
    return {
        "accuracy": quality.accuracy,
        "macro_f1": quality.macro_f1,
        "ece": quality.ece,
        "coverage_at_95": quality.coverage_at_95,
        "n": quality.n,
        "accuracy_interval": list(quality.interval),
    }
