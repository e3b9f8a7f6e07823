"""The composition root's part for the desk: its files, its keeper, and what joins it with the calls."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, tzinfo
from functools import partial
from pathlib import Path
from typing import Final

import anyio
from anyio.to_thread import run_sync

from agent_console.audit_cli import AUDIT_LOG
from agent_console.deps import DeskSide
from routing.audit_trail import AuditTrail
from routing.callback_log import CallbackLog
from routing.callbacks import Board, Callbacks
from routing.commands import CommandRefusedError
from routing.desk.config import DeskConfig
from routing.desk.events import Logged
from routing.desk.file import DEFAULT_DESK, load_desk
from routing.desk.keeper import Keeper
from routing.desk.notices import Notice
from routing.journal.audit_log import AuditLogFile
from routing.journal.desk_log import DeskLogFile
from routing.journal.ports import Journal
from routing.kept_file import KeptFile
from routing.reception import Reception, WriteStep, reach_nobody
from routing.teller import Announce, Note, Teller, find_none, note_nothing
from routing.telling import Tellings
from voice.contracts.ports import Clock
from voice.speech.prompts import Prompts
from voice.speech.recorded import Recorded

DESK_LOG: Final = "desk.db"
"""The desk's log in the data folder."""

FILE_EVERY_S: Final = 1.0
"""How often the desk's file is looked at for a change."""

_log = logging.getLogger(__name__)


@asynccontextmanager
async def open_desk(
    data: Path,
    file: Path | None,
    journal: Journal,
    write: WriteStep,
    announce: Announce,
    clock: Clock,
    *,
    zone: tzinfo = UTC,
    announcements: Path | None = None,
    note: Note = note_nothing,
    board: Board | None = None,
) -> AsyncIterator[DeskSide]:
    """The desk, joined with the calls, for as long as the context lasts.

    Args:
        data: the data folder.
        file: the desk's file; None for the one that ships.
        journal: the calls' events.
        write: writes a hand-over's steps into live calls' logs.
        announce: plays to callers what they are told of it.
        clock: time.
        announcements: folder of what the installer recorded for the policy's announcements; None for none.
        note: writes into live calls' logs what was announced.
        board: calls callers back; None where nobody can be called, and no callback is offered.
        zone: where the business is; opening hours that name no zone of their own are meant by its clocks.

    Raises:
        DeskConfigError: the desk's file is not valid.
        DeskLogError: the desk's log cannot be read.
        AuditError: the audit log cannot be read.
        JournalUnavailableError: a log cannot be opened.
        PromptError: the clips that tell callers are missing or altered.
    """
    kept = KeptFile(file or DEFAULT_DESK, partial(load_desk, zone=zone))
    config = await run_sync(lambda: kept.current)
    tellings, prompts = await run_sync(Tellings.load), await run_sync(Prompts.load)
    async with AsyncExitStack() as stack:
        log = stack.enter_context(DeskLogFile(data / DESK_LOG))
        audit = stack.enter_context(AuditLogFile(data / AUDIT_LOG))
        trail = await stack.enter_async_context(AuditTrail.open(audit, journal, clock))
        find = find_none if announcements is None else Recorded(announcements).load
        teller = await stack.enter_async_context(Teller.open(tellings, prompts.say, announce, find, note))
        reaches = reach_nobody if board is None else board.reaches
        reception = Reception(journal, write, clock, trail, teller, reaches)
        callbacks: Callbacks | None = None
        if board is not None:
            written = await stack.enter_async_context(CallbackLog.open(journal, board.hand_over))
            callbacks = Callbacks(journal, board, teller.tell_callback, written)

        async def act(logged: Sequence[Logged], notices: Sequence[Notice]) -> None:
            await reception.act(logged, notices)
            if callbacks is not None:
                await callbacks.act(logged)

        keeper = await stack.enter_async_context(Keeper.open(config, log, clock, act))
        if callbacks is not None:
            await stack.enter_async_context(callbacks.calling(keeper))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(reception.run, keeper, name="reception")
            tasks.start_soon(follow_desk_file, kept, keeper, clock, name="desk file")
            try:
                yield DeskSide(keeper, trail, lambda address: reaches(address, ()))
            finally:
                tasks.cancel_scope.cancel()


async def follow_desk_file(file: KeptFile[DeskConfig], keeper: Keeper, clock: Clock) -> None:
    """Put a changed desk file in force; a broken one leaves the old set-up where it is."""
    adopted = file.current.version
    while True:
        await clock.sleep_until(clock.now_s() + FILE_EVERY_S)
        if error := await run_sync(file.refresh):
            _log.error("desk file not taken over, version %s stays in force: %s", adopted, error)
        if file.current.version != adopted:
            try:
                await keeper.adopt(file.current)
            except CommandRefusedError as refused:
                _log.error("desk file not taken over yet (%s)", refused.reason)
                continue
            _log.info("desk version %s is in force, before it %s", file.current.version, adopted)
            adopted = file.current.version
