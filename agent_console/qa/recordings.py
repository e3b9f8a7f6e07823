"""Recorded calls: where a call's audio lies, and how loud it is over time."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from voice.contracts.audio import CallId
from voice.contracts.errors import AudioFormatError, PeaksError, WarmlineError
from voice.contracts.recording import RecordingFormat
from voice.peaks import SUFFIX, Peaks, decode_peaks

CALL_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}", re.ASCII)
"""What a call's id looks like; nothing else ever becomes part of a path."""

Measure = Callable[[Path], Peaks]
"""Measures the peaks of an audio file; raises `AudioFormatError` where there is no audio in it."""


class NoRecordingError(WarmlineError):
    """A call without a recording."""

    code: ClassVar[str] = "recording.unknown"


@dataclass(frozen=True, slots=True)
class StoredRecording:
    """A recording on disk.

    Attributes:
        path: the file.
        kind: its format.
        size: its bytes.
        tag: changes when the file does (an HTTP entity tag, quoted).
    """

    path: Path
    kind: RecordingFormat
    size: int
    tag: str


class Recordings:
    """The folder that holds `CALL.wav`, `CALL.flac` or `CALL.opus` for every recorded call. Methods touch the disk.

    Args:
        folder: where.
        measure: makes the peaks of recordings that lack them; None where nothing can.
    """

    def __init__(self, folder: Path, measure: Measure | None = None) -> None:
        self._folder = folder
        self._measure = measure
        self._measuring = threading.Lock()

    def exists(self, call: CallId) -> bool:
        """Whether the call has a recording (up to three look-ups in the folder, some microseconds)."""
        return CALL_ID.fullmatch(call) is not None and any(self._path(call, kind).is_file() for kind in RecordingFormat)

    def find(self, call: CallId) -> StoredRecording:
        """The call's recording, once the call is over.

        Raises:
            NoRecordingError: the id is not one, the file is not there, or it leads out of the folder.
        """
        if CALL_ID.fullmatch(call) is None:
            raise NoRecordingError("A call's id was expected.")
        for kind in RecordingFormat:
            path = self._path(call, kind)
            try:
                facts = path.stat()
            except OSError:
                continue
            if not path.resolve().is_relative_to(self._folder.resolve()):
                raise NoRecordingError("A call's id was expected.")
            return StoredRecording(path, kind, facts.st_size, f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"')
        raise NoRecordingError(
            f"Call {call} has no recording.", fix="Recording may have been off; see `warmline config show`."
        )

    def peaks(self, call: CallId) -> Peaks:
        """How loud the call's recording is over time; measured now, some seconds for an hour, where nobody did before.

        Raises:
            NoRecordingError: as `find`.
            PeaksError: there are none, and the recording is no audio either, or nothing here can measure it.
        """
        recording = self.find(call)
        stored = recording.path.with_suffix(SUFFIX)
        if (known := _read(stored)) is not None:
            return known
        if self._measure is None:
            raise PeaksError(f"Call {call} has no peaks.")
        with self._measuring:  # one at a time: whoever asks in vain for many recordings shall not take all cores
            if (known := _read(stored)) is not None:
                return known
            try:
                measured = self._measure(recording.path)
            except AudioFormatError as error:
                raise PeaksError(f"The recording of call {call} cannot be read: {error.code}.") from error
            _write(stored, measured.encode())
        return measured

    def _path(self, call: CallId, kind: RecordingFormat) -> Path:
        return self._folder / f"{call}{kind.suffix}"


def _read(path: Path) -> Peaks | None:
    """The stored peaks; None where there are none that can be used, so that they are measured again."""
    try:
        return decode_peaks(path.read_bytes())
    except (OSError, PeaksError):
        return None


def _write(path: Path, data: bytes) -> None:
    """Store peaks for the next time; where there is no room, they are measured again then."""
    building = path.with_suffix(f"{SUFFIX}.new")
    try:
        building.write_bytes(data)
        building.replace(path)
    except OSError:
        building.unlink(missing_ok=True)
