"""Memory of recognition, in a process of its own, so that nothing else is counted.

Run as `python -m agent_console.bench.asr_memory ENGINE/MODEL MODELS_FOLDER LANGUAGE THREADS SPEECH.npy`. Prints one
JSON object: resident megabytes added by recognition with its processes, and by each further open utterance.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import anyio
import numpy as np
import orjson

from agent_console.bench.asr_costs import HeardUtterance
from agent_console.bench.asr_speech import Spoken
from agent_console.bench.resident import resident_mb
from asr.plan import EnginePlan
from asr.ports import Recognition
from asr.supervisor import SupervisedRecognition
from asr.types import Language
from voice.clock import WallClock
from voice.contracts.audio import FRAME_SAMPLES, Pcm
from voice.contracts.errors import ModelError

STREAMS: Final = 4


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident megabytes (10^6 bytes).

    Attributes:
        model: what loading and a first utterance in each process added, to the server and in those processes.
        stream: what an utterance that is under way adds, with all its audio heard; of `STREAMS` at once, the mean.
    """

    model: float
    stream: float


async def measure_memory(name: str, models: Path, languages: Sequence[Language], threads: int, pcm: Pcm) -> Memory:
    """Measure in a new process.

    Args:
        name: `ENGINE/MODEL`.
        models: where models lie.
        languages: what is loaded; the first is spoken.
        threads: processes that recognize.
        pcm: the utterance.

    Raises:
        ModelError: the process failed.
        OSError: not on Linux.
    """
    with TemporaryDirectory(prefix="warmline-bench-") as folder:
        speech = Path(folder) / "speech.npy"
        np.save(speech, pcm)
        spoken = ",".join(languages)
        command = [sys.executable, "-m", "agent_console.bench.asr_memory", name, str(models), spoken, str(threads)]
        done = await anyio.run_process([*command, str(speech)], check=False)
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise ModelError(f"Memory of {name} could not be measured: {''.join(why) or f'exit {done.returncode}'}.")
    return Memory(**orjson.loads(done.stdout))


async def _measure(name: str, models: Path, languages: Sequence[Language], threads: int, pcm: Pcm) -> Memory:
    gc.collect()
    nothing = resident_mb()
    plan = EnginePlan(name, models, tuple(languages))
    async with SupervisedRecognition(plan, threads, WallClock()) as recognition:
        # Each process has recognized one.
        for utterance in await _open(recognition, languages[0], pcm, threads):
            await utterance.finish()
        model = _all_resident_mb(recognition)
        several = await _open(recognition, languages[0], pcm, STREAMS)
        streams = _all_resident_mb(recognition)
        for utterance in several:
            await utterance.finish()
    return Memory(model - nothing, (streams - model) / STREAMS)


async def _open(recognition: Recognition, language: Language, pcm: Pcm, count: int) -> list[HeardUtterance]:
    """That many utterances under way at once, all their audio with the engine."""
    # Audio of its own for each, as calls have no audio in common.
    frames = len(pcm) // FRAME_SAMPLES
    said = [Spoken(language, pcm.copy(), 0, (True,) * frames) for _ in range(count)]
    opened = [HeardUtterance(recognition, spoken) for spoken in said]
    for frame in range(frames):
        for utterance in opened:
            utterance.push(frame)
            await utterance.wait()
    return opened


def _all_resident_mb(recognition: SupervisedRecognition) -> float:
    gc.collect()
    return sum(resident_mb(pid) for pid in (os.getpid(), *recognition.pids))


def main() -> None:
    """Measure, and print what was found."""
    name, models, spoken, threads, speech = sys.argv[1:6]
    languages = [Language(language) for language in spoken.split(",")]
    memory = anyio.run(_measure, name, Path(models), languages, int(threads), np.load(speech))
    sys.stdout.buffer.write(orjson.dumps(asdict(memory)))


if __name__ == "__main__":
    main()
