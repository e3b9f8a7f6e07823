"""`warmline replay --diarize`: a mono recording is told apart first and then played as a stereo call."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from anyio.to_thread import run_sync
from rich.console import Console as Terminal

from agent_console.diarization_source import is_mono, open_pipeline, read_mono
from agent_console.diarization_wording import GROUNDS, NO_ONE, REPLAYED, STEREO
from agent_console.diarize_cli import showing_steps
from agent_console.prosody_options import Lang
from agent_console.settings import Settings
from asr.diarization.channels import sides, split
from asr.diarization.parties import GREETING_WITHIN, Ground, Parties, Spoken, assign_parties
from asr.diarization.types import Diarization
from asr.ports import Recognition
from asr.types import Hypothesis, Language
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, Party, Pcm, Samples, from_s, on_16_bit_grid
from voice.recording import StereoRecorder

if TYPE_CHECKING:
    from asr.diarization.neural.engine import PyannoteDiarizer

OPENINGS: Final = 2
"""Turns of each speaker that are listened to for a greeting."""

LONGEST_OPENING: Final[Samples] = from_s(10)
_BLOCK: Final[Samples] = 1000 * FRAME_SAMPLES
"""20 s: what is written to the disk at a time."""


@dataclass(frozen=True, slots=True)
class DiarizeOptions:
    """What `replay --diarize` was told.

    Attributes:
        pipeline: a pipeline's folder; None takes the model below the models folder.
        speakers: how many speak; None finds out.
        caller: who calls, as `assign_parties` takes it; None finds out.
    """

    pipeline: Path | None = None
    speakers: int | None = None
    caller: str | None = None


class DiarizedReplay:
    """Makes stereo files of mono recordings, in a folder that goes with the context; see `open`.

    Args:
        diarizer: a loaded pipeline; None where every recording is stereo.
        options: what was asked for.
        folder: for the stereo files.
        notes: where is said what was found.
    """

    def __init__(
        self, diarizer: PyannoteDiarizer | None, options: DiarizeOptions, folder: Path, notes: Terminal
    ) -> None:
        self._diarizer = diarizer
        self._options = options
        self._folder = folder
        self._notes = notes

    @classmethod
    @asynccontextmanager
    async def open(
        cls, recordings: Sequence[Path], settings: Settings, options: DiarizeOptions
    ) -> AsyncIterator[DiarizedReplay]:
        """Load the pipeline, if any of the recordings needs it.

        Raises:
            AudioFormatError: a recording cannot be read.
            MissingExtraError: the extra `diarize` is not installed, and a recording is mono.
            ModelError: there is no sound pipeline.
        """
        is_needed = any([await run_sync(is_mono, path) for path in recordings])
        diarizer = await run_sync(open_pipeline, settings, options.pipeline) if is_needed else None
        with tempfile.TemporaryDirectory(prefix="warmline-") as folder:
            yield cls(
                diarizer, options, Path(folder), Terminal(stderr=True, highlight=False, markup=False, soft_wrap=True)
            )

    async def split(self, path: Path, recognition: Recognition, language: Language) -> Path:
        """The file to play: the recording itself where it is stereo or nobody speaks, else its two sides.

        Raises:
            AudioFormatError: it cannot be read.
            DiarizationError: it cannot be diarized, or has no such caller.
            RecordingError: there is no room for the stereo file.
        """
        diarizer = self._diarizer
        if diarizer is None or not await run_sync(is_mono, path):
            self._say(STEREO.zh.format(path=path.name), STEREO.en.format(path=path.name))
            return path
        pcm = await run_sync(read_mono, path)
        options = self._options
        with showing_steps(Lang.EN) as progress:
            diarization = await run_sync(lambda: diarizer.diarize(pcm, speakers=options.speakers, progress=progress))
        if not diarization.turns:
            return path
        words = await _hear_openings(pcm, diarization, recognition, language) if options.caller is None else []
        parties = assign_parties(diarization, words, caller=options.caller)
        self._tell(path, parties)
        if parties.ground is Ground.ONE_SPEAKER:
            return path
        target = self._folder / f"{path.stem}.wav"
        await run_sync(write_sides, pcm, diarization, parties, target)
        return target

    def _tell(self, path: Path, parties: Parties) -> None:
        ground = GROUNDS[parties.ground]
        names = [", ".join(parties.speakers(party)) for party in (Party.CALLER, Party.AGENT)]
        self._say(
            *(
                wording.format(path=path.name, caller=names[0] or nobody, served_by=names[1] or nobody, ground=why)
                for wording, nobody, why in (
                    (REPLAYED.zh, NO_ONE.zh, ground.zh),
                    (REPLAYED.en, NO_ONE.en, ground.en),
                )
            )
        )

    def _say(self, zh: str, en: str) -> None:
        self._notes.print(f"{zh}\n{en}")


def write_sides(pcm: Pcm, diarization: Diarization, parties: Parties, target: Path) -> None:
    """Write the stereo file: caller left, whoever serves right.

    Raises:
        RecordingError: it cannot be written.
    """
    with StereoRecorder(target) as recorder:
        at: Samples = 0
        blocks = (pcm[start : start + _BLOCK] for start in range(0, len(pcm), _BLOCK))
        for caller, agent in split(blocks, sides(diarization, parties)):
            recorder.write(Party.CALLER, at, on_16_bit_grid(caller))
            recorder.write(Party.AGENT, at, on_16_bit_grid(agent))
            recorder.flush()
            at += len(caller)


async def _hear_openings(
    pcm: Pcm, diarization: Diarization, recognition: Recognition, language: Language
) -> list[Spoken]:
    """What each speaker says first: a greeting tells who serves."""
    if language not in recognition.languages or len(diarization.speakers) < 2:
        return []
    heard: dict[str, int] = {}
    words: list[Spoken] = []
    for turn in diarization.turns:
        if turn.span.start >= GREETING_WITHIN:
            break
        if turn.span.length < SAMPLE_RATE // 2 or heard.setdefault(turn.speaker, 0) >= OPENINGS:
            continue
        heard[turn.speaker] += 1
        utterance = recognition.begin(language, _ignore)
        stretch = pcm[turn.span.start : min(turn.span.end, turn.span.start + LONGEST_OPENING)]
        utterance.push(np.ascontiguousarray(stretch))
        words.append(Spoken(turn.span, (await utterance.finish()).text))
    return words


def _ignore(partial: Hypothesis) -> None:
    """Nobody waits for the words while they are being said."""
