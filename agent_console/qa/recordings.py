"""Recorded calls: where a call's audio lies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from voice.contracts.audio import CallId
from voice.contracts.errors import WarmlineError

CALL_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}", re.ASCII)
"""What a call's id looks like; nothing else ever becomes part of a path."""


class NoRecordingError(WarmlineError):
    """A call without a recording."""

    code: ClassVar[str] = "recording.unknown"


@dataclass(frozen=True, slots=True)
class StoredRecording:
    """A recording on disk.

    Attributes:
        path: the WAV file.
        size: its bytes now; it grows while the call lasts.
        tag: changes when the file does (an HTTP entity tag, quoted).
    """

    path: Path
    size: int
    tag: str


class Recordings:
    """The folder that holds `CALL.wav` for every recorded call. Methods touch the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def exists(self, call: CallId) -> bool:
        """Whether the call has a recording (one look-up in the folder, some microseconds)."""
        return CALL_ID.fullmatch(call) is not None and self._path(call).is_file()

    def find(self, call: CallId) -> StoredRecording:
        """The call's recording.

        Raises:
            NoRecordingError: the id is not one, the file is not there, or it leads out of the folder.
        """
        path = self._path(call)
        if CALL_ID.fullmatch(call) is None or not path.resolve().is_relative_to(self._folder.resolve()):
            raise NoRecordingError("A call's id was expected.")
        try:
            facts = path.stat()
        except OSError as error:
            raise NoRecordingError(
                f"Call {call} has no recording.", fix="Recording may have been off; see `warmline config show`."
            ) from error
        return StoredRecording(path, facts.st_size, f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"')

    def _path(self, call: CallId) -> Path:
        return self._folder / f"{call}.wav"
