"""`warmline models …`: what recognition needs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console as Terminal
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from agent_console.exit_codes import ExitCode
from agent_console.settings import Settings
from asr.models.catalogue import CATALOGUE
from asr.models.fetch import pull as fetch
from asr.models.ranking import standings_of
from asr.models.store import Advance, ModelStore, Step
from asr.models.store import Progress as Report
from voice.contracts.errors import ModelError

app = typer.Typer(
    help="Recognition models: what there is, fetching, checking.", no_args_is_help=True, add_completion=False
)

ModelsFolder = Annotated[Path | None, typer.Option("--models", help="Folder that holds the models.")]
JsonOutput = Annotated[bool, typer.Option("--json", help="Print as JSON.")]

_STEPS = {Step.DOWNLOAD: "下载 download", Step.UNPACK: "解包 unpack", Step.VERIFY: "校验 verify"}


@app.command("list")
def list_all(json_output: JsonOutput = False, models: ModelsFolder = None) -> None:
    """List the catalogue and what is installed."""
    store = ModelStore(Settings.load(models=models).models)
    installed = {model.name for model in store.installed()}
    rows = [
        {
            "name": entry.name,
            "engine": entry.engine.value,
            "languages": sorted(entry.languages),
            "licence": entry.licence,
            "download_bytes": entry.sources[0].download_size,
            "pinned": entry.pinned,
            "installed": entry.name in installed,
            "origin": entry.origin,
            "accuracy": {
                language.value: {
                    "error_percent": standing.error_percent,
                    "test": standing.test,
                    "source": standing.source,
                    "ours": standing.ours,
                }
                for language, standing in standings_of(entry.name).items()
            },
            "about": {"zh": entry.zh, "en": entry.en},
        }
        for entry in CATALOGUE
    ]
    terminal = Terminal()
    if json_output:
        terminal.print_json(data={"models": rows, "others": sorted(installed - {entry.name for entry in CATALOGUE})})
        return
    for entry in CATALOGUE:
        here = "[green]✓ installed[/]" if entry.name in installed else ""
        size = f"{entry.sources[0].download_size / 1e6:.0f} MB"
        terminal.print(f"[bold]{entry.name}[/]  {entry.engine}  {' '.join(sorted(entry.languages))}  {size}  {here}")
        terminal.print(f"  {entry.zh}\n  {entry.en}", highlight=False)
        for language, standing in standings_of(entry.name).items():
            terminal.print(f"  {language}: {standing.zh} / {standing.en}", highlight=False, markup=False)
        terminal.print(f"  [dim]{entry.licence}[/]", highlight=False)
    for name in sorted(installed - {entry.name for entry in CATALOGUE}):
        terminal.print(f"also installed: {name}")


@app.command(epilog="Example: warmline models pull vosk-small-cn --from ~/Downloads/vosk-model-small-cn-0.22.zip")
def pull(
    name: Annotated[str, typer.Argument(help="Name in the catalogue, or a name of yours together with --from.")],
    origin: Annotated[
        str | None, typer.Option("--from", help="Take it from this folder, zip or tar.bz2 file, or URL.")
    ] = None,
    models: ModelsFolder = None,
) -> None:
    """Fetch a model, verify it, and put it in its place; nothing half-done is left behind."""
    store = ModelStore(Settings.load(models=models).models)
    with _progress() as report:
        manifest = fetch(store, name, origin=origin, progress=report)
    Terminal(stderr=True).print(f"{manifest.name} is installed in {store.folder / manifest.name}.", highlight=False)


@app.command()
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(help="Models to check; all that are installed without it.")
    ] = None,
    json_output: JsonOutput = False,
    models: ModelsFolder = None,
) -> None:
    """Compare installed models with what they should be, file by file."""
    store = ModelStore(Settings.load(models=models).models)
    results: dict[str, str] = {}
    with _progress() as report:
        for name in names or [model.name for model in store.installed()]:
            try:
                store.verify(name, report)
            except ModelError as error:
                results[name] = f"[{error.code}] {error}"
            else:
                results[name] = "ok"
    terminal = Terminal()
    if json_output:
        terminal.print_json(data=results)
    else:
        for name, result in results.items():
            terminal.print(f"{name}: {result}", highlight=False, markup=False)
        if not results:
            terminal.print(f"No model in {store.folder}. Run: warmline models pull whisper-base", highlight=False)
    if any(result != "ok" for result in results.values()):
        raise typer.Exit(ExitCode.FOUND_WRONG)


@contextmanager
def _progress() -> Iterator[Report]:
    """A progress bar per step on standard error; plain lines where that is no terminal."""
    terminal = Terminal(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=terminal, disable=not sys.stderr.isatty()) as bars:
        tasks: dict[tuple[str, Step], TaskID] = {}

        def report(advance: Advance) -> None:
            key = (advance.model, advance.step)
            if key not in tasks:
                description = f"{advance.model} {_STEPS[advance.step]}"
                tasks[key] = bars.add_task(description, total=advance.total)
                if bars.disable:
                    terminal.print(f"{description} …", highlight=False)
            bars.update(tasks[key], completed=advance.done, total=advance.total)

        yield report
