"""Which numbers are dictated in an evaluation: the lines of a list of recordings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent_console.asr_manifest import language_of
from agent_console.manifest import Broken, Entry, read_manifest
from asr.number_scoring import digits_of
from asr.types import Language
from voice.audio.bandwidth import file_is_fast
from voice.contracts.errors import AudioFormatError

READ_OUT: Final = frozenset({"phone", "order_no", "tracking_no"})
"""Kinds whose digits are read out one by one; amounts and dates are said as numbers."""

KINDS: Final = READ_OUT | {"amount", "date"}


@dataclass(frozen=True, slots=True)
class Dictated:
    """One recording of somebody saying a number.

    Attributes:
        line: of the list.
        audio: the file.
        value: what the number is.
        forms: ways of writing it, each of which will do; `value` first.
        kind: one of `KINDS`.
        language: what is spoken.
        speaker: who speaks; empty where nothing says so.
        fields: everything that is stated.
        is_fast: it sounds like a telephone at twice its speed: 8 kHz that are labelled as 16 kHz.
    """

    line: int
    audio: Path
    value: str
    forms: tuple[str, ...]
    kind: str
    language: Language
    speaker: str
    fields: Mapping[str, Any]
    is_fast: bool = False

    @property
    def is_read_out(self) -> bool:
        """Whether its digits are read out one by one."""
        return self.kind in READ_OUT


def load_dictated(
    path: Path, progress: Callable[[int, int], None] = lambda _of, _done: None
) -> tuple[list[Dictated], list[Broken]]:
    """Read a list of recordings with `value`, `kind` and `lang`, and see that their audio can be opened.

    Returns:
        What can be used, and what cannot; each in the order of lines.

    Raises:
        ManifestError: there is nothing that could be read at all.
    """
    entries, broken = read_manifest(path)
    found: list[Dictated] = []
    for done, entry in enumerate(entries):
        progress(len(entries), done)
        read = _read_line(entry)
        if isinstance(read, Dictated):
            found.append(read)
        else:
            broken.append(read)
    progress(len(entries), len(entries))
    return found, sorted(broken, key=lambda each: each.line)


def _read_line(entry: Entry) -> Dictated | Broken:
    fields = entry.fields
    reasons: list[str] = []
    language = language_of(fields.get("lang"))
    if language is None:
        reasons.append(f'"lang" has to be one of {", ".join(Language)}; got {fields.get("lang")!r}')
    value, kind, also = fields.get("value"), fields.get("kind"), fields.get("also", [])
    if not isinstance(value, str) or not digits_of(value):
        reasons.append('"value" has to be the number, as text, with digits in it')
    if kind not in KINDS:
        reasons.append(f'"kind" has to be one of {", ".join(sorted(KINDS))}; got {kind!r}')
    if not isinstance(also, list) or not all(isinstance(form, str) and form for form in also):
        reasons.append('"also" has to list other ways of writing the number')
    speaker = fields.get("speaker")
    if speaker is not None and (not isinstance(speaker, str | int) or isinstance(speaker, bool)):
        reasons.append('"speaker" has to name who speaks')
    if reasons or language is None or not isinstance(value, str):
        return Broken(entry.line, "; ".join(reasons))
    try:
        fast = file_is_fast(entry.audio)
    except AudioFormatError as error:
        return Broken(entry.line, f"[{error.code}] {error}")
    who = "" if speaker is None else str(speaker)
    return Dictated(entry.line, entry.audio, value, (value, *also), str(kind), language, who, fields, fast)
