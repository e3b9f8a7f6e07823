"""`warmline diarize FILE`: who speaks when in a mono recording, as a table, RTTM or JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console as Terminal
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from agent_console.prosody_options import Lang
from routing.terms import Direction

EPILOG: Final = "Example: warmline diarize call.wav --out call.rttm"

Pipeline = Annotated[
    Path | None,
    typer.Option(
        help="Folder of a pyannote.audio pipeline (config.yaml …); without it the model diarization. Never a hub."
    ),
]
Speakers = Annotated[
    int | None, typer.Option(min=1, max=20, help="How many speak, where you know; without it that is found out.")
]
Caller = Annotated[
    str | None, typer.Option(help="Who calls: first or second to speak, or a label. Without it that is found out.")
]

app = typer.Typer(add_completion=False)


@app.command(epilog=EPILOG)
def diarize(
    file: Annotated[Path, typer.Argument(help="Mono audio file; stereo has a channel for each party already.")],
    out: Annotated[Path | None, typer.Option(help="Write the turns into this RTTM file.")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    speakers: Speakers = None,
    caller: Caller = None,
    direction: Annotated[
        Direction, typer.Option(help="Of the call: whoever picks up speaks first.")
    ] = Direction.INBOUND,
    pipeline: Pipeline = None,
    models: Annotated[Path | None, typer.Option("--models", help="Folder that holds the models.")] = None,
    lang: Annotated[Lang, typer.Option(help="Language of the table.")] = Lang.EN,
) -> None:
    """Tell who speaks when in a mono recording, who calls and who serves.

    Needs the extra diarize (make diarize) and a pipeline (warmline models pull diarization). Nothing is sent anywhere.
    """
    from agent_console.diarization_result import Diarized, document, summary, table
    from agent_console.diarization_source import open_pipeline, read_mono
    from agent_console.diarization_wording import WRITTEN
    from agent_console.output_file import check_writable, written
    from agent_console.settings import Settings
    from asr.diarization.parties import assign_parties
    from asr.diarization.rttm import format_rttm

    if out is not None:
        check_writable(out, file)
    settings = Settings.load(models=models)
    pcm = read_mono(file)
    with showing_steps(lang) as progress:
        progress("loading", 1, 0)
        diarizer = open_pipeline(settings, pipeline)
        diarization = diarizer.diarize(pcm, speakers=speakers, progress=progress)
    parties = None
    if diarization.turns:
        parties = assign_parties(diarization, caller=caller, is_inbound=direction is Direction.INBOUND)
    found = Diarized(file, len(pcm), diarization, parties)
    notes = Terminal(stderr=True, highlight=False, markup=False, soft_wrap=True)
    if out is not None:
        with written(out) as unfinished:
            unfinished.write_text(format_rttm({file.stem: diarization}), encoding="utf-8")
        notes.print(lang.of(WRITTEN).format(path=out))
    if json_output:
        Terminal().print_json(data=document(found))
    elif diarization.turns:
        Terminal().print(table(found, lang))
    for line in summary(found, lang):
        notes.print(line)


@contextmanager
def showing_steps(lang: Lang) -> Iterator[Callable[[str, int, int], None]]:
    """A bar per step on standard error, where that is a terminal."""
    from agent_console.diarization_wording import STEPS

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Terminal(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def report(step: str, of: int, done: int) -> None:
            if step not in tasks:
                name = STEPS.get(step)
                tasks[step] = bars.add_task(step if name is None else lang.of(name), total=of)
            bars.update(tasks[step], completed=done, total=of)

        yield report
