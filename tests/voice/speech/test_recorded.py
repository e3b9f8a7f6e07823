"""An installer's recordings: found by language and name, in any format, and refused where nobody could play them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from voice.contracts.errors import PromptError
from voice.speech.prompts import PROMPTS
from voice.speech.recorded import LONGEST_S, Recorded


def tone(seconds: float, rate: int, level: float = 0.3) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return (level * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    for language in ("zh", "en"):
        (tmp_path / language).mkdir()
    return Recorded(tmp_path)


def test_real_speech_of_any_format_is_played(recorded: Recorded) -> None:
    for language in ("zh", "en"):
        source = PROMPTS / language / "handover.requested.opus"
        (recorded.folder / language / "busy.opus").write_bytes(source.read_bytes())
        pcm = recorded.load(language, "busy")
        assert pcm is not None
        assert pcm.dtype == np.float32
        assert pcm.ndim == 1
        assert pcm.size > 16_000
        assert 0.02 < float(np.sqrt(np.mean(pcm**2))) < 0.3


@pytest.mark.parametrize(("suffix", "rate"), [("wav", 8_000), ("wav", 44_100), ("flac", 48_000)])
def test_rate_and_channels_are_what_calls_take(recorded: Recorded, suffix: str, rate: int) -> None:
    left = tone(1.0, rate)
    soundfile.write(recorded.folder / "zh" / f"busy.{suffix}", np.stack([left, np.zeros_like(left)], axis=1), rate)
    pcm = recorded.load("zh", "busy")
    assert pcm is not None
    assert pcm.size == pytest.approx(16_000, abs=200)
    assert float(np.sqrt(np.mean(pcm[2_000:14_000] ** 2))) == pytest.approx(0.15 / np.sqrt(2), rel=0.05)


def test_what_is_not_there_is_none(recorded: Recorded, tmp_path: Path) -> None:
    assert recorded.load("zh", "busy") is None
    assert Recorded(tmp_path / "nowhere").load("zh", "busy") is None


@pytest.mark.parametrize("name", ["../zh/busy", "", "a/b", "A", "busy.wav", "x" * 61, "busy\n", "\0"])
def test_no_name_leaves_the_folder(recorded: Recorded, name: str) -> None:
    soundfile.write(recorded.folder / "zh" / "busy.wav", tone(0.1, 16_000), 16_000)
    with pytest.raises(PromptError):
        recorded.load("zh", name)
    with pytest.raises(PromptError):
        recorded.load(name, "busy")


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no audio at all" * 99, b"\0" * 4096])
def test_what_cannot_be_played_says_so(recorded: Recorded, content: bytes) -> None:
    (recorded.folder / "zh" / "busy.wav").write_bytes(content)
    with pytest.raises(PromptError, match=r"busy\.wav"):
        recorded.load("zh", "busy")


def test_nobody_has_to_listen_to_a_lecture(recorded: Recorded) -> None:
    soundfile.write(recorded.folder / "zh" / "busy.wav", np.zeros(int((LONGEST_S + 1) * 8_000), np.float32), 8_000)
    with pytest.raises(PromptError, match="longer than 60 s"):
        recorded.load("zh", "busy")
