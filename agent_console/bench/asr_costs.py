"""CPU time of recognition through the worker, beside a bare loop over the same library."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import process_time

import anyio
import numpy as np
from anyio.to_thread import run_sync

from agent_console.bench.asr_bare import BareLoop, Chance
from agent_console.bench.asr_speech import Spoken
from asr.ports import Recognizer, Utterance
from asr.types import Hypothesis, Language
from asr.worker import HAND_OVER, RecognitionWorker
from voice.contracts.audio import Pcm, Samples, to_s


@dataclass(slots=True)
class Heard:
    """What an engine was asked to do for one utterance, and its text."""

    language: Language
    pieces: list[Pcm] = field(default_factory=list)
    chances: list[Chance] = field(default_factory=list)
    text: str = ""

    @property
    def pcm(self) -> Pcm:
        """All of it."""
        return np.concatenate(self.pieces) if self.pieces else np.zeros(0, np.float32)


class ListeningRecognizer:
    """Passes everything on and notes what is asked for; implements `Recognizer`."""

    def __init__(self, recognizer: Recognizer) -> None:
        self.name = recognizer.name
        self.languages = recognizer.languages
        self._recognizer = recognizer
        self._lock = threading.Lock()
        self._finished: list[Heard] = []
        self._heard: Samples = 0
        self._broken = False
        self._waiting: list[tuple[Samples, asyncio.AbstractEventLoop, asyncio.Event]] = []

    def begin(self, language: Language) -> ListeningUtterance:
        """Start an utterance."""
        with self.breakage_told():
            return ListeningUtterance(self, self._recognizer.begin(language), Heard(language))

    def note_heard(self, length: Samples) -> None:
        """Thread side: an engine takes audio; whoever waits for that goes on."""
        with self._lock:
            self._heard += length
            due = [waiting for waiting in self._waiting if self._broken or waiting[0] <= self._heard]
            self._waiting = [waiting for waiting in self._waiting if waiting not in due]
        for _, loop, event in due:
            loop.call_soon_threadsafe(event.set)

    def note_finished(self, heard: Heard) -> None:
        """Thread side: an utterance is done."""
        with self._lock:
            self._finished.append(heard)

    @contextmanager
    def breakage_told(self) -> Iterator[None]:
        """Let nobody wait for an engine that broke: finishing the utterance tells why."""
        try:
            yield
        except Exception:
            self._broken = True
            self.note_heard(0)
            raise

    @property
    def heard(self) -> Samples:
        """Audio that engines took so far."""
        with self._lock:
            return self._heard

    async def wait_until(self, moment: Samples) -> None:
        """Wait until engines have taken that much audio, over all utterances, or one broke."""
        event = asyncio.Event()
        with self._lock:
            if self._broken or self._heard >= moment:
                return
            self._waiting.append((moment, asyncio.get_running_loop(), event))
        await event.wait()

    def take_finished(self) -> list[Heard]:
        """The utterances that were finished since the last time."""
        with self._lock:
            finished, self._finished = self._finished, []
        return finished


class ListeningUtterance:
    """One utterance; implements `Utterance`."""

    def __init__(self, recognizer: ListeningRecognizer, inner: Utterance, heard: Heard) -> None:
        self._recognizer = recognizer
        self._inner = inner
        self._note = heard
        self._length: Samples = 0

    def accept(self, pcm: Pcm) -> None:
        """Hear more audio."""
        self._note.pieces.append(pcm)
        self._length += len(pcm)
        self._recognizer.note_heard(len(pcm))
        with self._recognizer.breakage_told():
            self._inner.accept(pcm)

    def partial(self) -> Hypothesis | None:
        """The hypothesis so far."""
        with self._recognizer.breakage_told():
            partial = self._inner.partial()
        self._note.chances.append(Chance(self._length, partial is not None))
        return partial

    def finish(self) -> Hypothesis:
        """The final hypothesis."""
        with self._recognizer.breakage_told():
            final = self._inner.finish()
        self._note.text = final.text
        self._recognizer.note_finished(self._note)
        return final


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds per second of audio, of one round over all utterances.

    Attributes:
        own: through the worker.
        bare: of the loop; None without one.
        texts: what the product's engine heard and what the loop did, utterance by utterance.
    """

    own: float
    bare: float | None
    texts: tuple[tuple[str, str], ...]


async def measure_cost(
    worker: RecognitionWorker,
    listening: ListeningRecognizer,
    bare: BareLoop | None,
    groups: Sequence[Sequence[Spoken]],
    threads: int,
) -> Cost:
    """One round: each group through the worker, then at once through the loop, CPU time of the whole process.

    Audio goes to the worker 100 ms at a time, each as soon as all that was handed over before is with an engine: as
    in a live call, but as fast as it goes.

    Args:
        worker: entered, around `listening`.
        listening: notes what the engine is asked for, so that the loop can do the same.
        bare: the loop.
        groups: utterances that are spoken at the same time.
        threads: of the worker; the loop has as many, but not more than utterances.

    Raises:
        ModelError: the engine broke.
    """
    own = loop = 0.0
    texts: list[tuple[str, str]] = []
    audio: Samples = 0
    for group in groups:
        audio += sum(len(spoken.pcm) for spoken in group)
        before = process_time()
        await _through_worker(worker, listening, group)
        own += process_time() - before
        heard = listening.take_finished()
        if bare is not None:
            work = [(each.pcm, each.language, each.chances) for each in heard]
            before = process_time()
            found = await run_sync(_through_loop, bare, work, min(threads, len(group)))
            loop += process_time() - before
            texts += [(each.text, text) for each, text in zip(heard, found, strict=True)]
    return Cost(own / to_s(audio), loop / to_s(audio) if bare else None, tuple(texts))


async def _through_worker(worker: RecognitionWorker, listening: ListeningRecognizer, group: Sequence[Spoken]) -> None:
    pushed = listening.heard

    async def speak(spoken: Spoken) -> None:
        nonlocal pushed
        utterance = worker.begin(spoken.language, lambda _: None)
        for start in range(0, len(spoken.pcm), HAND_OVER):
            piece = spoken.pcm[start : start + HAND_OVER]
            pushed += len(piece)
            utterance.push(piece)
            if start + HAND_OVER <= len(spoken.pcm):
                await listening.wait_until(pushed)
        await utterance.finish()

    async with anyio.create_task_group() as tasks:
        for spoken in group:
            tasks.start_soon(speak, spoken)


def _through_loop(bare: BareLoop, work: Sequence[tuple[Pcm, Language, Sequence[Chance]]], threads: int) -> list[str]:
    if threads == 1:
        return [bare.recognize(*one) for one in work]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda one: bare.recognize(*one), work))
