"""Our own ringing tone: its cadence and pitch, and that it gives way."""

from __future__ import annotations

import numpy as np

from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, Pcm
from voice.ringback import Ringback


def heard(ringback: Ringback, begin_s: float, seconds: float, step_s: float = 0.02) -> Pcm:
    frames = [np.zeros(0, np.float32)]
    for step in range(round(seconds / step_s)):
        frames += ringback.frames(begin_s + step * step_s)
    return np.concatenate(frames)


def test_it_sounds_one_second_in_five_at_450_hertz() -> None:
    ringback = Ringback()
    assert ringback.frames(7.0) == []
    ringback.begin(7.0)
    pcm = heard(ringback, 7.0, 10)
    assert abs(pcm.size - 10 * SAMPLE_RATE) <= 2 * FRAME_SAMPLES
    for begin in (0, 5 * SAMPLE_RATE):
        sounds = pcm[begin : begin + SAMPLE_RATE]
        spectrum = np.abs(np.fft.rfft(sounds * np.hanning(sounds.size)))
        assert int(spectrum.argmax()) == 450
        assert 0.05 < np.abs(sounds).max() < 0.2
        assert not pcm[begin + SAMPLE_RATE : begin + 5 * SAMPLE_RATE - 2 * FRAME_SAMPLES].any()
    assert np.abs(np.diff(pcm)).max() < 0.02, "no click where it begins and ends"


def test_a_process_that_stood_still_makes_up_for_a_fifth_of_a_second_at_most() -> None:
    ringback = Ringback()
    ringback.begin(0.0)
    assert len(ringback.frames(0.0)) == 1
    assert len(ringback.frames(0.05)) == 2
    assert len(ringback.frames(3.0)) == 10
    assert ringback.frames(2.0) == []
    ringback.begin(3.0)  # that it rings is said again and again
    assert len(ringback.frames(3.02)) == 1


def test_it_gives_way_for_good() -> None:
    ringback = Ringback()
    ringback.begin(0.0)
    ringback.give_way()
    assert ringback.frames(0.5) == []
    ringback.begin(1.0)
    assert ringback.frames(1.5) == []
