"""Between the calls and the desk: who shall be served by a human enters the queue, and the call hears how it goes.

Calls are followed through the journal, as every other reader of them does, so that nothing here holds a live call. The
desk's decisions arrive stored; they are written into the calls' logs, and into the audit log.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from asr.types import Language
from routing.audit_trail import AuditTrail
from routing.commands import CommandRefusedError
from routing.desk.commands import (
    DeskCommand,
    EnterQueue,
    LeaveQueue,
    NoteAddress,
    Reprioritize,
    RequestCallback,
    Reroute,
)
from routing.desk.events import CallbackAnswered, ContactLeft, ContactQueued, ContactTaken, ContactTurnedAway, Logged
from routing.desk.keeper import Keeper
from routing.desk.notices import Notice
from routing.desk.terms import ContactKind, ContactState, Departure, QueueId
from routing.events import CallAttribute, CallEnded, CallStarted, DtmfReceived, EntityFound, Stamped
from routing.handover import Handover, HandoverEvent, follow, report
from routing.journal.ports import Journal
from routing.service_events import (
    AnnouncementMade,
    DecisionMade,
    HandoverAccepted,
    HandoverBridged,
    HandoverFailed,
    HandoverOffered,
    HandoverRequested,
    PriorityChanged,
    RouteDecided,
)
from routing.teller import Teller
from routing.terms import Channel, RouteTarget, Wording
from routing.transfer_events import TransferFailed, TransferRequested
from routing.understanding.named_values import EntityKind
from voice.contracts.audio import CallId
from voice.contracts.errors import JournalUnavailableError, SlowFollowerError, UnknownCallError, WarmlineError
from voice.contracts.ports import Clock

RETRY_S: Final = 1.0
ATTEMPTS: Final = 30
"""How often a command is tried again that could not be stored: half a minute."""

CALLBACK_KEY: Final = "*"
"""The key by which whoever is offered a callback takes it, as the announcement says."""

UNKNOWN_REASON: Final = Wording("需要人工服务", "A person is needed")
PASSED_ON_REASON: Final = Wording("坐席转接通话", "An agent passes the caller on")
CALLBACK_REASON: Final = Wording("来电者预约的回电", "The caller asked to be called back")
TAKEN_REASON: Final = Wording("主管接管通话", "A supervisor takes the call over")

_log = logging.getLogger(__name__)

WriteStep: TypeAlias = Callable[[CallId, HandoverEvent], Awaitable[None]]
"""Writes a step of a hand-over into the log of a live call; raises `UnknownCallError` where there is none."""


@dataclass(slots=True)
class _Known:
    """What has to be known of a call that goes on."""

    started: CallStarted
    address: str | None = None
    """Where the caller could be called back."""

    priority: int = 0
    route: RouteDecided | None = None
    handover: Handover | None = None
    requested: int = 0
    passed_on: bool = False
    """Whoever served has passed the caller on, and nobody serves them since."""

    announcements: dict[str, Wording] = field(default_factory=dict)
    """What the policy wants announced and nobody has yet, by rule."""

    @property
    def language(self) -> Language:
        """What the caller speaks."""
        return self.started.language


Reaches: TypeAlias = Callable[[str, tuple[CallAttribute, ...]], bool]
"""Whether an address (`tel:`, `sip:`) may be called, for a call that came with these attributes."""


def reach_nobody(_address: str, _attributes: tuple[CallAttribute, ...]) -> bool:
    """Nobody may be called."""
    return False


class Reception:
    """Joins calls and desk.

    Args:
        journal: the calls' events.
        write: writes steps of hand-overs into live calls' logs.
        clock: paces the retries.
        trail: the audit log; None for none.
        teller: tells the callers; None to leave them in silence.
        reaches: whether an address may be called from here, for a call with these attributes.
    """

    def __init__(
        self,
        journal: Journal,
        write: WriteStep,
        clock: Clock,
        trail: AuditTrail | None = None,
        teller: Teller | None = None,
        reaches: Reaches = reach_nobody,
    ) -> None:
        self._reaches = reaches
        self._journal = journal
        self._write = write
        self._clock = clock
        self._trail = trail
        self._teller = teller
        self._known: dict[CallId, _Known] = {}
        self._seqs: dict[CallId, int] = {}
        self._tickets: dict[CallId, str] = {}

    async def act(self, logged: Sequence[Logged], notices: Sequence[Notice]) -> None:
        """Pass on what the desk decided; see `routing.desk.keeper.Act`."""
        if self._trail is not None:
            await self._trail.note_desk(logged)
        for one in logged:
            event = one.event
            if isinstance(event, ContactQueued | ContactTurnedAway):
                self._tickets[event.call] = event.ticket
                known = self._known.get(event.call)
                await self._tell(event.call, HandoverRequested(event.ticket, _reason(known)))
            call: CallId | None = getattr(event, "call", None)
            if call is not None and call in self._tickets:
                step = report(event, self._tickets[call])
                if step is not None:
                    await self._tell(call, step)
                if isinstance(event, ContactLeft | ContactTurnedAway):
                    del self._tickets[call]
                if isinstance(event, ContactTaken):
                    await self._tell_taken(event, one.seq)
            if isinstance(event, CallbackAnswered):
                await self._note_called_back(event)
        for notice in notices:
            known = self._known.get(notice.call)
            if self._teller is not None and known is not None:
                self._teller.tell_notice(known.language, notice)

    async def _tell_taken(self, event: ContactTaken, seq: int) -> None:
        """A take-over is a hand-over of its own, with every step at once: whoever took the caller is on the line."""
        ticket = self._tickets[event.call] = f"{event.call}.t{seq}"
        known = self._known.get(event.call)
        passed_on = known is not None and known.passed_on
        await self._tell(event.call, HandoverRequested(ticket, PASSED_ON_REASON if passed_on else TAKEN_REASON))
        for step in (HandoverOffered, HandoverAccepted, HandoverBridged):
            await self._tell(event.call, step(ticket, event.agent))

    async def _note_called_back(self, event: CallbackAnswered) -> None:
        """The call that reached the caller says who it is for; who calls is told by whoever called."""
        self._tickets.pop(event.call, None)
        ticket = self._tickets[event.by] = event.ticket
        steps = HandoverOffered(ticket, event.agent), HandoverAccepted(ticket, event.agent)
        for step in (HandoverRequested(ticket, CALLBACK_REASON), *steps):
            await self._note_step(event.by, step)

    async def run(self, keeper: Keeper) -> None:
        """Follow the calls until cancelled; calls that went on without the desk are caught up with first."""
        self._tickets |= {call: contact.ticket for call, contact in keeper.ledger.contacts.items()}
        while True:
            try:
                async with self._journal.watch() as events:
                    await self._catch_up(keeper)
                    async for stamped in events:
                        if stamped.seq > self._seqs.get(stamped.call, -1):
                            await self._take(stamped, keeper)
            except SlowFollowerError:
                _log.warning("reception: behind the journal, reading on from it")
            except JournalUnavailableError as error:
                _log.error("reception: the journal cannot be read (%s)", error.code)
                await self._clock.sleep_until(self._clock.now_s() + RETRY_S)

    async def _catch_up(self, keeper: Keeper) -> None:
        """Bring the desk to where the calls are: who waits for a human, and who is gone."""
        going_on = set(await self._journal.unfinished())
        for call in list(keeper.ledger.contacts):
            if call not in going_on:
                await self._ask(keeper, LeaveQueue(f"{call}-ended", call))
        for call in sorted(going_on):
            for stamped in await self._journal.read(call, after=self._seqs.get(call, -1)):
                self._note(stamped)
            self._announce(call)
            known = self._known.get(call)
            if known is None or known.route is None or known.route.target is not RouteTarget.HUMAN:
                continue
            if call in keeper.ledger.contacts:
                await self._ask(keeper, Reprioritize(f"{call}-{known.priority}-again", call, known.priority))
            elif known.handover is None or known.handover.open:
                await self._enter(call, known, keeper)

    async def _take(self, stamped: Stamped, keeper: Keeper) -> None:
        before = self._known.get(stamped.call)
        waited = before is not None and before.route is not None and before.route.target is RouteTarget.HUMAN
        self._note(stamped)
        self._announce(stamped.call)
        call, known = stamped.call, self._known.get(stamped.call)
        match stamped.event:
            case RouteDecided(target=RouteTarget.HUMAN) if (
                known is not None and not waited and call not in keeper.ledger.contacts
            ):
                await self._enter(call, known, keeper)
            case RouteDecided(target=RouteTarget.HUMAN, queue=queue, skills=skills) if call in keeper.ledger.contacts:
                wanted = None if queue is None else QueueId(queue)
                await self._ask(keeper, Reroute(f"{call}-{stamped.seq}", call, wanted, skills))
            case RouteDecided(target=RouteTarget.AI) if waited and call in keeper.ledger.contacts:
                await self._ask(keeper, LeaveQueue(f"{call}-{stamped.seq}", call, Departure.WITHDRAWN))
            case DtmfReceived(digit=digit) if digit == CALLBACK_KEY:
                await self._want_callback(stamped, keeper)
            case EntityFound(kind=EntityKind.PHONE) if known is not None:
                await self._note_address(stamped, known, keeper)
            case PriorityChanged(current=current) if call in keeper.ledger.contacts:
                await self._ask(keeper, Reprioritize(f"{call}-{stamped.seq}", call, current))
            case CallEnded():
                if call in keeper.ledger.contacts:
                    await self._ask(keeper, LeaveQueue(f"{call}-{stamped.seq}", call))
                self._known.pop(call, None)
                self._seqs.pop(call, None)
            case _:
                pass

    async def _want_callback(self, stamped: Stamped, keeper: Keeper) -> None:
        """Whoever was offered a callback wants it."""
        call, contact = stamped.call, keeper.ledger.contacts.get(stamped.call)
        if contact is None or not contact.told_callback or contact.address is None:
            return
        if contact.state is ContactState.WAITING and contact.kind is ContactKind.LIVE:
            await self._ask(keeper, RequestCallback(f"{call}-{stamped.seq}", call, contact.address))

    async def _note_address(self, stamped: Stamped, known: _Known, keeper: Keeper) -> None:
        """The caller has said a number: who could not be called back before may be called there."""
        call, contact = stamped.call, keeper.ledger.contacts.get(stamped.call)
        if known.address is not None and contact is not None and contact.address is None:
            await self._ask(keeper, NoteAddress(f"{call}-{stamped.seq}", call, known.address))

    def _can_call(self, known: _Known, address: str) -> str | None:
        return address if self._reaches(address, known.started.attributes) else None

    def _note(self, stamped: Stamped) -> None:
        event = stamped.event
        if isinstance(event, CallStarted):
            self._known[stamped.call] = _Known(event)
        known = self._known.get(stamped.call)
        if known is None:
            return
        self._seqs[stamped.call] = stamped.seq
        match event:
            case CallStarted() as started if (own := address_of(started)) is not None:
                known.address = self._can_call(known, own)
            case EntityFound(kind=EntityKind.PHONE, value=number) if known.address is None:
                known.address = self._can_call(known, f"tel:{number}")
            case DecisionMade(announce=Wording() as text, announced_by=str(rule)):
                known.announcements[rule] = text
            case AnnouncementMade(rule=rule):
                known.announcements.pop(rule, None)
            case PriorityChanged(current=current):
                known.priority = current
            case RouteDecided() as route:
                known.route = route
            case (
                HandoverRequested() | HandoverOffered() | HandoverAccepted() | HandoverBridged() | HandoverFailed()
            ) as step:
                known.handover = follow(known.handover, step)
                known.requested += isinstance(step, HandoverRequested)
                known.passed_on = known.passed_on and not isinstance(step, HandoverBridged)
            case TransferRequested() | TransferFailed() as passing:
                known.passed_on = isinstance(passing, TransferRequested)
            case _:
                pass

    def _announce(self, call: CallId) -> None:
        """Have the caller told what the policy announces, each once."""
        known = self._known.get(call)
        if self._teller is None or known is None or not known.announcements:
            return
        for rule, text in known.announcements.items():
            self._teller.announce(call, known.language, rule, text)
        known.announcements.clear()

    async def _enter(self, call: CallId, known: _Known, keeper: Keeper) -> None:
        ticket = f"{call}.h{known.requested + 1}"
        enter = EnterQueue(ticket, call, ticket, known.language, priority=known.priority, address=known.address)
        route = known.route
        if route is not None and (route.queue is not None or route.skills):
            wanted = None if route.queue is None else QueueId(route.queue)
            if await self._ask(keeper, replace(enter, queue=wanted, skills=route.skills)):
                return
            # The desk's file was changed since: better somebody in the default queue than nobody at all.
        await self._ask(keeper, enter)

    async def _ask(self, keeper: Keeper, command: DeskCommand) -> bool:
        """Whether the desk carried the command out."""
        for _ in range(ATTEMPTS):
            try:
                await keeper.execute(command)
            except CommandRefusedError as refused:
                if refused.reason != JournalUnavailableError.code:
                    _log.error("reception: the desk refused %s (%s)", type(command).__name__, refused.reason)
                    return False
                await self._clock.sleep_until(self._clock.now_s() + RETRY_S)
            else:
                return True
        return False

    async def _tell(self, call: CallId, step: HandoverEvent) -> None:
        noted = await self._note_step(call, step)
        if noted and self._teller is not None and (known := self._known.get(call)) is not None:
            self._teller.tell_step(call, known.language, step)

    async def _note_step(self, call: CallId, step: HandoverEvent) -> bool:
        """Whether the step stands in the call's log."""
        try:
            await self._write(call, step)
        except UnknownCallError:  # over meanwhile: its log says so itself
            _log.debug("call %s is over; %s is not written", call, step.TYPE)
        except WarmlineError as error:
            _log.error("call %s: %s cannot be written (%s)", call, step.TYPE, error.code)
        else:
            return True
        return False


def _reason(known: _Known | None) -> Wording:
    """Why a human is asked for."""
    if known is not None and known.passed_on:
        return PASSED_ON_REASON
    return UNKNOWN_REASON if known is None or known.route is None else known.route.reason


def address_of(started: CallStarted) -> str | None:
    """Where a caller could be called back by what their call says of itself; None where that is nowhere.

    Only the telephone network says who calls; on a web page people are called what they like.
    """
    caller = started.caller
    if started.channel not in (Channel.SIP, Channel.STREAM):
        return None
    if caller.startswith(("sip:", "sips:", "tel:")):
        return caller
    digits = caller.removeprefix("+")
    return f"tel:{caller}" if digits.isascii() and digits.isdigit() else None
