"""Who wants to be called back is: an agent accepts them at the desk, then their telephone rings.

What becomes of it is the desk's to decide and to store: this calls, and tells it how that went. Each wish and each
attempt stands in the log of the call that asked for it, live or over; the call that reaches them has a log of its own.

While it rings nothing is lost by a restart: the desk still has the caller, who goes back to their place, and the agent
is offered them, or somebody else is.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, Protocol, TypeAlias

import anyio
from anyio.abc import TaskGroup

from asr.types import Language
from routing.callback_events import (
    CallbackAnswered,
    CallbackDialled,
    CallbackEvent,
    CallbackFailed,
    CallbackRequested,
)
from routing.callback_log import CallbackLog
from routing.commands import CommandRefusedError
from routing.desk import events as desk
from routing.desk.commands import AnswerCallback, DeskCommand, FailBridge, LeaveQueue, MissCallback
from routing.desk.config import CallbackTerms
from routing.desk.keeper import Keeper
from routing.desk.records import ContactRecord
from routing.desk.terms import AgentId, ContactKind, ContactState
from routing.dialing import DialError, Wanted
from routing.events import CallAttribute, CallEnded, CallStarted
from routing.journal.ports import Journal
from routing.terms import HandoverFailure, TransferFailure
from voice.contracts.audio import CallId
from voice.contracts.errors import WarmlineError

ASKED_BY: Final = "callback.of"
"""The attribute of a call that we made, with the call that asked for it."""

ATTEMPT: Final = "callback.attempt"
"""Which attempt it was, from 1."""

GRACE_S: Final = 2.0
"""How much later than asked for the line may give up by itself, before it is made to."""

_log = logging.getLogger(__name__)

Greet: TypeAlias = Callable[[CallId, Language], None]
"""Has whoever was called back told who calls, and why."""


class Board(Protocol):
    """The calls, as seen from here; see `Switchboard`."""

    def reaches(self, uri: str, attributes: tuple[CallAttribute, ...]) -> bool:
        """Whether somebody may be called from here, for a call with these attributes."""
        ...

    def is_live(self, call: CallId) -> bool:
        """Whether a call goes on."""
        ...

    async def hand_over(self, call: CallId, step: CallbackEvent) -> None:
        """Write into the log of a live call; raises `UnknownCallError` where there is none."""
        ...

    async def call_back(self, wanted: Wanted) -> CallId:
        """Call somebody and begin the call when they answer."""
        ...

    def hang_up(self, call: CallId) -> None:
        """End a call that we made."""
        ...


class Callbacks:
    """Calls back.

    Args:
        journal: what is known of those who asked.
        board: makes the calls.
        greet: tells who calls.
        log: where it is written down.
    """

    def __init__(self, journal: Journal, board: Board, greet: Greet, log: CallbackLog) -> None:
        self._journal = journal
        self._board = board
        self._greet = greet
        self._write = log.write
        self._keeper: Keeper | None = None
        self._tasks: TaskGroup | None = None
        self._dialling: dict[CallId, tuple[AgentId, anyio.CancelScope]] = {}
        self._missed: dict[CallId, desk.CallbackMissed] = {}

    @asynccontextmanager
    async def calling(self, keeper: Keeper) -> AsyncIterator[None]:
        """Call back for as long as the context lasts; on leaving, what rings is given up.

        Whoever was being called when the process before ended goes back to their place first.
        """
        self._keeper = keeper
        for contact in list(keeper.ledger.contacts.values()):
            if _is_called(contact) and contact.agent is not None:
                await self._ask(FailBridge(_key(), contact.call, contact.agent, HandoverFailure.TECHNICAL))
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            try:
                yield
            finally:
                self._tasks = None
                tasks.cancel_scope.cancel()

    async def act(self, logged: Sequence[desk.Logged]) -> None:
        """Do what follows from what the desk decided and stored."""
        for one in logged:
            match one.event:
                case desk.CallbackRequested(call=call, address=address):
                    await self._write(call, CallbackRequested(address))
                case desk.OfferAccepted(call=call, agent=agent):
                    self._begin(call, agent)
                case desk.CallbackMissed(call=call) as missed:
                    self._missed[call] = missed
                case desk.CallbackAnswered(call=call, agent=agent, by=by):
                    await self._write(call, CallbackAnswered(agent, by))
                case desk.ContactSlept(call=call):
                    await self._failed(call, given_up=False)
                case desk.ContactLeft(call=call):
                    await self._failed(call, given_up=True)
                case desk.ContactReturned(call=call) | desk.ContactTaken(call=call):
                    await self._withdraw(call)
                case _:
                    pass

    def _begin(self, call: CallId, agent: AgentId) -> None:
        if self._keeper is None or self._tasks is None:
            return
        contact = self._keeper.ledger.contacts.get(call)
        # Whoever has not hung up yet is joined where they are; a decision that is past is nobody's to act on.
        if contact is None or contact.agent != agent or not _is_called(contact) or self._board.is_live(call):
            return
        if call not in self._dialling:
            terms = self._keeper.ledger.queue_of(contact).callback or CallbackTerms()
            scope = anyio.CancelScope()
            self._dialling[call] = agent, scope
            self._tasks.start_soon(self._dial, contact, agent, terms.ring_s, scope, name=f"{call} callback")

    async def _failed(self, call: CallId, *, given_up: bool) -> None:
        missed = self._missed.pop(call, None)
        if missed is None:
            await self._withdraw(call, given_up=given_up)
        elif self._dialling.pop(call, None) is not None:
            await self._write(call, CallbackFailed(missed.agent, missed.code, given_up))

    async def _withdraw(self, call: CallId, *, given_up: bool = False) -> None:
        """The agent is gone, or the caller needs none any more: call no longer."""
        if (dialling := self._dialling.pop(call, None)) is not None:
            agent, scope = dialling
            scope.cancel()
            await self._write(call, CallbackFailed(agent, TransferFailure.WITHDRAWN, given_up))

    async def _dial(self, contact: ContactRecord, agent: AgentId, ring_s: float, scope: anyio.CancelScope) -> None:
        """One attempt: who is asked for has answered in the end, or the desk knows why not."""
        call = contact.call
        with scope:
            attempt = contact.attempts + 1
            await self._write(call, CallbackDialled(agent, attempt))
            code = TransferFailure.NO_ANSWER
            try:
                wanted = await self._wanted(contact, agent, attempt, ring_s)
                with anyio.move_on_after(ring_s + GRACE_S):
                    by = await self._board.call_back(wanted)
                    with anyio.CancelScope(shield=True):  # they are on the line: the desk has to know
                        await self._connect(contact, agent, by)
                    return
            except DialError as error:
                code = error.failure
            except CommandRefusedError as refused:
                _log.warning("call %s: nobody could be called back (%s)", call, refused.reason)
                await self._ask(FailBridge(_key(), call, agent, HandoverFailure.TECHNICAL))
                return
            except Exception as error:  # the boundary of a leg: whatever the network does, the desk goes on
                why = error.code if isinstance(error, WarmlineError) else type(error).__name__
                _log.error("call %s: the callback broke (%s)", call, why)
                code = TransferFailure.TECHNICAL
            await self._ask(MissCallback(_key(), call, agent, code))

    async def _connect(self, contact: ContactRecord, agent: AgentId, by: CallId) -> None:
        call, language = contact.call, contact.language
        self._dialling.pop(call, None)
        if not await self._ask(AnswerCallback(_key(), call, agent, by, f"{by}.c1")):
            self._board.hang_up(by)  # the agent was gone that moment; the place is kept
            return
        self._greet(by, language)
        # Who hung up before the desk knew them by this call is not there when its end is read.
        if any(isinstance(one.event, CallEnded) for one in await self._journal.read(by)):
            await self._ask(LeaveQueue(_key(), by))

    async def _wanted(self, contact: ContactRecord, agent: AgentId, attempt: int, ring_s: float) -> Wanted:
        """Whom to call: as their own call had it.

        Raises:
            UnknownCallError: nothing is known of that call any more.
            JournalUnavailableError: the journal cannot be read.
        """
        first = (await self._journal.read(contact.call, limit=1))[0].event
        address = contact.address or ""
        about = [CallAttribute(ASKED_BY, contact.call), CallAttribute(ATTEMPT, str(attempt))]
        called = ""
        if isinstance(first, CallStarted):
            called = first.called
            about = [one for one in first.attributes if one.name not in (ASKED_BY, ATTEMPT)] + about
        # As their own calls name them: they are known again by it.
        caller = address.removeprefix("tel:")
        return Wanted(contact.call, agent, address, caller, called, contact.language, tuple(about), ring_s)

    async def _ask(self, command: DeskCommand) -> bool:
        """Whether the desk carried it out; what it cannot store runs out by itself."""
        if self._keeper is None:
            return False
        try:
            await self._keeper.execute(command)
        except CommandRefusedError as refused:
            _log.info("callbacks: the desk refused %s (%s)", type(command).__name__, refused.reason)
            return False
        return True


def _is_called(contact: ContactRecord) -> bool:
    return contact.kind is ContactKind.CALLBACK and contact.state is ContactState.CONNECTING


def _key() -> str:
    return secrets.token_hex(16)
