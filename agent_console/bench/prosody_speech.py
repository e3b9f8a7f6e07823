"""Speech for `warmline bench prosody`: utterances of known speakers, from a folder or from the sample calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import orjson

from agent_console.demo import SAMPLES
from agent_console.manifest import Broken, read_manifest, refuse_broken
from voice.audio.decode import AudioFile
from voice.contracts.audio import SAMPLE_RATE, Party, Pcm, from_ms, from_s
from voice.contracts.errors import AudioFormatError, ManifestError

WIDEBAND_SAMPLES: Final = ("zh-human-16k", "zh-webrtc-wideband")
"""The sample calls that reach below 300 Hz: one real voice, one synthetic, both male."""

_Item = TypeVar("_Item")

_SHORTEST_S: Final = 1.2
_LONGEST_S: Final = 6.0
"""Longer utterances are cut, so that no speaker weighs more than another."""


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """Somebody says something.

    Attributes:
        speaker: who.
        pcm: shape (n,), float32, 16 kHz, wideband.
    """

    speaker: str
    pcm: Pcm


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """What is measured with.

    Attributes:
        source: where it comes from, for people.
        utterances: speakers take turns.
        is_own: taken from the sample calls.
    """

    source: str
    utterances: tuple[Utterance, ...]
    is_own: bool

    @property
    def speakers(self) -> int:
        """How many different ones."""
        return len({utterance.speaker for utterance in self.utterances})

    @property
    def seconds(self) -> float:
        """How much speech there is."""
        return sum(len(utterance.pcm) for utterance in self.utterances) / SAMPLE_RATE

    def segments(self, seconds: float, most: int) -> list[Pcm]:
        """Pieces of exactly that length, each of one speaker's utterances end to end, speakers in turn."""
        size = from_s(seconds)
        voices: dict[str, list[Pcm]] = {}
        for utterance in self.utterances:
            voices.setdefault(utterance.speaker, []).append(utterance.pcm)
        joined = [np.concatenate(parts) for parts in voices.values()]
        pieces = [[whole[at : at + size] for at in range(0, len(whole) - size + 1, size)] for whole in joined]
        return list(_in_turn(pieces))[:most]


def read_speech(folder: Path | None, most: int) -> Speech:
    """Up to `most` utterances, each speaker as often as the next.

    Args:
        folder: holds `manifest.jsonl`, or folders that do; each line names `audio` and `speaker`. None takes the
            wideband sample calls, so that a checkout is enough.
        most: how many utterances.

    Raises:
        ManifestError: there is none, or a line of it is not one.
        AudioFormatError: audio that cannot be read, or nothing long enough.
    """
    if folder is None:
        return Speech(
            "sample calls (for F0 each voice once more, moved up)", tuple(_sample_utterances())[:most], is_own=True
        )
    manifests = sorted([*folder.glob("manifest.jsonl"), *folder.glob("*/manifest.jsonl")])
    if not manifests:
        raise ManifestError(
            f"Expected manifest.jsonl in {folder} or in a folder below it; there is none.",
            fix='Write one line per recording: {"audio": "a.wav", "speaker": "anna"}.',
        )
    voices: dict[str, list[Path]] = {}
    for manifest in manifests:
        for speaker, path in _entries(manifest):
            voices.setdefault(speaker, []).append(path)
    utterances: list[Utterance] = []
    for speaker, path in _in_turn([[(name, path) for path in paths] for name, paths in voices.items()]):
        if len(utterances) == most:
            break
        pcm = _read(path)
        if len(pcm) >= from_s(_SHORTEST_S):
            utterances.append(Utterance(speaker, pcm[: from_s(_LONGEST_S)]))
    if not utterances:
        raise AudioFormatError(f"Expected utterances of at least {_SHORTEST_S} s in {folder}; there is none.")
    return Speech(str(folder), tuple(utterances), is_own=False)


def _entries(manifest: Path) -> Iterable[tuple[str, Path]]:
    entries, broken = read_manifest(manifest)
    named = []
    for entry in entries:
        match entry.fields:
            case {"speaker": str(speaker)}:
                named.append((f"{manifest.parent.name}/{speaker}", entry.audio))
            case _:
                broken.append(Broken(entry.line, "expected a JSON object with `audio` and `speaker`, both text"))
    refuse_broken(manifest, broken, fix='Write one line per recording: {"audio": "a.wav", "speaker": "anna"}.')
    return named


def _sample_utterances() -> Iterable[Utterance]:
    for name in WIDEBAND_SAMPLES:
        folder = SAMPLES / name
        if not folder.is_dir():
            raise AudioFormatError(f"No sample call {folder}.", fix="Run benchmarks from a checkout, or give --speech.")
        call = _read(folder / "audio.wav")
        for turn in orjson.loads((folder / "call.json").read_bytes())["script"]:
            if turn["party"] == Party.CALLER:
                pcm = call[from_ms(turn["start_ms"]) : from_ms(turn["end_ms"])]
                yield Utterance(name, pcm[: from_s(_LONGEST_S)])


def _read(path: Path) -> Pcm:
    with AudioFile(path) as file:
        return np.concatenate([block[0] for block in file.blocks()])


def _in_turn(groups: Sequence[Sequence[_Item]]) -> Iterable[_Item]:
    """The first of each, then the second of each, and so on."""
    return (item for item in chain.from_iterable(zip_longest(*groups)) if item is not None)
