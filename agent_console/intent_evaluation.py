"""How well needs are told from words, against labelled utterances."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from agent_console.labelled_lines import read_lines
from asr.types import Language
from routing.understanding.calibration import Quality, f1_of, judge, wilson
from routing.understanding.taxonomy import load_taxonomy
from routing.understanding.turn import Understander
from routing.understanding.utterances import LANGUAGES, UNKNOWN

EXAMPLE: Final = '{"text": "我的快递到哪了", "lang": "zh", "intent": "logistics"}'


@dataclass(frozen=True, slots=True)
class Labelled:
    """One line: what was said, in which language, and its need."""

    text: str
    lang: Language
    intent: str


@dataclass(frozen=True, slots=True)
class PerIntent:
    """How well one need is told.

    Attributes:
        precision: share of the turns it was found in that have it.
        recall: share of the turns that have it that it was found in.
        interval: 95 % interval of the recall (Wilson 1927).
        f1: their harmonic mean.
        n: turns that have it.
    """

    precision: float
    recall: float
    interval: tuple[float, float]
    f1: float
    n: int


@dataclass(frozen=True, slots=True)
class IntentReport:
    """What was found.

    Attributes:
        overall: over all lines.
        languages: by language, where there is more than one.
        per_intent: by need.
        taken: share of the lines that were not rejected.
        accuracy_taken: how many of those are right; None where all were rejected.
        model_version: of the intent model.
        embedder: which vectors it decided with.
    """

    overall: Quality
    languages: Mapping[str, Quality]
    per_intent: Mapping[str, PerIntent]
    taken: float
    accuracy_taken: float | None
    model_version: str
    embedder: str


def evaluate_intent(path: Path, understander: Understander, progress: Callable[[str, int, int], None]) -> IntentReport:
    """Judge every line of a list.

    The most probable need counts, rejected or not, since such a list asks for one; where the list has lines labelled
    `unknown`, rejecting is one of the answers. Confidence is the probability among the answers that are allowed.

    Raises:
        ManifestError: the list cannot be used; names line and reason.
    """
    lines = read_lines(path, parse_line, EXAMPLE)
    may_reject = any(line.intent == UNKNOWN for line in lines)
    guesses: list[str] = []
    confidence: list[float] = []
    taken: list[bool] = []
    for done, line in enumerate(lines, start=1):
        intent = understander.understand(line.text, line.lang).intent
        guess = intent.label if may_reject else intent.best
        guesses.append(guess)
        confidence.append(intent.confidence if may_reject else intent.best_confidence)
        taken.append(intent.label != UNKNOWN)
        progress("intent", len(lines), done)
    return report(lines, guesses, confidence, taken, understander)


def report(
    lines: Sequence[Labelled],
    guesses: Sequence[str],
    confidence: Sequence[float],
    taken: Sequence[bool],
    understander: Understander,
) -> IntentReport:
    """Figures of some answers."""
    names = sorted({*(line.intent for line in lines), *guesses})
    truth = np.array([names.index(line.intent) for line in lines], np.int64)
    guess = np.array([names.index(one) for one in guesses], np.int64)
    sure = np.array(confidence, np.float64)
    kept = np.array(taken, bool)
    spoken = np.array([line.lang.value for line in lines])
    per_intent = {}
    for number, name in enumerate(names):
        there, found = truth == number, guess == number
        hits = int((there & found).sum())
        if there.any():
            per_intent[name] = PerIntent(
                precision=hits / int(found.sum()) if found.any() else 0.0,
                recall=hits / int(there.sum()),
                interval=wilson(hits, int(there.sum())),
                f1=f1_of(truth, guess, number),
                n=int(there.sum()),
            )
    return IntentReport(
        overall=judge(truth, guess, sure),
        languages={
            str(language): judge(truth[spoken == language], guess[spoken == language], sure[spoken == language])
            for language in np.unique(spoken)
        },
        per_intent=per_intent,
        taken=float(kept.mean()),
        accuracy_taken=float((truth == guess)[kept].mean()) if kept.any() else None,
        model_version=understander.model_version,
        embedder=understander.embedder_name,
    )


def parse_line(fields: Mapping[str, Any]) -> Labelled | str:
    """A line's content, or all that is wrong with it."""
    known = (*load_taxonomy(), UNKNOWN)
    wrong = []
    lang, intent = fields.get("lang"), fields.get("intent")
    if lang not in LANGUAGES:
        wrong.append(f'"lang" has to be {" or ".join(LANGUAGES)}')
    if intent not in known:
        wrong.append(f'"intent" has to be one of {", ".join(known)}; got {str(intent)[:40]!r}')
    return "; ".join(wrong) if wrong else Labelled(fields["text"], Language(str(lang)), str(intent))
