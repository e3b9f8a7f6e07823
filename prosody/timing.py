"""Speech rate from syllable nuclei, without words.

Method: de Jong, N. H. and Wempe, T. (2009), "Praat script to detect syllable nuclei and measure speech rate
automatically", Behavior Research Methods 41(2), 385-390: peaks of intensity that stand at least 2 dB above the dips
beside them, lie within 25 dB of the loudest and fall into voiced speech. Intensity is taken from 300 to 3300 Hz, which
leaves the same peaks on a telephone as in a studio.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from prosody.compiled import compiled
from prosody.quantile import quantiles
from prosody.spectrum import Array, Mask, Spectra, band_power

_BAND_HZ: Final = (300.0, 3300.0)
_BELOW_PEAK_DB: Final = 25.0
_DIP_DB: Final = 2.0


def find_nuclei(spectra: Spectra, voiced: Mask) -> NDArray[np.intp]:
    """Frames at which a syllable has its nucleus, rising."""
    if not voiced.any():
        return np.zeros(0, np.intp)
    level_db = np.log10(np.maximum(band_power(spectra, *_BAND_HZ), np.float32(1e-12)))
    level_db *= np.float32(10)
    (loud_db,) = quantiles(level_db, 0.99)
    return _find_prominent(level_db, loud_db - _BELOW_PEAK_DB, voiced)


@compiled
def _find_prominent(level_db: Array, faintest_db: float, voiced: Mask) -> NDArray[np.intp]:
    """Maxima with a dip of at least 2 dB on both sides, by one walk that swings between rising and falling.

    Only what is louder than `faintest_db` and voiced is kept.
    """
    peaks = np.empty(len(level_db), np.intp)
    count = 0
    rising, place = True, 0
    top = bottom = np.float64(level_db[0])
    for frame in range(len(level_db)):
        value = np.float64(level_db[frame])
        if rising:
            if value > top:
                top, place = value, frame
            elif value < top - _DIP_DB:
                if top > faintest_db and voiced[place]:
                    peaks[count] = place
                    count += 1
                rising, bottom = False, value
        elif value < bottom:
            bottom = value
        elif value > bottom + _DIP_DB:
            rising, top, place = True, value, frame
    return peaks[:count]
