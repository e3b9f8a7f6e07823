"""The evaluation of diarization as tables and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from agent_console.diarization_evaluation import DiarizationReport
from agent_console.diarization_wording import EVALUATED, FIGURE, FOUND, MEANING, REAL, RECORDING
from agent_console.prosody_options import Lang
from asr.diarization.scoring import DiarizationErrors
from voice.contracts.audio import to_s


def document(report: DiarizationReport) -> dict[str, Any]:
    """One document, figures first."""
    return {
        "evaluation": "diarization",
        "version": version("warmline"),
        "manifest": str(report.manifest),
        "pipeline": str(report.pipeline),
        "oracle_speakers": report.oracle,
        "collar_s": to_s(report.collar),
        "seed": report.seed,
        "recordings": len(report.results),
        "speech_s": to_s(report.errors.speech),
        "skipped": [asdict(each) for each in report.skipped],
        "figures": [
            *({"name": name, **asdict(figure), "meaning": MEANING[name].en} for name, figure in report.figures.items()),
            *(
                {"name": name, "value": value, "low": None, "high": None, "n": len(report.results)}
                | {"meaning": MEANING[name].en}
                for name, value in _others(report)
            ),
        ],
        "by_recording": [
            {
                "line": each.reference.line,
                "audio": str(each.reference.audio),
                "duration_s": to_s(each.reference.length),
                "speakers": len(each.reference.truth.speakers),
                "found": len(each.found.speakers),
                "cpu_s": each.cpu_s,
                **_shares(each.errors),
            }
            for each in report.results
        ],
    }


def tables(report: DiarizationReport, lang: Lang) -> RenderableType:
    """The same for people."""
    title = lang.of(EVALUATED).format(
        pipeline=report.pipeline, recordings=len(report.results), speech=to_s(report.errors.speech)
    )
    figures = _table(title, lang.of(FIGURE), "[95 %]", "")
    for name, figure in report.figures.items():
        interval = "" if figure.low is None or figure.high is None else f" [{_per(figure.low)}, {_per(figure.high)}]"
        figures.add_row(name, f"{_per(figure.value)} %{interval}", lang.of(MEANING[name]))
    for name, value in _others(report):
        shown = f"{value:.3f}" if name == "rtf_cpu" else f"{_per(value)} %"
        figures.add_row(name, shown, lang.of(MEANING[name]))
    rows = _table(lang.of(RECORDING), lang.of(RECORDING), lang.of(REAL), lang.of(FOUND), *report.figures)
    for each in report.results:
        rows.add_row(
            Text(each.reference.audio.name),
            str(len(each.reference.truth.speakers)),
            str(len(each.found.speakers)),
            *(f"{_per(value)} %" for value in _shares(each.errors).values()),
        )
    return Group(figures, rows)


def _others(report: DiarizationReport) -> list[tuple[str, float]]:
    return [
        ("der_pyannote_metrics", report.by_pyannote),
        ("speakers_right", report.speakers_right),
        ("rtf_cpu", report.rtf_cpu),
    ]


def _shares(errors: DiarizationErrors) -> dict[str, float]:
    whole = max(1, errors.speech)
    return {
        "der": errors.errors / whole,
        "missed": errors.missed / whole,
        "false_alarm": errors.false_alarm / whole,
        "confusion": errors.confusion / whole,
    }


def _per(share: float) -> str:
    return f"{100 * share:.1f}"


def _table(title: str, *headings: str) -> Table:
    columns = [Column(name, justify="right" if place else "left", no_wrap=True) for place, name in enumerate(headings)]
    return Table(*columns, title=Text(f"\n{title}"), title_justify="left", box=SIMPLE, pad_edge=False, min_width=60)
