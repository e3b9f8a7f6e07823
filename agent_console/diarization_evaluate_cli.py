"""`warmline evaluate diarization`: who was found to speak when, against who does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent_console.diarize_cli import Pipeline
from agent_console.evaluation_output import print_findings, showing_progress
from agent_console.prosody_options import Lang

EPILOG = "Example: warmline evaluate diarization --manifest calls.jsonl --json > diarization.json"


def diarization(
    manifest: Annotated[
        Path, typer.Option(help='Lines like {"audio": "a.wav", "rttm": "a.rttm"}; mono audio.', show_default=False)
    ],
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    pipeline: Pipeline = None,
    oracle: Annotated[
        bool, typer.Option("--oracle", help="Give the pipeline the number of speakers in the reference.")
    ] = False,
    collar_ms: Annotated[
        int, typer.Option("--collar", min=0, max=1000, help="Milliseconds around real boundaries that do not count.")
    ] = 0,
    models: Annotated[Path | None, typer.Option("--models", help="Folder that holds the models.")] = None,
    skip_broken: Annotated[bool, typer.Option("--skip-broken", help="Leave broken lines out, and say how many.")] = (
        False
    ),
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap over recordings.")] = 0,
    lang: Annotated[Lang, typer.Option(help="Language of the tables.")] = Lang.EN,
) -> None:
    """Diarization against reference turns: error rate, missed, false alarm, confusion, with intervals."""
    from agent_console.diarization_evaluation import evaluate_diarization
    from agent_console.diarization_report import document, tables
    from agent_console.settings import Settings
    from voice.contracts.audio import from_ms

    with showing_progress() as progress:
        report = evaluate_diarization(
            manifest,
            Settings.load(models=models),
            pipeline=pipeline,
            oracle=oracle,
            collar=from_ms(collar_ms),
            skip_broken=skip_broken,
            seed=seed,
            progress=progress,
        )
    print_findings(document(report) if json_output else tables(report, lang), report.notes(lang))
