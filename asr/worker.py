"""Recognition beside the event loop: dedicated threads, one shared model, bounded hand-over.

Audio goes from the loop to a thread in chunks of at least `HAND_OVER`, words come back as callbacks on the loop. Finals
go before everything else; then audio is heard; partials are made only while no final waits, and never on all threads
at once where there are several, so that a final finds a free one.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import anyio
import anyio.to_thread
import numpy as np

from asr.ports import Recognizer, Utterance
from asr.types import Hypothesis, Language
from voice.contracts.audio import Pcm, Samples, from_ms, from_s, to_s
from voice.contracts.errors import CapacityError, ModelError, WarmlineError

HAND_OVER: Final[Samples] = from_ms(100)
"""Audio that is gathered before a thread is woken for it: 100 ms, five frames."""

MAX_WAITING: Final[Samples] = from_s(60)
"""Audio of one utterance that may wait for a thread: 60 s, twice the longest utterance. More fails the utterance,
because audio inside an utterance may not be dropped silently."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerLoad:
    """How busy the threads are.

    Attributes:
        open: utterances begun and neither finished nor abandoned.
        finals_waiting: utterances that are finished and not yet taken by a thread.
        audio_waiting_s: audio that no thread has heard yet, seconds, over all utterances.
        partials_skipped: chances for a partial given up since the start, because a final waited or another partial was
            being made.
    """

    open: int
    finals_waiting: int
    audio_waiting_s: float
    partials_skipped: int


class RecognitionWorker:
    """Runs a recognizer for all calls on `threads` threads of its own.

    Entering starts the threads, leaving stops them once each has done the step it is at; utterances that are open then
    fail with `ModelError`. All methods belong to the event loop that entered it.

    Args:
        recognizer: a loaded model.
        threads: how many utterances are recognized at the same time; the machine's cores, or fewer.
        write: makes the display text of a final, on the same thread; None leaves what the engine heard.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        threads: int = 1,
        write: Callable[[Hypothesis, Language], Hypothesis] | None = None,
    ) -> None:
        if threads < 1:
            raise ValueError(f"Recognition needs at least one thread; got {threads}.")
        self._recognizer = recognizer
        self._count = threads
        self._write = write
        self._threads: list[threading.Thread] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = threading.Condition()
        # Everything below is guarded by `_wake`.
        self._stopping = False
        self._open: set[LiveUtterance] = set()
        self._finals: deque[LiveUtterance] = deque()
        self._heard: deque[LiveUtterance] = deque()
        self._partials_running = 0
        self._partials_skipped = 0

    @property
    def name(self) -> str:
        """Engine and model."""
        return self._recognizer.name

    @property
    def languages(self) -> frozenset[Language]:
        """Languages that `begin` accepts."""
        return self._recognizer.languages

    def load(self) -> WorkerLoad:
        """How busy the threads are now."""
        with self._wake:
            waiting = sum(utterance._waiting for utterance in self._open)
            return WorkerLoad(len(self._open), len(self._finals), to_s(waiting), self._partials_skipped)

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        for number in range(self._count):
            thread = threading.Thread(target=self._work, name=f"recognition-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._wake:
            self._stopping = True
            left = list(self._open)
            self._wake.notify_all()
        for utterance in left:
            utterance._settle(ModelError("Recognition was stopped before the utterance was finished."))
        with anyio.CancelScope(shield=True):
            for thread in self._threads:
                await anyio.to_thread.run_sync(thread.join)
        self._threads.clear()

    def begin(self, language: Language, on_partial: Callable[[Hypothesis], None]) -> LiveUtterance:
        """Start an utterance.

        Args:
            language: what is spoken.
            on_partial: called on the event loop with each new partial, never after `finish` or `abandon`; must not
                raise.

        Raises:
            ModelError: the recognizer does not speak `language`, or the worker is not running.
        """
        if language not in self._recognizer.languages:
            spoken = ", ".join(sorted(self._recognizer.languages))
            raise ModelError(f"{self.name} recognizes {spoken}; got {str(language)!r}.")
        if self._loop is None or self._stopping:
            raise ModelError("Recognition is not running.")
        utterance = LiveUtterance(self, self._loop, language, on_partial)
        with self._wake:
            self._open.add(utterance)
        return utterance

    def _work(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._stopping or bool(self._finals) or bool(self._heard))
                if self._stopping:
                    return
                utterance = self._finals.popleft() if self._finals else self._heard.popleft()
                utterance._queued = False
                utterance._busy = True
                audio, finishing = utterance._take()
            self._step(utterance, audio, finishing)
            with self._wake:
                utterance._busy = False
                self._enqueue(utterance)

    def _step(self, utterance: LiveUtterance, audio: list[Pcm], finishing: bool) -> None:
        """One piece of work on a thread: hear audio, then the final or perhaps a partial."""
        try:
            if utterance._engine is None:
                utterance._engine = self._recognizer.begin(utterance._language)
            if audio:
                utterance._engine.accept(np.concatenate(audio))
            if finishing:
                final = utterance._engine.finish()
                utterance._post(self._write(final, utterance._language) if self._write else final)
            else:
                self._offer_partial(utterance, utterance._engine)
        except WarmlineError as error:
            utterance._post(error)
        except Exception as error:
            # The boundary of the recognition stage: whatever an engine throws ends this utterance and no other.
            _log.exception("recognition broke; engine %s", self.name)
            failure = ModelError(f"{self.name} broke on this utterance: {type(error).__name__}.")
            failure.__cause__ = error
            utterance._post(failure)

    def _offer_partial(self, utterance: LiveUtterance, engine: Utterance) -> None:
        with self._wake:
            if utterance._finishing or not utterance._spoken:
                return
            if self._finals or self._partials_running >= max(1, self._count - 1):
                self._partials_skipped += 1
                return
            self._partials_running += 1
            utterance._spoken = False
        partial: Hypothesis | None = None
        try:
            partial = engine.partial()
        finally:
            with self._wake:
                self._partials_running -= 1
                # An engine that cannot say anything new yet is asked again, in the pause as well.
                utterance._spoken |= partial is None
        if partial is not None:
            utterance._post_partial(partial)

    def _enqueue(self, utterance: LiveUtterance) -> None:
        """Put an utterance where a thread finds it, once; called with `_wake` held."""
        if utterance._busy or utterance._queued or utterance not in self._open:
            return
        if utterance._finishing:
            self._finals.append(utterance)
        elif utterance._waiting >= HAND_OVER:
            self._heard.append(utterance)
        else:
            return
        utterance._queued = True
        self._wake.notify()

    def _forget(self, utterance: LiveUtterance) -> None:
        """Take an utterance out of everything; called with `_wake` held."""
        self._open.discard(utterance)
        if utterance._queued:
            for queue in (self._finals, self._heard):
                if utterance in queue:
                    queue.remove(utterance)
            utterance._queued = False
        utterance._pending.clear()
        utterance._waiting = 0


class LiveUtterance:
    """One utterance while it is spoken. `RecognitionWorker.begin` makes it; all methods belong to the event loop."""

    def __init__(
        self,
        worker: RecognitionWorker,
        loop: asyncio.AbstractEventLoop,
        language: Language,
        on_partial: Callable[[Hypothesis], None],
    ) -> None:
        self._worker = worker
        self._loop = loop
        self._language = language
        self._on_partial = on_partial
        self._final: asyncio.Future[Hypothesis | WarmlineError] = loop.create_future()
        self._quiet = False
        # Used by one thread at a time.
        self._engine: Utterance | None = None
        # Everything below is guarded by the worker's condition.
        self._pending: list[Pcm] = []
        self._waiting: Samples = 0
        self._spoken = False
        self._finishing = False
        self._busy = False
        self._queued = False
        self._partial: Hypothesis | None = None

    def push(self, pcm: Pcm, *, speech: bool = True) -> None:
        """Hand over more audio: 16 kHz mono float32, any length, not changed afterwards. Never blocks.

        Where `speech` is false it is a pause: the engine hears it, but no partial is made for it alone.

        More than `MAX_WAITING` unheard fails the utterance: `finish` then raises.

        Raises:
            ModelError: the utterance was finished or abandoned before.
        """
        if self._quiet:
            raise ModelError("Audio came after the end of the utterance.")
        overflow = False
        with self._worker._wake:
            if self not in self._worker._open:
                return
            self._pending.append(pcm)
            self._waiting += len(pcm)
            self._spoken |= speech
            overflow = self._waiting > MAX_WAITING
            self._worker._enqueue(self)
        if overflow:
            limit = to_s(MAX_WAITING)
            self._settle(CapacityError(f"Recognition is more than {limit:.0f} s of one utterance behind."))

    async def finish(self) -> Hypothesis:
        """Wait for the final hypothesis of everything pushed. Called once, last.

        Cancelling it abandons the utterance.

        Raises:
            ModelError: the engine broke, or the worker was left meanwhile.
            CapacityError: recognition fell further behind than `MAX_WAITING`.
        """
        if self._quiet:
            raise ModelError("An utterance is finished once; this one was finished or abandoned before.")
        self._quiet = True
        with self._worker._wake:
            self._finishing = True
            if self._queued:
                self._worker._heard.remove(self)
                self._queued = False
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
            self._worker._forget(self)

    def _take(self) -> tuple[list[Pcm], bool]:
        audio, self._pending, self._waiting = self._pending, [], 0
        return audio, self._finishing

    def _post(self, outcome: Hypothesis | WarmlineError) -> None:
        """Thread side: settle the final on the loop. From here on no thread takes the utterance again."""
        with self._worker._wake:
            self._worker._forget(self)
        with suppress(RuntimeError):  # a closed loop has nobody left who waits
            self._loop.call_soon_threadsafe(self._settle, outcome)

    def _post_partial(self, partial: Hypothesis) -> None:
        """Thread side: at most one partial per utterance is on its way; a newer one replaces it."""
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
        if partial is not None and not self._quiet:
            self._on_partial(partial)

    def _settle(self, outcome: Hypothesis | WarmlineError) -> None:
        if not self._final.done():
            self._final.set_result(outcome)
        with self._worker._wake:
            self._worker._forget(self)
