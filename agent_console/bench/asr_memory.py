"""Memory of recognition, in a process of its own, so that nothing else is counted.

Run as `python -m agent_console.bench.asr_memory ENGINE/MODEL MODELS_FOLDER LANGUAGE THREADS SPEECH.npy`. Prints one
JSON object: resident megabytes added by the model with one utterance recognized, and by each further open utterance.
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

from agent_console.bench.asr_costs import ListeningRecognizer
from asr.engines import load_recognizer
from asr.ports import LiveUtterance
from asr.types import Language
from asr.worker import HAND_OVER, RecognitionWorker
from voice.contracts.audio import Pcm
from voice.contracts.errors import ModelError

STREAMS: Final = 4


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident megabytes (10^6 bytes).

    Attributes:
        model: what loading and the first utterance added.
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
        threads: of the worker.
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
    nothing = _resident_mb()
    listening = ListeningRecognizer(load_recognizer(name, models, languages, threads=threads).recognizer)
    async with RecognitionWorker(listening, threads=threads) as worker:
        [first] = await _open(worker, listening, languages[0], pcm, 1)
        await first.finish()
        model = _resident_mb()
        several = await _open(worker, listening, languages[0], pcm, STREAMS)
        streams = _resident_mb()
        for utterance in several:
            await utterance.finish()
    return Memory(model - nothing, (streams - model) / STREAMS)


async def _open(
    worker: RecognitionWorker, listening: ListeningRecognizer, language: Language, pcm: Pcm, count: int
) -> list[LiveUtterance]:
    """That many utterances under way at once, all their audio with the engine."""
    opened: list[LiveUtterance] = [worker.begin(language, lambda _: None) for _ in range(count)]
    pushed = listening.heard
    for start in range(0, len(pcm) - HAND_OVER + 1, HAND_OVER):
        for utterance in opened:
            # A copy for each, as calls have no audio in common.
            piece = pcm[start : start + HAND_OVER].copy()
            pushed += len(piece)
            utterance.push(piece)
        await listening.wait_until(pushed)
    return opened


def _resident_mb() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """Measure, and print what was found."""
    name, models, spoken, threads, speech = sys.argv[1:6]
    languages = [Language(language) for language in spoken.split(",")]
    memory = anyio.run(_measure, name, Path(models), languages, int(threads), np.load(speech))
    sys.stdout.buffer.write(orjson.dumps(asdict(memory)))


if __name__ == "__main__":
    main()
