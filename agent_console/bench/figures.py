"""What every benchmark answers: one document of figures, as JSON or as a table."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from statistics import median
from typing import Any, Literal

import numpy as np
from rich.box import SIMPLE
from rich.table import Column, Table


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure should reach."""

    side: Literal["<=", ">="]
    bound: float

    def is_met(self, value: float) -> bool:
        """Whether `value` reaches it."""
        return value <= self.bound if self.side == "<=" else value >= self.bound

    def __str__(self) -> str:
        return f"{self.side} {self.bound:g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure.

    Attributes:
        name: fixed; others compare by it.
        value: the figure.
        unit: of value, lowest and highest.
        n: how many measurements it rests on.
        lowest: the smallest of them.
        highest: the largest of them.
        target: what it should reach, if anything.
        peer: what it is compared with, if anything.
    """

    name: str
    value: float
    unit: str
    n: int
    lowest: float
    highest: float
    target: Target | None = None
    peer: str | None = None

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "name": self.name,
            "value": _rounded(self.value),
            "unit": self.unit,
            "target": None if self.target is None else str(self.target),
            "peer": self.peer,
            "n": self.n,
            "min": _rounded(self.lowest),
            "max": _rounded(self.highest),
        }


def median_of(name: str, values: Sequence[float], unit: str, target: Target | None = None) -> Figure:
    """The median of several runs."""
    return Figure(name, median(values), unit, len(values), min(values), max(values), target)


def percentile_of(
    name: str, values: Sequence[float], percent: float, unit: str, target: Target | None = None
) -> Figure:
    """A percentile of many measurements (linear interpolation)."""
    value = float(np.percentile(values, percent))
    return Figure(name, value, unit, len(values), min(values), max(values), target)


def document(bench: str, figures: Sequence[Figure], about: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The whole document, with what it was measured on and, where it matters, what with."""
    return {
        "bench": bench,
        "version": version("warmline"),
        "machine": {
            "system": platform.system(),
            "processor": _processor(),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "python": platform.python_version(),
        },
        **({} if about is None else {"about": dict(about)}),
        "figures": [figure.document() for figure in figures],
    }


def table(bench: str, figures: Sequence[Figure]) -> Table:
    """The same for people; a missed target is said in words, not only in colour."""
    columns = [
        Column("figure", no_wrap=True),
        Column("value", justify="right", no_wrap=True),
        Column("unit", no_wrap=True),
        Column("target", no_wrap=True),
        Column("n", justify="right", no_wrap=True),
        Column("range", no_wrap=True),
    ]
    rows = Table(*columns, title=f"warmline bench {bench}", box=SIMPLE, pad_edge=False)
    for figure in figures:
        target = ""
        if figure.target:
            met = figure.target.is_met(figure.value)
            target = f"{figure.target} " + ("[green]met[/]" if met else "[bold red]MISSED[/]")
        spread = f"{figure.lowest:.3g} to {figure.highest:.3g}" if figure.n > 1 else ""
        rows.add_row(figure.name, f"{figure.value:.3g}", figure.unit, target, str(figure.n), spread)
    return rows


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123  not a path of ours
            return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    except OSError:
        return platform.processor() or "unknown"
