"""One utterance that a process recognizes, as the server has it: its audio, what was sent of it, who waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from asr.child_messages import Abandon, Begin, Finish, Push, Settle
from asr.child_process import RecognitionProcess
from asr.ports import HAND_OVER, MAX_WAITING, PAUSE_HEARD
from asr.types import Hypothesis, Language
from voice.contracts.audio import Pcm, Samples, from_s, to_s
from voice.contracts.errors import CapacityError, ModelError, WarmlineError

LONGEST_KEPT: Final[Samples] = MAX_WAITING
"""Audio of one utterance that is kept to be heard again: 60 s, four times the longest that the segmenter makes. A
longer utterance goes on, but is lost with its process."""

_PIECE: Final[Samples] = from_s(8)
"""Audio of one frame to a process, at most."""


@dataclass(frozen=True, slots=True)
class UtteranceOwner:
    """What an utterance asks of whoever gave it to a process.

    Attributes:
        count: told of audio that was handed over.
        remove: told that no process has it any more.
        write: makes the display text of its final.
    """

    count: Callable[[Samples], None]
    remove: Callable[[ProcessUtterance], None]
    write: Callable[[Hypothesis, Language], Awaitable[Hypothesis]]


class ProcessUtterance:
    """One utterance while it is spoken; implements `LiveUtterance`. `SupervisedRecognition.begin` makes it.

    Attributes:
        key: the id of the present attempt.
        finishing: its final is wanted.
        broke: processes that ended while they worked on it.
        tries: processes that it was given to.
        stranded_at: since when it waits for a process; of no meaning where it has one.
    """

    def __init__(
        self,
        owner: UtteranceOwner,
        language: Language,
        on_partial: Callable[[Hypothesis], None],
        on_heard: Callable[[Samples], None] | None,
        on_setback: Callable[[WarmlineError], None] | None,
    ) -> None:
        self.key = 0
        self.finishing = False
        self.broke = 0
        self.tries = 0
        self.stranded_at = 0.0
        self._owner = owner
        self._language = language
        self._on_partial = on_partial
        self._on_heard = on_heard
        self._on_setback = on_setback
        self._process: RecognitionProcess | None = None
        self._final: asyncio.Future[Hypothesis | WarmlineError] = asyncio.get_running_loop().create_future()
        self._quiet = False
        # Who waits for what is heard so far, and how many have asked.
        self._asked: asyncio.Future[Hypothesis | None] | None = None
        self._questions = 0
        # Runs of speech and of pause, as they came; what is not sent yet is the end of the last.
        self._kept: list[tuple[bool, Pcm]] = []
        self._length: Samples = 0
        self._pause: Samples = 0
        self._heard: Samples = 0
        self._unsent: list[Pcm] = []
        self._unsent_length: Samples = 0
        self._unsent_speech = True

    @property
    def is_whole(self) -> bool:
        """Whether all its audio is kept."""
        return self._length <= LONGEST_KEPT

    @property
    def pid(self) -> int | None:
        """The process that has it, for figures and tests; None while none has."""
        return None if self._process is None else self._process.pid

    def push(self, pcm: Pcm, *, speech: bool = True) -> None:
        """Hand over more audio; see `LiveUtterance.push`."""
        if self._quiet:
            raise ModelError("Audio came after the end of the utterance.")
        if self._final.done():
            return
        if speech:
            self._void()
        self._owner.count(len(pcm))
        self._length += len(pcm)
        self._pause = 0 if speech else self._pause + len(pcm)
        if self.is_whole:
            self._kept.append((speech, pcm))
        else:
            self._kept.clear()
        if self.waiting > MAX_WAITING:
            limit = to_s(MAX_WAITING)
            self.conclude(CapacityError(f"Recognition is more than {limit:.0f} s of one utterance behind."))
        elif self._process is not None:
            self._gather(speech, pcm)

    async def settle(self) -> Hypothesis | None:
        """Wait for what is heard so far; see `LiveUtterance.settle`."""
        self._void()
        if self._quiet or self._final.done():
            return None
        asked: asyncio.Future[Hypothesis | None] = asyncio.get_running_loop().create_future()
        self._asked = asked
        self._questions += 1
        self._ask()
        return await asked

    async def finish(self) -> Hypothesis:
        """Wait for the final; see `LiveUtterance.finish`."""
        if self._quiet:
            raise ModelError("An utterance is finished once; this one was finished or abandoned before.")
        self._quiet = self.finishing = True
        self._void()
        if self._process is not None:
            self._send_gathered()
            self._process.send(Finish(self.key))
        try:
            outcome = await self._final
        finally:
            self.abandon()
        if isinstance(outcome, WarmlineError):
            raise outcome
        return await self._owner.write(outcome, self._language)

    def abandon(self) -> None:
        """Give the utterance up; no callback follows."""
        self._quiet = True
        self._part()

    @property
    def waiting(self) -> Samples:
        """Audio that no engine has heard yet, and that one will; of a pause that is its beginning."""
        return max(0, self._length - max(0, self._pause - PAUSE_HEARD) - self._heard)

    def go_to(self, process: RecognitionProcess, key: int) -> None:
        """Be recognized by this process, from the beginning."""
        self._process, self.key, self._heard = process, key, 0
        self.tries += 1
        self._unsent.clear()
        self._unsent_length = 0
        process.send(Begin(key, self._language, partials=not self.finishing))
        for speech, pcm in self._kept:
            self._gather(speech, pcm)
        self._ask()
        if self.finishing:
            self._send_gathered()
            process.send(Finish(key))

    def wait_for_process(self, now_s: float) -> None:
        """There is no process to go to."""
        self._process, self.key, self.stranded_at, self._heard = None, 0, now_s, 0

    def tell(self, partial: Hypothesis) -> None:
        """A partial came."""
        if not self._quiet:
            self._on_partial(partial)

    def tell_settled(self, question: int, heard: Hypothesis) -> None:
        """What is heard so far came, in answer to the question of that number."""
        if question == self._questions and self._asked is not None and not self._asked.done():
            self._asked.set_result(heard)

    def note_heard(self, samples: Samples) -> None:
        """The engine has heard so much."""
        self._heard = samples
        if self._on_heard is not None and not self._final.done():
            self._on_heard(samples)

    def tell_setback(self, why: WarmlineError) -> None:
        """Its process ended, and it begins anew in another."""
        if self._on_setback is not None and not self._final.done():
            self._on_setback(why)

    def conclude(self, outcome: Hypothesis | WarmlineError) -> None:
        """It has its final, or never will."""
        if not self._final.done():
            self._final.set_result(outcome)
            if self._on_heard is not None and isinstance(outcome, WarmlineError):
                self._on_heard(self._heard)
        self._part()

    def _ask(self) -> None:
        """Have its process say what is heard so far, where somebody waits for it."""
        if self._process is not None and self._asked is not None and not self._asked.done():
            self._send_gathered()
            self._process.send(Settle(self.key, self._questions))

    def _void(self) -> None:
        """Nobody waits any more for what is heard so far."""
        if self._asked is not None and not self._asked.done():
            self._asked.set_result(None)
        self._asked = None

    def _part(self) -> None:
        """No process has it any more, and none of its audio is kept."""
        self._void()
        if self._process is not None:
            self._process.send(Abandon(self.key))
            self._process = None
        self._owner.remove(self)
        self._kept.clear()
        self._unsent.clear()

    def _gather(self, speech: bool, pcm: Pcm) -> None:
        """Send audio in pieces that are worth a frame, speech and pauses apart."""
        if speech != self._unsent_speech:
            self._send_gathered()
            self._unsent_speech = speech
        self._unsent.append(pcm)
        self._unsent_length += len(pcm)
        if self._unsent_length >= HAND_OVER:
            self._send_gathered()

    def _send_gathered(self) -> None:
        if self._process is None or not self._unsent:
            return
        joined = np.concatenate(self._unsent)
        for start in range(0, len(joined), _PIECE):
            self._process.send(Push(self.key, self._unsent_speech, joined[start : start + _PIECE]))
        self._unsent.clear()
        self._unsent_length = 0
