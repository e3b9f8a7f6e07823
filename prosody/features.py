"""The prosody of one utterance, from its audio alone."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from prosody.energy import measure_energy
from prosody.pitch import track_pitch
from prosody.spectrum import HOP_S, analyse
from prosody.timing import find_nuclei
from prosody.types import ProsodyFeatures
from prosody.voice_quality import spectral_tilt
from voice.contracts.audio import Pcm, to_s

_FEWEST_FOR_MEDIAN: Final = 5
_FEWEST_FOR_RANGE: Final = 20
"""Voiced frames (10 ms each) from which a median, and a range or slope, mean something."""


def measure(pcm: Pcm) -> ProsodyFeatures:
    """Measure an utterance.

    Args:
        pcm: shape (n,), 16 kHz mono, any length including none. Level is taken as it is; nothing is normalised.

    Returns:
        Units and ranges as `ProsodyFeatures` states them; every value is finite or None.

    Raises:
        AudioFormatError: not mono float audio, or a sample is NaN or infinite.
    """
    spectra = analyse(pcm)
    track = track_pitch(spectra)
    energy = measure_energy(spectra)
    nuclei = len(find_nuclei(spectra, track.voiced))
    pause_s = sum(energy.pauses_s)
    spoken_s = energy.extent_s - pause_s
    median_hz, range_st, slope = _shape_of(track.f0_hz, np.flatnonzero(track.voiced))
    return ProsodyFeatures(
        duration_s=to_s(len(pcm)),
        voiced_ratio=float(track.voiced.mean()) if spectra.frames else 0.0,
        f0_median_hz=median_hz,
        f0_range_st=range_st,
        f0_slope_st_per_s=slope,
        intensity_mean_db=energy.mean_db,
        intensity_range_db=energy.range_db,
        speech_rate_hz=nuclei / energy.extent_s if nuclei and energy.extent_s else None,
        articulation_rate_hz=nuclei / spoken_s if nuclei and spoken_s > 0 else None,
        pause_count=len(energy.pauses_s),
        pause_ratio=pause_s / energy.extent_s if energy.extent_s else 0.0,
        spectral_tilt_db=spectral_tilt(spectra, track.voiced),
    )


def _shape_of(f0_hz: NDArray[np.float32], voiced: NDArray[np.intp]) -> tuple[float | None, float | None, float | None]:
    """Median in Hz, 5-95 % range in semitones, least-squares slope in semitones per second."""
    if len(voiced) < _FEWEST_FOR_MEDIAN:
        return None, None, None
    semitones = 12 * np.log2(f0_hz[voiced].astype(np.float64))
    median_hz = float(2 ** (np.median(semitones) / 12))
    if len(voiced) < _FEWEST_FOR_RANGE:
        return median_hz, None, None
    low, high = np.percentile(semitones, [5, 95])
    time = (voiced - voiced.mean()) * HOP_S
    slope = float(time @ (semitones - semitones.mean()) / (time @ time))
    return median_hz, float(high - low), slope
