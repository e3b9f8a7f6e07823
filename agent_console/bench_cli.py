"""`warmline bench …`: measurements on this machine."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import anyio
import typer
from rich.console import Console as Terminal

from agent_console.settings import Settings

if TYPE_CHECKING:
    from agent_console.bench.figures import Figure

app = typer.Typer(
    help="Measure here. Every benchmark prints the same kind of document: figures with unit, target and range.",
    no_args_is_help=True,
)


@app.callback()
def bench() -> None:
    """Take the name of a benchmark as a command of its own."""


@app.command(epilog="Example: warmline bench pipeline --json > pipeline.json")
def pipeline(
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    utterances: Annotated[int, typer.Option(min=1, help="How many utterances, at least.")] = 50,
    models: Annotated[Path | None, typer.Option("--models", help="Folder that holds the models.")] = None,
    engine: Annotated[str | None, typer.Option(help="Recognition engine: auto, whisper, vosk or fake.")] = None,
    vad: Annotated[str | None, typer.Option(help="Voice activity detector: silero or webrtc.")] = None,
) -> None:
    """CPU and waiting times of one call at real pace, watched by a console (takes about five minutes)."""
    from agent_console.bench.pipeline import measure_pipeline

    settings = Settings.load(models=models, engine=engine, vad=vad)
    figures = anyio.run(partial(measure_pipeline, settings, Terminal(stderr=True), utterances=utterances))
    _show("pipeline", figures, json_output=json_output)


@app.command(epilog="Example: warmline bench soak --json > soak.json")
def soak(
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    vad: Annotated[str | None, typer.Option(help="Voice activity detector: silero or webrtc.")] = None,
) -> None:
    """Ten calls at once: event loop lag at real pace, memory over long calls (takes about four minutes)."""
    from agent_console.bench.soak import measure_soak

    figures = anyio.run(partial(measure_soak, Settings.load(vad=vad), Terminal(stderr=True)))
    _show("soak", figures, json_output=json_output)


def _show(bench_name: str, figures: list[Figure], *, json_output: bool) -> None:
    from agent_console.bench.figures import document, table

    if json_output:
        Terminal().print_json(data=document(bench_name, figures))
    else:
        Terminal().print(table(bench_name, figures))
