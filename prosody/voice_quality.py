"""Voice quality: how the energy of the voice is spread over frequency."""

from __future__ import annotations

from typing import Final

import numpy as np

from prosody.spectrum import Mask, Spectra, band_power

FEWEST_FRAMES: Final = 5


def spectral_tilt(spectra: Spectra, voiced: Mask) -> float | None:
    """Alpha ratio: level from 1 to 4 kHz over level from 50 Hz to 1 kHz, mean over voiced frames.

    Source: Eyben, F. et al. (2016), "The Geneva Minimalistic Acoustic Parameter Set (GeMAPS)", IEEE Trans. Affective
    Computing 7(2), section 3.1 (there 1-5 kHz; a telephone ends at 3.4). It rises with vocal effort.

    Returns:
        dB, about -30 (soft) to +5 (shouted, telephone band); None with fewer than five voiced frames.
    """
    if int(voiced.sum()) < FEWEST_FRAMES:
        return None
    low = np.maximum(band_power(spectra, 50, 1000)[voiced], 1e-12)
    high = np.maximum(band_power(spectra, 1000, 4000)[voiced], 1e-12)
    return float(np.mean(10 * np.log10(high / low), dtype=np.float64))
