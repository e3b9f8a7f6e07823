"""One utterance that a thread of the server recognizes, from its first audio to its final."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from asr.ports import MAX_WAITING, PAUSE_HEARD, Utterance
from asr.types import Hypothesis, Language
from voice.contracts.audio import Pcm, Samples, to_s
from voice.contracts.errors import CapacityError, ModelError, WarmlineError

if TYPE_CHECKING:
    from asr.worker import RecognitionWorker


class ThreadUtterance:
    """One utterance while it is spoken; implements `LiveUtterance`. `RecognitionWorker.begin` makes it."""

    def __init__(
        self,
        worker: RecognitionWorker,
        loop: asyncio.AbstractEventLoop,
        language: Language,
        on_partial: Callable[[Hypothesis], None] | None,
        on_heard: Callable[[Samples], None] | None,
        key: int,
    ) -> None:
        self._worker = worker
        self._loop = loop
        self._language = language
        self._on_partial = on_partial
        self._on_heard = on_heard
        self._key = key
        self._told_heard: Samples = 0
        self._final: asyncio.Future[Hypothesis | WarmlineError] = loop.create_future()
        self._quiet = False
        # Used by one thread at a time.
        self._engine: Utterance | None = None
        # Everything below is guarded by the worker's condition.
        self._pending: list[Pcm] = []
        self._waiting: Samples = 0
        self._length: Samples = 0
        # The pause under way: how long it is, and what of it is held back until speech goes on.
        self._pause: Samples = 0
        self._held: list[Pcm] = []
        self._settle_due = False
        # Who waits for what is heard so far; set by the loop, answered there.
        self._asked: asyncio.Future[Hypothesis | None] | None = None
        self._latest = Hypothesis("")
        self._spoken = False
        self._finishing = False
        self._busy = False
        self._queued = False
        self._partial: Hypothesis | None = None

    def push(self, pcm: Pcm, *, speech: bool = True) -> None:
        """Hand over more audio; see `LiveUtterance.push`."""
        if self._quiet:
            raise ModelError("Audio came after the end of the utterance.")
        overflow = False
        with self._worker._wake:
            if self not in self._worker._open:
                return
            if speech:
                self._void()
            self._worker._pushed += len(pcm)
            if speech:
                self._hear(*self._held, pcm)
                self._held.clear()
                self._pause = 0
                self._settle_due = False
                self._spoken = True
            else:
                heard = min(len(pcm), max(0, PAUSE_HEARD - self._pause))
                reached = self._pause < PAUSE_HEARD <= self._pause + len(pcm)
                self._settle_due |= reached and self._on_partial is not None
                self._pause += len(pcm)
                if heard:
                    self._hear(pcm[:heard])
                if heard < len(pcm):
                    self._held.append(pcm[heard:])
            overflow = max(self._waiting, self._pause) > MAX_WAITING
            self._worker._enqueue(self)
        if overflow:
            limit = to_s(MAX_WAITING)
            self._settle(CapacityError(f"Recognition is more than {limit:.0f} s of one utterance behind."))

    async def settle(self) -> Hypothesis | None:
        """Wait for what is heard so far; see `LiveUtterance.settle`."""
        with self._worker._wake:
            self._void()
            if self._quiet or self not in self._worker._open:
                return None
            asked: asyncio.Future[Hypothesis | None] = self._loop.create_future()
            self._asked = asked
            self._worker._leave_queue(self)
            self._worker._enqueue(self)
        return await asked

    async def finish(self) -> Hypothesis:
        """Wait for the final; see `LiveUtterance.finish`."""
        if self._quiet:
            raise ModelError("An utterance is finished once; this one was finished or abandoned before.")
        self._quiet = True
        with self._worker._wake:
            self._void()
            self._finishing = True
            self._worker._leave_queue(self)
            self._worker._enqueue(self)
        try:
            outcome = await self._final
        finally:
            self.abandon()
        if isinstance(outcome, WarmlineError):
            raise outcome
        return outcome

    def abandon(self) -> None:
        """Give the utterance up; no callback follows. A step that a thread is at runs to its end, unheard."""
        self._quiet = True
        with self._worker._wake:
            self._void()
            self._worker._forget(self)

    def _hear(self, *audio: Pcm) -> None:
        """Audio for the engine; called with the condition held."""
        self._pending += audio
        length = sum(map(len, audio))
        self._waiting += length
        self._length += length

    def _void(self) -> None:
        """Nobody waits any more for what is heard so far; on the loop, with the condition held."""
        if self._asked is not None and not self._asked.done():
            self._asked.set_result(None)
        self._asked = None

    def _take(self) -> tuple[list[Pcm], bool, asyncio.Future[Hypothesis | None] | None]:
        """What a thread is to do: audio to hear, whether the final is wanted, and who asks what is heard so far."""
        audio, self._pending, self._waiting = self._pending, [], 0
        return audio, self._finishing, self._asked

    def _post(self, outcome: Hypothesis | WarmlineError) -> None:
        """Thread side: settle the final on the loop. From here on no thread takes the utterance again."""
        with self._worker._wake:
            self._worker._forget(self)
        with suppress(RuntimeError):  # a closed loop has nobody left who waits
            self._loop.call_soon_threadsafe(self._settle, outcome)

    def _post_settled(self, asked: asyncio.Future[Hypothesis | None], heard: Hypothesis) -> None:
        """Thread side: answer who waits for what is heard so far."""
        with self._worker._wake:
            if self._asked is asked:
                self._asked = None
        with suppress(RuntimeError):  # a closed loop has nobody left who waits
            self._loop.call_soon_threadsafe(_answer, asked, heard)

    def _post_heard(self, length: Samples) -> None:
        """Thread side: tell how much the engine has heard."""
        if self._on_heard is None:
            return
        with suppress(RuntimeError):  # a closed loop has nobody left who listens
            self._loop.call_soon_threadsafe(self._tell_heard, length)

    def _tell_heard(self, length: Samples) -> None:
        self._told_heard += length
        if self._on_heard is not None and not self._final.done():
            self._on_heard(self._told_heard)

    def _post_partial(self, partial: Hypothesis) -> None:
        """Thread side: at most one partial per utterance is on its way; a newer one replaces it."""
        self._latest = partial
        with self._worker._wake:
            waiting = self._partial is not None
            self._partial = partial
        if waiting:
            return
        with suppress(RuntimeError):  # a closed loop has nobody left who listens
            self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        with self._worker._wake:
            partial, self._partial = self._partial, None
        if partial is not None and self._on_partial is not None and not self._quiet:
            self._on_partial(partial)

    def _settle(self, outcome: Hypothesis | WarmlineError) -> None:
        if not self._final.done():
            self._final.set_result(outcome)
            if self._on_heard is not None and isinstance(outcome, WarmlineError):
                self._on_heard(self._told_heard)
        with self._worker._wake:
            self._void()
            self._worker._forget(self)


def _answer(asked: asyncio.Future[Hypothesis | None], heard: Hypothesis) -> None:
    if not asked.done():
        asked.set_result(heard)
