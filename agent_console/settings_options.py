"""Options of several commands that override a setting."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

SettingsFile = Annotated[
    Path | None, typer.Option("--config", help="Settings file; without it warmline.toml in this folder, if there.")
]
DataFolder = Annotated[Path | None, typer.Option("--data", help="Folder for journal, recordings and accounts.")]
ModelsFolder = Annotated[Path | None, typer.Option("--models", help="Folder that holds the recognition models.")]
Engine = Annotated[str | None, typer.Option(help="Recognition engine: auto, whisper, vosk or fake.")]
Vad = Annotated[str | None, typer.Option(help="Voice activity detector: silero or webrtc.")]
PolicyOption = Annotated[Path | None, typer.Option("--policy", help="Routing policy; without it the one that ships.")]
