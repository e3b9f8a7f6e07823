"""Speech, a speakerphone's echo of it, and what the suppressor and the segmenter make of both."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from voice.audio.decode import AudioFile
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Party, Pcm, from_ms, on_16_bit_grid
from voice.echo import EchoSuppressor
from voice.vad.detectors import make_detector
from voice.vad.segmenter import Segmenter, SegmenterSettings, SegmentOpened

CALLER = Party.CALLER
CONVERGED = 2 * SAMPLE_RATE


def speech(project: Path, sample: str, seconds: float) -> Pcm:
    """A sample call's speech at -22 dBFS, repeated to a length."""
    with AudioFile(project / "samples" / "calls" / sample / "audio.wav") as file:
        pcm = np.concatenate(list(file.blocks()), axis=1)[0]
    active = pcm[np.abs(pcm) > 0.05 * np.abs(pcm).max()]
    level = 10 ** (-22 / 20) / np.sqrt(np.mean(active**2))
    return np.resize(pcm * level, round(seconds * SAMPLE_RATE)).astype(np.float32)


def speakerphone(played: Pcm, delay_ms: float, level_db: float) -> Pcm:
    """What a speakerphone sends back: a loudspeaker that bends loud parts, a room of 200 ms, a delay, and noise."""
    chance = np.random.default_rng(7)
    size = round(0.2 * SAMPLE_RATE)
    room = chance.normal(0, 1, size) * np.exp(-6.9 * np.arange(size) / size)
    room[0] = 4
    bent = np.tanh(3 * played)
    echo = np.convolve(bent, room)[: played.size]
    echo *= np.sqrt(np.mean(played**2) / np.mean(echo**2)) * 10 ** (level_db / 20)
    late = np.concatenate([np.zeros(from_ms(delay_ms)), echo])[: played.size]
    return (late + chance.normal(0, 1e-3, played.size)).astype(np.float32)


def reduce(heard: Pcm, played: Pcm) -> tuple[Pcm, list[bool]]:
    suppressor, reduced, is_open = EchoSuppressor(), [], []
    for start in range(0, heard.size - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        suppressor.played(played[start : start + FRAME_SAMPLES], start)
        frame = AudioFrame(CALLER, start, on_16_bit_grid(heard[start : start + FRAME_SAMPLES]))
        reduced.append(suppressor.hear(frame).pcm)
        is_open.append(suppressor.is_open)
    return np.concatenate(reduced), is_open


def segments(pcm: Pcm) -> list[int]:
    """When utterances are announced, samples."""
    segmenter = Segmenter(make_detector("silero"), SegmenterSettings(), CALLER)
    opened: list[int] = []
    for start in range(0, pcm.size - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        events = segmenter.feed(AudioFrame(CALLER, start, pcm[start : start + FRAME_SAMPLES]))
        opened += [start + FRAME_SAMPLES for event in events if isinstance(event, SegmentOpened)]
    return opened
