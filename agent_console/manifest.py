"""Lists of labelled recordings: JSON lines, one recording each, with audio paths relative to the list.

What is wrong is collected line by line, so that a list is mended in one go.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from voice.contracts.errors import ManifestError

_MOST_SHOWN: Final = 20
_MOST_BYTES: Final = 64 << 20
"""A list is read at once; recordings are not."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list.

    Attributes:
        line: its number, from 1.
        audio: the file, as the line names it, found from the list's folder.
        fields: everything the line says.
    """

    line: int
    audio: Path
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Broken:
    """A line that cannot be used, and why."""

    line: int
    reason: str


def read_manifest(path: Path) -> tuple[list[Entry], list[Broken]]:
    """Read a list; empty lines are passed over.

    Returns:
        What can be used, and what cannot; each in the order of lines. A recording that a line before has named already
        is broken: it would be evidence for itself.

    Raises:
        ManifestError: there is no such file, it is no text, or there is no line in it.
    """
    entries: list[Entry] = []
    broken: list[Broken] = []
    named: dict[Path, int] = {}
    for number, text in enumerate(_read(path).splitlines(), start=1):
        if not text.strip():
            continue
        found = _read_line(text, number, path.parent)
        if isinstance(found, Entry) and (before := named.setdefault(found.audio, number)) != number:
            found = Broken(number, f"line {before} names the same audio, {found.audio.name}")
        if isinstance(found, Entry):
            entries.append(found)
        else:
            broken.append(found)
    if not entries and not broken:
        raise ManifestError(
            f"{path} holds no line.", fix='Expected lines like {"audio": "a.wav", "speaker": "1", ...}.'
        )
    return entries, broken


def refuse_broken(path: Path, broken: Sequence[Broken], fix: str) -> None:
    """Say all that is wrong with a list, if anything is.

    Raises:
        ManifestError: there are broken lines.
    """
    if not broken:
        return
    ordered = sorted(broken, key=lambda each: each.line)
    shown = [f"line {each.line}: {each.reason}" for each in ordered[:_MOST_SHOWN]]
    if len(ordered) > _MOST_SHOWN:
        shown.append(f"and {len(ordered) - _MOST_SHOWN} more")
    listed = "\n  ".join(shown)
    raise ManifestError(f"{path} has {len(ordered)} broken line{'s' * (len(ordered) > 1)}.\n  {listed}\n", fix=fix)


def _read(path: Path) -> str:
    try:
        if not path.is_file():
            what = "a folder" if path.is_dir() else "not there"
            raise ManifestError(f"Expected a list of recordings at {path}; it is {what}.", fix="Check --manifest.")
        if path.stat().st_size > _MOST_BYTES:
            raise ManifestError(f"{path} is larger than {_MOST_BYTES >> 20} MB; expected a list of recordings.")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ManifestError(f"{path} is not UTF-8 text (line {line}); expected JSON lines.") from error
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror}.") from error


def _read_line(text: str, number: int, folder: Path) -> Entry | Broken:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        return Broken(number, f"not JSON{where}")
    if not isinstance(fields, dict):
        return Broken(number, f"expected an object, got {type(fields).__name__}")
    audio = fields.get("audio")
    if not isinstance(audio, str) or not audio or "\0" in audio:
        return Broken(number, '"audio" has to name a file')
    path = folder / audio
    if not path.is_file():
        return Broken(number, f"there is no file {audio}")
    return Entry(number, path, fields)
