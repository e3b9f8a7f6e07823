"""pyin on our frames: the right pitch at the right time, and the range of our own tracker."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from prosody.features import measure_along
from prosody.pitch import track_pitch
from prosody.pyin import track_pyin
from prosody.spectrum import analyse
from voice.contracts.audio import SAMPLE_RATE, Pcm


def test_a_glide_is_followed_at_its_time(harmonics: Callable[..., Pcm]) -> None:
    seconds = 1.5
    contour = np.geomspace(120, 240, round(seconds * SAMPLE_RATE))
    spectra = analyse(harmonics(contour, seconds, range(1, 12)))
    track = track_pyin(spectra)
    assert track.f0_hz.shape == (spectra.frames,)
    assert track.voiced[10:-10].all()
    true = np.interp((np.arange(spectra.frames) + 0.5) * 0.01, np.arange(len(contour)) / SAMPLE_RATE, contour)
    cents = 1200 * np.abs(np.log2(track.f0_hz[10:-10] / true[10:-10]))
    # A frame of 64 ms late or early by one hop would be off by 8 cents.
    assert np.median(cents) < 7
    ours = track_pitch(spectra)
    assert np.median(1200 * np.abs(np.log2(track.f0_hz[10:-10] / ours.f0_hz[10:-10]))) < 10


def test_silence_and_nothing_have_no_pitch() -> None:
    for pcm in (np.zeros(0, np.float32), np.zeros(100, np.float32), np.zeros(SAMPLE_RATE, np.float32)):
        spectra = analyse(pcm)
        track = track_pyin(spectra)
        assert track.f0_hz.shape == (spectra.frames,)
        assert not track.voiced.any()


def test_measures_follow_the_track_that_is_given(harmonics: Callable[..., Pcm]) -> None:
    spectra = analyse(harmonics(150.0, 1.0, range(1, 12)))
    track = track_pyin(spectra, 300.0)
    features = measure_along(spectra, track)
    assert features.f0_median_hz is not None
    assert abs(features.f0_median_hz - 150) < 2
    assert features.duration_s == 1.0
