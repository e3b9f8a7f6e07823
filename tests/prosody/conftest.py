"""Synthetic voices with known truth, and the telephone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from voice.contracts.audio import SAMPLE_RATE, Pcm

Float = NDArray[np.float64]


def make_harmonics(f0_hz: float | Float, seconds: float, partials: range, tilt_db: float = 6.0) -> Pcm:
    """Partials that fall by `tilt_db` per octave; `f0_hz` may be a contour of one value a sample."""
    contour = np.broadcast_to(np.asarray(f0_hz, np.float64), (round(seconds * SAMPLE_RATE),))
    phase = 2 * np.pi * np.cumsum(contour) / SAMPLE_RATE
    total = np.zeros(len(contour))
    for partial in partials:
        audible = contour * partial < SAMPLE_RATE / 2
        total += audible * 10 ** (-tilt_db * np.log2(partial) / 20) * np.sin(partial * phase + partial**2)
    return np.asarray(0.2 * total / np.abs(total).max(), np.float32)


def make_voice(f0_hz: float | Float, seconds: float, partials: range, tilt_db: float = 6.0) -> Pcm:
    """As `make_harmonics`, but F0 moves by a semitone and more about its course: no speaker holds a pitch."""
    moments = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    cents = 120 * np.sin(2 * np.pi * 2.7 * moments) + 20 * np.sin(2 * np.pi * 7.1 * moments)
    return make_harmonics(f0_hz * 2 ** (cents / 1200), seconds, partials, tilt_db)


def through_telephone(pcm: Pcm, noise_db: float | None = None) -> Pcm:
    """300-3400 Hz by a brick wall, optional white noise at a level in dBFS, 8-bit µ-law (continuous form of G.711)."""
    spectrum = np.fft.rfft(pcm.astype(np.float64))
    frequency = np.fft.rfftfreq(len(pcm), 1 / SAMPLE_RATE)
    spectrum[(frequency < 300) | (frequency > 3400)] = 0
    band = np.fft.irfft(spectrum, len(pcm))
    if noise_db is not None:
        band = band + np.random.default_rng(1).standard_normal(len(band)) * 10 ** (noise_db / 20)
    band = np.clip(band, -1, 1)
    steps = np.round(127 * np.sign(band) * np.log1p(255 * np.abs(band)) / np.log(256)) / 127
    return np.asarray(np.sign(steps) * (256 ** np.abs(steps) - 1) / 255, np.float32)


@pytest.fixture(scope="session")
def harmonics() -> Callable[..., Pcm]:
    return make_harmonics


@pytest.fixture(scope="session")
def voice() -> Callable[..., Pcm]:
    return make_voice


@pytest.fixture(scope="session")
def telephone() -> Callable[..., Pcm]:
    return through_telephone


@dataclass(frozen=True)
class Recording:
    """One real utterance with its line of the manifest."""

    pcm: Pcm
    speaker: str
    emotion: str
    text: str


def read_corpus(folder: Path) -> list[Recording]:
    """All recordings of one data folder, at 16 kHz."""
    recordings = []
    for line in (folder / "manifest.jsonl").read_text("utf-8").splitlines():
        entry = json.loads(line)
        pcm, rate = soundfile.read(folder / entry["audio"], dtype="float32")
        if rate != SAMPLE_RATE:
            pcm = soxr.resample(pcm, rate, SAMPLE_RATE)
        recordings.append(Recording(pcm, entry["speaker"], entry.get("emotion", "neutral"), entry.get("text", "")))
    return recordings


@pytest.fixture(scope="session")
def aishell(shared_data: Path) -> list[Recording]:
    """100 read Mandarin utterances of two speakers."""
    return read_corpus(shared_data / "speech" / "aishell1-sample")


@pytest.fixture(scope="session")
def emodb(shared_data: Path) -> list[Recording]:
    """138 acted German utterances of five speakers."""
    return read_corpus(shared_data / "speech" / "emodb")
