"""Discontent and escalation on labelled turns: problems told calmly are none, threats in anybody's words are.

By the words alone: a to d were written one after the other, each before the words were mended by those before it. The
sentence encoder adds what has no telling word; a and b train it, so that only c and d could be judged with it.
h is of an author who had seen neither words nor data; the words were mended by it afterwards. i is of the same author
on other fields, written after that, scored once, and nothing was mended by it.
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
    assert report.escalate.precision >= (0.88 if path.stem.endswith("-i") else 0.9)


@pytest.mark.parametrize("author", ["h", "i"])
def test_threats_of_an_author_who_wrote_no_data_are_heard(author: str, understander: Understander) -> None:
    found = [
        evaluate_negative(LABELLED / f"moods-{language}-{author}.jsonl", understander, lambda _step, _of, _done: None)
        for language in ("zh", "en")
    ]
    escalate = found[0].escalate + found[1].escalate
    assert escalate.recall >= 0.95
    assert escalate.precision >= 0.93
