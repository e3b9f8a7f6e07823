"""The evaluation of emotion as tables and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from agent_console.emotion_evaluation import EmotionReport
from agent_console.emotion_wording import (
    BANDS,
    CALIBRATION,
    CHANCE,
    CONFIDENCE,
    FIGURE,
    HELD,
    LABELLED,
    MEAN,
    MEANING,
    REGIONS,
    TITLE,
)
from agent_console.prosody_options import Lang
from prosody.evaluation import Evaluation
from prosody.metrics import Bin, Estimate


def document(report: EmotionReport) -> dict[str, Any]:
    """One document, figures first."""
    return {
        "evaluation": "emotion",
        "version": version("warmline"),
        "manifest": str(report.manifest),
        "model": {"name": report.model.name, "unseen": report.model.is_unseen, "retrained": report.model.is_retrained},
        "seed": report.seed,
        "speakers": report.speakers,
        "utterances": sum(report.used.values()),
        "labels": dict(report.used),
        "skipped": [asdict(each) for each in report.skipped],
        "figures": [
            {
                "name": f"{name}_{band}",
                "value": _rounded(figure.value),
                "low": _rounded(figure.low),
                "high": _rounded(figure.high),
                "chance": _chance(name, found),
                "n": figure.n,
                "meaning": MEANING[name].en,
            }
            for band, found in report.bands.items()
            for name, figure in found.figures.items()
        ],
        "bands": {
            band: {
                "judged": found.judged,
                "without_normal": found.without_normal,
                "confusion": {true: dict(row) for true, row in found.confusion.items()},
                "regions": {true: dict(row) for true, row in found.regions.items()},
                "calibration": [_rounded_bin(each) for each in found.calibration],
                "auc_arousal_by_speaker": {name: _rounded(area) for name, area in found.auc_by_speaker.items()},
            }
            for band, found in report.bands.items()
        },
    }


def tables(report: EmotionReport, lang: Lang) -> RenderableType:
    """The same for people."""
    parts: list[RenderableType] = [_figures(report, lang)]
    for band, found in report.bands.items():
        name = lang.of(BANDS[band])
        if found.confusion:
            parts.append(_counts(lang.of(LABELLED).format(band=name), found.confusion))
        if found.regions:
            parts.append(_counts(lang.of(REGIONS).format(band=name), found.regions))
        if found.calibration:
            parts.append(_calibration(lang.of(CALIBRATION).format(band=name), found.calibration, lang))
    return Group(*parts)


def _figures(report: EmotionReport, lang: Lang) -> RenderableType:
    title = lang.of(TITLE).format(
        model=report.model.name, utterances=sum(report.used.values()), speakers=report.speakers
    )
    headings = (f"{lang.of(BANDS[band])} [95 %]" for band in report.bands)
    rows = _table(title, lang.of(FIGURE), *headings, lang.of(CHANCE), "n")
    meanings = []
    for name, meaning in MEANING.items():
        first = next((each for each in report.bands.values() if name in each.figures), None)
        if first is not None:
            chance = _chance(name, first)
            shown = "" if chance is None else f"{chance:.2f}"
            found = (_interval(each.figures.get(name)) for each in report.bands.values())
            rows.add_row(name, *found, shown, str(first.figures[name].n))
            meanings.append(f"{name:<12} {lang.of(meaning)}")
    return Group(rows, Text("\n".join(meanings), style="dim"))


def _counts(title: str, counts: Mapping[str, Mapping[str, int]]) -> Table:
    across = sorted({judged for row in counts.values() for judged in row})
    rows = _table(title, "", *across)
    for true, row in counts.items():
        rows.add_row(true, *(str(row.get(name, "")) for name in across))
    return rows


def _calibration(title: str, bins: tuple[Bin, ...], lang: Lang) -> Table:
    rows = _table(title, lang.of(CONFIDENCE), lang.of(MEAN), lang.of(HELD), "n")
    for each in bins:
        rows.add_row(f"{each.low:.1f}–{each.high:.1f}", f"{each.confidence:.2f}", f"{each.held:.2f}", str(each.n))
    return rows


def _table(title: str, *headings: str) -> Table:
    """A table with names on the left and numbers on the right."""
    columns = [Column(name, justify="right" if place else "left", no_wrap=True) for place, name in enumerate(headings)]
    return Table(*columns, title=Text(f"\n{title}"), title_justify="left", box=SIMPLE, pad_edge=False, min_width=60)


def _interval(figure: Estimate | None) -> str:
    if figure is None:
        return "–"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def _chance(name: str, found: Evaluation) -> float | None:
    """What guessing would reach; None where that is no single number."""
    match name:
        case "auc_arousal" | "uar_arousal":
            return 0.5
        case "uar_region":
            return 1 / len(found.regions)
        case "ccc_arousal" | "ccc_valence":
            return 0.0
        case _:
            return None


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")


def _rounded_bin(each: Bin) -> dict[str, Any]:
    return {name: value if isinstance(value, int) else _rounded(value) for name, value in asdict(each).items()}
