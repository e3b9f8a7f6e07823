"""The evaluation and the training of intent as tables and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.table import Column, Table

from agent_console.intent_evaluation import IntentReport
from agent_console.prosody_options import Lang
from routing.terms import Wording
from routing.understanding.calibration import Quality
from routing.understanding.taxonomy import load_taxonomy

_TITLE: Final = Wording("意图识别：{count} 句，模型 {model}", "Intent: {count} utterances, model {model}")
_TRAINED: Final = Wording(
    "按作者与领域整组留出；之前 {before}，之后 {after}", "held out by author and field; before {before}, after {after}"
)
_LANGUAGE: Final = Wording("语言", "language")
_ACCURACY: Final = Wording("准确率（95% 区间）", "accuracy (95 %)")
_MACRO: Final = Wording("宏 F1", "macro F1")
_ECE: Final = Wording("校准误差", "ECE")
_COVERAGE: Final = Wording("95% 准确时的覆盖率", "coverage at 95 %")
_COUNT: Final = Wording("句数", "lines")
_INTENT: Final = Wording("意图", "intent")
_PRECISION: Final = Wording("精确率", "precision")
_RECALL: Final = Wording("召回率（95% 区间）", "recall (95 %)")
_ALL: Final = Wording("全部", "all")
_BEFORE: Final = Wording("之前", "before")
_AFTER: Final = Wording("之后", "after")
_ALONE: Final = Wording("之后，无句向量模型", "after, without encoder")
_UNSEEN: Final = Wording("旧模型未见过的数据上", "on lines the model before has not seen")


def document(report: IntentReport) -> dict[str, Any]:
    """One document."""
    return {
        **_quality(report.overall),
        "per_intent": {
            name: {
                "precision": round(one.precision, 4),
                "recall": round(one.recall, 4),
                "recall_interval": [round(end, 4) for end in one.interval],
                "f1": round(one.f1, 4),
                "n": one.n,
            }
            for name, one in report.per_intent.items()
        },
        "per_language": {language: _quality(quality) for language, quality in report.languages.items()},
        "taken": round(report.taken, 4),
        "accuracy_taken": None if report.accuracy_taken is None else round(report.accuracy_taken, 4),
        "model": report.model_version,
        "embedder": report.embedder,
    }


def _quality(quality: Quality) -> dict[str, Any]:
    return {
        "accuracy": quality.accuracy,
        "macro_f1": quality.macro_f1,
        "ece": quality.ece,
        "coverage_at_95": quality.coverage_at_95,
        "n": quality.n,
        "accuracy_interval": list(quality.interval),
    }


def tables(report: IntentReport, lang: Lang) -> RenderableType:
    """The same for people."""
    title = lang.of(_TITLE).format(count=report.overall.n, model=report.model_version)
    whole = _quality_table(title, lang)
    for name, quality in {**report.languages, lang.of(_ALL): report.overall}.items():
        whole.add_row(name, *_cells(_quality(quality)))
    per_intent = Table(
        lang.of(_INTENT),
        Column(lang.of(_PRECISION), justify="right"),
        Column(lang.of(_RECALL), justify="right"),
        Column("F1", justify="right"),
        Column(lang.of(_COUNT), justify="right"),
        box=SIMPLE,
    )
    for name, one in report.per_intent.items():
        recall = f"{one.recall:.3f} ({one.interval[0]:.2f}-{one.interval[1]:.2f})"
        per_intent.add_row(_title(name, lang), f"{one.precision:.3f}", recall, f"{one.f1:.3f}", str(one.n))
    return Group(whole, per_intent)


def training_document(
    before: Mapping[str, Any], after: Mapping[str, Any], unseen: Mapping[str, Any], *, stored: str, in_force: bool
) -> dict[str, Any]:
    """What a training led to: heads of the models before and after, and figures on lines the former has not seen."""
    shown = ("version", "data_hash", "metrics")
    return {
        "before": {name: before[name] for name in shown},
        "after": {name: after[name] for name in shown},
        "unseen": dict(unseen),
        "stored": stored,
        "in_force": in_force,
    }


def training_tables(
    before: Mapping[str, Any], after: Mapping[str, Any], unseen: Mapping[str, Any], lang: Lang
) -> RenderableType:
    """The same for people."""
    title = lang.of(_TRAINED).format(before=before["version"], after=after["version"])
    whole = _quality_table(title, lang)
    rows = (
        (_BEFORE, before["metrics"]["together"]),
        (_AFTER, after["metrics"]["together"]),
        (_ALONE, after["metrics"]["alone"]),
    )
    for language in ("zh", "en"):
        for name, metrics in rows:
            if language in metrics:
                found = metrics[language]
                cells = {**found, "accuracy_interval": found["interval"]}
                whole.add_row(f"{language} {lang.of(name)}", *_cells(cells))
        if language in unseen:
            for name, key in ((_BEFORE, "before"), (_AFTER, "after")):
                whole.add_row(f"{language} {lang.of(_UNSEEN)}, {lang.of(name)}", *_cells(unseen[language][key]))
    per_intent = Table(lang.of(_INTENT), *(Column(f"F1 {one}", justify="right") for one in ("zh", "en")), box=SIMPLE)
    for label in load_taxonomy():
        found = [after["metrics"]["together"].get(one, {}).get("per_intent", {}).get(label) for one in ("zh", "en")]
        per_intent.add_row(_title(label, lang), *(f"{one['f1']:.3f} ({one['n']})" if one else "" for one in found))
    return Group(whole, per_intent)


def _quality_table(title: str, lang: Lang) -> Table:
    headings = (_ACCURACY, _MACRO, _ECE, _COVERAGE, _COUNT)
    right = (Column(lang.of(one), justify="right") for one in headings)
    return Table(lang.of(_LANGUAGE), *right, title=title, box=SIMPLE)


def _cells(quality: Mapping[str, Any]) -> tuple[str, ...]:
    low, high = quality["accuracy_interval"]
    return (
        f"{quality['accuracy']:.3f} ({low:.3f}-{high:.3f})",
        f"{quality['macro_f1']:.3f}",
        f"{quality['ece']:.3f}",
        f"{quality['coverage_at_95']:.3f}",
        str(quality["n"]),
    )


def _title(label: str, lang: Lang) -> str:
    kind = load_taxonomy().get(label)
    return f"{label}  {lang.of(kind.title)}" if kind else label
