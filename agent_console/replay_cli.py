"""`warmline replay FILE …`: recordings through the live pipeline."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import anyio
import typer

from agent_console.diarize_cli import Caller, Pipeline, Speakers
from agent_console.log_output import set_up_logging
from agent_console.recordings import find_recordings
from agent_console.settings import LogLevel, Settings
from agent_console.settings_options import Engine, ModelsFolder, PolicyOption, SettingsFile, Vad
from asr.types import Language
from voice.contracts.errors import SettingsError

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: warmline replay samples/calls/* --jsonl > events.jsonl")
def replay(
    files: Annotated[list[Path], typer.Argument(help="Audio files, or folders with audio.wav and call.json.")],
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print one event per line and nothing else.")] = False,
    speed: Annotated[
        float | None, typer.Option(min=0.1, max=100, help="1 is real pace; without it as fast as possible.")
    ] = None,
    language: Annotated[
        Language | None, typer.Option(help="What is spoken, where the call's folder does not say.")
    ] = None,
    config_file: SettingsFile = None,
    models: ModelsFolder = None,
    engine: Engine = None,
    vad: Vad = None,
    policy: PolicyOption = None,
    diarize: Annotated[
        bool, typer.Option("--diarize", help="Tell the speakers of mono recordings apart first (extra diarize).")
    ] = False,
    speakers: Speakers = None,
    caller: Caller = None,
    pipeline: Pipeline = None,
) -> None:
    """Run recordings through the live pipeline and show the words, the tone and the decisions."""
    if not diarize and (speakers is not None or caller is not None or pipeline is not None):
        raise SettingsError("--speakers, --caller and --pipeline say how to diarize.", fix="Add --diarize.")
    settings = Settings.load(file=config_file, models=models, engine=engine, vad=vad, policy=policy)
    recordings = find_recordings(files)
    # What plays them takes seconds to import; a mistyped name is said before.
    from agent_console.diarized_replay import DiarizeOptions
    from agent_console.replaying import replay_all

    set_up_logging(LogLevel.WARNING)
    wanted = DiarizeOptions(pipeline, speakers, caller) if diarize else None
    anyio.run(partial(replay_all, recordings, settings, jsonl=jsonl, speed=speed, language=language, diarize=wanted))
