"""Recognition in processes of its own: a crash or a hang of an engine takes neither the server nor a final.

Several processes, each with the model and one thread, share the utterances; an utterance stays with one process. The
server keeps the audio of every open utterance. When a process dies or hangs, it is killed, its utterances go to another
one from their beginning, and a new process takes its place; so the others are the standby. What the process was at when
it ended has broken it: an utterance that broke `TRIES` processes is given up, alone. A final that takes suspiciously
long is made by a free process as well, long before its own one is taken for hung.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, assert_never

import anyio
from anyio.abc import TaskGroup
from anyio.to_thread import run_sync

from asr.child import Plan
from asr.child_messages import (
    Abandon,
    Beat,
    Begin,
    Failed,
    Finish,
    Finished,
    Heard,
    Message,
    Push,
    Ready,
    Refused,
    Settle,
    Settled,
    Told,
)
from asr.child_process import RecognitionProcess
from asr.losses import LOOP, WINDOW_S, Losses
from asr.ports import WorkerLoad
from asr.process_utterance import LONGEST_KEPT, ProcessUtterance, UtteranceOwner
from asr.seat import Seat
from asr.types import Hypothesis, Language
from voice.contracts.audio import Samples, to_s
from voice.contracts.errors import (
    CapacityError,
    ModelError,
    UtteranceGivenUpError,
    WarmlineError,
    WorkerHungError,
    WorkerLostError,
    WorkerProtocolError,
)
from voice.contracts.ports import Clock

TRIES: Final = 2
"""Processes that one utterance may break before it is given up."""

CHECK_S: Final = 0.1
"""How often processes are looked after."""

STRANDED_S: Final = 15.0
"""How long a finished utterance waits where no process is there to take it; then it is given up."""

_log = logging.getLogger(__name__)

Write = Callable[[Hypothesis, Language], Hypothesis]


class SupervisedRecognition:
    """Runs recognizers for all calls in processes; implements `Recognition`.

    Entering starts the processes and waits until all have loaded; leaving ends them, and utterances that are open then
    fail with `ModelError`. All methods belong to the event loop that entered it.

    Args:
        plan: makes the recognizer, in each process.
        processes: how many; with one alone nothing is there to take over at once.
        clock: time.
        write: makes the display text of a final, on a thread of the server; None leaves what the engine heard.

    Attributes:
        processes: how many there are when all is well.
    """

    def __init__(self, plan: Plan, processes: int, clock: Clock, write: Write | None = None) -> None:
        if processes < 1:
            raise ValueError(f"Recognition needs at least one process; got {processes}.")
        self._plan = plan
        self.processes = processes
        self._clock = clock
        self._write = write
        self._writers = anyio.CapacityLimiter(1)
        self._seats: list[Seat] = []
        self._stranded: list[ProcessUtterance] = []
        self._ready: Ready | None = None
        self._refusal: WarmlineError | None = None
        self._settled = anyio.Event()
        self._losses = Losses()
        self._next_id = 1
        self._pushed: Samples = 0
        # CPU time and skipped partials of processes that are gone.
        self._spent_s = 0.0
        # CPU time of the dearest of the latest steps of any process, seconds; 0 while not known.
        self._dearest_s = 0.0
        self._skipped = 0
        self._tasks: TaskGroup | None = None

    @property
    def name(self) -> str:
        """Engine and model.

        Raises:
            ModelError: not entered.
        """
        return self._known.name

    @property
    def languages(self) -> frozenset[Language]:
        """Languages that `begin` accepts.

        Raises:
            ModelError: not entered.
        """
        return self._known.languages

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes that have loaded, for figures and tests."""
        return tuple(seat.process.pid for seat in self._seats if seat.is_up)

    def load(self) -> WorkerLoad:
        """How busy the processes are, as of their last beats."""
        # What a process that ended did is in `_spent_s` and `_skipped` already.
        beats = [seat.process.beat for seat in self._seats if seat.process.beat is not None and seat.is_up]
        utterances = [each for seat in self._seats for each in seat.utterances.values()] + self._stranded
        return WorkerLoad(
            open=len(utterances),
            finals_waiting=sum(beat.finals_waiting for beat in beats) + sum(each.finishing for each in self._stranded),
            audio_waiting_s=to_s(sum(each.waiting for each in utterances)),
            partials_skipped=self._skipped + sum(beat.partials_skipped for beat in beats),
            pushed_s=to_s(self._pushed),
            cpu_s=self._spent_s + sum(beat.cpu_s for beat in beats),
            seats=sum(seat.is_up for seat in self._seats),
        )

    def trouble(self) -> WarmlineError | None:
        """Why calls had better not come now: no process is up, or they die one after the other."""
        if not any(seat.is_up for seat in self._seats):
            return WorkerLostError("No recognition process is up.", fix="The log says why they ended.")
        lost = self._losses.count(self._clock.now_s())
        if lost >= LOOP:
            return WorkerLostError(
                f"{lost} recognition processes were lost in the last {WINDOW_S:.0f} s.",
                fix="The log says how they ended.",
            )
        return None

    async def __aenter__(self) -> Self:
        self._tasks = await anyio.create_task_group().__aenter__()
        for number in range(self.processes):
            seat = Seat(number, RecognitionProcess(number, self._clock))
            self._seats.append(seat)
            self._tasks.start_soon(self._keep, seat, name=f"recognition process {number}")
        self._tasks.start_soon(self._look_after, name="recognition processes")
        try:
            await self._settled.wait()
        except BaseException:
            await self._leave()
            raise
        if self._refusal is not None:
            await self._leave()
            raise self._refusal
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._leave()

    async def _leave(self) -> None:
        tasks, self._tasks = self._tasks, None
        stopped = ModelError("Recognition was stopped before the utterance was finished.")
        for seat in self._seats:
            for utterance in list(seat.utterances.values()):
                utterance.conclude(stopped)
        for utterance in list(self._stranded):
            utterance.conclude(stopped)
        if tasks is not None:
            tasks.cancel_scope.cancel()
            await tasks.__aexit__(None, None, None)

    def begin(
        self,
        language: Language,
        on_partial: Callable[[Hypothesis], None],
        *,
        on_heard: Callable[[Samples], None] | None = None,
        on_setback: Callable[[WarmlineError], None] | None = None,
    ) -> ProcessUtterance:
        """Start an utterance; see `Recognition.begin`."""
        if self._tasks is None:
            raise ModelError("Recognition is not running.")
        if language not in self.languages:
            spoken = ", ".join(sorted(self.languages))
            raise ModelError(f"{self.name} recognizes {spoken}; got {str(language)!r}.")
        owner = UtteranceOwner(self._count, self._remove, self._written)
        utterance = ProcessUtterance(owner, language, on_partial, on_heard, on_setback)
        self._place(utterance)
        return utterance

    @property
    def _known(self) -> Ready:
        if self._ready is None:
            raise ModelError("Recognition is not running.")
        return self._ready

    def _place(self, utterance: ProcessUtterance) -> None:
        """Give an utterance, with all its audio, to the process that has least to do."""
        up = [seat for seat in self._seats if seat.is_up]
        if not up:
            utterance.wait_for_process(self._clock.now_s())
            self._stranded.append(utterance)
            return
        least = min(up, key=lambda seat: (self._is_slow(seat), seat.finishing, len(seat.utterances)))
        self._give(least, utterance)

    def _give(self, seat: Seat, utterance: ProcessUtterance) -> None:
        """Have a seat's process hear an utterance from its beginning."""
        key, self._next_id = self._next_id, self._next_id + 1
        seat.utterances[key] = utterance
        utterance.go_to(seat.process, key)

    def _count(self, pushed: Samples) -> None:
        """So much more audio was handed over."""
        self._pushed += pushed

    def _remove(self, utterance: ProcessUtterance) -> None:
        """No seat has this utterance any more."""
        if utterance in self._stranded:
            self._stranded.remove(utterance)
        for seat in self._seats:
            seat.drop(utterance)

    async def _keep(self, seat: Seat) -> None:
        """Keep a process in a seat, for as long as recognition runs."""
        while True:
            began = self._clock.now_s()
            why = await self._run(seat)
            if not self._settled.is_set():
                # At the start nothing is made good: whoever starts this learns what is wrong.
                self._refusal = why
                self._settled.set()
            now = self._clock.now_s()
            wait_s = self._losses.note(now)
            lost = self._losses.count(now)
            _log.error("%s (%s) It ran for %.1f s; %d lost in a minute.", why, why.code, now - began, lost)
            await self._clock.sleep_until(now + wait_s)
            seat.process = RecognitionProcess(seat.number, self._clock)

    async def _run(self, seat: Seat) -> WarmlineError:
        """One process from its start to its end; answers why it ended, when its utterances are with others."""
        process = seat.process
        try:
            await process.start(self._plan)
            why = await process.hear(lambda message: self._take(seat, message), lambda: self._take_up(process))
            self._make_good(seat, why)
        except WarmlineError as error:
            return error
        finally:
            with anyio.CancelScope(shield=True):
                await process.end()
        return why

    def _take_up(self, process: RecognitionProcess) -> None:
        """A process has loaded: it gets what waits."""
        if self._ready is None:
            self._ready = process.ready
        _log.info("recognition process %d is up", process.number)
        if all(seat.is_up for seat in self._seats):
            self._settled.set()
        stranded, self._stranded = self._stranded, []
        for utterance in stranded:
            self._place(utterance)

    def _make_good(self, seat: Seat, why: WarmlineError) -> None:
        """The utterances of a process that ended go to another."""
        process, utterances = seat.process, seat.utterances
        seat.utterances = {}
        if process.beat is not None:
            self._spent_s += process.beat.cpu_s
            self._skipped += process.beat.partials_skipped
        for key, utterance in utterances.items():
            utterance.broke += key == process.under_way
            if utterance.broke >= TRIES:
                utterance.conclude(
                    UtteranceGivenUpError(f"The utterance broke {TRIES} recognition processes. The last: {why}")
                )
            elif not utterance.is_whole:
                utterance.conclude(
                    UtteranceGivenUpError(f"More than {to_s(LONGEST_KEPT):.0f} s of an utterance were lost. {why}")
                )
            else:
                utterance.tell_setback(why)
                if key == utterance.key:  # else another process hears it already
                    self._place(utterance)

    def _hear_elsewhere(self, seat: Seat) -> None:
        """Have a free process make a final as well whose own one may never end; the first that answers is believed.

        Only finals: whoever still speaks waits for nothing. Only once: what two do not end is no fault of the first.
        """
        utterance = seat.under_way
        if utterance is None or not utterance.finishing or utterance.tries > 1 or not utterance.is_whole:
            return
        free = next((other for other in self._seats if other.is_free), None)
        if free is not None and self._is_slow(seat):
            self._give(free, utterance)

    def _is_slow(self, seat: Seat) -> bool:
        """Whether a seat's process works on something that may never end."""
        return seat.process.is_slow(self._dearest_s)

    def _answer(self, seat: Seat, key: int, outcome: Hypothesis) -> None:
        """A final came; where two processes were at it and the later one made it, the first is told of as broken."""
        utterance = seat.utterances.get(key)
        if utterance is None:
            return
        for other in self._seats:
            if other is not seat and key == utterance.key and utterance in other.utterances.values():
                said = f"Recognition process {other.number} works on and on; another heard the utterance."
                utterance.tell_setback(WorkerHungError(said))
        utterance.conclude(outcome)

    def _take(self, seat: Seat, message: Message) -> None:
        """What a process says of an utterance; of one that it does not have any more, nothing."""
        match message:
            case Told(id=key, hypothesis=hypothesis):
                if utterance := seat.utterances.get(key):
                    utterance.tell(hypothesis)
            case Heard(id=key, samples=samples):
                if (utterance := seat.utterances.get(key)) and key == utterance.key:
                    utterance.note_heard(samples)
            case Settled(id=key, question=question, hypothesis=hypothesis):
                if utterance := seat.utterances.get(key):
                    utterance.tell_settled(question, hypothesis)
            case Finished(id=key, hypothesis=hypothesis):
                self._answer(seat, key, hypothesis)
            case Failed(id=key, code=code, message=text, fix=fix):
                if utterance := seat.utterances.get(key):
                    kind = CapacityError if code == CapacityError.code else ModelError
                    utterance.conclude(kind(text, fix=fix))
            case Begin() | Push() | Settle() | Finish() | Abandon() | Ready() | Refused() | Beat():
                raise WorkerProtocolError(f"Expected what a loaded process says; got {type(message).__name__}.")
            case _:
                assert_never(message)

    async def _look_after(self) -> None:
        """Kill what hangs, and give up what waits for nobody."""
        while True:
            await self._clock.sleep_until(self._clock.now_s() + CHECK_S)
            self._learn_cost()
            for seat in self._seats:
                at = seat.under_way
                # What broke a process before may be dear and nothing worse: it is not given up for that.
                seat.process.check(0.0 if at is not None and at.broke else self._dearest_s)
                self._hear_elsewhere(seat)
            overdue = self._clock.now_s() - STRANDED_S
            for utterance in [each for each in self._stranded if each.finishing and each.stranded_at < overdue]:
                utterance.conclude(UtteranceGivenUpError("No recognition process took the utterance."))

    def _learn_cost(self) -> None:
        """What a step of this engine costs here; what is known of it outlives the processes."""
        known = [seat.process.beat.dearest_s for seat in self._seats if seat.process.beat is not None]
        self._dearest_s = max(known, default=0.0) or self._dearest_s

    async def _written(self, hypothesis: Hypothesis, language: Language) -> Hypothesis:
        """The display text of a final.

        Raises:
            ModelError: it cannot be written.
        """
        if self._write is None:
            return hypothesis
        try:
            return await run_sync(self._write, hypothesis, language, limiter=self._writers)
        except WarmlineError:
            raise
        except Exception as error:
            # The boundary of the stage, as in the worker: a text that cannot be written fails its final alone.
            _log.exception("a final could not be written")
            raise ModelError(f"{self.name} broke on this utterance: {type(error).__name__}.") from error
