"""The evaluation of recognition as tables and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any, Final

from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from agent_console.asr_evaluation import AsrReport, Rate
from agent_console.asr_wording import (
    BAND,
    BANDS,
    CHOICE,
    COST,
    COUNT,
    DELETED,
    FIGURE,
    GROUP,
    HEARD,
    INSERTED,
    LINES,
    MEANING,
    SAID,
    SPEAKERS,
    SUBSTITUTED,
    SUBSTITUTIONS,
    TEXTS,
    TITLE,
    UNITS,
    VALUE,
)
from agent_console.prosody_options import Lang
from asr.evaluation import Substitution
from asr.live_evaluation import LiveFigures
from asr.scoring import BY_CHARACTER
from asr.types import Language
from prosody.metrics import Estimate

MOST_SUBSTITUTIONS: Final = 20
MOST_LINES: Final = 3


def document(report: AsrReport) -> dict[str, Any]:
    """One document, figures first."""
    return {
        "evaluation": "asr",
        "version": version("warmline"),
        "manifest": str(report.manifest),
        "engine": report.recognizer.recognizer.name,
        "choices": [
            {"language": each.language, "engine": each.engine, "model": each.model, "reason": each.reason.en}
            for each in report.recognizer.choices
        ],
        "text": report.text,
        "seed": report.seed,
        "utterances": sum(report.used.values()),
        "languages": {
            language: {"utterances": count, "speakers": report.speakers[language]}
            for language, count in report.used.items()
        },
        "skipped": [asdict(each) for each in report.skipped],
        "narrow": list(report.narrow),
        "fast": list(report.fast),
        "figures": [*_figures(report), *_live_figures(report.live)],
        "bands": {
            band: {
                "audio_s": _rounded(found.evaluation.audio_s),
                "rates": [_row(rate) for rate in found.rates],
                "groups": [_row(rate) for rate in found.groups],
                "substitutions": {
                    language: [_substitution(each) for each in listed[:MOST_SUBSTITUTIONS]]
                    for language, listed in found.substitutions.items()
                },
            }
            for band, found in report.bands.items()
        },
        "live": None if report.live is None else asdict(report.live),
    }


def tables(report: AsrReport, lang: Lang) -> RenderableType:
    """The same for people."""
    title = lang.of(TITLE).format(
        engine=report.recognizer.recognizer.name,
        text=lang.of(TEXTS[report.text]),
        utterances=sum(report.used.values()),
    )
    parts: list[RenderableType] = [_rates(title, lang.of(FIGURE), report, lang, groups=False)]
    chosen = (
        lang.of(CHOICE).format(
            language=each.language,
            engine=each.engine,
            model=each.model,
            reason=each.reason.zh if lang is Lang.ZH else each.reason.en,
        )
        for each in report.recognizer.choices
    )
    parts.append(Text("\n".join(chosen), style="dim"))
    if report.group is not None:
        parts.append(_rates(f"{lang.of(GROUP)}: {report.group}", lang.of(GROUP), report, lang, groups=True))
    parts.append(_costs(report, lang))
    for band, found in report.bands.items():
        for language, listed in found.substitutions.items():
            if listed:
                heading = lang.of(SUBSTITUTIONS).format(band=lang.of(BANDS[band]), language=language)
                parts.append(_substitutions(heading, listed, lang))
    return Group(*parts)


def metric(language: Language) -> str:
    """The customary error rate of a language: `cer` or `wer`."""
    return "cer" if language in BY_CHARACTER else "wer"


def _figures(report: AsrReport) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for band, result in report.bands.items():
        for rate in result.rates:
            name = metric(rate.language)
            found.append(
                {"name": f"{name}_{rate.language}_{band}", **_estimate(rate.figure), "meaning": MEANING[name].en}
            )
        found.append(
            {
                "name": f"rtf_cpu_{band}",
                "value": _rounded(result.evaluation.rtf_cpu),
                "low": None,
                "high": None,
                "n": len(result.evaluation.utterances),
                "meaning": MEANING["rtf_cpu"].en,
            }
        )
    return found


def _live_figures(live: LiveFigures | None) -> list[dict[str, Any]]:
    if live is None:
        return []
    return [
        {"name": name, "value": value, "low": None, "high": None, "n": live.utterances, "meaning": MEANING[name].en}
        for name, value in _live_values(live)
    ]


def _live_values(live: LiveFigures) -> list[tuple[str, float]]:
    values = {
        "final_p50_ms": live.final_p50_s,
        "final_p95_ms": live.final_p95_s,
        "first_partial_p50_ms": live.first_partial_p50_s,
        "partial_gap_p50_ms": live.partial_gap_p50_s,
        "partial_gap_p95_ms": live.partial_gap_p95_s,
    }
    return [(name, round(1000 * value, 1)) for name, value in values.items() if value is not None]


def _row(rate: Rate) -> dict[str, Any]:
    return {
        "language": rate.language,
        "group": rate.group,
        "metric": metric(rate.language),
        **_estimate(rate.figure),
        "speakers": rate.speakers,
        **asdict(rate.edits),
    }


def _substitution(each: Substitution) -> dict[str, Any]:
    return {"said": each.said, "heard": each.heard, "count": each.count, "lines": list(each.names[:MOST_LINES])}


def _rates(title: str, first: str, report: AsrReport, lang: Lang, *, groups: bool) -> Table:
    headings = (BAND, SUBSTITUTED, DELETED, INSERTED, UNITS, SPEAKERS)
    rows = _table(title, first, "[95 %]", *(lang.of(heading) for heading in headings))
    for band, result in report.bands.items():
        for rate in result.groups if groups else result.rates:
            name = f"{metric(rate.language)} {rate.language}"
            edits = rate.edits
            counts = (edits.substitutions, edits.deletions, edits.insertions, edits.length, rate.speakers or "–")
            rows.add_row(
                f"{name} {rate.group}" if groups else name,
                _interval(rate.figure),
                lang.of(BANDS[band]),
                *(str(count) for count in counts),
            )
    return rows


def _costs(report: AsrReport, lang: Lang) -> Table:
    rows = _table(lang.of(COST), lang.of(FIGURE), lang.of(VALUE), "")
    for band, result in report.bands.items():
        rows.add_row(f"rtf_cpu {band}", f"{result.evaluation.rtf_cpu:.3f}", lang.of(MEANING["rtf_cpu"]))
    if report.live is not None:
        for name, value in _live_values(report.live):
            rows.add_row(name, f"{value:.0f}", lang.of(MEANING[name]))
    return rows


def _substitutions(title: str, listed: Sequence[Substitution], lang: Lang) -> Table:
    rows = _table(title, lang.of(SAID), lang.of(HEARD), lang.of(COUNT), lang.of(LINES))
    for each in listed[:MOST_SUBSTITUTIONS]:
        lines = ", ".join(each.names[:MOST_LINES]) + ("…" if len(each.names) > MOST_LINES else "")
        rows.add_row(Text(each.said), Text(each.heard), str(each.count), Text(lines))
    return rows


def _table(title: str, *headings: str) -> Table:
    """A table with names on the left and numbers on the right."""
    columns = [Column(name, justify="right" if place else "left", no_wrap=True) for place, name in enumerate(headings)]
    return Table(*columns, title=Text(f"\n{title}"), title_justify="left", box=SIMPLE, pad_edge=False, min_width=60)


def _interval(figure: Estimate) -> str:
    if figure.low is None or figure.high is None:
        return f"{100 * figure.value:.1f} %"
    return f"{100 * figure.value:.1f} % [{100 * figure.low:.1f}, {100 * figure.high:.1f}]"


def _estimate(figure: Estimate) -> dict[str, Any]:
    return {
        "value": _rounded(figure.value),
        "low": None if figure.low is None else _rounded(figure.low),
        "high": None if figure.high is None else _rounded(figure.high),
        "n": figure.n,
    }


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
