"""What `warmline diarize`, `replay --diarize` and `evaluate diarization` share: the pipeline, and mono audio."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from agent_console.settings import Settings
from asr.diarization.diarizer import open_diarizer
from asr.diarization.layout import MODEL_NAME
from voice.audio.decode import AudioFile, inspect
from voice.contracts.audio import Pcm
from voice.contracts.errors import AudioFormatError

if TYPE_CHECKING:
    from asr.diarization.neural.engine import PyannoteDiarizer

_STEREO_FIX: Final = "Use it as it is: the left channel is the caller, the right one whoever serves."


def open_pipeline(settings: Settings, pipeline: Path | None) -> PyannoteDiarizer:
    """Load the pipeline that was named, or the one below the models folder; takes seconds.

    Raises:
        MissingExtraError: the extra `diarize` is not installed.
        ModelError: there is no sound pipeline.
    """
    return open_diarizer(pipeline_folder(settings, pipeline))


def pipeline_folder(settings: Settings, pipeline: Path | None) -> Path:
    """Where the pipeline lies."""
    return settings.models / MODEL_NAME if pipeline is None else pipeline


def is_mono(path: Path) -> bool:
    """Whether a recording has one channel.

    Raises:
        AudioFormatError: it cannot be read as audio.
    """
    return inspect(path).channels == 1


def read_mono(path: Path) -> Pcm:
    """All of a mono recording, shape (n,), 16 kHz; 230 MB for an hour.

    Raises:
        AudioFormatError: it cannot be read, has two channels, breaks off, or holds what is no number.
    """
    with AudioFile(path) as file:
        if file.info.channels != 1:
            raise AudioFormatError(
                f"{path} has a channel for each party, so there is nothing to tell apart.", fix=_STEREO_FIX
            )
        pcm: Pcm = np.concatenate([block[0] for block in file.blocks()])
        if file.not_finite:
            raise AudioFormatError(
                f"{path} holds {file.not_finite} samples that are no numbers (NaN or infinite).",
                fix="Write the recording again from its source.",
            )
    return pcm
