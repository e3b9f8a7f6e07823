"""The desk's keeper: keeps its log, its clock and the calls in step with what the desk decides.

What the desk decides is stored before anybody acts on it. After a restart the log says who waits since when and who was
offered whom; nobody is lost, and nobody is offered twice, because an open offer goes on and is not made again. Where
the log cannot be written, the decision did not happen: the desk goes back to what is stored.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, Self, TypeAlias

import anyio
from anyio.to_thread import run_sync

from routing.commands import CommandRefusedError
from routing.desk.commands import DeskCommand
from routing.desk.config import DeskConfig
from routing.desk.desk import Answer, Desk
from routing.desk.events import Logged
from routing.desk.ledger import Ledger
from routing.desk.notices import Notice
from routing.desk.snapshot import decode_logged, encode_logged, freeze, thaw
from routing.journal.desk_log import DeskLogFile
from voice.contracts.audio import CallId
from voice.contracts.errors import DeskLogError, JournalUnavailableError, WarmlineError
from voice.contracts.ports import Clock

REMEMBERED_COMMANDS: Final = 4096
"""Answers kept for repeated commands; at 20 commands a second the last three minutes."""

SNAPSHOT_EVERY: Final = 2_000
"""Events between two snapshots; folding as many takes about 50 ms when the desk is opened."""

REPORTS: Final = 1_024
"""Answers that may wait for whoever acts on them; beyond it the desk waits."""

FAR_S: Final = 3_600.0
"""How long the keeper sleeps where nothing is ever due."""

RETRY_S: Final = 1.0
"""How soon what is due is tried again where the log could not be written."""

_log = logging.getLogger(__name__)

Act: TypeAlias = Callable[[Sequence[Logged], Sequence[Notice]], Awaitable[None]]
"""Acts on what was decided and stored: tells the calls. Called for one answer after the other."""


async def act_not(_logged: Sequence[Logged], _notices: Sequence[Notice]) -> None:
    """Does nothing: for a desk that nobody listens to."""


class Keeper:
    """A desk that is kept; made by `Keeper.open`."""

    def __init__(self, config: DeskConfig, log: DeskLogFile, clock: Clock, act: Act) -> None:
        self._config = config
        self._log_file = log
        self._clock = clock
        self._act = act
        self._desk = Desk(config)
        self._zero_s = 0.0
        self._since_snapshot = 0
        self._lock = anyio.Lock()
        self._answers: OrderedDict[DeskCommand, CommandRefusedError | None] = OrderedDict()
        self._nap = anyio.CancelScope()
        self._send, self._receive = anyio.create_memory_object_stream[Answer](REPORTS)
        self._notices: dict[CallId, Notice] = {}

    @classmethod
    @asynccontextmanager
    async def open(cls, config: DeskConfig, log: DeskLogFile, clock: Clock, act: Act = act_not) -> AsyncIterator[Self]:
        """A desk for as long as the context lasts, going on where its log ends.

        Args:
            config: the set-up in force.
            log: the desk's log, open.
            clock: time.
            act: acts on what was decided, after it is stored.

        Raises:
            DeskLogError: the log cannot be read.
            JournalUnavailableError: the log cannot be read or written.
        """
        keeper = cls(config, log, clock, act)
        await keeper._restore(resumes=True)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(keeper._keep_acting, name="desk acts")
            tasks.start_soon(keeper._keep_time, name="desk time")
            try:
                yield keeper
            finally:
                tasks.cancel_scope.cancel()
                keeper._send.close()
                keeper._receive.close()

    @property
    def ledger(self) -> Ledger:
        """The state, to be read and not to be kept: it changes with the next command."""
        return self._desk.ledger

    def now_s(self) -> float:
        """Desk time."""
        return self._zero_s + self._clock.now_s()

    def notice(self, call: CallId) -> Notice | None:
        """What the caller was told last while waiting."""
        return self._notices.get(call)

    async def execute(self, command: DeskCommand) -> None:
        """Carry out a command, once however often it is repeated word for word.

        Raises:
            CommandRefusedError: it cannot be carried out; `reason` is one of `routing.desk.commands.REFUSALS`, or
                `journal.unavailable` where it could not be stored and therefore did not happen.
        """
        async with self._lock:
            if command in self._answers:
                if (refused := self._answers[command]) is not None:
                    raise refused
                return
            answer = await self._decide(lambda: self._desk.execute(command, self.now_s()))
            refusal = answer.refusal
            error = None if refusal is None else CommandRefusedError(refusal.code, refusal.message, fix=refusal.fix)
            self._answers[command] = error
            while len(self._answers) > REMEMBERED_COMMANDS:
                self._answers.popitem(last=False)
        if error is not None:
            raise error

    async def adopt(self, config: DeskConfig) -> None:
        """Put another set-up in force.

        Raises:
            CommandRefusedError: it could not be stored; the set-up before stays in force.
        """
        async with self._lock:
            before, self._config = self._config, config
            try:
                await self._decide(lambda: self._desk.adopt(config, self.now_s()))
            except CommandRefusedError:
                self._config = before
                self._desk.ledger.adopt(before)
                raise

    async def _decide(self, decide: Callable[[], Answer]) -> Answer:
        """Decide, store, and only then have it acted on; called with the lock held."""
        answer = decide()
        if answer.logged:
            try:
                # Shielded: an answer that is stored but not acted on would leave the calls behind the desk.
                with anyio.CancelScope(shield=True):
                    await self._store(answer.logged)
            except JournalUnavailableError as error:
                _log.error("desk: a decision could not be stored and did not happen (%s)", error.code)
                await self._restore(resumes=False)
                raise CommandRefusedError(error.code, str(error.args[0]), fix=error.fix) from error
        if answer.logged or answer.notices:
            await self._send.send(answer)
        self._nap.cancel()
        return answer

    async def _store(self, logged: Sequence[Logged]) -> None:
        bodies = [encode_logged(one) for one in logged]
        await run_sync(self._log_file.append, logged[0].seq, bodies)
        self._since_snapshot += len(bodies)
        if self._since_snapshot >= SNAPSHOT_EVERY:
            self._since_snapshot = 0
            try:
                # In a thread: it takes 110 ms with 5000 callers. Nothing changes meanwhile, because the lock is held.
                frozen = await run_sync(freeze, self._desk.ledger)
                await run_sync(self._log_file.keep_snapshot, self._desk.ledger.next_seq, frozen)
            except JournalUnavailableError as error:  # the events are stored; starting merely takes longer
                _log.warning("desk: no snapshot (%s)", error.code)

    async def _restore(self, *, resumes: bool) -> None:
        """Take the state from the log."""
        try:
            ledger = await run_sync(partial(restore, self._log_file, self._config))
        except JournalUnavailableError:
            if resumes:
                raise
            # What cannot be read now stays as it was thought to be; the next store says whether it fits.
            _log.error("desk: the log can neither be written nor read")
            return
        if resumes:
            # Never earlier than what is stored, whatever became of the machine's clock.
            started_at = max(self._clock.utc_now().timestamp(), ledger.now)
            self._zero_s = started_at - self._clock.now_s()
        self._desk = Desk(self._config, ledger)
        if resumes:
            answers = [self._desk.resume(self.now_s())] if ledger.next_seq else []
            answers.append(self._desk.adopt(self._config, self.now_s()))
            for answer in answers:
                if answer.logged:
                    await self._store(answer.logged)
                if answer.logged or answer.notices:
                    self._send.send_nowait(answer)

    async def _keep_time(self) -> None:
        """See to what comes due."""
        while True:
            due = self._desk.next_due
            moment_s = self._clock.now_s() + FAR_S if due is None else due - self._zero_s
            with anyio.CancelScope() as self._nap:
                await self._clock.sleep_until(moment_s)
            try:
                async with self._lock:
                    if (due := self._desk.next_due) is not None and due <= self.now_s():
                        await self._decide(lambda: self._desk.advance(self.now_s()))
            except CommandRefusedError:
                await self._clock.sleep_until(self._clock.now_s() + RETRY_S)

    async def _keep_acting(self) -> None:
        async for answer in self._receive:
            for notice in answer.notices:
                if notice.call in self._desk.ledger.contacts:
                    self._notices[notice.call] = notice
            if len(self._notices) > 2 * len(self._desk.ledger.contacts) + 64:
                self._notices = {
                    call: notice for call, notice in self._notices.items() if call in self._desk.ledger.contacts
                }
            try:
                await self._act(answer.logged, answer.notices)
            except Exception as error:  # a boundary: one call's trouble is not the desk's
                code = error.code if isinstance(error, WarmlineError) else type(error).__name__
                _log.error("desk: a decision could not be passed on (%s)", code)


def restore(log: DeskLogFile, config: DeskConfig) -> Ledger:
    """The state that a log tells of: the newest snapshot, where it can be read, and what came after it.

    Raises:
        DeskLogError: an event cannot be read or does not follow on the one before.
        JournalUnavailableError: the storage cannot be read.
    """
    ledger = Ledger(config)
    frozen = log.snapshot()
    if frozen is not None:
        try:
            ledger = thaw(frozen, config)
        except DeskLogError as error:
            _log.warning("desk: the snapshot cannot be used, the whole log is read (%s)", error.code)
    for body in log.read(ledger.next_seq):
        logged = decode_logged(body)
        if logged.seq != ledger.next_seq:
            raise DeskLogError(f"Seq {ledger.next_seq} of the desk's log is missing; got {logged.seq}.")
        try:
            ledger.apply(logged)
        except LookupError as error:
            raise DeskLogError(f"Desk event {logged.seq} ({logged.event.TYPE}) cannot follow.") from error
    return ledger
