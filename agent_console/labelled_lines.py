"""Lists of labelled texts: JSON lines, one utterance each. What is wrong is said line by line, all of it at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from agent_console.manifest import Broken, refuse_broken
from voice.contracts.errors import ManifestError

MOST_BYTES: Final = 64 << 20
LONGEST_TEXT: Final = 100_000

Line = TypeVar("Line")


@dataclass(frozen=True, slots=True)
class Score:
    """How well something is found.

    Attributes:
        hits: found, and there.
        wrong: found, and not there.
        missed: there, and not found.
    """

    hits: int = 0
    wrong: int = 0
    missed: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(self.hits + other.hits, self.wrong + other.wrong, self.missed + other.missed)

    @property
    def precision(self) -> float:
        """Share of what was found that is there; 1 where nothing was found and nothing is there."""
        return _share(self.hits, self.wrong, self.missed)

    @property
    def recall(self) -> float:
        """Share of what is there that was found; 1 where nothing was found and nothing is there."""
        return _share(self.hits, self.missed, self.wrong)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall (van Rijsbergen 1979)."""
        return (
            2 * self.hits / (2 * self.hits + self.wrong + self.missed) if self.hits + self.wrong + self.missed else 1.0
        )

    def document(self) -> dict[str, float | int]:
        """As it stands in JSON."""
        return {
            "precision": round(self.precision, 4),
            "recall": round(self.recall, 4),
            "f1": round(self.f1, 4),
            "n": self.hits + self.missed,
        }


def _share(hits: int, against: int, other: int) -> float:
    if hits + against:
        return hits / (hits + against)
    return 0.0 if other else 1.0


def read_lines(path: Path, parse: Callable[[Mapping[str, Any]], Line | str], example: str) -> list[Line]:
    """Read a list of labelled texts; empty lines are passed over.

    Args:
        path: JSON lines in UTF-8.
        parse: makes something of a line's fields, or says what is wrong with them.
        example: a line as it should be, for the error.

    Raises:
        ManifestError: the file cannot be read, holds no line, or holds broken ones; names them all with their numbers.
    """
    lines: list[Line] = []
    broken: list[Broken] = []
    for number, text in enumerate(_read(path).split("\n"), start=1):
        if not text.strip():
            continue
        found = _fields(text)
        parsed = found if isinstance(found, str) else parse(found)
        if isinstance(parsed, str):
            broken.append(Broken(number, parsed))
        else:
            lines.append(parsed)
    refuse_broken(path, broken, f"Expected lines like {example}")
    if not lines:
        raise ManifestError(f"{path} holds no line.", fix=f"Expected lines like {example}")
    return lines


def _read(path: Path) -> str:
    try:
        if not path.is_file():
            what = "a folder" if path.is_dir() else "not there"
            raise ManifestError(f"Expected a list of labelled texts at {path}; it is {what}.", fix="Check --file.")
        if path.stat().st_size > MOST_BYTES:
            raise ManifestError(f"{path} is larger than {MOST_BYTES >> 20} MB; expected a list of labelled texts.")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ManifestError(f"{path} is not UTF-8 text (line {line}); expected JSON lines.") from error
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror}.") from error


def _fields(text: str) -> Mapping[str, Any] | str:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        return f"not JSON{where}"
    if not isinstance(fields, dict):
        return f"expected an object, got {type(fields).__name__}"
    said = fields.get("text")
    if not isinstance(said, str):
        return '"text" has to be what was said'
    if len(said) > LONGEST_TEXT:
        return f'"text" has {len(said)} characters; at most {LONGEST_TEXT} are read'
    return fields
