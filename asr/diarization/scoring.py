"""Diarization error rate: what is missed, what is invented, what is given to the wrong speaker.

NIST (2009), RT-09 evaluation plan, section 6.1: time is cut where any speaker, real or found, starts or stops. In a
piece of length d with R real and F found speakers of whom C are right, max(0, R - F) d is missed, max(0, F - R) d is
false alarm and (min(R, F) - C) d is confusion; DER is their sum over the sum of R d. Found speakers are mapped one to
one onto real ones so that C is largest. Overlapped speech counts; a collar, where one is given, is what lies within it
of a real boundary and is not scored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from asr.diarization.types import Diarization, join_spans
from voice.contracts.audio import Samples, Span


@dataclass(frozen=True, slots=True)
class DiarizationErrors:
    """Errors in samples against `speech` samples of real speech; sums add up. Overlapped speech counts once a speaker.

    Attributes:
        missed: speech of which nothing was found.
        false_alarm: found where nobody, or fewer, spoke.
        confusion: found, with the wrong speaker.
        speech: real speech.
    """

    missed: Samples = 0
    false_alarm: Samples = 0
    confusion: Samples = 0
    speech: Samples = 0

    def __add__(self, other: DiarizationErrors) -> DiarizationErrors:
        return DiarizationErrors(
            self.missed + other.missed,
            self.false_alarm + other.false_alarm,
            self.confusion + other.confusion,
            self.speech + other.speech,
        )

    @property
    def errors(self) -> Samples:
        """All kinds together."""
        return self.missed + self.false_alarm + self.confusion

    @property
    def rate(self) -> float:
        """Diarization error rate; above 1 where much was invented.

        Raises:
            ZeroDivisionError: nobody speaks in the reference.
        """
        return self.errors / self.speech


@dataclass(frozen=True, slots=True)
class Scored:
    """One recording, real and found.

    Attributes:
        errors: what is wrong.
        mapping: the real speaker by found label; labels that are nobody's are left out.
    """

    errors: DiarizationErrors
    mapping: Mapping[str, str]


def score(reference: Diarization, found: Diarization, *, collar: Samples = 0) -> Scored:
    """Compare what was found with what is real.

    Args:
        reference: who speaks when.
        found: who was found to speak when, under any labels.
        collar: samples on each side of a real boundary that are not scored.
    """
    real, guessed = sorted(reference.speakers), sorted(found.speakers)
    edges, is_scored = _cut(reference, found, collar)
    lengths = np.diff(edges) * is_scored
    is_real = np.stack([_active(reference.of_speaker(name), edges) for name in real] or [np.zeros(len(lengths), bool)])
    is_found = np.stack([_active(found.of_speaker(name), edges) for name in guessed] or [np.zeros(len(lengths), bool)])
    together = (is_found * lengths) @ is_real.T.astype(np.int64)
    rows, columns = linear_sum_assignment(together, maximize=True)
    pairs = [(row, column) for row, column in zip(rows, columns, strict=True) if together[row, column]]
    right = sum(int(together[row, column]) for row, column in pairs)
    speaking, heard = is_real.sum(axis=0), is_found.sum(axis=0)
    errors = DiarizationErrors(
        missed=_total(lengths, np.maximum(0, speaking - heard)),
        false_alarm=_total(lengths, np.maximum(0, heard - speaking)),
        confusion=_total(lengths, np.minimum(speaking, heard)) - right,
        speech=_total(lengths, speaking),
    )
    return Scored(errors, {guessed[row]: real[column] for row, column in pairs})


def _cut(reference: Diarization, found: Diarization, collar: Samples) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """All moments at which anything changes, and whether what follows each counts."""
    boundaries = [edge for turn in reference.turns for edge in (turn.span.start, turn.span.end)]
    ignored = join_spans([Span(max(0, edge - collar), edge + collar) for edge in boundaries])
    moments = {0, *boundaries}
    moments |= {edge for turn in found.turns for edge in (turn.span.start, turn.span.end)}
    moments |= {edge for span in ignored for edge in (span.start, span.end)}
    edges = np.array(sorted(moments), np.int64)
    return edges, ~_active(ignored, edges)


def _active(spans: Sequence[Span], edges: NDArray[np.int64]) -> NDArray[np.bool_]:
    """For each piece between two edges, whether one of the spans (disjoint, in order) covers it."""
    change = np.zeros(len(edges), np.int64)
    np.add.at(change, np.searchsorted(edges, [span.start for span in spans]), 1)
    np.add.at(change, np.searchsorted(edges, [span.end for span in spans]), -1)
    return change.cumsum()[:-1] > 0


def _total(lengths: NDArray[np.int64], times: NDArray[np.int64]) -> Samples:
    return int((lengths * times).sum())
