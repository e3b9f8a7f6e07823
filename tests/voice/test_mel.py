"""The log-mel spectrum has the properties that its definition gives it."""

from __future__ import annotations

import numpy as np
import pytest

from voice.audio.mel import BINS, HOP, WINDOW, log_mel, mel_filters
from voice.contracts.audio import SAMPLE_RATE, Pcm


def tone(hertz: float, seconds: float = 1.0, level: float = 0.5) -> Pcm:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wave: Pcm = (level * np.sin(2 * np.pi * hertz * time)).astype(np.float32)
    return wave


def slaney_hz(mels: float) -> float:
    return mels * 200 / 3 if mels < 15 else 1000 * 6.4 ** ((mels - 15) / 27)


def test_filters_are_triangles_of_unit_area() -> None:
    filters = mel_filters()
    assert filters.shape == (80, 201)
    assert (filters >= 0).all()
    hertz_per_bin = SAMPLE_RATE / WINDOW
    wide = filters[50:]  # the narrow ones at the bottom are sampled too coarsely to sum to one
    assert np.allclose(wide.sum(axis=1) * hertz_per_bin, 1.0, atol=0.05)
    assert (np.diff(filters.argmax(axis=1)) >= 0).all()


@pytest.mark.parametrize("channel", [5, 20, 40, 60, 75])
def test_filters_peak_where_slaney_put_them(channel: int) -> None:
    top = 15 + 27 * np.log(8) / np.log(6.4)  # 8 kHz in mel
    centre = slaney_hz((channel + 1) * top / 81)
    peak = mel_filters()[channel].argmax() * SAMPLE_RATE / WINDOW
    assert abs(peak - centre) <= SAMPLE_RATE / WINDOW / 2 + 1e-6


@pytest.mark.parametrize("hertz", [200.0, 440.0, 1000.0, 3000.0, 6000.0])
def test_a_tone_is_loudest_in_its_channel(hertz: float) -> None:
    loudest = log_mel(tone(hertz), 100)[:, 20:80].mean(axis=1).argmax()
    nearest = mel_filters()[:, round(hertz / (SAMPLE_RATE / WINDOW))].argmax()
    assert abs(int(loudest) - int(nearest)) <= 1


def test_ten_times_the_amplitude_is_half_a_unit_more() -> None:
    soft, loud = log_mel(tone(1000, level=0.05), 100), log_mel(tone(1000, level=0.5), 100)
    assert loud.max() - soft.max() == pytest.approx(2 / 4, abs=1e-4)  # two decades of power, divided by 4


def test_silence_is_the_clamp() -> None:
    assert np.allclose(log_mel(np.zeros(0, dtype=np.float32), 50), (-10 + 4) / 4)


def test_the_range_is_eight_decades() -> None:
    spectrum = log_mel(tone(500, seconds=0.5), 300)
    assert spectrum.dtype == np.float32
    assert spectrum.shape == (BINS, 300)
    assert spectrum.max() - spectrum.min() == pytest.approx(2.0)
    assert (spectrum[:, 60:] == spectrum.min()).all(), "what follows the audio is silence"


def test_frames_are_centred_ten_milliseconds_apart() -> None:
    click = np.zeros(16_000, dtype=np.float32)
    click[50 * HOP] = 1.0
    assert log_mel(click, 100).sum(axis=0).argmax() == 50


def test_padding_does_not_change_what_lies_before_it() -> None:
    pcm = np.random.default_rng(1).standard_normal(16_000).astype(np.float32) * np.float32(0.1)
    assert np.array_equal(log_mel(pcm, 150)[:, :95], log_mel(pcm, 1000)[:, :95])


def test_too_much_audio_is_refused() -> None:
    with pytest.raises(ValueError, match="hold 1600 samples; got 1601"):
        log_mel(np.zeros(1601, dtype=np.float32), 10)


def test_large_models_have_128_channels() -> None:
    assert log_mel(tone(440), 100, 128).shape == (128, 100)
