"""How every evaluation shows what it found, and how far it is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console as Terminal
from rich.console import RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


def print_findings(found: RenderableType | dict[str, Any], notes: list[str]) -> None:
    """The findings on standard output, what they do not say by themselves on standard error."""
    if isinstance(found, dict):
        Terminal().print_json(data=found)
    else:
        Terminal().print(found)
    terminal = Terminal(stderr=True, highlight=False, markup=False, soft_wrap=True)
    for note in notes:
        terminal.print(note)


@contextmanager
def showing_progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar per step on standard error, where that is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Terminal(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bars:
        tasks = {}

        def report(step: str, of: int, done: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=of)
            bars.update(tasks[step], completed=done, total=of)

        yield report
