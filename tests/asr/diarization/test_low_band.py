"""What a steep line takes below 300 Hz is noticed, and a fundamental comes back where its harmonics are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from asr.diarization.low_band import lacks_low_band, restore_low_band
from voice.audio.decode import AudioFile
from voice.audio.telephone import through_telephone
from voice.contracts.audio import Pcm, from_s


def harmonics(fundamental_hz: float, seconds: float) -> Pcm:
    time = np.arange(from_s(seconds)) / 16_000
    tones = [np.sin(2 * np.pi * fundamental_hz * number * time) / number for number in range(1, 20)]
    pcm: Pcm = (0.2 * np.sum(tones, axis=0)).astype(np.float32)
    return pcm


def level_db(pcm: Pcm, hz: float) -> float:
    wave = np.exp(-2j * np.pi * hz * np.arange(len(pcm)) / 16_000)
    power = float(np.abs(np.mean(pcm.astype(np.float64) * wave)) ** 2)
    return float(10 * np.log10(power / np.mean(np.square(pcm, dtype=np.float64)) + 1e-12))


def test_real_voices_lack_nothing_until_a_steep_line_takes_it(shared_data: Path) -> None:
    for name in ("aishell1-sample/BAC009S0150W0032.flac", "emodb/03a01Fa.flac", "call-en/google-commercial_mono.wav"):
        with AudioFile(shared_data / "speech" / name) as file:
            pcm = np.concatenate(list(file.blocks()), axis=1)[0]
        assert not lacks_low_band(pcm), name
        assert lacks_low_band(through_telephone(pcm)), name


@pytest.mark.parametrize("fundamental_hz", [120.0, 210.0])
def test_a_fundamental_that_was_cut_off_comes_back(fundamental_hz: float) -> None:
    line = through_telephone(harmonics(fundamental_hz, 2))
    assert level_db(line, fundamental_hz) < -30
    restored = restore_low_band(line)
    assert level_db(restored, fundamental_hz) > -20
    assert restored.shape == line.shape
    assert restored.dtype == np.float32


def test_long_audio_is_restored_in_pieces_without_seams() -> None:
    pcm = np.tile(through_telephone(harmonics(150, 5)), 26)
    restored = restore_low_band(pcm)
    low = restored - pcm
    seam = slice(from_s(60) - 160, from_s(60) + 160)
    away = slice(from_s(57) - 160, from_s(57) + 160)
    assert np.abs(np.diff(low[seam])).max() < 2 * np.abs(np.diff(low[away])).max()


@pytest.mark.parametrize("length", [0, 1, 2047, 2048, 5000])
def test_any_length_is_taken(length: int) -> None:
    silence = np.zeros(length, np.float32)
    assert not lacks_low_band(silence)
    np.testing.assert_array_equal(restore_low_band(silence), silence)
