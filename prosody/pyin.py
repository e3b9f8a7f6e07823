"""Fundamental frequency by probabilistic YIN, to compare with; the only door to librosa, which is an optional part.

Method: Mauch, M. and Dixon, S. (2014), "pYIN: A fundamental frequency estimator using probabilistic threshold
distributions", ICASSP. It searches every frame over a hundred thresholds, which makes it some fifty times slower than
`prosody.pitch`, and it was made for singing through a microphone: on a telephone, where the fundamental is missing, it
jumps octaves.
"""

from __future__ import annotations

import librosa
import numpy as np

from prosody.pitch import HIGHEST_HZ, LOWEST_HZ, PitchTrack
from prosody.spectrum import ANALYSIS_RATE, HOP, Spectra

_FRAME = 512
"""Samples of a frame: 64 ms, almost four periods of the lowest voice."""


def track_pyin(spectra: Spectra, usual_hz: float | None = None) -> PitchTrack:
    """Follow the fundamental on the frames of `prosody.spectrum`.

    Args:
        spectra: of the utterance.
        usual_hz: not used; as in `prosody.pitch.track_pitch`.

    Returns:
        One value per frame of `spectra`, in [60, 500] Hz where voiced.
    """
    del usual_hz
    f0_hz = np.zeros(spectra.frames, np.float32)
    if spectra.frames and np.any(spectra.signal):
        # Its frames are centred on the beginnings of hops, ours on their middles.
        signal = np.concatenate([spectra.signal[HOP // 2 :], np.zeros(HOP // 2 + _FRAME, np.float32)])
        found, voiced, _ = librosa.pyin(
            signal, fmin=LOWEST_HZ, fmax=HIGHEST_HZ, sr=ANALYSIS_RATE, frame_length=_FRAME, hop_length=HOP
        )
        f0_hz[:] = np.where(voiced, np.clip(found, LOWEST_HZ, HIGHEST_HZ), 0)[: spectra.frames]
    return PitchTrack(f0_hz, f0_hz > 0)
