"""The desk: commands and time in, events and notices out. No clock, no I/O, no chance: the same in gives the same out.

Time is an argument. It may stand still, jump or run backwards (which is read as standing still); a jump counts as one
step: what came due meanwhile is seen to once, at the new time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, assert_never

from routing.desk.asking import ask_agent, end_asking, excuse_agent
from routing.desk.commands import (
    AcceptOffer,
    AnswerCallback,
    AskAgent,
    ConfirmBridge,
    DeclineOffer,
    DeskCommand,
    EnterQueue,
    ExcuseAgent,
    FailBridge,
    FinishCall,
    LeaveQueue,
    LoseAgent,
    MissCallback,
    NoteAddress,
    PutAgent,
    Refusal,
    RemoveAgent,
    Reprioritize,
    RequestCallback,
    Reroute,
    SetPresence,
    ShowLife,
    TakeContact,
)
from routing.desk.config import DeskConfig
from routing.desk.decisions import Decisions
from routing.desk.duties import Due, Duty
from routing.desk.events import AgentProfiled, ContactMoved, ContactReleased, ContactWoken, DeskResumed, Logged
from routing.desk.ledger import Ledger
from routing.desk.notices import Notice
from routing.desk.requests import RefusedError, Requests
from routing.desk.terms import MAX_TIME_S, AgentId, ContactKind, ContactState, MoveReason, OfferId, Presence
from routing.terms import HandoverFailure
from voice.contracts.audio import CallId
from voice.contracts.errors import DeskTimeError

ANNOUNCED_AT_ONCE: Final = 20
"""Announcements made in one step; what is due beyond them is made in the next ones, a few milliseconds later."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a command or of the passing of time.

    Attributes:
        logged: events, in order; they belong into the log before anybody acts on them.
        notices: what callers are to be told.
        refusal: why the command was not carried out; None where it was. What came due before it stands all the same.
    """

    logged: tuple[Logged, ...] = ()
    notices: tuple[Notice, ...] = ()
    refusal: Refusal | None = None


class Desk:
    """Agents, queues and callers, and who is offered to whom.

    Args:
        config: the set-up; its agents are made known by the first `adopt`.
        ledger: the state to go on from; empty unless given.
    """

    def __init__(self, config: DeskConfig, ledger: Ledger | None = None) -> None:
        self.ledger = ledger or Ledger(config)
        self._decisions = Decisions(self.ledger)
        self._requests = Requests(self._decisions)

    @property
    def next_due(self) -> float | None:
        """When `advance` has something to do next."""
        moments = (self.ledger.duties.next_at, self.ledger.announcements.next_at)
        return min((moment for moment in moments if moment is not None), default=None)

    def execute(self, command: DeskCommand, now: float) -> Answer:
        """Carry out a command at a moment; what came due before it comes first.

        Raises:
            DeskTimeError: `now` is no time.
        """
        self._pass_time(now)
        refusal = None
        try:
            self._carry_out(command)
        except RefusedError as refused:
            refusal = refused.refusal
        return self._answer(refusal)

    def advance(self, now: float) -> Answer:
        """See to what is due by `now`.

        Raises:
            DeskTimeError: `now` is no time.
        """
        self._pass_time(now)
        return self._answer()

    def adopt(self, config: DeskConfig, now: float) -> Answer:
        """Put a set-up in force. Callers of queues that are gone move to the default queue, with the place kept.

        Raises:
            DeskTimeError: `now` is no time.
        """
        self._pass_time(now)
        ledger = self.ledger
        ledger.adopt(config)
        for contact in list(ledger.contacts.values()):
            if contact.queue not in config.queues:
                self._decisions.emit(ContactMoved(contact.call, config.default_queue, MoveReason.REMOVED_QUEUE))
        for agent, profile in config.agents.items():
            known = ledger.agents.get(agent)
            if known is None or known.profile != profile or not known.fixed:
                self._decisions.emit(AgentProfiled(agent, profile, fixed=True))
        for record in list(ledger.agents.values()):
            if record.fixed and record.id not in config.agents:
                self._decisions.emit(AgentProfiled(record.id, record.profile, fixed=False))
        self._offer_all()
        return self._answer()

    def resume(self, now: float) -> Answer:
        """Go on after the desk was away: nobody is taken for late or lost who could not have answered.

        Raises:
            DeskTimeError: `now` is no time.
        """
        before = self.ledger.now
        self.ledger.now = max(before, _check_time(now))
        self._decisions.emit(DeskResumed(self.ledger.now - before))
        self._pass_time(now)
        self._offer_all()
        return self._answer()

    def _offer_all(self) -> None:
        for agent in list(self.ledger.free):
            self._decisions.offer_agent(agent)

    def _answer(self, refusal: Refusal | None = None) -> Answer:
        logged, notices = self._decisions.take()
        return Answer(logged, notices, refusal)

    def _pass_time(self, now: float) -> None:
        self.ledger.now = max(self.ledger.now, _check_time(now))
        # Whoever sees to a duty may note another one for this very moment, for example an overflow after 0 s.
        while due := self.ledger.duties.take(self.ledger.now):
            self._see_to(due)
        self._see_to(self.ledger.announcements.take(self.ledger.now, ANNOUNCED_AT_ONCE))

    def _see_to(self, due: Iterable[Due]) -> None:
        for _, _, duty, whom in due:
            match duty:
                case Duty.OFFER_ENDS:
                    self._end_offer(OfferId(whom))
                case Duty.WRAP_UP_ENDS:
                    self._end_wrap_up(AgentId(whom))
                case Duty.ASKING_ENDS:
                    end_asking(self._decisions, AgentId(whom))
                case Duty.LEASE_ENDS:
                    self._end_lease(AgentId(whom))
                case _:
                    self._see_to_contact(duty, CallId(whom))

    def _see_to_contact(self, duty: Duty, call: CallId) -> None:
        ledger, decisions = self.ledger, self._decisions
        contact = ledger.contacts.get(call)
        if contact is None:
            return
        now, waiting = ledger.now, contact.state is ContactState.WAITING
        match duty:
            case Duty.CONNECTION_ENDS:
                if contact.connect_by is not None and contact.connect_by <= now and contact.agent is not None:
                    decisions.return_contact(contact, ledger.agents[contact.agent], HandoverFailure.TECHNICAL)
            case Duty.HOLD_ENDS:
                if contact.held_until is not None and contact.held_until <= now:
                    decisions.emit(ContactReleased(call))
                    decisions.offer_contact(contact)
            case Duty.EXCLUSION_ENDS:
                ledger.drop_exclusions(contact)
                decisions.offer_contact(contact)
            case Duty.OVERFLOW if waiting:
                queue = contact.queue
                decisions.settle(contact, tell=False)
                if contact.queue != queue:
                    decisions.tell_position(contact)
            case Duty.WAKE:
                self._wake(call)
            case Duty.ANNOUNCE if contact.kind is ContactKind.LIVE:
                decisions.announce(contact)
                ledger.announcements.note(now + ledger.queue_of(contact).announce_s, Duty.ANNOUNCE, call)
            case _:
                pass

    def _wake(self, call: CallId) -> None:
        ledger = self.ledger
        contact = ledger.contacts[call]
        if contact.asleep_until is None or contact.asleep_until > ledger.now:
            return
        opens_at = ledger.queue_of(contact).opens_at(ledger.now)
        if opens_at is not None and opens_at > ledger.now:
            self._decisions.sleep(contact, opens_at)
        else:
            self._decisions.emit(ContactWoken(call))
            self._decisions.settle(contact)

    def _end_offer(self, offer: OfferId) -> None:
        ledger = self.ledger
        contact = ledger.contacts.get(ledger.offers.get(offer, CallId("")))
        if contact is None or contact.offer is None or contact.offer.expires_at > ledger.now:
            return
        record = ledger.agents[contact.offer.agent]
        rests = ledger.queue_of(contact).rest_after_no_answer
        self._decisions.return_contact(contact, record, HandoverFailure.NO_ANSWER, rests=rests)

    def _end_wrap_up(self, agent: AgentId) -> None:
        record = self.ledger.agents.get(agent)
        if record is not None and record.until is not None and record.until <= self.ledger.now:
            self._decisions.set_presence(record, Presence.READY, "wrap_up_over")

    def _end_lease(self, agent: AgentId) -> None:
        ledger = self.ledger
        record = ledger.agents.get(agent)
        if record is None or record.presence is Presence.OFFLINE or ledger.config.lease_s <= 0:
            return
        ends_at = ledger.seen[agent] + ledger.config.lease_s
        if ends_at > ledger.now:
            ledger.duties.note(ends_at, Duty.LEASE_ENDS, agent)
        else:
            self._decisions.set_presence(record, Presence.OFFLINE, "lost")

    def _carry_out(self, command: DeskCommand) -> None:
        requests = self._requests
        match command:
            case PutAgent():
                requests.put_agent(command)
            case RemoveAgent():
                requests.remove_agent(command)
            case SetPresence():
                requests.set_presence(command)
            case ShowLife():
                requests.show_life(command)
            case LoseAgent():
                requests.lose_agent(command)
            case EnterQueue():
                requests.enter_queue(command)
            case NoteAddress():
                requests.note_address(command)
            case Reprioritize():
                requests.reprioritize(command)
            case Reroute():
                requests.reroute(command)
            case RequestCallback():
                requests.request_callback(command)
            case LeaveQueue():
                requests.leave_queue(command)
            case AcceptOffer():
                requests.accept(command)
            case DeclineOffer():
                requests.decline(command)
            case ConfirmBridge():
                requests.confirm_bridge(command)
            case TakeContact():
                requests.take_contact(command)
            case FailBridge():
                requests.fail_bridge(command)
            case AnswerCallback():
                requests.answer_callback(command)
            case MissCallback():
                requests.miss_callback(command)
            case FinishCall():
                requests.finish_call(command)
            case AskAgent():
                ask_agent(self._decisions, command)
            case ExcuseAgent():
                excuse_agent(self._decisions, command)
            case _:
                assert_never(command)


def _check_time(now: float) -> float:
    if not math.isfinite(now) or not 0 <= now <= MAX_TIME_S:
        raise DeskTimeError(f"Desk time is a number of seconds from 0 to {MAX_TIME_S:g}; got {now!r}.")
    return now
