"""Voice quality with known truth, and all measures of voice and timbre on hostile audio."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import astuple
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from prosody.energy import block_levels, find_active
from prosody.formants import measure_formants
from prosody.periodicity import find_clear, periodic_share
from prosody.periods import measure_periods
from prosody.pitch import PitchTrack, track_pitch
from prosody.spectrum import Spectra, analyse
from prosody.timbre import measure_timbre
from prosody.voice_quality import (
    VoiceQuality,
    hammarberg_index,
    harmonics_to_noise,
    measure_quality,
    spectral_slope,
)
from voice.contracts.audio import SAMPLE_RATE, Pcm

if TYPE_CHECKING:
    from tests.prosody.conftest import Recording

Harmonics = Callable[..., Pcm]
Telephone = Callable[..., Pcm]


def flat_track(spectra: Spectra, f0_hz: float) -> PitchTrack:
    return PitchTrack(np.full(spectra.frames, f0_hz, np.float32), np.ones(spectra.frames, np.bool_))


def hnr_of(spectra: Spectra, f0_hz: float) -> float | None:
    return harmonics_to_noise(spectra, find_clear(spectra, flat_track(spectra, f0_hz)))


def tones(*partials: tuple[float, float]) -> Spectra:
    """One second of sines, each with frequency in hertz and level in dB."""
    moments = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    total = sum(10 ** (level / 20) * np.sin(2 * np.pi * hertz * moments) for hertz, level in partials)
    return analyse(np.asarray(0.1 * total, np.float32))


@pytest.mark.parametrize("ratio_db", [3, 8, 15, 22])
@pytest.mark.parametrize("f0_hz", [95, 150, 240])
def test_hnr_is_the_ratio_of_voice_to_noise(harmonics: Harmonics, f0_hz: float, ratio_db: float) -> None:
    voice = harmonics(f0_hz, 2.0, range(1, int(3800 / f0_hz))).astype(np.float64)
    noise = np.random.default_rng(1).standard_normal(len(voice))
    noise *= np.sqrt(2 * np.mean(voice**2) / 10 ** (ratio_db / 10))  # half of white noise lies below 4 kHz
    spectra = analyse(np.asarray(voice + noise, np.float32))
    assert hnr_of(spectra, f0_hz) == pytest.approx(ratio_db, abs=1.0)


@pytest.mark.parametrize("f0_hz", [80, 133, 210, 400])
def test_a_clean_voice_has_a_high_hnr(harmonics: Harmonics, f0_hz: float) -> None:
    spectra = analyse(harmonics(f0_hz, 1.0, range(1, 15)))
    hnr_db = harmonics_to_noise(spectra, find_clear(spectra, track_pitch(spectra)))
    assert hnr_db is not None
    assert 25 < hnr_db <= 40


def test_hnr_forgives_a_track_that_lies_a_little_beside(harmonics: Harmonics) -> None:
    spectra = analyse(harmonics(150, 1.0, range(1, 15)))
    frames = np.arange(5, 95)
    exact, beside = (periodic_share(spectra, flat_track(spectra, hertz), frames) for hertz in (150, 151))
    assert beside == pytest.approx(exact, abs=0.01)


def test_hnr_leaves_out_what_fades(harmonics: Harmonics) -> None:
    """A breath 30 dB below the voice, tracked as voiced, changes nothing."""
    voice = harmonics(150, 1.0, range(1, 15))
    breath = np.random.default_rng(2).standard_normal(SAMPLE_RATE).astype(np.float32) * np.float32(0.0015)
    alone, both = analyse(voice), analyse(np.concatenate([voice, breath]))
    hnr_db = hnr_of(alone, 150)
    assert hnr_db is not None
    assert hnr_of(both, 150) == pytest.approx(hnr_db, abs=1.5)


def test_noise_that_is_tracked_as_voice_has_no_high_hnr() -> None:
    spectra = analyse(np.random.default_rng(3).standard_normal(2 * SAMPLE_RATE).astype(np.float32))
    hnr_db = hnr_of(spectra, 200)
    assert hnr_db is None or hnr_db < 0


def test_clear_is_where_the_voice_prevails(harmonics: Harmonics) -> None:
    """Voice, voice in strong breath, breath alone, and voice again, all tracked as voiced."""
    voice = harmonics(150, 0.5, range(1, 15))
    breath = np.random.default_rng(4).standard_normal(SAMPLE_RATE // 2).astype(np.float32)
    breath *= np.sqrt(np.mean(voice**2) / np.mean(breath**2))
    spectra = analyse(np.concatenate([voice, voice + 2 * breath, breath, voice]))
    clear = find_clear(spectra, flat_track(spectra, 150))
    assert clear.voiced[5:45].all()
    assert not clear.voiced[55:145].any()
    assert clear.voiced[155:195].all()
    assert clear.share.min() > 0.4


def test_friction_above_four_kilohertz_is_no_clear_voice(harmonics: Harmonics) -> None:
    """A hiss that the telephone would not carry; below 4 kHz there is voice only."""
    voice = harmonics(150, 1.0, range(1, 15))
    hiss = np.fft.rfft(np.random.default_rng(5).standard_normal(len(voice)))
    hiss[np.fft.rfftfreq(len(voice), 1 / SAMPLE_RATE) < 4500] = 0
    loud = np.fft.irfft(hiss, len(voice))
    loud *= np.sqrt(4 * np.mean(voice**2) / np.mean(loud**2))
    spectra = analyse(np.concatenate([voice, voice + loud]).astype(np.float32))
    voiced = find_clear(spectra, flat_track(spectra, 150)).voiced
    assert voiced[5:95].all()
    assert not voiced[105:195].any()


def test_clear_frames_are_voiced_frames(aishell: list[Recording]) -> None:
    for recording in aishell[::10]:
        spectra = analyse(recording.pcm)
        track = track_pitch(spectra)
        clear = find_clear(spectra, track)
        assert not (clear.voiced & ~track.voiced).any()
        assert len(clear.share) == clear.voiced.sum() > 0.4 * track.voiced.sum()
        assert measure_quality(spectra, track, clear) == measure_quality(spectra, track)


@pytest.mark.parametrize("fall_db", [0, 12, 35])
def test_hammarberg_compares_the_strongest_partials(fall_db: float) -> None:
    spectra = tones((500, 0), (900, -6), (2800, -fall_db), (3500, -fall_db - 6))
    assert hammarberg_index(spectra, np.ones(spectra.frames, np.bool_)) == pytest.approx(fall_db, abs=0.6)


@pytest.mark.parametrize("db_per_khz", [-15.0, -6.0, 0.0])
def test_slope_is_that_of_the_partials(db_per_khz: float) -> None:
    spectra = tones(*((hertz, db_per_khz * hertz / 1000) for hertz in range(50, 3950, 50)))
    assert spectral_slope(spectra, np.ones(spectra.frames, np.bool_)) == pytest.approx(db_per_khz, abs=0.4)


def test_effort_raises_slope_and_lowers_hammarberg(harmonics: Harmonics, telephone: Telephone) -> None:
    for heard in (lambda pcm: pcm, telephone):
        soft, pressed = (analyse(heard(harmonics(150, 1.0, range(1, 26), tilt_db=tilt))) for tilt in (12, 3))
        before, after = (measure_quality(spectra, track_pitch(spectra)) for spectra in (soft, pressed))
        assert before.spectral_slope_db_per_khz is not None
        assert after.spectral_slope_db_per_khz is not None
        assert after.spectral_slope_db_per_khz > before.spectral_slope_db_per_khz + 1
        assert before.hammarberg_db is not None
        assert after.hammarberg_db is not None
        assert after.hammarberg_db < before.hammarberg_db - 5


def test_few_voiced_frames_say_nothing(harmonics: Harmonics) -> None:
    spectra = analyse(harmonics(150, 1.0, range(1, 15)))
    voiced = np.zeros(spectra.frames, np.bool_)
    voiced[50:54] = True
    track = PitchTrack(np.where(voiced, 150, 0).astype(np.float32), voiced)
    assert measure_quality(spectra, track) == VoiceQuality(None, None, None, None)


@pytest.mark.parametrize("gain_db", [-20, 20])
def test_gain_changes_nothing(gain_db: float, aishell: list[Recording]) -> None:
    for recording in aishell[::25]:
        plain, louder = (analyse(recording.pcm * np.float32(gain)) for gain in (1, 10 ** (gain_db / 20)))
        track = track_pitch(plain)
        before, after = measure_quality(plain, track), measure_quality(louder, track)
        assert astuple(after) == pytest.approx(astuple(before), abs=0.05)


def hostile() -> Iterator[tuple[str, Pcm]]:
    """Audio that is no clean utterance of one voice."""
    chance = np.random.default_rng(0)
    moments = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    saw = 2 * ((120 * moments) % 1) - 1
    other = 2 * ((197 * moments) % 1) - 1
    creak = np.zeros(len(moments))
    creak[np.cumsum(chance.integers(250, 700, 60))] = 1
    hum = sum(np.sin(2 * np.pi * 50 * k * moments) / k for k in (1, 2, 3))
    keys = np.sin(2 * np.pi * 770 * moments) + np.sin(2 * np.pi * 1336 * moments)
    music = sum(np.sin(2 * np.pi * hertz * moments) for hertz in (261.6, 329.6, 392.0, 523.3))
    whisper = chance.standard_normal(len(moments)) * (1 + np.sin(2 * np.pi * 4 * moments))
    yield "nothing", np.zeros(0, np.float32)
    yield "silence", np.zeros(SAMPLE_RATE, np.float32)
    yield "offset", np.full(SAMPLE_RATE, 0.5, np.float32)
    sounds = {
        "noise": chance.standard_normal(len(moments)),
        "clipping": np.clip(50 * saw, -1, 1),
        "creak": np.convolve(creak, np.exp(-np.arange(80) / 20), "same"),
        "two speakers": saw + other,
        "hum": hum,
        "keys": keys,
        "music": music,
        "whisper": whisper,
        "one pulse": (np.arange(len(moments)) == 9000).astype(float),
        "stopping": np.where(moments < 0.7, saw, 0),
        "nyquist": (-1.0) ** np.arange(len(moments)),
        "20 ms": saw[:320],
        "10 ms": saw[:160],
        "odd length": saw[:4801],
        "60 s": np.tile(saw + 0.1 * chance.standard_normal(len(saw)), 30),
    }
    for name, sound in sounds.items():
        for level in (1e-9, 1e-5, 0.3, 1e6):
            if name != "60 s" or level == 0.3:
                yield f"{name} at {level}", np.asarray(sound * level, np.float32)


def assert_finite(spectra: Spectra, track: PitchTrack) -> None:
    active = find_active(block_levels(spectra.signal))
    measures = (
        measure_periods(spectra, track),
        measure_quality(spectra, track),
        measure_formants(spectra, track),
        measure_timbre(spectra, active),
    )
    for measure in measures:
        for value in astuple(measure):
            numbers = value if isinstance(value, tuple) else (value,)
            assert all(number is None or math.isfinite(number) for number in numbers), measure


@pytest.mark.parametrize(("name", "pcm"), list(hostile()), ids=[name for name, _ in hostile()])
def test_hostile_audio_gives_finite_values_or_none(name: str, pcm: Pcm) -> None:
    spectra = analyse(pcm)
    assert_finite(spectra, track_pitch(spectra))
    for f0_hz in (60, 211, 500):  # a tracker that calls everything a voice
        assert_finite(spectra, flat_track(spectra, f0_hz))


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(np.float32, st.integers(0, 4000), elements=st.floats(-1, 1, width=32)),
    st.floats(60, 500),
    st.integers(0, 2**31),
)
def test_any_audio_under_any_track_gives_finite_values_or_none(pcm: Pcm, f0_hz: float, seed: int) -> None:
    spectra = analyse(pcm)
    voiced = np.random.default_rng(seed).random(spectra.frames) < 0.7
    assert_finite(spectra, PitchTrack(np.where(voiced, f0_hz, 0).astype(np.float32), voiced))
