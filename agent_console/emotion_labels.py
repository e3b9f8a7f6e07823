"""What a line of a list of recordings says of emotion, and the audio it names."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agent_console.manifest import Broken, Entry, read_manifest
from prosody.evaluation import EMOTIONS
from prosody.spectrum import LONGEST_S
from voice.audio.decode import AudioFile
from voice.contracts.audio import Pcm, to_s
from voice.contracts.errors import AudioFormatError


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """A recording of one utterance, with its label and its audio, shape (n,).

    Attributes:
        line: of the list.
        speaker: who speaks.
        emotion: a label of `EMOTIONS`; None where only values are given.
        arousal: given value, [-1, 1].
        valence: likewise.
        pcm: 16 kHz; the mean of two channels.
    """

    line: int
    speaker: str
    emotion: str | None
    arousal: float | None
    valence: float | None
    pcm: Pcm


def load_labelled(
    manifest: Path, progress: Callable[[int, int], None] = lambda _of, _done: None
) -> tuple[list[Labelled], list[Broken]]:
    """Read a list and the audio of every line that is in order.

    Args:
        manifest: the list.
        progress: told of how many recordings how many are read.

    Raises:
        ManifestError: the list cannot be read at all.
    """
    entries, broken = read_manifest(manifest)
    labelled: list[Labelled] = []
    for done, entry in enumerate(entries):
        progress(len(entries), done)
        found = _label(entry)
        if isinstance(found, Labelled):
            labelled.append(found)
        else:
            broken.append(found)
    progress(len(entries), len(entries))
    return labelled, sorted(broken, key=lambda each: each.line)


def _label(entry: Entry) -> Labelled | Broken:
    """Check what a line says before its audio is decoded."""
    reasons: list[str] = []
    speaker = entry.fields.get("speaker")
    if not isinstance(speaker, str | int) or isinstance(speaker, bool) or not str(speaker):
        reasons.append('"speaker" has to name who speaks')
    emotion = _emotion(entry.fields.get("emotion"), reasons)
    values = {name: _value(entry.fields, name, reasons) for name in ("arousal", "valence")}
    if emotion is None and None in values.values() and not reasons:
        reasons.append('expected "emotion", or both "arousal" and "valence"')
    if reasons:
        return Broken(entry.line, "; ".join(reasons))
    try:
        pcm = _decode(entry.audio)
    except AudioFormatError as error:
        return Broken(entry.line, f"[{error.code}] {error}")
    if to_s(len(pcm)) > LONGEST_S:
        return Broken(entry.line, f"expected one utterance of at most {LONGEST_S} s, got {to_s(len(pcm)):.0f} s")
    return Labelled(entry.line, str(speaker), emotion, values["arousal"], values["valence"], pcm)


def _emotion(given: Any, reasons: list[str]) -> str | None:
    if given is None:
        return None
    label = given.strip().lower() if isinstance(given, str) else ""
    if label in EMOTIONS:
        return label
    near = difflib.get_close_matches(label, EMOTIONS, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(EMOTIONS))}"
    reasons.append(f'unknown "emotion" {given!r}; {hint}')
    return None


def _value(fields: Any, name: str, reasons: list[str]) -> float | None:
    given = fields.get(name)
    if given is None:
        return None
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    if not is_number or not math.isfinite(given) or not -1 <= given <= 1:
        reasons.append(f'"{name}" has to lie in [-1, 1]; got {given!r}')
        return None
    return float(given)


def _decode(path: Path) -> Pcm:
    with AudioFile(path) as file:
        blocks: Sequence[Pcm] = [block.mean(axis=0, dtype=np.float32) for block in file.blocks()]
    return np.concatenate([np.zeros(0, np.float32), *blocks])
