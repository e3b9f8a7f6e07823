"""Utterances by speaker, from folders of recordings: what conversations are made of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from voice.audio.decode import AudioFile
from voice.contracts.audio import Pcm, Samples, from_s
from voice.contracts.errors import AudioFormatError, ManifestError

MANIFEST: Final = "manifest.jsonl"
SOUNDS: Final = frozenset((".wav", ".flac", ".mp3", ".ogg"))
SHORTEST: Final[Samples] = from_s(0.6)
LONGEST: Final[Samples] = from_s(8)


def read_voices(folders: Sequence[Path], *, most_each: int = 60) -> dict[str, list[Pcm]]:
    """Read utterances of 0.6 to 8 s; longer ones are cut.

    Args:
        folders: each has a `manifest.jsonl` whose lines name `audio` and `speaker`; or it is one speaker's, with sounds
            in it and below it.
        most_each: utterances per speaker, spread over what there is.

    Returns:
        Utterances by speaker; each name begins with its folder's.

    Raises:
        ManifestError: a folder is not there, a list is broken, or nothing is found in it.
    """
    voices: dict[str, list[Pcm]] = {}
    for folder in folders:
        files = _listed(folder) if (folder / MANIFEST).is_file() else _found(folder)
        if not files:
            raise ManifestError(f"{folder} holds no recording.", fix=f"Expected {MANIFEST}, or sounds of one speaker.")
        for speaker, paths in files.items():
            step = max(1, len(paths) // most_each)
            utterances = [pcm for path in paths[::step][:most_each] if (pcm := _read(path)) is not None]
            if utterances:
                voices[f"{folder.name}/{speaker}"] = utterances
    return voices


def _listed(folder: Path) -> dict[str, list[Path]]:
    files: dict[str, list[Path]] = {}
    for number, line in enumerate((folder / MANIFEST).read_text(encoding="utf-8").splitlines(), start=1):
        try:
            fields = json.loads(line)
            files.setdefault(str(fields["speaker"]), []).append(folder / str(fields["audio"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ManifestError(
                f'Line {number} of {folder / MANIFEST} does not name "audio" and "speaker".', fix="Mend it."
            ) from error
    return files


def _found(folder: Path) -> dict[str, list[Path]]:
    sounds = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SOUNDS)
    return {folder.name: sounds} if sounds else {}


def _read(path: Path) -> Pcm | None:
    """One utterance; None where it is too short or cannot be read, as single files in a large corpus may be."""
    try:
        with AudioFile(path) as file:
            pcm: Pcm = np.concatenate(list(file.blocks()), axis=1).mean(axis=0, dtype=np.float32)
    except AudioFormatError:
        return None
    return pcm[:LONGEST] if len(pcm) >= SHORTEST else None
