"""What was measured within an utterance, every 10 ms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent_console.prosody_analysis import Utterance
from prosody.formants import find_formants
from prosody.pitch import track_pitch
from prosody.spectrum import HOP_S, Array, analyse
from voice.contracts.audio import to_s


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """An utterance over time; all of shape (frames,).

    Attributes:
        time_s: middle of each frame, seconds since the recording began.
        f0_hz: hertz; NaN where no voice sounds.
        level_db: dBFS, under the 44 ms window of the analysis.
        formants_hz: shape (frames, 3); NaN where not measured.
    """

    time_s: NDArray[np.float64]
    f0_hz: NDArray[np.float64]
    level_db: Array
    formants_hz: NDArray[np.float64]


def trace(utterance: Utterance) -> Trace:
    """Measure an utterance again, frame by frame; its audio must have been kept."""
    spectra = analyse(utterance.pcm)
    track = track_pitch(spectra)
    time_s = np.asarray(to_s(utterance.span.start) + (np.arange(spectra.frames) + 0.5) * HOP_S, np.float64)
    f0_hz = np.where(track.voiced, track.f0_hz, np.nan).astype(np.float64)
    formants = np.full((spectra.frames, 3), np.nan)
    voiced = np.flatnonzero(track.voiced)
    found = find_formants(spectra, voiced)
    formants[voiced] = np.where(np.isfinite(found), found, np.nan)
    return Trace(time_s, f0_hz, spectra.level_db, formants)
