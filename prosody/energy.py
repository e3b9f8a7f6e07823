"""Level and pauses: where in an utterance somebody sounds, and how loud."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from prosody.compiled import compiled
from prosody.quantile import quantiles
from prosody.runs import find_runs
from prosody.spectrum import HOP, HOP_S, QUIETEST_DB, SILENT_DB, Array, Mask, Spectra
from prosody.sums import slope_of, sum_of, sum_of_squares

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
    gaps = (np.diff(places) - 1).tolist()
    shortest = round(SHORTEST_PAUSE_S / HOP_S)
    return Energy(
        mean_db=float(10 * np.log10(sum_of(10 ** (loud / 10)) / len(loud))),
        range_db=high - low,
        extent_s=float(places[-1] - places[0] + 1) * HOP_S,
        pauses_s=tuple(gap * HOP_S for gap in gaps if gap >= shortest),
        slope_db_per_s=slope_of(places, loud) / HOP_S if len(places) >= _FEWEST_FOR_SLOPE else None,
        active=active,
    )


def block_levels(signal: Array) -> Array:
    """Level of each whole block of 10 ms of the analysis signal, dBFS, at least -120."""
    level_db = np.empty(len(signal) // HOP, np.float32)
    _measure_levels(signal, level_db)
    return level_db


def find_active(level_db: Array) -> Mask:
    """Blocks that sound, relative to this utterance's own loud and quiet blocks, so that gain changes nothing.

    A block is active within 35 dB of the loud ones (95th percentile) and 6 dB above the quiet ones (5th), where these
    lie at least 18 dB below the loud ones; background nearer than that cannot be told from speech by level.
    """
    if not len(level_db):
        return np.zeros(0, np.bool_)
    quiet_db, loud_db = quantiles(level_db, 0.05, 0.95)
    floor_db = min(quiet_db + _ABOVE_FLOOR_DB, loud_db - _LEAST_DISTANCE_DB)
    active = level_db > max(loud_db - _BELOW_LOUD_DB, floor_db, SILENT_DB)
    for start, end in find_runs(active):
        if end - start < _SHORTEST_SOUND:
            active[start:end] = False
    return np.asarray(active, np.bool_)


@compiled
def _measure_levels(signal: Array, level_db: Array) -> None:
    """Fill in the level of each block."""
    for block in range(len(level_db)):
        power = sum_of_squares(signal[block * HOP : (block + 1) * HOP]) / HOP
        level_db[block] = max(10.0 * np.log10(max(power, 1e-12)), QUIETEST_DB)
