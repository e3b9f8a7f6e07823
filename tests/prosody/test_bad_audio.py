"""What is no clean speech: tones, hum, music, noise, whisper, creak, odd voices, odd lengths.

Never an exception, and no pitch from what is no voice.
"""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable
from dataclasses import astuple
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from prosody.features import UtteranceAnalyser, measure
from prosody.pitch import track_pitch
from prosody.spectrum import LONGEST_S, analyse
from prosody.steadiness import STEADIEST_SPEECH, measure_steadiness
from prosody.types import ProsodyFeatures
from voice.contracts.audio import SAMPLE_RATE, Pcm
from voice.contracts.errors import AudioFormatError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.prosody.conftest import Recording

Float = NDArray[np.float64]
Voice = Callable[..., Pcm]
KEYS = "123A456B789C*0#D"

# Relative strength of partials, decay per second, inharmonicity, attack in seconds, depth of vibrato.
INSTRUMENTS: dict[str, tuple[tuple[float, ...], float, float, float, float]] = {
    "piano": ((1, 0.6, 0.35, 0.25, 0.15, 0.1), 3.0, 4e-4, 0.005, 0),
    "organ": ((1, 0.5, 0.6, 0.3, 0.2, 0.15, 0.1), 0, 0, 0.03, 0),
    "strings": ((1, 0.8, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1), 0, 0, 0.12, 0.006),
    "guitar": ((1, 0.8, 0.5, 0.4, 0.3, 0.2), 4.0, 1e-4, 0.003, 0),
    "flute": ((1, 0.25, 0.1, 0.03), 0, 0, 0.06, 0.004),
    "bell": ((1, 0.7, 0.5, 0.3), 2.0, 0.1, 0.002, 0),
    "saxophone": ((1, 0.9, 0.8, 0.7, 0.5, 0.4, 0.3, 0.2), 0, 0, 0.04, 0.008),
}


def seconds(length_s: float) -> Float:
    return np.arange(round(length_s * SAMPLE_RATE)) / SAMPLE_RATE


def press(key: str, length_s: float, twist_db: float = 0.0) -> Pcm:
    """The two tones of a key (ITU-T Q.23)."""
    row, column = divmod(KEYS.index(key), 4)
    low, high = (697, 770, 852, 941)[row], (1209, 1336, 1477, 1633)[column]
    moments = seconds(length_s)
    pair = np.sin(2 * np.pi * low * moments) + 10 ** (twist_db / 20) * np.sin(2 * np.pi * high * moments + 1)
    return np.asarray(0.2 * pair, np.float32)


def dial(keys: str, on_s: float, off_s: float) -> Pcm:
    gap = np.zeros(round(off_s * SAMPLE_RATE), np.float32)
    return np.concatenate([np.concatenate([press(key, on_s), gap]) for key in keys])


def signal_tone(frequencies: tuple[float, ...], on_s: float, off_s: float, times: int) -> Pcm:
    moments = seconds(on_s)
    tone = sum(np.sin(2 * np.pi * hertz * moments) for hertz in frequencies) * np.float64(0.1)
    return np.tile(np.concatenate([tone, np.zeros(round(off_s * SAMPLE_RATE))]), times).astype(np.float32)


def hum(mains_hz: float, seed: int) -> Pcm:
    random = np.random.default_rng(seed)
    moments = seconds(3.0)
    total = 0.02 * random.standard_normal(len(moments))
    for partial in range(1, 20):
        phase = random.uniform(0, 2 * np.pi)
        total += random.uniform(0.2, 1) / partial**0.7 * np.sin(2 * np.pi * mains_hz * partial * moments + phase)
    return np.asarray(0.1 * total / np.abs(total).max(), np.float32)


def play(hertz: float, length_s: float, instrument: str, random: np.random.Generator) -> Float:
    """One note."""
    partials, decay, inharmonic, attack, vibrato = INSTRUMENTS[instrument]
    moments = seconds(length_s)
    swing = 1 + vibrato * np.sin(2 * np.pi * 5.5 * moments + random.uniform(0, 6))
    phase = 2 * np.pi * hertz * np.cumsum(swing) / SAMPLE_RATE
    note = np.zeros(len(moments))
    for number, strength in enumerate(partials, 1):
        ratio = number * math.sqrt(1 + inharmonic * number**2)
        if hertz * ratio < 7800:
            fading = np.exp(-decay * (1 + 0.3 * number) * moments / 2)
            note += strength * fading * np.sin(ratio * phase + random.uniform(0, 6))
    return note * np.minimum(1, moments / attack) * np.minimum(1, (length_s - moments) / 0.03)


def make_music(style: str, seed: int, length_s: float = 4.0) -> Pcm:
    """Melody over chords and bass; `solo` leaves the melody alone, `band` adds drums."""
    random = np.random.default_rng(seed)
    lead = {"band": "saxophone"}.get(style, style.removeprefix("solo "))
    beat_s = 60 / random.uniform(70, 140)
    key = random.integers(-7, 5)
    total = np.zeros(round((length_s + 5) * SAMPLE_RATE))

    def place(sound: Float, at_s: float, gain: float) -> None:
        start = round(at_s * SAMPLE_RATE)
        if start < length_s * SAMPLE_RATE:
            total[start : start + len(sound)] += gain * sound

    def tuned(note: int) -> float:
        return float(440 * 2 ** ((note + key - 69) / 12))

    for bar in range(math.ceil(length_s / (4 * beat_s))):
        begin = bar * 4 * beat_s
        chord = ((60, 64, 67), (57, 60, 64), (65, 69, 72), (55, 59, 62))[int(random.integers(4))]
        if not style.startswith("solo"):
            for note in chord:
                place(play(tuned(note), 4 * beat_s, "organ" if style == "band" else lead, random), begin, 0.5)
            place(play(tuned(chord[0] - 12), 2 * beat_s, "guitar", random), begin, 0.8)
        beat = 0.0
        while beat < 4:
            length = random.choice([0.5, 1, 1, 2])
            note = int(random.choice([*chord, chord[0] + 12, chord[2] + 2]))
            place(play(tuned(note), 0.98 * length * beat_s, lead, random), begin + beat * beat_s, 1.0)
            beat += length
        if style == "band":
            for quarter in range(4):
                fade = np.exp(-np.arange(2400) / 500)
                place(random.standard_normal(2400) * fade, begin + quarter * beat_s, 0.6)
                place(np.sin(2 * np.pi * 60 * seconds(0.15)) * fade, begin + quarter * beat_s, 1.2)
    return np.asarray(0.3 * total[: round(length_s * SAMPLE_RATE)] / np.abs(total).max(), np.float32)


def resonate(source: Float, formants: tuple[tuple[float, float], ...]) -> Float:
    """Through a tract of some formants, each a frequency and a bandwidth in hertz."""
    frequency = np.fft.rfftfreq(len(source), 1 / SAMPLE_RATE)
    response = sum(1 / (1 + ((frequency - centre) / (width / 2)) ** 2) for centre, width in formants)
    return np.asarray(np.fft.irfft(np.fft.rfft(source) * np.sqrt(response), len(source)), np.float64)


def whisper(seed: int) -> Pcm:
    """Noise through changing vowels, in syllables."""
    random = np.random.default_rng(seed)
    # An open glottis damps the resonances: they are half as wide again as in a voice, and more.
    vowels = (
        ((750, 200), (1300, 200), (2600, 250)),
        ((400, 200), (2300, 250), (3000, 300)),
        ((600, 180), (1000, 180), (2500, 250)),
    )
    shape = np.sin(np.pi * seconds(0.22) / 0.22)
    syllables = [
        resonate(random.standard_normal(len(shape)), vowels[int(random.integers(3))]) * shape for _ in "1234567"
    ]
    pcm = np.concatenate([np.concatenate([each, np.zeros(800)]) for each in syllables])
    return np.asarray(0.2 * pcm / np.abs(pcm).max(), np.float32)


def creak(seed: int) -> Pcm:
    """Single pulses, 20 to 33 ms apart and as irregular as that."""
    random = np.random.default_rng(seed)
    source = np.zeros(2 * SAMPLE_RATE)
    source[np.cumsum(random.uniform(0.02, 0.033, 60) * SAMPLE_RATE).astype(int)] = random.uniform(0.4, 1, 60)
    pcm = resonate(source, ((600, 100), (1400, 150), (2600, 250)))
    return np.asarray(0.3 * pcm / np.abs(pcm).max(), np.float32)


def assert_no_pitch(features: ProsodyFeatures, what: str) -> None:
    values = (features.f0_median_hz, features.f0_range_st, features.f0_slope_st_per_s, features.f0_final_st)
    assert values == (None,) * 4, what
    assert features.voiced_ratio == 0, what
    assert not any(features.f0_contour_hz), what
    assert features.articulation_rate_hz is None, what
    assert features.jitter_local is None, what
    assert features.hnr_db is None, what


def assert_finite(features: ProsodyFeatures) -> None:
    for value in astuple(features):
        for number in value if isinstance(value, tuple) else (value,):
            assert number is None or math.isfinite(number)


@pytest.mark.parametrize("key", KEYS)
def test_a_key_has_no_pitch(key: str, telephone: Callable[..., Pcm]) -> None:
    for length_s in (0.05, 0.1, 0.3):
        for twist_db in (-4, 0, 4):
            tone = press(key, length_s, twist_db)
            for pcm in (tone, telephone(tone), telephone(tone, noise_db=-35)):
                assert_no_pitch(measure(pcm), f"{key} {length_s} {twist_db}")


@pytest.mark.parametrize(("on_s", "off_s"), [(0.05, 0.05), (0.1, 0.1), (0.2, 0.3)])
def test_keys_in_a_row_have_no_pitch(on_s: float, off_s: float, telephone: Callable[..., Pcm]) -> None:
    for keys in ("13800138000", "0*9#", "147ABCD"):
        tones = dial(keys, on_s, off_s)
        for pcm in (tones, telephone(tones), telephone(tones, noise_db=-35)):
            assert_no_pitch(measure(pcm), keys)


@pytest.mark.parametrize(
    "tones",
    [
        ((350.0, 440.0), 3.0, 0.0, 1),
        ((440.0, 480.0), 2.0, 2.0, 2),
        ((480.0, 620.0), 0.5, 0.5, 4),
        ((425.0,), 1.0, 4.0, 2),
        ((450.0,), 0.35, 0.35, 6),
        ((950.0,), 0.33, 0.0, 1),
    ],
)
def test_tones_of_the_exchange_have_no_pitch(
    tones: tuple[tuple[float, ...], float, float, int], telephone: Callable[..., Pcm]
) -> None:
    pcm = signal_tone(*tones)
    assert_no_pitch(measure(pcm), "wide")
    assert_no_pitch(measure(telephone(pcm)), "telephone")


@pytest.mark.parametrize("mains_hz", [50, 60])
@pytest.mark.parametrize("seed", range(4))
def test_hum_has_no_pitch(mains_hz: float, seed: int, telephone: Callable[..., Pcm]) -> None:
    pcm = hum(mains_hz, seed)
    assert_no_pitch(measure(pcm), "wide")
    assert_no_pitch(measure(telephone(pcm)), "telephone")


@pytest.mark.parametrize(
    "style",
    ["piano", "organ", "strings", "guitar", "flute", "bell", "band", "solo piano", "solo saxophone", "solo flute"],
)
def test_music_has_no_pitch(style: str, telephone: Callable[..., Pcm]) -> None:
    for seed in range(3):
        pcm = make_music(style, seed)
        for heard in (pcm, telephone(pcm), telephone(pcm, noise_db=-35)):
            assert_no_pitch(measure(heard), f"{style} {seed}")


@pytest.mark.parametrize("colour", ["white", "pink"])
def test_noise_has_no_pitch(colour: str) -> None:
    random = np.random.default_rng(4)
    spectrum = np.fft.rfft(random.standard_normal(3 * SAMPLE_RATE))
    frequency = np.maximum(np.fft.rfftfreq(3 * SAMPLE_RATE, 1 / SAMPLE_RATE), 20)
    pcm = np.fft.irfft(spectrum / frequency ** {"white": 0.0, "pink": 0.5}[colour])
    features = measure(np.asarray(0.1 * pcm / pcm.std(), np.float32))
    assert_finite(features)
    assert features.voiced_ratio < 0.03
    assert features.f0_range_st is None


@pytest.mark.parametrize("seed", range(3))
def test_whispering_has_a_level_and_hardly_any_pitch(seed: int) -> None:
    features = measure(whisper(seed))
    assert_finite(features)
    assert features.voiced_ratio < 0.03
    assert features.intensity_mean_db is not None


@pytest.mark.parametrize("seed", range(3))
def test_creaking_gives_finite_values(seed: int) -> None:
    features = measure(creak(seed))
    assert_finite(features)
    assert features.voiced_ratio < 0.3


@pytest.mark.parametrize("f0_hz", [65, 450])
def test_children_and_very_low_voices_have_their_pitch(
    f0_hz: float, voice: Voice, telephone: Callable[..., Pcm]
) -> None:
    clean = voice(f0_hz, 2.0, range(1, 40))
    for pcm in (clean, telephone(clean)):
        features = measure(pcm)
        assert_finite(features)
        assert features.f0_median_hz == pytest.approx(f0_hz, rel=0.05)
        assert features.voiced_ratio > 0.8


def test_two_speakers_at_once_give_finite_values(aishell: list[Recording]) -> None:
    for one, other in pairwise(aishell[40:60]):
        length = min(len(one.pcm), len(other.pcm))
        features = measure(one.pcm[:length] + other.pcm[:length])
        assert_finite(features)
        assert features.f0_median_hz is None or 60 <= features.f0_median_hz <= 500


def test_clipped_speech_keeps_its_pitch(aishell: list[Recording]) -> None:
    for recording in aishell[::10]:
        clipped = measure(np.clip(40 * recording.pcm, -0.5, 0.5))
        assert_finite(clipped)
        assert clipped.f0_median_hz == pytest.approx(measure(recording.pcm).f0_median_hz, rel=0.1)


@pytest.mark.parametrize("count", [0, 1, 2, 159, 160, 320, 800])
def test_very_short_speech_gives_finite_values_and_no_pitch(count: int, aishell: list[Recording]) -> None:
    for start in range(8_000, 24_000, 1_000):
        features = measure(aishell[10].pcm[start : start + count])
        assert_finite(features)
        assert_no_pitch(features, str(start))
        assert features.duration_s == count / SAMPLE_RATE


def test_a_minute_of_speech_is_measured_in_bounded_memory(aishell: list[Recording]) -> None:
    pcm = np.concatenate([recording.pcm for recording in aishell])[: 60 * SAMPLE_RATE]
    measure(pcm[:SAMPLE_RATE])
    tracemalloc.start()
    try:
        features = measure(pcm)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert_finite(features)
    assert features.f0_median_hz is not None
    assert len(features.f0_contour_hz) == 60 * 20
    assert peak < 48e6


def test_an_utterance_beyond_any_length_is_refused() -> None:
    analyser = UtteranceAnalyser()
    for _ in range(LONGEST_S):
        analyser.feed(np.zeros(SAMPLE_RATE, np.float32))
    with pytest.raises(AudioFormatError, match="120 s"):
        analyser.feed(np.zeros(1, np.float32))


def test_not_a_number_is_refused_when_it_is_fed() -> None:
    analyser = UtteranceAnalyser()
    analyser.feed(np.zeros(100, np.float32))
    with pytest.raises(AudioFormatError, match="finite"):
        analyser.feed(np.array([0.1, math.nan], np.float32))


@pytest.mark.parametrize("condition", ["wide", "telephone", "noise"])
def test_no_real_utterance_is_taken_for_music(
    condition: str, aishell: list[Recording], emodb: list[Recording], shared_data: Path, telephone: Callable[..., Pcm]
) -> None:
    utterances = [recording.pcm for recording in (*aishell, *emodb)]
    for path in sorted((shared_data / "speech" / "call-en").glob("google*")):
        pcm, rate = soundfile.read(path, dtype="float32", always_2d=True)
        call = np.asarray(soxr.resample(pcm[:, 0], rate, SAMPLE_RATE), np.float32)
        utterances += [call[start : start + 3 * SAMPLE_RATE] for start in range(0, len(call), 3 * SAMPLE_RATE)]
    judged = 0
    for pcm in utterances:
        if condition != "wide":
            level_db = 10 * np.log10(np.mean(pcm.astype(np.float64) ** 2) + 1e-12)
            pcm = telephone(pcm, noise_db=level_db - 10 if condition == "noise" else None)  # noqa: PLW2901  # what is heard
        spectra = analyse(pcm)
        steadiness = measure_steadiness(spectra, track_pitch(spectra))
        judged += steadiness is not None
        assert steadiness is None or steadiness < STEADIEST_SPEECH
    assert judged >= 0.99 * len(utterances)
