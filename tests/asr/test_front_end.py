"""Noise is reduced where there is much of it, and everything else stays as it is, to the bit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from asr.front_end import reduce_noise
from voice.audio.telephone import through_telephone
from voice.contracts.audio import Pcm


@pytest.fixture(scope="module")
def sentences(project: Path) -> list[Pcm]:
    folder = project / "tests" / "asr" / "librivox"
    return [sf.read(path, dtype="float32")[0] for path in sorted(folder.glob("*.flac"))]


def steady(length: int, *, pink: bool = True, seed: int = 0) -> Pcm:
    """Noise of unit power."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(length))
    if pink:
        spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(length, 1 / 16_000), 50))
    noise = np.fft.irfft(spectrum, length)
    return np.asarray(noise / np.sqrt(np.mean(np.square(noise))), np.float32)


def level(pcm: Pcm) -> float:
    """Root mean square of the blocks of 20 ms within 35 dB of the loudest."""
    power = np.mean(np.square(pcm[: len(pcm) // 320 * 320].reshape(-1, 320)), axis=1)
    return float(np.sqrt(power[power > power.max() * 10**-3.5].mean()))


def mix(speech: Pcm, noise: Pcm, snr_db: float) -> Pcm:
    return np.asarray(speech + noise * level(speech) * 10 ** (-snr_db / 20), np.float32)


@pytest.mark.parametrize("band", ["clean", "telephone"])
def test_clear_speech_is_not_touched(sentences: list[Pcm], band: str) -> None:
    for speech in sentences:
        heard = through_telephone(speech) if band == "telephone" else speech
        assert reduce_noise(heard) is heard


def test_speech_in_the_sample_calls_is_not_touched(project: Path) -> None:
    for description in sorted((project / "samples" / "calls").glob("*/call.json")):
        call = json.loads(description.read_text(encoding="utf-8"))
        audio, rate = sf.read(description.parent / "audio.wav", dtype="float32", always_2d=True)
        wide = np.repeat(audio[:, 0], 16_000 // rate)
        for turn in call["script"]:
            if turn["party"] == "caller":
                heard = wide[16 * turn["start_ms"] - 3_200 : 16 * turn["end_ms"] + 3_200]
                assert reduce_noise(heard) is heard, (call["name"], turn["start_ms"])


def test_voices_in_the_background_are_no_steady_noise(sentences: list[Pcm]) -> None:
    speech = sentences[0]
    voices = sum((np.roll(np.resize(other, len(speech)), 7_000 * place) for place, other in enumerate(sentences)),
                 np.zeros(len(speech), np.float32))  # fmt: skip
    noisy = mix(speech, np.asarray(voices / level(voices), np.float32), 12.0)
    assert reduce_noise(noisy) is noisy


@pytest.mark.parametrize("pink", [True, False])
@pytest.mark.parametrize("snr_db", [0.0, 5.0])
def test_steady_noise_is_reduced_and_speech_stays(sentences: list[Pcm], pink: bool, snr_db: float) -> None:
    pause = np.zeros(8_000, np.float32)
    for sentence in sentences:
        speech = np.concatenate([pause, sentence, pause])
        noisy = mix(speech, steady(len(speech), pink=pink), snr_db)
        heard = reduce_noise(noisy)
        assert heard is not noisy
        assert len(heard) == len(noisy)
        before, after = (float(np.mean(np.square(each[-7_000:]))) for each in (noisy, heard))
        assert 10 * np.log10(before / after) > 5, "noise after the speech, dB less"
        alike, unlike = (float(np.corrcoef(speech, each)[0, 1]) for each in (heard, noisy))
        assert alike > unlike > 0.5


def test_the_same_audio_gives_the_same_bits(sentences: list[Pcm]) -> None:
    noisy = mix(sentences[0], steady(len(sentences[0])), 3.0)
    assert np.array_equal(reduce_noise(noisy), reduce_noise(noisy.copy()))


@pytest.mark.parametrize("length", [0, 1, 160, 15_999, 16_000, 16_001])
@pytest.mark.parametrize("kind", ["silence", "noise", "offset", "click"])
def test_odd_audio(length: int, kind: str) -> None:
    pcm = np.zeros(length, np.float32)
    match kind:
        case "noise":
            pcm = steady(max(2, length))[:length]
        case "offset":
            pcm += np.float32(0.5)
        case "click":
            pcm[length // 2 : length // 2 + 1] = 1.0
        case _:
            pass
    heard = reduce_noise(pcm)
    assert heard.shape == pcm.shape
    assert heard.dtype == np.float32
    assert np.isfinite(heard).all()
    if length < 16_000:
        assert heard is pcm
