"""Diarization error rate by pyannote.metrics."""

from __future__ import annotations

from collections.abc import Sequence

from pyannote.core import Annotation, Segment
from pyannote.metrics.diarization import DiarizationErrorRate

from asr.diarization.types import Diarization
from voice.contracts.audio import Samples, to_s


def rate(pairs: Sequence[tuple[Diarization, Diarization]], collar: Samples = 0) -> float:
    """The rate over all recordings together; see `asr.diarization.scoring` for what it is.

    Args:
        pairs: real and found turns of each recording.
        collar: samples on each side of a real boundary; pyannote.metrics counts both sides together.
    """
    metric = DiarizationErrorRate(collar=2 * to_s(collar), skip_overlap=False)
    for real, found in pairs:
        metric(_annotation(real), _annotation(found), uem=_whole(real, found))
    return float(abs(metric))


def _annotation(diarization: Diarization) -> Annotation:
    annotation = Annotation()
    for number, turn in enumerate(diarization.turns):
        annotation[Segment(to_s(turn.span.start), to_s(turn.span.end)), number] = turn.speaker
    return annotation


def _whole(real: Diarization, found: Diarization) -> Segment:
    """Everything up to the last word of either; pyannote.metrics guesses and warns where it is not told."""
    return Segment(0, to_s(max((turn.span.end for turn in (*real.turns, *found.turns)), default=1)))
