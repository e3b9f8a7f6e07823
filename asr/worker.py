"""Recognition beside the event loop: dedicated threads, one shared model, bounded hand-over.

Audio goes from the loop to a thread in chunks of at least `HAND_OVER`, words come back as callbacks on the loop. Finals
go before everything else; then what a pause is judged by; then audio is heard; partials are made only while no final
waits, and never on all threads at once where there are several, so that a final finds a free one.

A final hears the utterance up to its last speech and `PAUSE_HEARD` of the pause after it, however long the pause
became until it was closed. So when a pause reaches that length, all that the final will hear is there: where an engine
can, and nothing else waits, the final is made then, while the caller's silence is waited out, and thrown away if more
speech comes. What the final says does not depend on whether that happened. Who asks what is heard so far (`settle`), to
judge the pause, reads that same final.

This is the one place where the order of work is decided: calls use it in the server's process or, through
`asr/supervisor.py`, inside recognition processes.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from time import process_time
from types import TracebackType
from typing import Final, Self

import anyio
import anyio.to_thread
import numpy as np

from asr.ports import HAND_OVER, Recognizer, SettlingUtterance, Utterance, WorkerLoad
from asr.thread_utterance import ThreadUtterance
from asr.types import Hypothesis, Language
from voice.contracts.audio import Pcm, Samples, from_ms, to_s
from voice.contracts.errors import ModelError, WarmlineError

STEP: Final[Samples] = from_ms(200)
"""Audio that an engine is given at once, at most. What a step may take is judged by what steps cost, and a streaming
engine that hears an utterance again has all of it to hear."""

_log = logging.getLogger(__name__)


class RecognitionWorker:
    """Runs a recognizer for all calls on `threads` threads of its own; implements `Recognition`.

    Entering starts the threads, leaving stops them once each has done the step it is at; utterances that are open then
    fail with `ModelError`. All methods belong to the event loop that entered it.

    Args:
        recognizer: a loaded model.
        threads: how many utterances are recognized at the same time; the machine's cores, or fewer.
        write: makes the display text of a final, on the same thread; None leaves what the engine heard.
        on_step: told, on the thread, which utterance (its `key`) is worked on from now and how much audio it has; 0, 0
            when the step is over.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        threads: int = 1,
        write: Callable[[Hypothesis, Language], Hypothesis] | None = None,
        on_step: Callable[[int, Samples], None] | None = None,
    ) -> None:
        if threads < 1:
            raise ValueError(f"Recognition needs at least one thread; got {threads}.")
        self._recognizer = recognizer
        self._count = threads
        self._write = write
        self._on_step = on_step
        self._threads: list[threading.Thread] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = threading.Condition()
        # Everything below is guarded by `_wake`.
        self._stopping = False
        self._open: set[ThreadUtterance] = set()
        self._finals: deque[ThreadUtterance] = deque()
        self._pauses: deque[ThreadUtterance] = deque()
        self._heard: deque[ThreadUtterance] = deque()
        self._pushed: Samples = 0
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
            return WorkerLoad(
                open=len(self._open),
                finals_waiting=len(self._finals),
                audio_waiting_s=to_s(waiting),
                partials_skipped=self._partials_skipped,
                pushed_s=to_s(self._pushed),
                cpu_s=process_time(),
                seats=self._count,
            )

    def trouble(self) -> WarmlineError | None:
        """Nothing that is known of."""
        return None

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

    def begin(
        self,
        language: Language,
        on_partial: Callable[[Hypothesis], None] | None,
        *,
        on_heard: Callable[[Samples], None] | None = None,
        on_setback: Callable[[WarmlineError], None] | None = None,  # noqa: ARG002  nothing here is made good
        key: int = 0,
    ) -> ThreadUtterance:
        """Start an utterance; see `Recognition.begin`.

        `key` names it to `on_step`. Without `on_partial` nothing is made but the final.
        """
        if language not in self._recognizer.languages:
            spoken = ", ".join(sorted(self._recognizer.languages))
            raise ModelError(f"{self.name} recognizes {spoken}; got {str(language)!r}.")
        if self._loop is None or self._stopping:
            raise ModelError("Recognition is not running.")
        utterance = ThreadUtterance(self, self._loop, language, on_partial, on_heard, key)
        with self._wake:
            self._open.add(utterance)
        return utterance

    def _work(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._stopping or any(self._queues))
                if self._stopping:
                    return
                utterance = next(queue for queue in self._queues if queue).popleft()
                utterance._queued = False
                utterance._busy = True
                audio, finishing, asked = utterance._take()
            if self._on_step is not None:
                self._on_step(utterance._key, utterance._length)
            self._step(utterance, audio, finishing, asked)
            if self._on_step is not None:
                self._on_step(0, 0)
            with self._wake:
                utterance._busy = False
                self._enqueue(utterance)

    def _step(
        self,
        utterance: ThreadUtterance,
        audio: list[Pcm],
        finishing: bool,
        asked: asyncio.Future[Hypothesis | None] | None,
    ) -> None:
        """One piece of work on a thread: hear audio, then the final, the final ahead, or perhaps a partial."""
        try:
            if utterance._engine is None:
                utterance._engine = self._recognizer.begin(utterance._language)
            if audio:
                heard = np.concatenate(audio)
                for start in range(0, len(heard), STEP):
                    if start and self._on_step is not None:
                        self._on_step(utterance._key, utterance._length)
                    utterance._engine.accept(heard[start : start + STEP])
                utterance._post_heard(len(heard))
                if self._on_step is not None:
                    self._on_step(utterance._key, utterance._length)
            if finishing:
                final = utterance._engine.finish()
                utterance._post(self._write(final, utterance._language) if self._write else final)
            elif asked is not None:
                utterance._post_settled(asked, self._heard_so_far(utterance, utterance._engine))
            elif utterance._on_partial is not None:
                self._offer(utterance, utterance._engine)
        except WarmlineError as error:
            utterance._post(error)
        except Exception as error:
            # The boundary of the recognition stage: whatever an engine throws ends this utterance and no other.
            _log.exception("recognition broke; engine %s", self.name)
            failure = ModelError(f"{self.name} broke on this utterance: {type(error).__name__}.")
            failure.__cause__ = error
            utterance._post(failure)

    def _offer(self, utterance: ThreadUtterance, engine: Utterance) -> None:
        """What may be worth telling before the final; in a pause the final itself, ahead, or nothing."""
        if not isinstance(engine, SettlingUtterance):
            with self._wake:
                utterance._settle_due = False
            self._offer_partial(utterance, engine)
        elif self._may_settle(utterance):
            utterance._post_partial(engine.settle())
        elif not utterance._pause:
            self._offer_partial(utterance, engine)

    def _heard_so_far(self, utterance: ThreadUtterance, engine: Utterance) -> Hypothesis:
        """The final ahead, where the engine can make it, otherwise the latest partial."""
        if isinstance(engine, SettlingUtterance):
            with self._wake:
                told = not utterance._settle_due
                utterance._settle_due = utterance._spoken = False
            heard = engine.settle()
            if not told:
                utterance._post_partial(heard)
            return heard
        if (partial := engine.partial()) is not None:
            utterance._post_partial(partial)
        return utterance._latest

    def _may_settle(self, utterance: ThreadUtterance) -> bool:
        """Whether the final is made ahead now: all that it may hear is there, and nothing else waits."""
        with self._wake:
            if not utterance._settle_due or utterance._pending or utterance._finishing or self._finals:
                return False
            if any(other._waiting for other in self._heard):
                return False  # its turn comes again behind them
            utterance._settle_due = False
            # The text of it is told as a partial, which leaves nothing to tell about.
            utterance._spoken = False
            return True

    def _offer_partial(self, utterance: ThreadUtterance, engine: Utterance) -> None:
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

    @property
    def _queues(self) -> tuple[deque[ThreadUtterance], ...]:
        """Who waits for a thread, by what goes first."""
        return self._finals, self._pauses, self._heard

    def _enqueue(self, utterance: ThreadUtterance) -> None:
        """Put an utterance where a thread finds it, once; called with `_wake` held."""
        if utterance._busy or utterance._queued or utterance not in self._open:
            return
        if utterance._finishing:
            self._finals.append(utterance)
        elif utterance._asked is not None:
            self._pauses.append(utterance)
        elif utterance._waiting >= HAND_OVER or utterance._settle_due:
            self._heard.append(utterance)
        else:
            return
        utterance._queued = True
        self._wake.notify()

    def _leave_queue(self, utterance: ThreadUtterance) -> None:
        """Have an utterance wait for no thread; called with `_wake` held."""
        if utterance._queued:
            next(queue for queue in self._queues if utterance in queue).remove(utterance)
            utterance._queued = False

    def _forget(self, utterance: ThreadUtterance) -> None:
        """Take an utterance out of everything; called with `_wake` held."""
        self._open.discard(utterance)
        self._leave_queue(utterance)
        utterance._pending.clear()
        utterance._held.clear()
        utterance._waiting = 0
