"""What a diarization pipeline's folder holds; known without the libraries that load it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from voice.contracts.errors import ModelCorruptError, ModelMissingError

MODEL_NAME: Final = "diarization"
"""The catalogue's model, and the folder below the models folder where a pipeline is looked for."""

CONFIG: Final = "config.yaml"
NETWORK_FILE: Final = "pytorch_model.bin"
CAMPPLUS_FILE: Final = "campplus_cn_en_common.pt"
WEIGHTS_FILE: Final = "model.safetensors"
HEAD_FILE: Final = "model.json"

_SEGMENTATION: Final = (f"segmentation/{NETWORK_FILE}", f"segmentation/{WEIGHTS_FILE}")
_EMBEDDING: Final = (f"embedding/{NETWORK_FILE}", f"embedding/{CAMPPLUS_FILE}")


def is_pipeline(folder: Path) -> bool:
    """Whether a folder looks like a diarization pipeline."""
    return _has(folder, _SEGMENTATION)


def check_layout(folder: Path) -> None:
    """Check that the files of a pipeline are there.

    Raises:
        ModelMissingError: the folder is not there, or lacks a network.
        ModelCorruptError: it is no folder, or a network's file is empty.
    """
    if not folder.exists():
        raise ModelMissingError(
            f"There is no diarization pipeline at {folder}.",
            fix=f"Run: warmline models pull {MODEL_NAME}, or name a pipeline's folder with --pipeline.",
        )
    if not folder.is_dir():
        raise ModelCorruptError(f"{folder} is a file; expected a pipeline's folder.", fix="Name the folder itself.")
    if (folder / CONFIG).is_file():
        return  # says itself where its networks are
    for names in (_SEGMENTATION, _EMBEDDING):
        if not _has(folder, names):
            raise ModelMissingError(
                f"A diarization pipeline holds {CONFIG}, or {' or '.join(names)}; {folder} has none of these.",
                fix=f"Run: warmline models pull {MODEL_NAME}, or name another folder with --pipeline.",
            )


def _has(folder: Path, names: tuple[str, ...]) -> bool:
    return any((folder / name).is_file() for name in names)
