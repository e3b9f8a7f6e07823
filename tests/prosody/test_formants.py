"""Formants of vowels whose resonances are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.signal import lfilter

from prosody.formants import FEWEST_FRAMES, HIGHEST_HZ, LOWEST_HZ, STEP, Formants, find_formants, measure_formants
from prosody.pitch import PitchTrack, track_pitch
from prosody.spectrum import Spectra, analyse
from voice.contracts.audio import SAMPLE_RATE, Pcm

if TYPE_CHECKING:
    from tests.prosody.conftest import Recording

Telephone = Callable[..., Pcm]

# Men's vowels (Peterson and Barney 1952, table II), with a fourth resonance at 3.5 kHz.
VOWELS = {"i": (270, 2290, 3010), "ae": (660, 1720, 2410), "a": (730, 1090, 2440), "er": (490, 1350, 1690)}


def vowel(resonances: tuple[int, ...], f0_hz: float, seconds: float = 1.0) -> Pcm:
    """A glottal source that falls by 12 dB per octave, radiated (+6), through resonances 80 Hz wide."""
    moments = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    # A voice is never quite even; a steady pitch would show the tract at its partials only.
    phase = np.cumsum(f0_hz * (1 + 0.05 * np.sin(2 * np.pi * 2.3 * moments))) / SAMPLE_RATE
    source = np.diff(np.floor(phase), prepend=0.0)
    sound = lfilter([1, -1], [1, -1.98, 0.9801], source)
    for hertz in (*resonances, 3500, 4500, 5500, 6500, 7500):
        radius = np.exp(-np.pi * 80 / SAMPLE_RATE)
        sound = lfilter([1], [1, -2 * radius * np.cos(2 * np.pi * hertz / SAMPLE_RATE), radius**2], sound)
    return np.asarray(0.3 * sound / np.abs(sound).max(), np.float32)


def whole(spectra: Spectra) -> PitchTrack:
    return PitchTrack(np.full(spectra.frames, 120, np.float32), np.ones(spectra.frames, np.bool_))


@pytest.mark.parametrize("f0_hz", [85, 120, 165])
@pytest.mark.parametrize("name", VOWELS)
def test_known_resonances_are_found(name: str, f0_hz: float) -> None:
    spectra = analyse(vowel(VOWELS[name], f0_hz))
    found = measure_formants(spectra, track_pitch(spectra))
    assert (found.f1_hz, found.f2_hz, found.f3_hz) == pytest.approx(VOWELS[name], rel=0.09)


@pytest.mark.parametrize("name", ["ae", "a", "er"])
def test_the_telephone_leaves_formants_that_it_carries(name: str, telephone: Telephone) -> None:
    spectra = analyse(telephone(vowel(VOWELS[name], 110)))
    found = measure_formants(spectra, track_pitch(spectra))
    assert (found.f1_hz, found.f2_hz) == pytest.approx(VOWELS[name][:2], rel=0.1)


def test_formants_rise_and_stay_inside_the_band(aishell: list[Recording]) -> None:
    for recording in aishell[::20]:
        spectra = analyse(recording.pcm)
        frames = find_formants(spectra, np.arange(spectra.frames))
        known = frames[np.isfinite(frames).all(axis=1)]
        assert len(known) > spectra.frames / 3
        assert (np.diff(known, axis=1) > 0).all()
        assert known.min() > LOWEST_HZ
        assert known.max() < HIGHEST_HZ


def test_a_sine_has_no_three_formants() -> None:
    moments = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    spectra = analyse(np.asarray(0.3 * np.sin(2 * np.pi * 440 * moments), np.float32))
    found = measure_formants(spectra, whole(spectra))
    assert found.f3_hz is None or found.f3_hz < HIGHEST_HZ
    assert found.f1_hz is None or found.f1_hz == pytest.approx(440, abs=30)


def test_silence_has_no_formants() -> None:
    spectra = analyse(np.zeros(SAMPLE_RATE, np.float32))
    assert measure_formants(spectra, whole(spectra)) == Formants(None, None, None)
    assert np.isinf(find_formants(spectra, np.arange(10))).all()


def test_few_voiced_frames_have_no_formants() -> None:
    spectra = analyse(vowel(VOWELS["a"], 120))
    voiced = np.zeros(spectra.frames, np.bool_)
    voiced[20 : 20 + STEP * (FEWEST_FRAMES - 1)] = True
    found = measure_formants(spectra, PitchTrack(np.where(voiced, 120, 0).astype(np.float32), voiced))
    assert found == Formants(None, None, None)


@pytest.mark.parametrize("gain_db", [-20, 20])
def test_gain_changes_nothing(gain_db: float, aishell: list[Recording]) -> None:
    for recording in aishell[::25]:
        plain, louder = (analyse(recording.pcm * np.float32(gain)) for gain in (1, 10 ** (gain_db / 20)))
        track = track_pitch(plain)
        before, after = measure_formants(plain, track), measure_formants(louder, track)
        assert after.f1_hz == pytest.approx(before.f1_hz, rel=0.005)
        assert after.f2_hz == pytest.approx(before.f2_hz, rel=0.005)
        assert after.f3_hz == pytest.approx(before.f3_hz, rel=0.005)
