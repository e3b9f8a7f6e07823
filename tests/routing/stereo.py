"""Stereo calls made of real speech, with known places."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import soundfile

from voice.contracts.audio import SAMPLE_RATE, Party, Pcm, from_s, on_16_bit_grid


def place(speech: Iterable[tuple[Party, float, Pcm]], length_s: float) -> Mapping[Party, Pcm]:
    """Each party's channel: speech laid on silence at these seconds."""
    channels = {party: np.zeros(from_s(length_s), np.float32) for party in (Party.CALLER, Party.AGENT)}
    for party, at_s, pcm in speech:
        start = from_s(at_s)
        channels[party][start : start + len(pcm)] += pcm
    return {party: on_16_bit_grid(pcm) for party, pcm in channels.items()}


def write(path: Path, channels: Mapping[Party, Pcm]) -> Path:
    """A stereo WAV, the caller left."""
    both = np.stack([channels[Party.CALLER], channels[Party.AGENT]], axis=1)
    soundfile.write(path, both, SAMPLE_RATE, subtype="PCM_16")
    return path


def aishell(shared_data: Path, speaker: str, count: int, *, first: int = 0) -> list[Pcm]:
    """Utterances of one Mandarin speaker (`S0150` or `S0252`), without the silence around them."""
    paths = sorted((shared_data / "speech" / "aishell1-sample").glob(f"BAC009{speaker}*.flac"))
    return [_trimmed(soundfile.read(path, dtype="float32")[0]) for path in paths[first : first + count]]


def emodb(shared_data: Path, speaker: str, emotion: str) -> list[Pcm]:
    """All utterances of one German actor in one emotion."""
    folder = shared_data / "speech" / "emodb"
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    names = [row["audio"] for row in rows if (row["speaker"], row["emotion"]) == (speaker, emotion)]
    return [_trimmed(soundfile.read(folder / name, dtype="float32")[0]) for name in names]


def in_a_row(utterances: Iterable[Pcm], gap_s: float) -> Pcm:
    """Utterances one after the other."""
    gap = np.zeros(from_s(gap_s), np.float32)
    return np.concatenate([part for pcm in utterances for part in (pcm, gap)])


def _trimmed(pcm: Pcm) -> Pcm:
    loud = np.flatnonzero(np.abs(pcm) > 0.1 * np.abs(pcm).max())
    return pcm[max(0, loud[0] - 800) : loud[-1] + 800]
