"""Timbre against librosa, the reference, and against sounds with known truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import librosa
import numpy as np
import pytest
from scipy.fft import dct

from prosody.energy import block_levels, find_active
from prosody.spectrum import ANALYSIS_RATE, FFT_SIZE, Mask, Spectra, analyse
from prosody.timbre import BANDS, COEFFICIENTS, HIGHEST_HZ, LOWEST_HZ, NO_TIMBRE, measure_timbre
from voice.contracts.audio import SAMPLE_RATE, Pcm

if TYPE_CHECKING:
    from tests.prosody.conftest import Recording

Harmonics = Callable[..., Pcm]

HERTZ = np.arange(FFT_SIZE // 2 + 1) * ANALYSIS_RATE / FFT_SIZE


def mel_bands() -> np.ndarray:
    """The reference's filters, shape (BANDS, bins)."""
    return np.asarray(
        librosa.filters.mel(
            sr=ANALYSIS_RATE, n_fft=FFT_SIZE, n_mels=BANDS, fmin=LOWEST_HZ, fmax=HIGHEST_HZ, htk=True, norm=None
        )
    )


def active_of(spectra: Spectra) -> Mask:
    return find_active(block_levels(spectra.signal))


def everything(spectra: Spectra) -> Mask:
    return np.ones(spectra.frames, np.bool_)


def sine(hertz: float, level: float = 0.3, seconds: float = 1.0) -> Pcm:
    moments = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return np.asarray(level * np.sin(2 * np.pi * hertz * moments), np.float32)


def test_mfcc_agree_with_librosa(aishell: list[Recording], emodb: list[Recording]) -> None:
    for recording in (*aishell[::20], *emodb[::30]):
        spectra = analyse(recording.pcm)
        active = active_of(spectra)
        bands = mel_bands() @ spectra.power[active].T.astype(np.float64)
        level = librosa.power_to_db(bands, amin=1e-30, top_db=80.0)
        reference = librosa.feature.mfcc(S=level, n_mfcc=COEFFICIENTS + 1)[1:]
        timbre = measure_timbre(spectra, active)
        assert timbre.mfcc_mean == pytest.approx(reference.mean(axis=1), abs=1e-3)
        assert timbre.mfcc_sd == pytest.approx(reference.std(axis=1), abs=1e-3)


def test_mfcc_are_a_cosine_transform_of_levels(harmonics: Harmonics) -> None:
    spectra = analyse(harmonics(150, 1.0, range(1, 25)))
    level = 10 * np.log10(spectra.power[20:80].astype(np.float64) @ mel_bands().T)
    reference = dct(np.maximum(level, level.max() - 80), type=2, norm="ortho", axis=1)[:, 1 : COEFFICIENTS + 1]
    active = everything(spectra)
    active[:20] = active[80:] = False
    assert measure_timbre(spectra, active).mfcc_mean == pytest.approx(reference.mean(axis=0), abs=1e-3)


def test_centroid_agrees_with_librosa(aishell: list[Recording]) -> None:
    for recording in aishell[::20]:
        spectra = analyse(recording.pcm)
        active = active_of(spectra)
        power = spectra.power[active].T.astype(np.float64)
        reference = librosa.feature.spectral_centroid(S=power, freq=HERTZ[:, None])
        assert measure_timbre(spectra, active).centroid_hz == pytest.approx(float(reference.mean()), rel=1e-4)


@pytest.mark.parametrize("hertz", [200, 1000, 3000])
def test_centroid_of_a_sine_is_its_frequency(hertz: float) -> None:
    spectra = analyse(sine(hertz))
    active = everything(spectra)
    active[:4] = active[-4:] = False
    assert measure_timbre(spectra, active).centroid_hz == pytest.approx(hertz, rel=0.01)


def test_flux_tells_a_held_vowel_from_noise(harmonics: Harmonics) -> None:
    held, noise = (
        analyse(pcm)
        for pcm in (
            harmonics(150, 1.0, range(1, 25)),
            np.random.default_rng(0).standard_normal(SAMPLE_RATE).astype(np.float32) * np.float32(0.1),
        )
    )
    calm, wild = (measure_timbre(spectra, everything(spectra)).flux for spectra in (held, noise))
    assert calm is not None
    assert calm < 0.03
    assert wild is not None
    assert 0.1 < wild < 2


def test_flux_is_taken_between_neighbours_only() -> None:
    """Two sounds with a gap between them: no frame of one is compared with a frame of the other."""
    spectra = analyse(np.concatenate([sine(300), np.zeros(SAMPLE_RATE // 2, np.float32), sine(3000)]))
    active = np.zeros(spectra.frames, np.bool_)
    active[10:90] = active[160:240] = True
    assert measure_timbre(spectra, active).flux == pytest.approx(0, abs=1e-3)
    active[:] = False
    active[10:90:2] = True
    assert measure_timbre(spectra, active).flux is None


def test_loudness_grows_with_the_cubic_root_of_intensity(harmonics: Harmonics) -> None:
    quiet, loud = (analyse(harmonics(150, 1.0, range(1, 25)) * np.float32(gain)) for gain in (0.1, 1.0))
    before, after = (measure_timbre(spectra, everything(spectra)).loudness for spectra in (quiet, loud))
    assert before is not None
    assert after == pytest.approx(before * 10 ** (2 * 0.33), rel=0.01)


def test_the_ear_hears_three_kilohertz_better_than_a_hundred_hertz() -> None:
    low, high = (analyse(sine(hertz)) for hertz in (100, 3000))
    dull, keen = (measure_timbre(spectra, everything(spectra)).loudness for spectra in (low, high))
    assert dull is not None
    assert keen is not None
    assert keen > 1.5 * dull


def test_loudness_of_the_reference_tone() -> None:
    spectra = analyse(sine(1000, level=1.0))
    assert measure_timbre(spectra, everything(spectra)).loudness == pytest.approx(1.4, abs=0.1)


@pytest.mark.parametrize("gain_db", [-20, 20])
def test_gain_changes_loudness_only(gain_db: float, aishell: list[Recording]) -> None:
    for recording in aishell[::25]:
        plain, louder = (analyse(recording.pcm * np.float32(gain)) for gain in (1, 10 ** (gain_db / 20)))
        active = active_of(plain)
        before, after = measure_timbre(plain, active), measure_timbre(louder, active)
        assert after.centroid_hz == pytest.approx(before.centroid_hz, rel=1e-3)
        assert after.flux == pytest.approx(before.flux, rel=1e-2)
        assert after.mfcc_mean == pytest.approx(before.mfcc_mean, abs=0.05)
        assert after.mfcc_sd == pytest.approx(before.mfcc_sd, abs=0.05)


def test_nothing_that_sounds_has_no_timbre() -> None:
    silence = analyse(np.zeros(SAMPLE_RATE, np.float32))
    assert measure_timbre(silence, everything(silence)) == NO_TIMBRE
    spectra = analyse(sine(500))
    assert measure_timbre(spectra, np.zeros(spectra.frames, np.bool_)) == NO_TIMBRE
    few = np.zeros(spectra.frames, np.bool_)
    few[10:14] = True
    assert measure_timbre(spectra, few) == NO_TIMBRE


def test_frames_without_power_are_left_out() -> None:
    spectra = analyse(sine(500))
    power = spectra.power.copy()
    power[60:] = 0
    alone = everything(spectra)
    alone[60:] = False
    assert measure_timbre(replace(spectra, power=power), everything(spectra)) == measure_timbre(spectra, alone)
    power[3:] = 0
    assert measure_timbre(replace(spectra, power=power), everything(spectra)) == NO_TIMBRE


def test_a_mask_may_be_longer_than_the_frames() -> None:
    """Blocks of level are counted from samples at 8 kHz, frames from samples at 16 kHz: there may be one more."""
    spectra = analyse(sine(500)[:4799])
    longer = np.ones(spectra.frames + 1, np.bool_)
    assert measure_timbre(spectra, longer) == measure_timbre(spectra, everything(spectra))
