"""F0 on tones with known truth, with and without the fundamental."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest

from prosody.pitch import track_pitch
from prosody.spectrum import analyse
from voice.contracts.audio import SAMPLE_RATE, Pcm

if TYPE_CHECKING:
    from tests.prosody.conftest import Recording

Harmonics = Callable[..., Pcm]


def cents(f0_hz: object, truth: object) -> np.ndarray:
    return np.asarray(1200 * np.abs(np.log2(np.asarray(f0_hz, np.float64) / np.asarray(truth, np.float64))))


@pytest.mark.parametrize("f0_hz", [65, 82, 110, 147, 196, 233, 294, 370, 466])
def test_a_full_tone_has_its_pitch_in_every_frame(harmonics: Harmonics, f0_hz: float) -> None:
    track = track_pitch(analyse(harmonics(f0_hz, 1.0, range(1, 20))))
    inner = slice(5, -5)
    assert track.voiced[inner].all()
    assert cents(track.f0_hz[inner], f0_hz).max() < 20


@pytest.mark.parametrize("f0_hz", [85, 98, 120, 150, 180, 220, 260])
def test_no_octave_errors_where_the_fundamental_is_missing(
    harmonics: Harmonics, telephone: Callable[..., Pcm], f0_hz: float
) -> None:
    track = track_pitch(analyse(telephone(harmonics(f0_hz, 1.0, range(1, 40)))))
    inner = slice(5, -5)
    assert track.voiced[inner].all()
    assert cents(track.f0_hz[inner], f0_hz).max() < 30


@pytest.mark.parametrize("f0_hz", [100, 140, 210])
def test_a_formant_on_one_harmonic_does_not_pass_for_the_voice(harmonics: Harmonics, f0_hz: float) -> None:
    tone = harmonics(f0_hz, 1.0, range(3, 25))
    strong = 2 * harmonics(3 * f0_hz, 1.0, range(1, 2))
    track = track_pitch(analyse(np.asarray(0.3 * (tone + strong), np.float32)))
    assert np.median(cents(track.f0_hz[track.voiced], f0_hz)) < 20


@pytest.mark.parametrize("f0_hz", [90, 130, 170, 220, 300])
def test_the_octave_is_held_in_noise(harmonics: Harmonics, telephone: Callable[..., Pcm], f0_hz: float) -> None:
    tone = harmonics(f0_hz, 1.5, range(1, 30))
    level = 10 * np.log10(np.mean(telephone(tone).astype(np.float64) ** 2))
    track = track_pitch(analyse(telephone(tone, noise_db=level - 10)))
    assert track.voiced.mean() > 0.8
    assert (cents(track.f0_hz[track.voiced], f0_hz) < 100).mean() > 0.98


@pytest.mark.parametrize("octaves_per_s", [-0.8, -0.3, 0.5, 1.0])
def test_a_glide_is_followed(harmonics: Harmonics, octaves_per_s: float) -> None:
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    contour = 180 * 2 ** (octaves_per_s * (time - 0.5))
    track = track_pitch(analyse(harmonics(contour, 1.0, range(1, 20))))
    truth = contour[80::160][: len(track.f0_hz)]  # frame i is centred half a hop after its beginning
    inner = slice(5, -5)
    assert track.voiced[inner].all()
    assert np.median(cents(track.f0_hz, truth)[inner]) < 15


@pytest.mark.parametrize("seed", range(4))
def test_noise_has_no_pitch(seed: int) -> None:
    noise = np.random.default_rng(seed).standard_normal(2 * SAMPLE_RATE).astype(np.float32) * np.float32(0.1)
    assert track_pitch(analyse(noise)).voiced.mean() < 0.05


def test_voicing_follows_a_voice_that_stops(harmonics: Harmonics) -> None:
    tone = harmonics(150, 0.5, range(1, 20))
    pcm = np.concatenate([tone, np.zeros(SAMPLE_RATE // 2, np.float32), tone])
    voiced = track_pitch(analyse(pcm)).voiced
    assert voiced[5:45].all()
    assert not voiced[55:95].any()
    assert voiced[105:145].all()


def test_silence_and_an_offset_have_no_pitch() -> None:
    for level in (0.0, 0.5):
        assert not track_pitch(analyse(np.full(SAMPLE_RATE, level, np.float32))).voiced.any()


def test_the_usual_pitch_settles_what_the_sound_leaves_open(harmonics: Harmonics) -> None:
    """Two even partials and faint odd ones: the voice may be at 110 or at 220 Hz."""
    even, odd = harmonics(220, 1.0, range(1, 12)), harmonics(110, 1.0, range(1, 24, 2))
    spectra = analyse(np.asarray(even + np.float32(0.05) * odd, np.float32))
    heard = {usual: float(np.median(track_pitch(spectra, usual).f0_hz)) for usual in (100.0, 240.0)}
    assert heard[100.0] == pytest.approx(110, rel=0.01)
    assert heard[240.0] == pytest.approx(220, rel=0.01)


@pytest.mark.parametrize("f0_hz", [90, 180, 360])
@pytest.mark.parametrize("usual_hz", [60.0, 120.0, 480.0])
def test_a_clear_voice_is_heard_whatever_is_usual(harmonics: Harmonics, f0_hz: float, usual_hz: float) -> None:
    track = track_pitch(analyse(harmonics(f0_hz, 1.0, range(1, 20))), usual_hz)
    assert cents(track.f0_hz[5:-5], f0_hz).max() < 20


def test_the_telephone_leaves_the_median_where_it_was(aishell: list[Recording], telephone: Callable[..., Pcm]) -> None:
    """Frames that are voiced on both sides. What is known of a speaker helps where all partials but one are lost."""
    usual = {"S0150": 185.0, "S0252": 140.0}
    far = {"alone": 0, "known": 0}
    for recording in aishell:
        wide = track_pitch(analyse(recording.pcm))
        heard = analyse(telephone(3 * recording.pcm))
        for name, usual_hz in (("alone", None), ("known", usual[recording.speaker])):
            track = track_pitch(heard, usual_hz)
            both = track.voiced & wide.voiced
            assert both.sum() >= 5
            far[name] += abs(np.log2(np.median(track.f0_hz[both]) / np.median(wide.f0_hz[both]))) > np.log2(1.2)
    assert far["alone"] <= 3
    assert far["known"] <= 1
