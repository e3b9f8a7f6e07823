"""Diarization by pyannote.audio, from a pipeline in a local folder."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from pyannote.audio.core.pipeline import Pipeline

from asr.diarization.low_band import lacks_low_band, restore_low_band
from asr.diarization.neural.folder import load_config
from asr.diarization.types import Diarization, SpeakerTurn
from voice.contracts.audio import SAMPLE_RATE, Pcm, Samples, Span, from_s, to_s
from voice.contracts.errors import AudioFormatError, DiarizationError, ModelCorruptError

MOST_SPEAKERS: Final = 20
LONGEST: Final[Samples] = from_s(6 * 3600)
"""A recording is held in memory whole: 230 MB an hour, and half as much again for what is found."""

SHORTEST: Final[Samples] = from_s(0.1)
"""In less than a tenth of a second nobody takes a turn."""

Progress = Callable[[str, int, int], None]
"""Told the step, of how many, and how many are done."""


class PyannoteDiarizer:
    """A loaded pipeline; to be used by one thread at a time, in a process that may take seconds of CPU.

    Args:
        pipeline: of pyannote.audio, ready to be applied.
    """

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        # pyannote.audio's word for: keep what was heard beside the file, for the next run over it.
        self._pipeline.training = True

    def diarize(
        self, pcm: Pcm, *, speakers: int | None = None, progress: Progress = lambda _step, _of, _done: None
    ) -> Diarization:
        """Find who speaks when. Blocking: about a tenth of a second per second of audio on one core.

        Args:
            pcm: mono, shape (n,), 16 kHz, float32 in [-1, 1].
            speakers: how many speak, where that is known; fewer may be found where the recording is short.
            progress: told how far it is.

        Returns:
            No turns at all where nobody speaks.

        Raises:
            AudioFormatError: not mono, too long, or not of numbers.
            DiarizationError: an impossible number of speakers, or the pipeline fails.
        """
        if pcm.ndim != 1 or pcm.dtype != np.float32:
            raise AudioFormatError(f"Expected mono float32 audio; got shape {pcm.shape}, type {pcm.dtype}.")
        if speakers is not None and not 1 <= speakers <= MOST_SPEAKERS:
            raise DiarizationError(f"Expected 1 to {MOST_SPEAKERS} speakers; got {speakers}.")
        if len(pcm) > LONGEST:
            raise AudioFormatError(
                f"Expected at most {to_s(LONGEST) / 3600:.0f} h of audio; got {to_s(len(pcm)) / 3600:.1f} h.",
                fix="Cut the recording into calls first.",
            )
        if not np.isfinite(pcm).all():
            raise AudioFormatError("Expected audio of numbers; got NaN or infinity.")
        if len(pcm) < SHORTEST or not pcm.any():
            return Diarization(())
        if lacks_low_band(pcm):
            pcm = restore_low_band(pcm)
        file = {"waveform": torch.from_numpy(pcm[None]), "sample_rate": SAMPLE_RATE, "uri": "recording"}

        def hook(step: str, _artifact: Any, *, completed: int = 1, total: int = 1, **_: Any) -> None:
            progress(step, total, completed)

        try:
            with _undisturbed(), torch.inference_mode():
                found = _annotation(self._pipeline(file, num_speakers=speakers, hook=hook))
                if speakers is None and len(found.labels()) == 2:
                    # Two, found by distance alone, may be one voice and an odd remainder of both. Told that there are
                    # two, the pipeline divides them anew; what it heard is kept in `file`, so that this costs little.
                    found = _annotation(self._pipeline(file, num_speakers=2, hook=hook))
        except (ValueError, RuntimeError, IndexError, AssertionError, MemoryError) as error:
            raise DiarizationError(
                f"The pipeline failed on {to_s(len(pcm)):.1f} s of audio ({type(error).__name__}: {error}).",
                fix="Try another pipeline with --pipeline, or --speakers 2.",
            ) from error
        return _to_turns(found, len(pcm))


def _annotation(answer: Any) -> Any:
    return getattr(answer, "speaker_diarization", answer)


def load_diarizer(folder: Path, *, threads: int | None = None) -> PyannoteDiarizer:
    """Load a pipeline from a local folder; nothing is asked of any network. Takes seconds.

    Args:
        folder: as `asr.diarization.neural.folder` describes.
        threads: that PyTorch may use; None leaves that to it.

    Raises:
        ModelMissingError: the folder, or a part of it, is not there.
        ModelCorruptError: it is no sound pipeline.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    with _undisturbed():
        config = load_config(folder)
        try:
            pipeline = Pipeline.from_pretrained(config)
        except (ValueError, TypeError, KeyError, AttributeError, RuntimeError, ImportError) as error:
            raise ModelCorruptError(
                f"pyannote.audio refuses the pipeline in {folder} ({type(error).__name__}: {error}).",
                fix="Check its config.yaml: clustering, params.",
            ) from error
    if pipeline is None or not pipeline.instantiated:
        raise ModelCorruptError(f"The config.yaml of {folder} leaves parameters open.", fix='Complete its "params".')
    return PyannoteDiarizer(pipeline)


def _to_turns(annotation: Any, length: Samples) -> Diarization:
    turns = []
    for segment, _, label in annotation.itertracks(yield_label=True):
        span = Span(min(length, max(0, from_s(segment.start))), min(length, max(0, from_s(segment.end))))
        if span.length:
            turns.append(SpeakerTurn(span, str(label)))
    return _by_entry(Diarization.of(turns))


def _by_entry(diarization: Diarization) -> Diarization:
    """Label speakers by when they are first heard, so that labels are the same for the same result."""
    names = {speaker: f"SPEAKER_{number:02d}" for number, speaker in enumerate(diarization.speakers)}
    return Diarization(tuple(SpeakerTurn(turn.span, names[turn.speaker]) for turn in diarization.turns))


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Means of silence and statistics of single frames are no news to whoever asked who speaks."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
