"""Jitter and shimmer of voices whose every period is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from prosody.periods import NO_PERIODS, compare_periods, mark_periods, measure_periods
from prosody.pitch import PitchTrack, track_pitch
from prosody.spectrum import HOP_S, Spectra, analyse
from voice.contracts.audio import SAMPLE_RATE, Pcm

if TYPE_CHECKING:
    from tests.prosody.conftest import Recording

Float = NDArray[np.float64]
Telephone = Callable[..., Pcm]

# Resonances of an open vowel, hertz and half bandwidth; a pulse excites all of them.
RESONANCES = ((700, 60), (1200, 70), (2600, 90), (3300, 120))


def speak(lengths_s: Float, strengths: Float) -> Pcm:
    """One pulse a period, placed between samples, through resonances that ring out within some periods."""
    begins = np.cumsum(np.concatenate([[0.02], lengths_s]))[: len(strengths)]
    moments = np.arange(round((begins[-1] + 0.05) * SAMPLE_RATE)) / SAMPLE_RATE
    total = np.zeros(len(moments))
    for begin, strength in zip(begins, strengths, strict=True):
        after = moments[moments >= begin][: SAMPLE_RATE // 20] - begin
        rung = sum(np.exp(-2 * np.pi * width * after) * np.sin(2 * np.pi * hz * after) for hz, width in RESONANCES)
        first = int(np.searchsorted(moments, begin))
        total[first : first + len(after)] += strength * rung
    return np.asarray(0.3 * total / np.abs(total).max(), np.float32)


def vary(count: int, mean: float, share: float, seed: int) -> Float:
    """Values around a mean that differ independently."""
    return mean * (1 + share * np.random.default_rng(seed).uniform(-1, 1, count))


def local(values: Float) -> float:
    return float(np.abs(np.diff(values)).mean() / values.mean())


def three(values: Float) -> float:
    middle = (values[:-2] + values[1:-1] + values[2:]) / 3
    return float(np.abs(values[1:-1] - middle).mean() / values.mean())


def flat_track(spectra: Spectra, f0_hz: float) -> PitchTrack:
    return PitchTrack(np.full(spectra.frames, f0_hz, np.float32), np.ones(spectra.frames, np.bool_))


@pytest.mark.parametrize("f0_hz", [75, 110, 163, 220, 310])
def test_there_is_one_mark_in_every_period(f0_hz: float, telephone: Telephone) -> None:
    lengths = np.full(round(f0_hz), 1 / f0_hz)
    pcm = speak(lengths, np.ones(len(lengths)))
    for heard in (pcm, telephone(pcm)):
        spectra = analyse(heard)
        marks = mark_periods(spectra, track_pitch(spectra))
        inner = (marks.times_s > 0.1) & (marks.times_s < 0.9)
        assert marks.times_s[inner].size == pytest.approx(0.8 * f0_hz, abs=1.5)
        assert np.diff(marks.times_s[inner]) * f0_hz == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("f0_hz", [82, 127, 198, 285])
def test_a_regular_voice_has_next_to_no_jitter_and_shimmer(f0_hz: float) -> None:
    lengths = np.full(round(f0_hz), 1 / f0_hz)
    spectra = analyse(speak(lengths, np.ones(len(lengths))))
    periods = measure_periods(spectra, track_pitch(spectra))
    assert periods.jitter_local is not None
    assert periods.jitter_local < 0.002
    assert periods.jitter_rap is not None
    assert periods.jitter_rap < 0.001
    assert periods.shimmer_local is not None
    assert periods.shimmer_local < 0.03
    assert periods.shimmer_apq3 is not None
    assert periods.shimmer_apq3 < 0.02


@pytest.mark.parametrize("telephoned", [False, True])
@pytest.mark.parametrize("share", [0.01, 0.03, 0.06])
@pytest.mark.parametrize("f0_hz", [105, 190])
def test_known_jitter_is_found(f0_hz: float, share: float, telephoned: bool, telephone: Telephone) -> None:
    """Means of five voices: which samples are strongest decides where the marks begin, and moves one figure by 15 %."""
    found, true = [], []
    for seed in range(3, 8):
        lengths = vary(2 * round(f0_hz), 1 / f0_hz, share, seed=seed)
        pcm = speak(lengths, np.ones(len(lengths)))
        spectra = analyse(telephone(pcm) if telephoned else pcm)
        periods = compare_periods(mark_periods(spectra, flat_track(spectra, f0_hz)))
        found.append((periods.jitter_local, periods.jitter_rap))
        true.append((local(lengths), three(lengths)))
    assert np.mean(np.array(found, np.float64), axis=0) == pytest.approx(np.mean(true, axis=0), rel=0.1)


@pytest.mark.parametrize("f0_hz", [105, 190])
def test_what_the_tracker_finds_has_the_known_jitter(f0_hz: float, telephone: Telephone) -> None:
    lengths = vary(2 * round(f0_hz), 1 / f0_hz, 0.012, seed=6)
    pcm = speak(lengths, np.ones(len(lengths)))
    for heard in (pcm, telephone(pcm)):
        spectra = analyse(heard)
        periods = measure_periods(spectra, track_pitch(spectra))
        assert periods.jitter_local == pytest.approx(local(lengths), rel=0.15)


@pytest.mark.parametrize("telephoned", [False, True])
@pytest.mark.parametrize("share", [0.05, 0.12, 0.2])
@pytest.mark.parametrize("f0_hz", [105, 190])
def test_known_shimmer_is_found(f0_hz: float, share: float, telephoned: bool, telephone: Telephone) -> None:
    strengths = vary(2 * round(f0_hz), 1.0, share, seed=4)
    pcm = speak(np.full(len(strengths), 1 / f0_hz), strengths)
    spectra = analyse(telephone(pcm) if telephoned else pcm)
    periods = measure_periods(spectra, track_pitch(spectra))
    assert periods.shimmer_local == pytest.approx(local(strengths), rel=0.25)
    assert periods.shimmer_apq3 == pytest.approx(three(strengths), rel=0.3)


def test_a_jump_in_pitch_counts_as_no_jitter() -> None:
    lengths = np.concatenate([np.full(60, 1 / 120), np.full(90, 1 / 180)])  # a factor of 1.5
    spectra = analyse(speak(lengths, np.ones(len(lengths))))
    periods = measure_periods(spectra, track_pitch(spectra))
    assert periods.jitter_local is not None
    assert periods.jitter_local < 0.01


def test_a_pause_is_no_period() -> None:
    lengths = np.full(60, 1 / 120)
    voice = speak(lengths, np.ones(len(lengths)))
    pcm = np.concatenate([voice, np.zeros(SAMPLE_RATE // 2, np.float32), voice])
    spectra = analyse(pcm)
    marks = mark_periods(spectra, track_pitch(spectra))
    assert int(marks.first.sum()) == 2
    begin = marks.times_s[np.flatnonzero(marks.first)[1]]
    assert begin == pytest.approx(len(voice) / SAMPLE_RATE + 0.52, abs=0.03)


@pytest.mark.parametrize("count", [0, 100, 320, 480])
def test_too_few_periods_say_nothing(count: int) -> None:
    pcm = np.asarray(0.3 * np.sin(np.arange(count) * 2 * np.pi * 150 / SAMPLE_RATE), np.float32)
    spectra = analyse(pcm)
    assert measure_periods(spectra, flat_track(spectra, 150)) == NO_PERIODS


def test_a_track_over_silence_finds_no_periods() -> None:
    spectra = analyse(np.zeros(SAMPLE_RATE, np.float32))
    assert compare_periods(mark_periods(spectra, flat_track(spectra, 120))) == NO_PERIODS
    assert measure_periods(spectra, flat_track(spectra, 120)) == NO_PERIODS


@pytest.mark.parametrize("f0_hz", [60.0, 173.0, 500.0])
def test_a_track_over_noise_stays_within_its_room(f0_hz: float) -> None:
    """What is no voice, tracked as one: marks may be anything, but finite, rising and bounded."""
    noise = np.random.default_rng(5).standard_normal(SAMPLE_RATE).astype(np.float32)
    spectra = analyse(noise)
    marks = mark_periods(spectra, flat_track(spectra, f0_hz))
    assert np.isfinite(marks.amplitude).all()
    assert (np.diff(marks.times_s) > 0).all()
    assert marks.times_s[0] >= 0
    assert marks.times_s[-1] <= spectra.frames * HOP_S + 1e-6
    assert len(marks.times_s) <= f0_hz / 0.8 + 3


@pytest.mark.parametrize("gain_db", [-40, 20])
def test_gain_changes_nothing(gain_db: float, aishell: list[Recording]) -> None:
    for recording in aishell[::25]:
        plain, louder = (analyse(recording.pcm * np.float32(gain)) for gain in (1, 10 ** (gain_db / 20)))
        track = track_pitch(plain)
        before, after = measure_periods(plain, track), measure_periods(louder, track)
        assert after.jitter_local == pytest.approx(before.jitter_local, rel=0.01)
        assert after.shimmer_local == pytest.approx(before.shimmer_local, rel=0.01)


def test_real_voices_are_in_human_ranges(aishell: list[Recording]) -> None:
    for recording in aishell[::10]:
        spectra = analyse(recording.pcm)
        periods = measure_periods(spectra, track_pitch(spectra))
        assert periods.jitter_local is not None
        assert 0.005 < periods.jitter_local < 0.08
        assert periods.jitter_rap is not None
        assert periods.jitter_rap < periods.jitter_local
        assert periods.shimmer_local is not None
        assert 0.02 < periods.shimmer_local < 0.3
        assert periods.shimmer_apq3 is not None
        assert periods.shimmer_apq3 < periods.shimmer_local
