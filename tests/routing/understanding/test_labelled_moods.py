"""Discontent and escalation on labelled turns: problems told calmly are none, threats in anybody's words are."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_console.negative_evaluation import evaluate_negative
from routing.understanding.turn import Understander

LABELLED = Path(__file__).parent / "labelled"


@pytest.mark.parametrize("path", sorted(LABELLED.glob("moods-*.jsonl")), ids=lambda path: path.stem)
def test_labelled_moods_are_told(path: Path, understander: Understander) -> None:
    report = evaluate_negative(path, understander, lambda _step, _of, _done: None)
    assert report.negative.f1 >= 0.9
    assert report.escalate.recall >= 0.95
    assert report.escalate.precision >= 0.9
