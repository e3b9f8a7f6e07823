"""Recorded prompts: clips that ship, named by what they say, in each language.

They are synthetic speech (Kokoro-82M, Apache-2.0), and say so in their metadata. `samples/prompts.py` makes them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np

from voice.audio.decode import AudioFile
from voice.contracts.audio import Pcm, from_ms, on_16_bit_grid
from voice.contracts.errors import AudioFormatError, PromptError

PROMPTS: Final = Path(__file__).parent / "prompts"
LIST: Final = "prompts.json"
"""What says of each clip, by language and name, its text and its sha256."""

PAUSE_MS: Final = 120.0
"""Between two clips that make one sentence."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """Decoded clips, 14 MB in all.

    Attributes:
        clips: audio by language and name, 16 kHz mono float32 on the 16-bit grid.
        texts: what each says.
    """

    clips: Mapping[tuple[str, str], Pcm]
    texts: Mapping[tuple[str, str], str]

    @classmethod
    def load(cls, folder: Path = PROMPTS) -> Self:
        """Read and verify the clips; blocking, less than a second.

        Raises:
            PromptError: the list is missing or not valid; a clip is missing, altered or cannot be decoded.
        """
        clips, texts = {}, {}
        for language, listed in _read_list(folder / LIST).items():
            for name, entry in listed.items():
                clips[language, name] = _read_clip(folder / language / f"{name}.opus", entry["sha256"])
                texts[language, name] = entry["text"]
        return cls(clips, texts)

    def say(self, names: Sequence[str], language: str) -> Pcm:
        """The clips one after the other, with a breath between them.

        Args:
            names: of the clips, at least one.
            language: as in the list, for example `zh`.

        Raises:
            PromptError: there is no such clip.
        """
        pieces = []
        for name in names:
            if (clip := self.clips.get((language, name))) is None:
                raise PromptError(f"There is no clip {name!r} in {language}.")
            pieces += [clip, np.zeros(from_ms(PAUSE_MS), np.float32)]
        return np.concatenate(pieces[:-1])


def _read_list(path: Path) -> dict[str, dict[str, dict[str, str]]]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        entries = [entry for listed in document.values() for entry in listed.values()]
        whole = all(isinstance(entry["text"], str) and isinstance(entry["sha256"], str) for entry in entries)
    except (OSError, ValueError, AttributeError, TypeError, KeyError) as error:
        raise PromptError(f"The list of prompts {path} cannot be read.", fix="Install Warmline again.") from error
    if not whole:
        raise PromptError(f"The list of prompts {path} lacks a text or a sum.", fix="Install Warmline again.")
    listed_by_language: dict[str, dict[str, dict[str, str]]] = document
    return listed_by_language


def _read_clip(path: Path, sha256: str) -> Pcm:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PromptError(
            f"The prompt {path} cannot be read: {error.strerror}.", fix="Install Warmline again."
        ) from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise PromptError(f"The prompt {path} is not the one that was listed.", fix="Install Warmline again.")
    try:
        with AudioFile(path) as file:
            return on_16_bit_grid(np.concatenate([block[0] for block in file.blocks()]))
    except AudioFormatError as error:
        raise PromptError(f"The prompt {path} cannot be decoded.", fix="Install Warmline again.") from error
