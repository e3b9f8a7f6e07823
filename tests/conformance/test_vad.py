"""What every voice activity detector keeps. A new one joins by a line in `DETECTORS`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from voice.audio.decode import AudioFile
from voice.audio.level import level_dbfs
from voice.contracts.audio import FRAME_SAMPLES, Pcm, on_16_bit_grid
from voice.contracts.errors import FrameError
from voice.contracts.ports import VoiceActivityDetector
from voice.vad.detectors import load_detectors


class EnergyVad:
    """The fake: loud is speech. With state, so that resetting means something."""

    def __init__(self) -> None:
        self._smoothed = 0.0

    def probability(self, pcm: Pcm) -> float:
        if pcm.shape != (FRAME_SAMPLES,):
            raise FrameError(f"A detector hears frames of {FRAME_SAMPLES} samples; got shape {pcm.shape}.")
        self._smoothed += 0.5 * ((level_dbfs(pcm) > -45) - self._smoothed)
        return self._smoothed

    def reset(self) -> None:
        self._smoothed = 0.0


Make = Callable[[], VoiceActivityDetector]
DETECTORS: dict[str, Callable[[], Make]] = {
    "silero": lambda: load_detectors("silero"),
    "webrtc": lambda: load_detectors("webrtc"),
    "energy": lambda: EnergyVad,
}


@pytest.fixture(scope="module", params=DETECTORS)
def make(request: pytest.FixtureRequest) -> Make:
    return DETECTORS[request.param]()


@pytest.fixture(scope="module")
def speech(shared_data: Path) -> Pcm:
    """Five seconds of read Mandarin (AISHELL-1)."""
    with AudioFile(shared_data / "speech" / "aishell1-sample" / "BAC009S0150W0124.flac") as file:
        return on_16_bit_grid(np.concatenate(list(file.blocks()), axis=1)[0])


def frames(pcm: Pcm) -> list[Pcm]:
    return list(pcm[: pcm.size // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES))


def heard(detector: VoiceActivityDetector, pcm: Pcm) -> list[float]:
    return [detector.probability(frame) for frame in frames(pcm)]


def hiss(seconds: float, dbfs: float) -> Pcm:
    noise = np.random.default_rng(8).standard_normal(int(seconds * 16_000)) * 10 ** (dbfs / 20)
    return on_16_bit_grid(noise.astype(np.float32))


def test_a_probability_is_one(make: Make, speech: Pcm) -> None:
    extremes = [np.ones(3_200, np.float32), -np.ones(3_200, np.float32), hiss(0.5, -3), np.zeros(3_200, np.float32)]
    answers = heard(make(), np.concatenate([speech, *extremes]))
    assert all(isinstance(answer, float) and 0 <= answer <= 1 for answer in answers)


@pytest.mark.parametrize("dbfs", [None, -80, -65])
def test_silence_is_not_speech(make: Make, dbfs: float | None) -> None:
    quiet = np.zeros(48_000, np.float32) if dbfs is None else hiss(3, dbfs)
    assert np.mean(np.array(heard(make(), quiet)) >= 0.5) <= 0.05


def test_real_speech_mostly_is(make: Make, speech: Pcm) -> None:
    answers = np.array(heard(make(), speech))
    loud = np.array([level_dbfs(frame) for frame in frames(speech)]) > level_dbfs(speech) - 10
    assert np.mean(answers[loud] >= 0.5) > 0.85


def test_speech_is_told_from_the_pause_before_it(make: Make, speech: Pcm) -> None:
    pause = hiss(1.5, -65)
    answers = np.array(heard(make(), np.concatenate([pause, speech])))
    before = pause.size // FRAME_SAMPLES
    assert answers[before:].mean() > answers[:before].mean() + 0.4


def test_it_is_deterministic(make: Make, speech: Pcm) -> None:
    assert heard(make(), speech) == heard(make(), speech)


def test_reset_equals_new(make: Make, speech: Pcm) -> None:
    detector = make()
    heard(detector, speech[:30_000])
    detector.reset()
    assert heard(detector, speech) == heard(make(), speech)


def test_detectors_do_not_share_state(make: Make, speech: Pcm) -> None:
    alone = heard(make(), speech)
    first, second = make(), make()
    together = [(first.probability(frame), second.probability(-frame[::-1]))[0] for frame in frames(speech)]
    assert together == alone


def test_it_leaves_the_audio_as_it_was(make: Make, speech: Pcm) -> None:
    frame = speech[:FRAME_SAMPLES].copy()
    frame.flags.writeable = False
    make().probability(frame)
    assert np.array_equal(frame, speech[:FRAME_SAMPLES])


@pytest.mark.parametrize("shape", [(0,), (319,), (321,), (640,), (1, 320)])
def test_another_length_is_refused(make: Make, shape: tuple[int, ...]) -> None:
    with pytest.raises(FrameError, match="320"):
        make().probability(np.zeros(shape, np.float32))
