"""What was measured within an utterance, every 10 ms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prosody.formants import find_formants
from prosody.periodicity import find_clear
from prosody.pitch import PitchTrack
from prosody.spectrum import HOP_S, Array, Spectra
from voice.contracts.audio import Samples, to_s


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """An utterance over time; all of shape (frames,).

    Attributes:
        time_s: middle of each frame, seconds since the recording began.
        f0_hz: hertz; NaN where no voice sounds.
        level_db: dBFS, under the 44 ms window of the analysis.
        formants_hz: shape (frames, 3); NaN where the voice is not clear, which is where formants are measured.
    """

    time_s: NDArray[np.float64]
    f0_hz: NDArray[np.float64]
    level_db: Array
    formants_hz: NDArray[np.float64]


def trace(start: Samples, spectra: Spectra, track: PitchTrack) -> Trace:
    """Put what was measured of an utterance on the recording's time axis.

    Args:
        start: media time of its first sample.
        spectra: of the utterance.
        track: its pitch.
    """
    time_s = np.asarray(to_s(start) + (np.arange(spectra.frames) + 0.5) * HOP_S, np.float64)
    f0_hz = np.where(track.voiced, track.f0_hz, np.nan).astype(np.float64)
    formants_hz = np.full((spectra.frames, 3), np.nan)
    clear = np.flatnonzero(find_clear(spectra, track).voiced)
    found = find_formants(spectra, clear)
    formants_hz[clear] = np.where(np.isfinite(found), found, np.nan)
    return Trace(time_s, f0_hz, spectra.level_db, formants_hz)
