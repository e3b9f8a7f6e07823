"""Conversations made of utterances: their truth is where the voices are."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from asr.diarization.mixtures import JOIN, Mixture, MixtureSettings, find_speech, mix_conversation
from asr.diarization.voices import read_voices
from voice.contracts.audio import Pcm, Span, from_ms, from_s
from voice.contracts.errors import ManifestError

QUIET = MixtureSettings(length_s=20, snr_db=(60, 60), telephone=0)


def voice(hz: float, seconds: float, seed: int) -> Pcm:
    """A buzz of 60 to 80 per cent of its length, silence around it: its place is known."""
    rng = np.random.default_rng(seed)
    pcm = np.zeros(from_s(seconds), np.float32)
    start, end = from_s(0.15 * seconds), from_s(0.9 * seconds)
    time = np.arange(end - start) / 16_000
    pcm[start:end] = 0.3 * np.sin(2 * np.pi * hz * time) * (1 + 0.2 * rng.standard_normal(len(time)))
    return pcm


VOICES = {
    "low": [voice(150, seconds, number) for number, seconds in enumerate((1.0, 2.0, 3.0))],
    "high": [voice(1900, seconds, number) for number, seconds in enumerate((1.5, 2.5))],
}


def tone_present(mixture: Mixture, hz: float, span: Span) -> float:
    """Level in dB at a frequency in a span, against the whole mixture's level."""
    pcm = mixture.pcm[span.start : span.end].astype(np.float64)
    wave = np.exp(-2j * np.pi * hz * np.arange(len(pcm)) / 16_000)
    power = float(np.abs(np.mean(pcm * wave)) ** 2 / np.mean(np.square(mixture.pcm, dtype=np.float64)))
    return float(10 * np.log10(power + 1e-12))


@pytest.mark.parametrize("seed", range(4))
def test_each_voice_is_heard_where_the_truth_has_it_and_nowhere_else(seed: int) -> None:
    mixture = mix_conversation(VOICES, np.random.default_rng(seed), QUIET)
    assert len(mixture.pcm) == from_s(20)
    assert set(mixture.truth.speakers) == {"low", "high"}
    assert all(turn.span.end <= len(mixture.pcm) for turn in mixture.truth.turns)
    for name, hz in (("low", 150.0), ("high", 1900.0)):
        spans = mixture.truth.of_speaker(name)
        assert min(tone_present(mixture, hz, span) for span in spans if span.length > from_ms(300)) > -25
        silent = [
            Span(before.end, after.start)
            for before, after in itertools.pairwise(spans)
            if after.start - before.end > from_ms(300)
        ]
        assert max((tone_present(mixture, hz, span) for span in silent), default=-99.0) < -30


def test_the_same_seed_makes_the_same_conversation() -> None:
    one, other = (mix_conversation(VOICES, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one.pcm, other.pcm)
    assert one.truth == other.truth


def test_speakers_overlap_as_people_do() -> None:
    rng = np.random.default_rng(9)
    both = whole = 0
    for _ in range(10):
        truth = mix_conversation(VOICES, rng, MixtureSettings(length_s=60, telephone=0)).truth
        low, high = truth.of_speaker("low"), truth.of_speaker("high")
        both += sum(max(0, min(a.end, b.end) - max(a.start, b.start)) for a in low for b in high)
        whole += sum(span.length for span in truth.of_speaker("low", "high"))
    assert 0.02 < both / whole < 0.25


def test_a_telephone_leaves_nothing_above_its_band() -> None:
    mixture = mix_conversation(VOICES, np.random.default_rng(1), MixtureSettings(length_s=5, telephone=1))
    power = np.abs(np.fft.rfft(mixture.pcm)) ** 2
    above = int(4_100 / 8_000 * len(power))
    assert power[above:].sum() < 1e-4 * power.sum()


def test_speech_is_found_by_level_and_short_pauses_belong_to_it() -> None:
    pcm = np.zeros(from_s(4), np.float32)
    for start, end in ((0.5, 1.0), (1.1, 1.5), (2.5, 3.0)):
        pcm[from_s(start) : from_s(end)] = 0.2
    assert find_speech(pcm) == (Span(from_s(0.5), from_s(1.5)), Span(from_s(2.5), from_s(3.0)))
    assert from_s(0.1) < JOIN
    assert find_speech(np.zeros(1000, np.float32)) == ()
    assert find_speech(np.zeros(3, np.float32)) == ()


def test_a_conversation_needs_voices() -> None:
    with pytest.raises(ValueError, match="at least one utterance"):
        mix_conversation({}, np.random.default_rng(0))
    with pytest.raises(ValueError, match="at least one utterance"):
        mix_conversation({"a": []}, np.random.default_rng(0))


def test_one_voice_alone_makes_a_monologue() -> None:
    mixture = mix_conversation({"low": VOICES["low"]}, np.random.default_rng(0), QUIET)
    assert mixture.truth.speakers == ("low",)


def test_voices_are_read_from_lists_and_folders(shared_data: Path) -> None:
    voices = read_voices([shared_data / "speech" / "aishell1-sample"], most_each=3)
    assert list(voices) == ["aishell1-sample/S0150", "aishell1-sample/S0252"]
    assert all(len(utterances) == 3 for utterances in voices.values())


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="holds no recording"):
        read_voices([tmp_path])
    (tmp_path / "manifest.jsonl").write_text('{"audio": "a.wav", "speaker": "1"}\n{"audio": "b.wav"}\n')
    with pytest.raises(ManifestError, match="Line 2"):
        read_voices([tmp_path])
