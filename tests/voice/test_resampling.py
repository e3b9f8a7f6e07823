"""The resampler keeps state: borders between chunks leave no trace, and no sample is lost."""

from __future__ import annotations

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from voice.audio.resampling import StreamResampler, to_float, to_int16
from voice.contracts.audio import Pcm
from voice.contracts.errors import AudioFormatError

RATES = [8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000]


def sine(hz: float, rate_hz: int, seconds: float = 1.0) -> Pcm:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(int(rate_hz * seconds)) / rate_hz)).astype(np.float32)


@settings(deadline=None, max_examples=40)
@given(rate_hz=st.sampled_from(RATES), cuts=st.lists(st.integers(0, 3_000), max_size=12))
def test_chunks_make_no_difference(rate_hz: int, cuts: list[int]) -> None:
    audio = np.random.default_rng(1).uniform(-0.5, 0.5, 12_345).astype(np.float32)
    whole = StreamResampler(rate_hz)
    expected = np.concatenate([whole.feed(audio), whole.flush()])
    resampler = StreamResampler(rate_hz)
    parts = [resampler.feed(part) for part in np.split(audio, np.minimum(np.cumsum(cuts, dtype=int), audio.size))]
    got = np.concatenate([*parts, resampler.flush()])
    assert abs(got.size - audio.size * 16_000 / rate_hz) <= 1
    assert np.array_equal(got, expected)


@pytest.mark.parametrize("rate_hz", RATES)
def test_a_tone_stays_the_same_tone(rate_hz: int) -> None:
    resampler = StreamResampler(rate_hz)
    tone = sine(1_000, rate_hz)
    parts = [resampler.feed(tone[at : at + rate_hz // 50]) for at in range(0, tone.size, rate_hz // 50)]
    got = np.concatenate([*parts, resampler.flush()])
    error = got[400:-400] - sine(1_000, 16_000)[400:-400]
    assert np.sqrt(np.mean(error**2)) < 0.3536 * 1e-4, "the error stays 80 dB below the tone"


def test_what_would_alias_is_gone() -> None:
    resampler = StreamResampler(48_000)
    got = np.concatenate([resampler.feed(sine(11_000, 48_000)), resampler.flush()])
    assert np.abs(got[400:-400]).max() < 1e-4


def test_sixteen_kilohertz_passes_bit_for_bit_and_at_once() -> None:
    audio = np.arange(-32_768, 32_768, dtype=np.int16)
    resampler = StreamResampler(16_000)
    assert np.array_equal(to_int16(resampler.feed(audio)), audio)
    assert resampler.flush().size == 0


def test_integers_and_floats_are_the_same_audio() -> None:
    audio = (sine(440, 48_000) * 32_767).astype(np.int16)
    assert np.array_equal(StreamResampler(48_000).feed(audio), StreamResampler(48_000).feed(to_float(audio)))


def test_a_flushed_resampler_is_as_new() -> None:
    audio = sine(700, 44_100)
    resampler = StreamResampler(44_100)
    first = np.concatenate([resampler.feed(audio), resampler.flush()])
    assert np.array_equal(np.concatenate([resampler.feed(audio), resampler.flush()]), first)
    assert np.abs(first - soxr.resample(audio, 44_100, 16_000)[: first.size]).max() < 1e-3


@pytest.mark.parametrize("rate_hz", [0, -8_000, 3_999, 400_000])
def test_an_impossible_rate_is_refused(rate_hz: int) -> None:
    with pytest.raises(AudioFormatError, match=str(rate_hz)) as caught:
        StreamResampler(rate_hz)
    assert caught.value.fix


@pytest.mark.parametrize("audio", [np.zeros((2, 4), np.float32), np.zeros(4, np.float64), np.zeros(4, np.int32)])
def test_other_shapes_and_types_are_refused(audio: np.ndarray) -> None:
    with pytest.raises(AudioFormatError):
        StreamResampler(8_000).feed(audio)
