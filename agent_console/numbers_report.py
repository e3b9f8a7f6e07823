"""The evaluation of dictated numbers as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from agent_console.asr_wording import FAST
from agent_console.numbers_evaluation import VARIANTS, NumbersReport, Outcome, Share, Tally
from agent_console.numbers_manifest import Dictated
from agent_console.numbers_wording import (
    ALL,
    ALL_DIGITS,
    AS_ENTITY,
    CHANGED,
    CPU,
    DEFAULT,
    DIGIT_ERRORS,
    FINALS,
    IN_TEXT,
    INTERVALS,
    MEANING,
    RIGHT,
    SKIPPED,
    TITLE,
    VARIANT,
)
from agent_console.numbers_wording import VARIANTS as VARIANT_NAMES
from agent_console.prosody_options import Lang
from agent_console.settings import Settings


def document(report: NumbersReport) -> dict[str, Any]:
    """One document, figures first."""
    groups = report.groups()
    return {
        "evaluation": "numbers",
        "version": version("warmline"),
        "manifest": str(report.manifest),
        "engines": report.engines,
        "seed": report.seed,
        "numbers": len(report.dictated),
        "default": default_variant(),
        "skipped": [asdict(each) for each in report.skipped],
        "figures": list(_figures(report)),
        "groups": {
            variant: {
                name: _row(report.tally(variant, places), report.changed(variant, places))
                for name, places in groups.items()
            }
            for variant in report.variants
        },
        "outcomes": [
            _said(each)
            | {"variants": {name: _outcome(result.outcomes[place]) for name, result in report.variants.items()}}
            for place, each in enumerate(report.dictated)
        ],
    }


def tables(report: NumbersReport, lang: Lang) -> RenderableType:
    """The same for people: a table for each group."""
    parts: list[RenderableType] = []
    for name, places in report.groups().items():
        title = lang.of(TITLE).format(count=len(places)) + f", {lang.of(ALL) if name == 'all' else name}"
        headings = (RIGHT, IN_TEXT, AS_ENTITY, ALL_DIGITS, DIGIT_ERRORS, FINALS, CHANGED, CPU)
        columns = [Column(lang.of(VARIANT), no_wrap=True)]
        columns += [Column(lang.of(heading), justify="right", no_wrap=True) for heading in headings]
        rows = Table(*columns, title=Text(f"\n{title}"), title_justify="left", box=SIMPLE, pad_edge=False)
        for variant in report.variants:
            rows.add_row(*_cells(report, variant, places, lang))
        parts.append(rows)
    parts.append(Text(report.engines, style="dim"))
    return Group(*parts)


def notes(report: NumbersReport, lang: Lang) -> list[str]:
    """What the figures do not say by themselves."""
    found = [lang.of(MEANING["right"]), lang.of(INTERVALS)]
    fast = [str(each.line) for each in report.dictated if each.is_fast]
    if fast:
        lines = ", ".join(fast[:10]) + ("…" if len(fast) > 10 else "")
        found.append(lang.of(FAST).format(count=len(fast), lines=lines))
    if report.skipped:
        lines = ", ".join(str(each.line) for each in report.skipped[:10]) + ("…" if len(report.skipped) > 10 else "")
        found.append(lang.of(SKIPPED).format(count=len(report.skipped), lines=lines))
    return found


def default_variant() -> str | None:
    """Which of the variants calls have without settings; None where it is another one."""
    fields = Settings.model_fields
    return next(
        (name for name, changes in VARIANTS.items() if all(fields[key].default == its for key, its in changes.items())),
        None,
    )


def _figures(report: NumbersReport) -> Iterator[dict[str, Any]]:
    groups = {name: places for name, places in report.groups().items() if "=" not in name}
    for variant, result in report.variants.items():
        for name, places in groups.items():
            tally = report.tally(variant, places)
            yield {"name": f"right_{name}_{variant}", **_share(tally.right), "meaning": MEANING["right"].en}
            if tally.all_digits is not None:
                meaning = MEANING["all_digits"].en
                yield {"name": f"all_digits_{name}_{variant}", **_share(tally.all_digits), "meaning": meaning}
            if tally.digit_errors is not None:
                found = {key: _rounded(its) for key, its in asdict(tally.digit_errors).items()}
                meaning = MEANING["digit_error_rate"].en
                yield {"name": f"digit_error_rate_{name}_{variant}", **found, "meaning": meaning}
        if result.cpu_s_per_audio_s is not None:
            figure = {"value": _rounded(result.cpu_s_per_audio_s), "low": None, "high": None, "n": len(result.outcomes)}
            yield {"name": f"cpu_s_per_audio_s_{variant}", **figure, "meaning": MEANING["cpu_s_per_audio_s"].en}


def _row(tally: Tally, changed: tuple[int, int]) -> dict[str, Any]:
    return {
        "right": _share(tally.right),
        "in_text": _share(tally.in_text),
        "as_entity": _share(tally.as_entity),
        "all_digits": None if tally.all_digits is None else _share(tally.all_digits),
        "digit_error_rate": None
        if tally.digit_errors is None
        else {key: _rounded(its) for key, its in asdict(tally.digit_errors).items()},
        "turns": _rounded(tally.finals),
        "won": changed[0],
        "lost": changed[1],
    }


def _cells(report: NumbersReport, variant: str, places: list[int], lang: Lang) -> list[str]:
    tally = report.tally(variant, places)
    won, lost = report.changed(variant, places)
    cpu = report.variants[variant].cpu_s_per_audio_s
    name = lang.of(VARIANT_NAMES[variant])
    low, high = tally.right.interval
    errors = tally.digit_errors
    return [
        lang.of(DEFAULT).format(name=name) if variant == default_variant() else name,
        f"{tally.right.hits}/{tally.right.n} [{100 * low:.0f}, {100 * high:.0f}] %",
        str(tally.in_text.hits),
        str(tally.as_entity.hits),
        "–" if tally.all_digits is None else f"{tally.all_digits.hits}/{tally.all_digits.n}",
        "–"
        if errors is None
        else f"{100 * errors.value:.1f} %"
        + ("" if errors.low is None or errors.high is None else f" [{100 * errors.low:.1f}, {100 * errors.high:.1f}]"),
        f"{tally.finals:.2f}",
        f"+{won} −{lost}",
        "–" if cpu is None else f"{cpu:.3f}",
    ]


def _said(each: Dictated) -> dict[str, Any]:
    stated = {key: its for key, its in each.fields.items() if key not in {"text", "also"}}
    return {"line": each.line} | stated


def _outcome(outcome: Outcome) -> dict[str, Any]:
    found = asdict(outcome)
    found["edits"] = asdict(outcome.edits)
    return {"right": outcome.right} | found


def _share(share: Share) -> dict[str, Any]:
    low, high = share.interval
    return {
        "value": _rounded(share.value),
        "low": _rounded(low),
        "high": _rounded(high),
        "n": share.n,
        "hits": share.hits,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
