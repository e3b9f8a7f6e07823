"""CPU time of recognition as calls use it, beside a bare loop over the same library."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

import anyio
from anyio.to_thread import run_sync

from agent_console.bench.asr_bare import BareLoop, Chance
from agent_console.bench.asr_speech import Spoken
from asr.ports import HAND_OVER, PAUSE_HEARD, LiveUtterance, Recognition
from asr.supervisor import SupervisedRecognition
from asr.types import Hypothesis, Language
from voice.contracts.audio import FRAME_SAMPLES, Pcm, Samples, to_s

Work: TypeAlias = tuple[Pcm, Language, list[Chance]]
"""What an engine heard of an utterance, and at which lengths of it a partial was due."""


class HeardUtterance:
    """Hands an utterance over frame by frame, and notes what the engine was asked to do for it."""

    def __init__(self, recognition: Recognition, spoken: Spoken) -> None:
        self._spoken = spoken
        self._pushed: Samples = 0
        self._pause: Samples = 0
        self._heard: Samples = 0
        self._chances: list[Chance] = []
        self._news = anyio.Event()
        self._broken = False
        self._inner: LiveUtterance = recognition.begin(
            spoken.language, self._note_partial, on_heard=self._note_heard, on_setback=self._note_setback
        )

    @property
    def work(self) -> Work:
        """What the engine heard, and the chances for a partial before the end of that.

        A final that was made ahead is the final, not a partial.
        """
        chances = [chance for chance in self._chances if chance.heard < self._heard]
        return self._spoken.pcm[: self._heard], self._spoken.language, chances

    def push(self, frame: int) -> None:
        """Hand over the frame of that number."""
        pcm = self._spoken.pcm[frame * FRAME_SAMPLES : (frame + 1) * FRAME_SAMPLES]
        speech = self._spoken.speech[frame]
        self._pushed += len(pcm)
        self._pause = 0 if speech else self._pause + len(pcm)
        self._inner.push(pcm, speech=speech)

    async def wait(self) -> None:
        """Wait until no more is unheard than what is gathered on the way; a broken engine is not waited for."""
        while not self._broken and self._unheard >= 2 * HAND_OVER:
            await self._news.wait()

    async def finish(self) -> Hypothesis:
        """The final."""
        return await self._inner.finish()

    @property
    def _unheard(self) -> Samples:
        return self._pushed - max(0, self._pause - PAUSE_HEARD) - self._heard

    def _note_heard(self, samples: Samples) -> None:
        self._broken |= samples <= self._heard
        self._heard = samples
        self._chances.append(Chance(samples, told=False))
        self._tell()

    def _note_partial(self, _: Hypothesis) -> None:
        if self._chances:
            self._chances[-1] = Chance(self._chances[-1].heard, told=True)

    def _note_setback(self, _: Exception) -> None:
        self._broken = True
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = anyio.Event()


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds per second of audio, of one round over all utterances.

    Attributes:
        own: through recognition as calls use it, its processes included.
        bare: of the loop; None without one.
        texts: what the product's engine heard and what the loop did, utterance by utterance.
    """

    own: float
    bare: float | None
    texts: tuple[tuple[str, str], ...]


async def measure_cost(
    recognition: Recognition, bare: BareLoop | None, groups: Sequence[Sequence[Spoken]], threads: int
) -> Cost:
    """One round: each group through recognition, then at once through the loop, CPU time of all that work on it.

    Audio is handed over as soon as what came before is with an engine: as in a live call, but as fast as it goes.

    Args:
        recognition: running.
        bare: the loop.
        groups: utterances that are spoken at the same time.
        threads: utterances recognized at the same time; the loop has as many, but not more than utterances.

    Raises:
        ModelError: the engine broke.
    """
    own = loop = 0.0
    texts: list[tuple[str, str]] = []
    audio: Samples = 0
    for group in groups:
        audio += sum(len(spoken.pcm) for spoken in group)
        before = cpu_s(recognition)
        heard = await _speak(recognition, group)
        own += cpu_s(recognition) - before
        if bare is not None:
            work = [work for work, _ in heard]
            before = time.process_time()
            found = await run_sync(_through_loop, bare, work, min(threads, len(group)))
            loop += time.process_time() - before
            texts += [(own_text, text) for (_, own_text), text in zip(heard, found, strict=True)]
    return Cost(own / to_s(audio), loop / to_s(audio) if bare else None, tuple(texts))


def cpu_s(recognition: Recognition) -> float:
    """CPU time that this process and those that recognize for it have used, seconds.

    Raises:
        OSError: recognition runs in processes, and this is not Linux, or one of them has just ended.
    """
    pids = recognition.pids if isinstance(recognition, SupervisedRecognition) else ()
    # As clock_getcpuclockid(3) computes it: the complement of the process id above three bits for which clock.
    return time.process_time() + sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


async def _speak(recognition: Recognition, group: Sequence[Spoken]) -> list[tuple[Work, str]]:
    found: dict[int, tuple[Work, str]] = {}

    async def speak(number: int, spoken: Spoken) -> None:
        utterance = HeardUtterance(recognition, spoken)
        for frame in range(len(spoken.speech)):
            utterance.push(frame)
            await utterance.wait()
        final = await utterance.finish()
        found[number] = utterance.work, final.raw or final.text

    async with anyio.create_task_group() as tasks:
        for number, spoken in enumerate(group):
            tasks.start_soon(speak, number, spoken)
    return [found[number] for number in sorted(found)]


def _through_loop(bare: BareLoop, work: Sequence[Work], threads: int) -> list[str]:
    if threads == 1:
        return [bare.recognize(*one) for one in work]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda one: bare.recognize(*one), work))
