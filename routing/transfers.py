"""Passing the caller of one call on: consultations, and transfers to agents, queues and people outside.

Whoever serves stays on the call, and its agent at the desk, until the other one has the caller; what fails leaves the
caller with them. Only a queue takes the caller at once.
"""

from __future__ import annotations

import logging
import secrets
from typing import Final, NoReturn, assert_never

import anyio
from anyio.abc import TaskGroup

from routing.commands import (
    CommandRefusedError,
    Consult,
    EndConsult,
    LegMode,
    TransferAct,
    TransferCall,
    WithdrawTransfer,
)
from routing.dialing import Dialer, DialError
from routing.early_sound import let_hear
from routing.seat import Seat
from routing.seats import Seats
from routing.terms import CallEndReason, ConsultEnd, HandoverFailure, TargetKind, TransferFailure, TransferKind
from routing.transfer_events import (
    ConsultAnswered,
    ConsultAwaited,
    ConsultEnded,
    ConsultStarted,
    TransferAccepted,
    TransferCompleted,
    TransferEvent,
    TransferFailed,
    TransferRequested,
    TransferTarget,
)
from routing.transferring import Transferring, follow
from voice.contracts.errors import WarmlineError
from voice.contracts.ports import CallLeg

INVITATION_S: Final = 30.0
"""How long an agent who is asked may take to be on the line; as long as an offer stands by default, and to connect."""

KEPT_S: Final = 30.0
"""For how long at once the desk keeps an agent who is asked; said again after half of it, as long as it lasts."""

DIAL_S: Final = 90.0
"""How long whoever is called outside may take to answer, whatever the network says."""

_log = logging.getLogger(__name__)


class Transfers:
    """Consultation and transfer on one call.

    Args:
        seats: the legs on the call.
        caller: the caller's leg.
        dialer: the way to people outside.
    """

    def __init__(self, seats: Seats, caller: CallLeg, dialer: Dialer) -> None:
        self._seats = seats
        self._caller = caller
        self._dialer = dialer
        self._state = Transferring()
        self._asked: Seat | None = None
        self._asking = anyio.CancelScope()
        self._keeping = anyio.CancelScope()
        self._deciding = anyio.Lock()

    async def act(self, act: TransferAct) -> None:
        """Do what is asked.

        Raises:
            CommandRefusedError: `call.state`, `call.not_yours`, `transfer.target`, or the desk's reason.
        """
        tasks = self._seats.demand_open()
        async with self._deciding:
            match act:
                case Consult(who=who, target=target):
                    await self._consult(who, target, tasks)
                case EndConsult(who=who):
                    self._end_consult(who)
                case TransferCall(kind=TransferKind.ATTENDED):
                    await self._hand_to_expert(act.who, act.target)
                case TransferCall(who=who, target=target):
                    await self._pass_on(who, target, tasks)
                case WithdrawTransfer(who=who):
                    self._withdraw(who)
                case _:
                    assert_never(act)

    def invites(self, who: str, mode: LegMode) -> bool:
        """Whether an agent is asked to join so: to be consulted, or to serve a caller who is passed on to them."""
        consult, transfer = self._state.consult, self._state.transfer
        about = {LegMode.CONSULT: consult, LegMode.SERVE: transfer}.get(mode)
        if about is None or self._asked is not None:
            return False
        return about.target == TransferTarget(TargetKind.AGENT, who)

    def expect(self, seat: Seat) -> None:
        """An agent who was asked joins with this seat."""
        self._asked = seat

    def expect_no_more(self, seat: Seat) -> None:
        """They could not join; nothing happens where it is not they who were expected."""
        if self._asked is seat:
            self._asked = None

    async def welcome(self, seat: Seat, /) -> None:
        """See `Consulted`."""
        async with self._deciding:
            if seat is not self._asked or seat.gone.is_set():
                return
            self._asking.cancel()
            if self._state.transfer is not None:
                try:
                    await self._promote(seat)
                except CommandRefusedError as refused:
                    _log.info("call %s: a transfer came too late (%s)", self._seats.call.id, refused.reason)
            elif self._state.consult is not None:
                self._note(ConsultAnswered(self._state.consult.consult))

    def miss(self, seat: Seat, /) -> None:
        """See `Consulted`."""
        if seat is not self._asked:
            return
        consult = self._state.consult
        if consult is None or not self._state.answered:
            self._fail(TransferFailure.TECHNICAL, ConsultEnd.TECHNICAL)
        elif seat.outside or seat.failure is HandoverFailure.DECLINED or self._seats.grace_s <= 0:
            self._fail(TransferFailure.TECHNICAL, ConsultEnd.LEFT)
        else:
            self._await_return(consult)

    def abandon(self) -> None:
        """See `Consulted`."""
        self._fail(TransferFailure.WITHDRAWN, ConsultEnd.ABANDONED)

    async def _consult(self, who: str, target: TransferTarget, tasks: TaskGroup) -> None:
        self._seats.demand_say(who)
        self._demand_idle()
        if target.kind is TargetKind.QUEUE:
            raise CommandRefusedError("transfer.target", "A queue cannot be consulted.", fix="Name an agent, or a uri.")
        await self._check(who, target)
        self._seats.hold(who, held=True)
        self._note(ConsultStarted(_name(), who, target))
        self._ask(target, tasks)

    def _end_consult(self, who: str) -> None:
        consult = self._state.consult
        if consult is None:
            raise CommandRefusedError("call.state", "Nobody is consulted on this call.")
        if who == consult.by:
            self._fail(TransferFailure.WITHDRAWN, ConsultEnd.RETURNED)
            self._seats.hold(who, held=False)
        elif consult.target == TransferTarget(TargetKind.AGENT, who):
            came = self._state.answered or self._state.awaited
            self._fail(TransferFailure.DECLINED, ConsultEnd.LEFT if came else ConsultEnd.DECLINED)
        else:
            raise CommandRefusedError("call.not_yours", "Somebody else is consulted on this call.")

    async def _hand_to_expert(self, who: str, target: TransferTarget | None) -> None:
        self._seats.demand_say(who)
        consult, expert = self._state.consult, self._asked
        if consult is None or expert is None or not self._state.answered:
            raise CommandRefusedError("call.state", "Nobody is consulted on this call.", fix="Consult them first.")
        if target not in (None, consult.target):
            raise CommandRefusedError("call.state", "Somebody else is consulted.", fix="Leave the target out.")
        self._note(TransferRequested(_name(), who, TransferKind.ATTENDED, consult.target))
        await self._promote(expert)

    async def _pass_on(self, who: str, target: TransferTarget | None, tasks: TaskGroup) -> None:
        self._seats.demand_say(who)
        self._demand_idle()
        if target is None:
            raise CommandRefusedError("transfer.target", "A blind transfer needs a target.")
        await self._check(who, target)
        requested = TransferRequested(_name(), who, TransferKind.BLIND, target)
        self._note(requested)
        self._seats.hold(who, held=True)
        if target.kind is TargetKind.QUEUE:
            await self._requeue(requested)
        elif target.kind is TargetKind.URI and self._dialer.refers(self._caller):
            self._asked, self._asking = None, anyio.CancelScope()
            tasks.start_soon(self._refer, requested, self._asking, name=f"{self._seats.call.id} refer")
        else:
            self._ask(target, tasks)

    def _withdraw(self, who: str) -> None:
        transfer = self._state.transfer
        if transfer is None:
            raise CommandRefusedError("call.state", "No transfer is under way on this call.")
        if who == transfer.by:
            self._fail(TransferFailure.WITHDRAWN, ConsultEnd.RETURNED)
        elif transfer.target == TransferTarget(TargetKind.AGENT, who):
            self._fail(TransferFailure.DECLINED, ConsultEnd.DECLINED)
        else:
            raise CommandRefusedError("call.not_yours", "Somebody else transfers this caller.")

    async def _requeue(self, requested: TransferRequested) -> None:
        seats, who = self._seats, requested.by
        try:
            await seats.serving.requeue(seats.call.id, who, requested.target.address, seats.call.language)
        except CommandRefusedError:
            self._fail(TransferFailure.TECHNICAL, ConsultEnd.TECHNICAL)
            raise
        self._note(TransferAccepted(requested.transfer))
        if (former := seats.taken.get(who)) is not None:
            seats.dismiss(former)
        seats.hold(who, held=False)
        seats.pause(who, paused=False)
        seats.bridge.wait(True)
        self._note(TransferCompleted(requested.transfer))

    def _ask(self, target: TransferTarget, tasks: TaskGroup) -> None:
        self._asked, self._asking = None, anyio.CancelScope()
        call = self._seats.call.id
        if target.kind is not TargetKind.AGENT:
            tasks.start_soon(self._dial, target.address, self._asking, tasks, name=f"{call} asking")
            return
        self._keeping = anyio.CancelScope()
        tasks.start_soon(self._keep, target.address, self._keeping, name=f"{call} keeping")
        tasks.start_soon(self._outwait, INVITATION_S, ConsultEnd.NO_ANSWER, self._asking, name=f"{call} asking")

    def _await_return(self, consult: ConsultStarted) -> None:
        """Whoever is consulted has lost their leg: they may come back, and are kept for this call meanwhile."""
        seats, self._asked, self._asking = self._seats, None, anyio.CancelScope()
        tasks, grace_s = seats.demand_open(), seats.grace_s
        if self._state.transfer is not None:
            self._fail(TransferFailure.TECHNICAL, None)
        self._note(ConsultAwaited(consult.consult, grace_s))
        tasks.start_soon(self._outwait, grace_s, ConsultEnd.LEFT, self._asking, name=f"{seats.call.id} awaiting")

    async def _outwait(self, for_s: float, reason: ConsultEnd, asking: anyio.CancelScope) -> None:
        clock = self._seats.clock
        with asking:
            await clock.sleep_until(clock.now_s() + for_s)
            if not asking.cancel_called:  # they came in this very moment
                self._fail(TransferFailure.NO_ANSWER, reason)

    async def _keep(self, agent: str, keeping: anyio.CancelScope) -> None:
        """See that the desk offers nobody to an agent who was asked, until they have answered, and have left."""
        seats = self._seats
        try:
            with keeping:
                while True:
                    await seats.clock.sleep_until(seats.clock.now_s() + KEPT_S / 2)
                    try:
                        await seats.serving.ask(seats.call.id, agent, KEPT_S)
                    except CommandRefusedError as refused:  # it may be stored next time
                        _log.warning("call %s: an agent is not kept for it (%s)", seats.call.id, refused.reason)
        finally:
            with anyio.CancelScope(shield=True):
                await seats.serving.excuse(seats.call.id, agent)

    async def _dial(self, uri: str, asking: anyio.CancelScope, tasks: TaskGroup) -> None:
        with asking:
            failure = TransferFailure.NO_ANSWER
            with anyio.move_on_after(DIAL_S):
                try:
                    with let_hear(self._seats.server()) as hear:
                        leg = await self._dialer.dial(uri, self._seats.call.attributes, hear)
                except DialError as error:
                    failure = error.failure
                except Exception as error:  # the boundary of a leg: whatever the network does, the call goes on
                    code = error.code if isinstance(error, WarmlineError) else type(error).__name__
                    _log.error("call %s: somebody outside was not reached (%s)", self._seats.call.id, code)
                    failure = TransferFailure.TECHNICAL
                else:
                    if asking.cancel_called:  # nobody is wanted any more, and they answered in this very moment
                        with anyio.CancelScope(shield=True):
                            async with leg:
                                return
                    seat = self._asked = Seat(uri, LegMode.CONSULT, outside=True)
                    self._seats.seat(seat, leg, tasks)
                    return
            if not asking.cancel_called:
                self._fail(failure, ConsultEnd(failure.value))

    async def _refer(self, requested: TransferRequested, asking: anyio.CancelScope) -> None:
        with asking:
            failure = None
            try:
                await self._dialer.refer(self._caller, requested.target.address)
            except DialError as error:
                failure = error.failure
            except Exception as error:  # the boundary of a leg
                _log.error("call %s: the telephone was not referred (%s)", self._seats.call.id, type(error).__name__)
                failure = TransferFailure.TECHNICAL
            if asking.cancel_called:  # taken back in this very moment: a telephone that has gone ends the call itself
                return
            if failure is not None:
                self._fail(failure, ConsultEnd(failure.value))
                return
            self._note(TransferAccepted(requested.transfer))
            self._note(TransferCompleted(requested.transfer))
            self._seats.call.end_when_heard(CallEndReason.TRANSFERRED)
            self._seats.intake.close()

    async def _promote(self, seat: Seat) -> None:
        """Let whoever was asked serve the caller, where the desk agrees; whoever did is off the call."""
        seats, transfer = self._seats, self._state.transfer
        if transfer is None:
            return
        try:
            if seat.outside:
                await seats.serving.finished(seats.call.id, transfer.by)
            else:
                await seats.serving.take_over(seats.call.id, seat.who, transfer.by, seats.call.language)
        except CommandRefusedError as refused:
            busy = refused.reason == "agent.engaged"
            self._fail(TransferFailure.BUSY if busy else TransferFailure.TECHNICAL, None)
            raise
        if seat.gone.is_set():  # lost while the desk decided, which `miss` has written: back to whoever served
            await self._give_back(seat, transfer)
            return
        self._note(TransferAccepted(transfer.transfer))
        if (former := seats.taken.get(transfer.by)) is not None:
            seats.dismiss(former)
        if self._state.consult is not None:
            self._note(ConsultEnded(self._state.consult.consult, ConsultEnd.TRANSFERRED))
        self._note(TransferCompleted(transfer.transfer))
        self._asked = None
        self._keeping.cancel()
        seats.hold(transfer.by, held=False)
        seats.promote(seat)

    async def _give_back(self, seat: Seat, transfer: TransferRequested) -> None:
        seats = self._seats
        holder = None if seat.outside else seat.who
        try:
            await seats.serving.take_over(seats.call.id, transfer.by, holder, seats.call.language)
        except CommandRefusedError as refused:
            _log.warning("call %s: the desk did not give a caller back (%s)", seats.call.id, refused.reason)
            if holder is not None:
                await seats.serving.lost(seats.call.id, holder, HandoverFailure.AGENT_LOST)

    def _fail(self, code: TransferFailure, reason: ConsultEnd | None) -> None:
        """End what is under way; `reason` is for a consultation, None to let it go on."""
        transfer, consult = self._state.transfer, self._state.consult
        if transfer is not None:
            self._note(TransferFailed(transfer.transfer, code))
            if consult is None:
                self._seats.hold(transfer.by, held=False)
        if consult is not None and reason is not None:
            self._note(ConsultEnded(consult.consult, reason))
        if consult is None or reason is not None:
            asked, self._asked = self._asked, None
            if asked is not None:
                self._seats.dismiss(asked)
            self._asking.cancel()
            self._keeping.cancel()

    async def _check(self, who: str, target: TransferTarget) -> None:
        """Whether a target can be asked at all; an agent who can is kept for it from now on."""
        if target.kind is TargetKind.AGENT:
            if target.address == who or target.address in self._seats.taken:
                _refuse_target("That agent is on this call.")
            await self._seats.serving.ask(self._seats.call.id, target.address, KEPT_S)
            try:  # whoever asks may be gone meanwhile, or the caller
                self._seats.demand_open()
                self._seats.demand_say(who)
            except WarmlineError:
                await self._seats.serving.excuse(self._seats.call.id, target.address)
                raise
        elif target.kind is TargetKind.QUEUE:
            self._seats.serving.check_queue(target.address)
        elif not target.address.startswith(("sip:", "sips:", "tel:")):
            _refuse_target("An address outside begins with sip:, sips: or tel:.")

    def _demand_idle(self) -> None:
        if self._state != Transferring():
            raise CommandRefusedError("call.state", "A consultation or transfer is under way.", fix="End it first.")

    def _note(self, event: TransferEvent) -> None:
        self._state = follow(self._state, event)
        self._seats.intake.note(event)


def _name() -> str:
    return secrets.token_hex(4)


def _refuse_target(message: str) -> NoReturn:
    raise CommandRefusedError("transfer.target", message, fix="Name somebody else.")
