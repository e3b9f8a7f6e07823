"""Recordings that an installer made: a folder with one file for each language and name, read when it is asked for.

`zh/busy.wav` says in Mandarin what is called `busy`. Any format that recordings come in will do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from voice.audio.decode import AudioFile
from voice.contracts.audio import Pcm, from_s, on_16_bit_grid
from voice.contracts.errors import AudioFormatError, PromptError

SUFFIXES: Final = (".opus", ".ogg", ".wav", ".flac", ".mp3")
"""In this order, where a name has several files."""

LONGEST_S: Final = 60.0
"""Nobody listens to more at once."""

LARGEST_BYTES: Final = 50_000_000
"""A minute of the widest WAV there is takes less."""

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,59}")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A folder of recordings; one that is not there holds none.

    Attributes:
        folder: holds a folder for each language.
    """

    folder: Path

    def find(self, language: str, name: str) -> Path | None:
        """The recording of that name; None where there is none.

        Args:
            language: for example `zh`.
            name: lower-case letters, digits and dashes, so that it cannot leave the folder.

        Raises:
            PromptError: nothing can have that name.
        """
        if not _NAME.fullmatch(name) or not _NAME.fullmatch(language):
            raise PromptError(f"A recording is named by letters, digits and dashes; got {name[:80]!r}.")
        paths = (self.folder / language / f"{name}{suffix}" for suffix in SUFFIXES)
        return next((path for path in paths if path.is_file()), None)

    def load(self, language: str, name: str) -> Pcm | None:
        """The recording's audio, its channels mixed: 16 kHz mono float32, shape (n,); None where there is none.

        Blocking: up to 0.1 s.

        Raises:
            PromptError: it cannot be read, holds no audio, or is longer than a minute.
        """
        path = self.find(language, name)
        return None if path is None else read_recording(path)


def read_recording(path: Path) -> Pcm:
    """One recording's audio; see `Recorded.load`."""
    longest = from_s(LONGEST_S)
    blocks, samples = [], 0
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise PromptError(f"{path} has more than {LARGEST_BYTES} bytes.", fix="Record it shorter.")
        with AudioFile(path) as file:
            for block in file.blocks():
                blocks.append(block.mean(axis=0, dtype=np.float32))
                samples += block.shape[1]
                if samples > longest:
                    raise PromptError(f"{path} lasts longer than {LONGEST_S:g} s.", fix="Record it shorter.")
    except (AudioFormatError, OSError) as error:
        raise PromptError(f"{path} cannot be played: {error}", fix="Save it as WAV, FLAC, Opus or MP3.") from error
    return on_16_bit_grid(np.concatenate(blocks))
