"""`warmline evaluate …`: how well something works on labelled recordings of yours."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console as Terminal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agent_console.prosody_options import Lang

app = typer.Typer(
    help="Measure quality on labelled recordings: a list of JSON lines, audio paths relative to it.",
    no_args_is_help=True,
)

SkipBroken = Annotated[bool, typer.Option("--skip-broken", help="Leave broken lines out, and say how many.")]


class BandChoice(StrEnum):
    """Through which line the recordings are heard."""

    CLEAN = "clean"
    TELEPHONE = "telephone"
    BOTH = "both"


@app.callback()
def evaluate() -> None:
    """Take the name of what is evaluated as a command of its own."""


@app.command(epilog="Example: warmline evaluate emotion --manifest calls.jsonl --json > emotion.json")
def emotion(
    manifest: Annotated[
        Path,
        typer.Option(help='Lines like {"audio": "a.wav", "speaker": "1", "emotion": "anger"}.', show_default=False),
    ],
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    band: Annotated[BandChoice, typer.Option(help="As recorded, through a telephone line, or both.")] = BandChoice.BOTH,
    model: Annotated[
        str, typer.Option(help="default: as calls are judged; rules; linear; or the path of an ONNX tone model.")
    ] = "default",
    skip_broken: SkipBroken = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap over speakers.")] = 0,
    lang: Annotated[Lang, typer.Option(help="Language of the tables.")] = Lang.EN,
) -> None:
    """Emotion from tone alone, against labels; each speaker is judged against their own neutral utterances."""
    from agent_console.emotion_evaluation import evaluate_emotion
    from agent_console.emotion_report import document, tables

    with _progress() as progress:
        report = evaluate_emotion(
            manifest,
            bands=("clean", "telephone") if band is BandChoice.BOTH else (band.value,),
            model=model,
            skip_broken=skip_broken,
            seed=seed,
            progress=progress,
        )
    terminal, notes = Terminal(), Terminal(stderr=True, highlight=False, markup=False, soft_wrap=True)
    if json_output:
        terminal.print_json(data=document(report))
    else:
        terminal.print(tables(report, lang))
    for note in report.notes(lang):
        notes.print(note)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar per step on standard error, where that is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Terminal(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bars:
        tasks = {}

        def report(step: str, of: int, done: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=of)
            bars.update(tasks[step], completed=done, total=of)

        yield report
