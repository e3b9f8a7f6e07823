"""What `warmline replay` is given: audio files, or folders of sample calls."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from asr.types import Language
from voice.audio.decode import inspect
from voice.contracts.audio import CallId
from voice.contracts.errors import AudioFormatError


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording to be replayed.

    Attributes:
        call: the id its replay gets: `r-` and the name, in lower case, without what a URL would not take.
        audio: the file.
        language: what is spoken in it; None where nothing says so.
    """

    call: CallId
    audio: Path
    language: Language | None


def find_recordings(paths: Iterable[Path]) -> list[Recording]:
    """The recordings at `paths`, every file looked at, so that a mistyped name is not found out an hour later.

    Raises:
        AudioFormatError: there is no such file, or it cannot be read as audio, or a folder is no call.
    """
    recordings = [find_recording(path) for path in paths]
    for recording in recordings:
        inspect(recording.audio)
    return recordings


def find_recording(path: Path) -> Recording:
    """The recording at `path`: an audio file, or a folder with `audio.wav` and `call.json`.

    Raises:
        AudioFormatError: there is no such file, or the folder is no call.
    """
    if not path.is_dir():
        return Recording(_name(path.stem), path, None)
    audio, description = path / "audio.wav", path / "call.json"
    if not audio.is_file():
        raise AudioFormatError(
            f"The folder {path} holds no audio.wav.", fix="Name an audio file, or a folder like samples/calls/NAME."
        )
    return Recording(_name(path.name), audio, _language(description) if description.is_file() else None)


def _name(text: str) -> CallId:
    return CallId("r-" + (re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "recording"))


def _language(description: Path) -> Language:
    try:
        tag = json.loads(description.read_text(encoding="utf-8"))["language"]
        return Language(str(tag).partition("-")[0])
    except (ValueError, KeyError, TypeError) as error:
        raise AudioFormatError(
            f"{description} does not say in 'language' what is spoken.", fix=f"Give one of {', '.join(Language)}."
        ) from error
