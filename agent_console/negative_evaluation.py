"""How well discontent and threats are told from words, against labelled utterances."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent_console.labelled_lines import Score, read_lines
from routing.understanding.turn import Understander

EXAMPLE: Final = '{"text": "我要投诉", "negative": true, "escalate": true}'


@dataclass(frozen=True, slots=True)
class NegativeReport:
    """What was found.

    Attributes:
        utterances: how many lines were judged.
        negative: the caller expresses dissatisfaction, anger, distress or a complaint.
        escalate: the caller has to reach a person at once.
    """

    utterances: int
    negative: Score
    escalate: Score


@dataclass(frozen=True, slots=True)
class _Labelled:
    text: str
    negative: bool
    escalate: bool


def evaluate_negative(
    path: Path, understander: Understander, progress: Callable[[str, int, int], None]
) -> NegativeReport:
    """Judge every line of a list as a call's turn is judged.

    Raises:
        ManifestError: the list cannot be used; names line and reason.
        UnderstandingDataError: a data file is not valid.
    """
    lines = read_lines(path, _parse, EXAMPLE)
    negative = escalate = Score()
    for done, line in enumerate(lines, start=1):
        mood = understander.understand(line.text).sentiment
        negative += tally(mood.negative, line.negative)
        escalate += tally(mood.escalate, line.escalate)
        progress("negative", len(lines), done)
    return NegativeReport(len(lines), negative, escalate)


def tally(found: bool, there: bool) -> Score:
    """One judgement."""
    return Score(hits=int(found and there), wrong=int(found and not there), missed=int(there and not found))


def _parse(fields: Mapping[str, Any]) -> _Labelled | str:
    wrong = [
        f'"{name}" has to be true or false'
        for name in ("negative", "escalate")
        if not isinstance(fields.get(name), bool)
    ]
    return "; ".join(wrong) if wrong else _Labelled(fields["text"], fields["negative"], fields["escalate"])
