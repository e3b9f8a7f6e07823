"""The evaluations of named values and of discontent as tables and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rich.box import SIMPLE
from rich.table import Column, Table

from agent_console.entities_evaluation import EntitiesReport
from agent_console.labelled_lines import Score
from agent_console.negative_evaluation import NegativeReport
from agent_console.prosody_options import Lang
from routing.terms import Wording

_HEADINGS: Final = (
    Wording("精确率", "precision"),
    Wording("召回率", "recall"),
    Wording("F1", "F1"),
    Wording("实际个数", "there"),
)
_NEGATIVE: Final = Wording("不满与升级：{count} 句", "Discontent and escalation: {count} utterances")
_ENTITIES: Final = Wording("命名实体，按值完全一致：{count} 句", "Named values, exact: {count} utterances")
_OVERALL: Final = Wording("总计", "overall")


def negative_document(report: NegativeReport) -> dict[str, Any]:
    """One document."""
    return {"negative": report.negative.document(), "escalate": report.escalate.document(), "n": report.utterances}


def negative_table(report: NegativeReport, lang: Lang) -> Table:
    """The same for people."""
    scores = {"negative": report.negative, "escalate": report.escalate}
    return _table(lang.of(_NEGATIVE).format(count=report.utterances), scores, lang)


def entities_document(report: EntitiesReport) -> dict[str, Any]:
    """One document."""
    return {
        "overall": report.overall.document(),
        "per_type": {kind.value: score.document() for kind, score in report.per_kind.items()},
        "n": report.utterances,
    }


def entities_table(report: EntitiesReport, lang: Lang) -> Table:
    """The same for people."""
    scores = {kind.value: score for kind, score in report.per_kind.items()} | {lang.of(_OVERALL): report.overall}
    return _table(lang.of(_ENTITIES).format(count=report.utterances), scores, lang)


def _table(title: str, scores: Mapping[str, Score], lang: Lang) -> Table:
    right = (Column(lang.of(heading), justify="right") for heading in _HEADINGS)
    table = Table("", *right, title=title, box=SIMPLE)
    for name, score in scores.items():
        figures = (score.precision, score.recall, score.f1)
        table.add_row(name, *(f"{figure:.3f}" for figure in figures), str(score.hits + score.missed))
    return table
