"""Level and pauses: where in an utterance somebody sounds, and how loud."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from prosody.quantile import quantiles
from prosody.spectrum import HOP, HOP_S, QUIETEST_DB, SILENT_DB, Array, Mask, Spectra

SHORTEST_PAUSE_S: Final = 0.2
"""Silences below this belong to stop consonants and careful articulation, not to pausing."""

_BELOW_LOUD_DB: Final = 35.0
_ABOVE_FLOOR_DB: Final = 6.0
_LEAST_DISTANCE_DB: Final = 12.0
_SHORTEST_SOUND: Final = 3
"""Frames; a shorter burst inside silence is a click."""


_FEWEST_FOR_SLOPE: Final = 20
"""Active blocks (10 ms each) from which a slope means something."""


@dataclass(frozen=True, slots=True, eq=False)
class Energy:
    """Level and activity of an utterance.

    Attributes:
        mean_db: power mean over active frames, dBFS; None where nothing sounds.
        range_db: 5 % to 95 % range of level over active frames, dB.
        extent_s: from the first to the last active frame, seconds.
        pauses_s: length of each silence of at least 200 ms inside the extent, seconds.
        slope_db_per_s: least-squares slope of level over active frames; None with fewer than 200 ms of them.
        active: which frames of 10 ms sound, shape (frames,).
    """

    mean_db: float | None
    range_db: float | None
    extent_s: float
    pauses_s: tuple[float, ...]
    slope_db_per_s: float | None
    active: Mask


def measure_energy(spectra: Spectra) -> Energy:
    """Level over active frames and the pauses between them, on a 10 ms grid."""
    level_db = block_levels(spectra.signal)
    active = find_active(level_db)
    places = np.flatnonzero(active)
    if not len(places):
        return Energy(None, None, 0.0, (), None, active)
    loud = level_db[active].astype(np.float64)
    low, high = quantiles(loud, 0.05, 0.95)
    gaps = np.diff(places) - 1
    shortest = round(SHORTEST_PAUSE_S / HOP_S)
    return Energy(
        mean_db=float(10 * np.log10(np.mean(10 ** (loud / 10)))),
        range_db=float(high - low),
        extent_s=float(places[-1] - places[0] + 1) * HOP_S,
        pauses_s=tuple(float(gap) * HOP_S for gap in gaps[gaps >= shortest]),
        slope_db_per_s=_slope(places, loud),
        active=active,
    )


def _slope(places: NDArray[np.intp], level_db: NDArray[np.float64]) -> float | None:
    """Decibels per second, by least squares."""
    if len(places) < _FEWEST_FOR_SLOPE:
        return None
    time = (places - places.mean()) * HOP_S
    return float(np.sum(time * (level_db - level_db.mean())) / np.sum(time * time))


def block_levels(signal: Array) -> Array:
    """Level of each whole block of 10 ms of the analysis signal, dBFS, at least -120."""
    blocks = signal[: len(signal) // HOP * HOP].reshape(-1, HOP)
    power = np.einsum("ij,ij->i", blocks, blocks) / HOP
    return np.asarray(np.maximum(10.0 * np.log10(np.maximum(power, 1e-12)), QUIETEST_DB), np.float32)


def find_active(level_db: Array) -> Mask:
    """Blocks that sound, relative to this utterance's own loud and quiet blocks, so that gain changes nothing.

    A block is active within 35 dB of the loud ones (95th percentile) and 6 dB above the quiet ones (5th), where these
    lie at least 18 dB below the loud ones; background nearer than that cannot be told from speech by level.
    """
    if not len(level_db):
        return np.zeros(0, np.bool_)
    quiet_db, loud_db = quantiles(level_db, 0.05, 0.95)
    floor_db = min(quiet_db + _ABOVE_FLOOR_DB, loud_db - _LEAST_DISTANCE_DB)
    active = (level_db > max(loud_db - _BELOW_LOUD_DB, floor_db)) & (level_db > SILENT_DB)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], active, [False]])))
    for start, end in edges.reshape(-1, 2):
        if end - start < _SHORTEST_SOUND:
            active[start:end] = False
    return np.asarray(active, np.bool_)
