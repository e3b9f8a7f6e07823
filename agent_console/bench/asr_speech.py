"""Speech for `warmline bench asr`: utterances as the segmenter cuts them, from a folder or from the sample calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import Final, assert_never

import orjson

from agent_console.demo import SAMPLES
from agent_console.manifest import Broken, read_manifest, refuse_broken
from asr.types import Language
from voice.audio.decode import AudioFile
from voice.audio.framing import Framer
from voice.contracts.audio import FRAME_SAMPLES, Party, Pcm, Samples, from_s, to_s
from voice.contracts.errors import AudioFormatError
from voice.vad.detectors import DetectorFactory, load_detectors
from voice.vad.segmenter import (
    SegmentAudio,
    SegmentClosed,
    Segmenter,
    SegmenterOutput,
    SegmenterSettings,
    SegmentOpened,
)

LONGEST: Final[Samples] = from_s(8)
"""The longest utterance that is taken. Longer ones are left out, because a shorter limit for the segmenter would also
change after what pause it ends the others."""


@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """An utterance as a call hands it to recognition.

    Attributes:
        language: what is spoken.
        pcm: shape (n,), float32, 16 kHz, with the silence around it.
        pause: how much of its end is the pause that showed that it had ended.
        speech: of each frame of `pcm`, whether it counts as speech.
    """

    language: Language
    pcm: Pcm
    pause: Samples
    speech: tuple[bool, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SpokenSet:
    """What is measured with.

    Attributes:
        source: where it comes from, for people.
        utterances: recordings take turns.
    """

    source: str
    utterances: tuple[Spoken, ...]

    @property
    def seconds(self) -> float:
        """How much audio there is."""
        return to_s(sum(len(spoken.pcm) for spoken in self.utterances))


def read_spoken(folder: Path | None, most: int) -> SpokenSet:
    """Up to `most` utterances of the callers, a recording as often as the next.

    Args:
        folder: holds `manifest.jsonl`, each line with `audio` and `lang`; None takes the sample calls, so that a
            checkout is enough.
        most: how many utterances.

    Raises:
        ManifestError: there is no manifest, or a line of it is not one.
        AudioFormatError: audio that cannot be read, or no speech in it.
    """
    recordings = _sample_calls() if folder is None else _entries(folder)
    new_detector = load_detectors("silero")
    cut = [_cut(path, language, new_detector) for path, language in recordings]
    in_turn = (spoken for spoken in chain.from_iterable(zip_longest(*cut)) if spoken is not None)
    utterances = tuple(islice(in_turn, most))
    if not utterances:
        raise AudioFormatError(
            f"Expected speech in {folder or SAMPLES}; the segmenter found none of at most {to_s(LONGEST):g} s."
        )
    return SpokenSet("sample calls" if folder is None else str(folder), utterances)


def _sample_calls() -> Sequence[tuple[Path, Language]]:
    found = []
    for folder in sorted(SAMPLES.glob("*/call.json")):
        language = orjson.loads(folder.read_bytes())["language"]
        found.append((folder.parent / "audio.wav", Language(language.partition("-")[0])))
    if not found:
        raise AudioFormatError(
            f"No sample calls in {SAMPLES}.", fix="Run benchmarks from a checkout, or give --speech FOLDER."
        )
    return found


def _entries(folder: Path) -> Sequence[tuple[Path, Language]]:
    manifest = folder / "manifest.jsonl"
    entries, broken = read_manifest(manifest)
    found = []
    for entry in entries:
        match entry.fields:
            case {"lang": str(language)} if language in set(Language):
                found.append((entry.audio, Language(language)))
            case _:
                wanted = f"`audio` (a path) and `lang` ({', '.join(Language)})"
                broken.append(Broken(entry.line, f"expected a JSON object with {wanted}"))
    refuse_broken(manifest, broken, fix='Write one line per recording: {"audio": "a.wav", "lang": "zh"}.')
    return found


def _cut(path: Path, language: Language, new_detector: DetectorFactory) -> Iterator[Spoken]:
    """The caller's utterances of a recording, one after the other, as they are asked for."""
    speech: list[bool] = []
    for output in _outputs(path, Segmenter(new_detector(), SegmenterSettings(), Party.CALLER)):
        match output:
            case SegmentOpened(pcm=pcm):
                speech = [True] * (len(pcm) // FRAME_SAMPLES)
            case SegmentAudio() as audio:
                speech.append(audio.speech)
            case SegmentClosed(pcm=pcm, silence=silence):
                if len(pcm) <= LONGEST:
                    yield Spoken(language, pcm, silence, tuple(speech))
            case _:
                assert_never(output)


def _outputs(path: Path, segmenter: Segmenter) -> Iterator[SegmenterOutput]:
    framer = Framer(Party.CALLER)
    with AudioFile(path) as file:
        for block in file.blocks(at_least=FRAME_SAMPLES):
            for frame in framer.feed(block[0], None):
                yield from segmenter.feed(frame)
        for frame in framer.flush():
            yield from segmenter.feed(frame)
    yield from segmenter.flush()
