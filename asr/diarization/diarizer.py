"""Opening a diarizer: the extra is looked for, made ready, and only then imported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from asr.diarization.layout import check_layout
from asr.diarization.neural.installation import make_ready
from asr.diarization.types import Diarization
from voice.contracts.audio import Samples

if TYPE_CHECKING:
    from asr.diarization.neural.engine import PyannoteDiarizer


def open_diarizer(folder: Path, *, threads: int | None = None) -> PyannoteDiarizer:
    """Load the pipeline in a folder; blocking, takes about ten seconds the first time in a process.

    Args:
        folder: a pipeline's folder, see `asr.diarization.neural.folder`.
        threads: that PyTorch may use; None leaves that to it.

    Raises:
        MissingExtraError: the extra `diarize` is not installed, or not soundly.
        ModelMissingError: the folder, or a part of it, is not there.
        ModelCorruptError: it is no sound pipeline.
    """
    check_layout(folder)
    make_ready()
    from asr.diarization.neural.engine import load_diarizer  # noqa: PLC0415  # brings PyTorch

    return load_diarizer(folder, threads=threads)


def rate_by_pyannote(pairs: Sequence[tuple[Diarization, Diarization]], collar: Samples = 0) -> float:
    """The diarization error rate over recordings as pyannote.metrics computes it, to hold ours against.

    Args:
        pairs: real and found turns of each recording.
        collar: samples on each side of a real boundary that do not count.

    Raises:
        MissingExtraError: the extra `diarize` is not installed, or not soundly.
    """
    make_ready()
    from asr.diarization.neural.metrics import rate  # noqa: PLC0415  # brings pyannote

    return rate(pairs, collar)
