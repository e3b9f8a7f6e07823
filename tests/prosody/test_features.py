"""Level, pauses, rate and tilt with known truth; hostile input; what gain and the telephone may and may not change."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, astuple
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from prosody.features import measure
from prosody.types import ProsodyFeatures
from voice.contracts.audio import SAMPLE_RATE, Pcm
from voice.contracts.errors import AudioFormatError

if TYPE_CHECKING:
    from tests.prosody.conftest import Recording

Voice = Callable[..., Pcm]


def numbers(features: ProsodyFeatures) -> list[float]:
    """Every number that was measured, those inside tuples too."""
    values = (value if isinstance(value, tuple) else (value,) for value in astuple(features))
    return [number for group in values for number in group if number is not None]


def assert_sound(features: ProsodyFeatures) -> None:
    """Every value finite, in the range that its docstring states."""
    assert all(math.isfinite(value) for value in numbers(features))
    assert 0 <= features.voiced_ratio <= 1
    assert 0 <= features.pause_ratio <= 1
    assert features.pause_count >= 0
    assert features.f0_median_hz is None or 60 <= features.f0_median_hz <= 500
    for value in (features.f0_range_st, features.intensity_range_db):
        assert value is None or value >= 0
    for rate in (features.speech_rate_hz, features.articulation_rate_hz):
        assert rate is None or 0 < rate <= 34


def syllables(rate_hz: float, seconds: float, voice: Voice) -> Pcm:
    """A voice whose level swings at the rate of syllables."""
    moments = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    envelope = 0.05 + 0.95 * (0.5 - 0.5 * np.cos(2 * np.pi * rate_hz * moments))
    return np.asarray(voice(140, seconds, range(1, 25)) * envelope, np.float32)


@pytest.mark.parametrize("rate_hz", [2.5, 4, 5.5, 7])
def test_rate_counts_syllables(voice: Voice, rate_hz: float) -> None:
    features = measure(syllables(rate_hz, 4.0, voice))
    assert features.articulation_rate_hz == pytest.approx(rate_hz, rel=0.08)


def test_rate_with_and_without_pauses(voice: Voice) -> None:
    part = syllables(4, 2.0, voice)
    features = measure(np.concatenate([part, np.zeros(SAMPLE_RATE, np.float32), part]))
    assert features.pause_count == 1
    assert features.articulation_rate_hz == pytest.approx(4, rel=0.12)
    assert features.speech_rate_hz == pytest.approx(16 / 5, rel=0.08)


@pytest.mark.parametrize("pause_ms", [[250], [400, 800], [220, 300, 1500]])
def test_pauses_are_counted_and_timed(voice: Voice, pause_ms: list[int]) -> None:
    noise = np.random.default_rng(0)
    pieces = [voice(150, 0.6, range(1, 20))]
    for length in pause_ms:
        pieces += [np.zeros(length * 16, np.float32), voice(150, 0.6, range(1, 20))]
    pcm = np.concatenate(pieces)
    pcm += noise.standard_normal(len(pcm)).astype(np.float32) * np.float32(1e-4)
    features = measure(pcm)
    assert features.pause_count == len(pause_ms)
    extent_s = features.duration_s  # the audio begins and ends with voice
    assert features.pause_ratio * extent_s == pytest.approx(sum(pause_ms) / 1000, abs=0.03 * len(pause_ms))


def test_short_silences_and_the_ends_are_no_pauses(voice: Voice) -> None:
    tone, gap = voice(150, 0.5, range(1, 20)), np.zeros(16 * 150, np.float32)
    lead = np.zeros(SAMPLE_RATE // 2, np.float32)
    features = measure(np.concatenate([lead, tone, gap, tone, lead]))
    assert features.pause_count == 0
    assert features.pause_ratio == 0


@pytest.mark.parametrize("level", [0.5, 0.05])
def test_intensity_is_dbfs(level: float) -> None:
    moments = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    features = measure(np.asarray(level * np.sin(2 * np.pi * 200 * moments), np.float32))
    assert features.intensity_mean_db == pytest.approx(20 * math.log10(level) - 3.01, abs=0.1)
    assert features.intensity_range_db == pytest.approx(0, abs=0.5)


def test_silence_around_speech_does_not_lower_its_level(voice: Voice) -> None:
    tone = voice(150, 1.0, range(1, 20))
    still = np.zeros(2 * SAMPLE_RATE, np.float32)
    alone, framed = measure(tone).intensity_mean_db, measure(np.concatenate([still, tone, still])).intensity_mean_db
    assert alone is not None
    assert framed == pytest.approx(alone, abs=0.2)


def test_tilt_rises_with_vocal_effort(voice: Voice) -> None:
    soft, pressed = (measure(voice(150, 1.0, range(1, 26), tilt_db=tilt)).spectral_tilt_db for tilt in (12, 3))
    assert soft is not None
    assert pressed is not None
    assert pressed > soft + 10


@pytest.mark.parametrize("st_per_s", [-6.0, -4.5, 4.0])
def test_slope_and_range_of_a_glide(harmonics: Voice, st_per_s: float) -> None:
    moments = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    features = measure(harmonics(160 * 2 ** (st_per_s * (moments - 1) / 12), 2.0, range(1, 20)))
    assert features.f0_slope_st_per_s == pytest.approx(st_per_s, abs=0.15)
    assert features.f0_range_st == pytest.approx(abs(st_per_s) * 2 * 0.9, abs=0.4)
    assert features.f0_median_hz == pytest.approx(160, rel=0.02)


def test_the_contour_is_the_pitch_every_50_ms(harmonics: Voice) -> None:
    moments = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    first, second = 120 * 2 ** (0.5 * moments), 240 * 2 ** (-0.6 * moments)
    pcm = np.concatenate([harmonics(first, 1.0, range(1, 20)), np.zeros(8000, np.float32)])
    features = measure(np.concatenate([pcm, harmonics(second, 1.0, range(1, 12)), np.zeros(500, np.float32)]))
    assert len(features.f0_contour_hz) == 50
    middle = np.arange(0.025, 1, 0.05)[1:-1]
    assert features.f0_contour_hz[1:19] == pytest.approx(list(120 * 2 ** (0.5 * middle)), rel=0.01)
    assert features.f0_contour_hz[21:29] == (None,) * 8
    assert features.f0_contour_hz[31:49] == pytest.approx(list(240 * 2 ** (-0.6 * middle)), rel=0.01)


@pytest.mark.parametrize("final_st", [-6.0, -2.0, 5.0])
def test_the_final_movement_is_that_of_the_last_stretch(harmonics: Voice, voice: Voice, final_st: float) -> None:
    """The last 50 ms lie higher or lower than the 250 ms before; a blip after them is no stretch."""
    moments = np.arange(SAMPLE_RATE // 2) / SAMPLE_RATE
    step = 150 * 2 ** (final_st / 12 * np.clip((moments - 0.4) / 0.04, 0, 1))
    still, blip = np.zeros(4000, np.float32), harmonics(300, 0.06, range(1, 10))
    features = measure(np.concatenate([voice(200, 1.0, range(1, 20)), still, harmonics(step, 0.5, range(1, 20))]))
    assert features.f0_final_st == pytest.approx(final_st, abs=0.35)
    followed = measure(
        np.concatenate([voice(200, 1.0, range(1, 20)), still, harmonics(step, 0.5, range(1, 20)), still, blip])
    )
    assert followed.f0_final_st == pytest.approx(final_st, abs=0.35)


def test_no_final_movement_without_a_stretch_of_voice(harmonics: Voice) -> None:
    assert measure(np.zeros(SAMPLE_RATE, np.float32)).f0_final_st is None
    assert measure(harmonics(150, 0.07, range(1, 20))).f0_final_st is None


@pytest.mark.parametrize("db_per_s", [-12.0, 0.0, 7.0])
def test_the_slope_of_intensity(voice: Voice, db_per_s: float) -> None:
    moments = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    pcm = voice(150, 2.0, range(1, 20)) * 10 ** (db_per_s * (moments - 2) / 20)
    features = measure(np.asarray(pcm, np.float32))
    assert features.intensity_slope_db_per_s == pytest.approx(db_per_s, abs=0.4)


def test_nothing_is_left_to_compile_after_warming_up() -> None:
    code = """
import sys, numpy as np
from prosody.features import measure, warm_up
warm_up()
def forms():
    modules = [module for name, module in list(sys.modules.items()) if name.startswith("prosody")]
    parts = [part for module in modules for part in vars(module).values() if hasattr(part, "py_func")]
    return {id(part): len(part.signatures) for part in parts}
before = forms()
pcm = np.random.default_rng(0).standard_normal(40_000)
for odd in (pcm.astype(np.float32), pcm, pcm[:500], pcm[:0]):
    measure(odd), measure(odd, 120.0)
print(sum(before.values()) > 10, forms() == before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]


@pytest.mark.parametrize("count", [0, 1, 159, 160, 320, 321, 5_000, 40_000])
@pytest.mark.parametrize("kind", ["zeros", "offset", "square", "noise", "impulse", "huge", "nyquist"])
def test_hostile_input_gives_finite_values_or_none(kind: str, count: int) -> None:
    moments = np.arange(count)
    pcm = {
        "zeros": np.zeros(count),
        "offset": np.full(count, 0.7),
        "square": np.sign(np.sin(0.06 * moments)),
        "noise": np.random.default_rng(0).standard_normal(count),
        "impulse": (moments == count // 2).astype(float),
        "huge": np.full(count, 3e38) * np.sign(np.sin(0.06 * moments)),
        "nyquist": (-1.0) ** moments,
    }[kind]
    features = measure(pcm.astype(np.float32))
    assert_sound(features)
    assert features.duration_s == count / SAMPLE_RATE
    if kind in ("zeros", "offset"):
        assert features.intensity_mean_db is None
        assert features.f0_median_hz is None


def test_a_clipped_voice_keeps_its_pitch(voice: Voice) -> None:
    clean = voice(150, 1.0, range(1, 20))
    assert measure(np.clip(20 * clean, -1, 1)).f0_median_hz == pytest.approx(measure(clean).f0_median_hz, rel=0.01)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_is_refused(bad: float) -> None:
    pcm = np.zeros(1000, np.float32)
    pcm[500] = bad
    with pytest.raises(AudioFormatError, match="finite"):
        measure(pcm)


@pytest.mark.parametrize("pcm", [np.zeros((2, 100), np.float32), np.zeros(100, np.int16), np.float32(0)])
def test_what_is_not_mono_audio_is_refused(pcm: Pcm) -> None:
    with pytest.raises(AudioFormatError, match="mono float"):
        measure(np.asarray(pcm))


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.float32, st.integers(0, 3000), elements=st.floats(-1, 1, width=32)))
def test_any_audio_gives_sound_features(pcm: Pcm) -> None:
    assert_sound(measure(pcm))


@settings(max_examples=30, deadline=None)
@given(st.floats(60, 500), st.floats(0.02, 1.5), st.integers(1, 12), st.floats(-80, 0), st.integers(0, 2**31))
def test_any_tone_in_noise_gives_sound_features(
    f0_hz: float, seconds: float, first: int, noise_db: float, seed: int
) -> None:
    moments = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tone = sum(np.sin(2 * np.pi * f0_hz * k * moments) for k in range(first, first + 4)) / 8
    noise = np.random.default_rng(seed).standard_normal(len(moments)) * 10 ** (noise_db / 20)
    assert_sound(measure(np.asarray(tone + noise, np.float32)))


@pytest.mark.parametrize("gain_db", [-20, 20])
def test_gain_changes_level_and_nothing_else(aishell: list[Recording], gain_db: float) -> None:
    for recording in aishell[::20]:
        gain = np.float32(10 ** (gain_db / 20))
        before, after = measure(recording.pcm), measure(recording.pcm * gain)
        assert before.intensity_mean_db is not None
        assert after.intensity_mean_db == pytest.approx(before.intensity_mean_db + gain_db, abs=0.1)
        for name, value in asdict(before).items():
            if name not in ("intensity_mean_db", "loudness"):
                kept = asdict(after)[name]
                for a, b in zip(value, kept, strict=True) if isinstance(value, tuple) else [(value, kept)]:
                    assert b == (None if a is None else pytest.approx(a, rel=0.02, abs=0.02)), name


def test_the_telephone_keeps_pitch_and_rate(aishell: list[Recording], telephone: Callable[..., Pcm]) -> None:
    pairs = [(measure(r.pcm), measure(telephone(r.pcm * np.float32(3)))) for r in aishell]
    ratio = np.array([after.f0_median_hz / before.f0_median_hz for before, after in pairs])  # type: ignore[operator]  # speech has a pitch
    assert abs(np.median(ratio) - 1) < 0.02
    assert (np.abs(ratio - 1) > 0.2).mean() <= 0.06  # utterances whose every partial but one is lost
    rate = np.array([(b.articulation_rate_hz, a.articulation_rate_hz) for b, a in pairs], np.float64)
    assert np.median(np.abs(rate[:, 1] / rate[:, 0] - 1)) < 0.15


def test_nuclei_agree_with_the_syllables_of_mandarin(aishell: list[Recording]) -> None:
    """Every character is one syllable, so the texts say how many there are."""
    said, counted = [], []
    for recording in aishell:
        features = measure(recording.pcm)
        assert features.articulation_rate_hz is not None
        assert features.speech_rate_hz is not None
        said.append(len(recording.text.replace(" ", "")))
        counted.append(features.articulation_rate_hz * features.duration_s)
    assert np.corrcoef(said, counted)[0, 1] > 0.8


def test_real_speech_is_in_human_ranges(aishell: list[Recording]) -> None:
    for recording in aishell[::5]:
        features = measure(recording.pcm)
        assert_sound(features)
        assert features.f0_median_hz is not None
        assert 80 < features.f0_median_hz < 350
        assert features.articulation_rate_hz is not None
        assert 1 < features.articulation_rate_hz < 9
        assert 0.2 < features.voiced_ratio < 0.95


def test_the_same_audio_gives_the_same_numbers(aishell: list[Recording]) -> None:
    assert measure(aishell[0].pcm) == measure(aishell[0].pcm.copy())


def test_an_utterance_costs_little(aishell: list[Recording]) -> None:
    """One 3 s utterance under 15 ms of CPU on a quiet machine; the bound leaves room for a busy one."""
    pcm = np.concatenate([aishell[5].pcm, aishell[6].pcm])[: 3 * SAMPLE_RATE]
    costs = []
    for _ in range(7):
        begin = time.thread_time()
        measure(pcm)
        costs.append(time.thread_time() - begin)
    assert min(costs) < 0.03


def test_measuring_needs_numpy_and_numba_alone() -> None:
    """Importing scipy.signal costs more than a second, librosa more; the live path needs neither."""
    code = "import sys, prosody.features; print(sorted({'scipy.signal', 'librosa', 'matplotlib'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
