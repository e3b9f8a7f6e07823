"""Discontent and escalation on labelled turns: problems told calmly are none, threats in anybody's words are.

By the words alone: a to d were written one after the other, each before the words were mended by those before it. The
sentence encoder adds what has no telling word; a and b train it, so that only c and d could be judged with it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_console.negative_evaluation import evaluate_negative
from routing.understanding.turn import Understander

LABELLED = Path(__file__).parent / "labelled"


@pytest.mark.parametrize("path", sorted(LABELLED.glob("moods-*.jsonl")), ids=lambda path: path.stem)
def test_labelled_moods_are_told(path: Path, understander: Understander) -> None:
    report = evaluate_negative(path, understander, lambda _step, _of, _done: None)
    assert report.negative.f1 >= 0.83
    assert report.escalate.recall >= 0.83
    assert report.escalate.precision >= 0.9
