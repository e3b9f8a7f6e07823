"""The desk's state: a fold of its events, with the indices that make decisions quick.

`apply` takes an event as a fact: it decides nothing and refuses nothing, so that a log of yesterday, written under
another set-up, can be folded today. What may happen is decided in `routing.desk.desk`.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import Final

from routing.desk.changes import ContactChange, change
from routing.desk.config import DeskConfig, Queue
from routing.desk.duties import Duties, Duty, announced_next, duties_of, overflows_of
from routing.desk.events import (
    AgentAsked,
    AgentEvent,
    AgentExcused,
    AgentProfiled,
    AgentRemoved,
    CallbackAnswered,
    CallbackMissed,
    ContactBridged,
    ContactLeft,
    ContactMoved,
    ContactQueued,
    ContactReturned,
    ContactSlept,
    ContactTaken,
    ContactTurnedAway,
    DeskResumed,
    Logged,
    OfferAccepted,
    OfferMade,
    PresenceChanged,
)
from routing.desk.free_agents import FreeAgents
from routing.desk.line import Lane, Place, rank
from routing.desk.records import ACCEPTED, TAKEN, AgentRecord, ContactRecord, EndedOffer, Exclusion, Offer, QueueRecord
from routing.desk.terms import AgentId, ContactKind, ContactState, Departure, OfferId, Presence, QueueId
from routing.desk.waiting import Waiting
from routing.terms import HandoverFailure, HandoverReturn
from voice.contracts.audio import CallId

ENDED_OFFERS: Final = 4096
"""Ended offers whose end is remembered, for clear answers to late acceptances: hours of a busy desk."""

_OWN_DOING: Final = frozenset({HandoverFailure.DECLINED, HandoverFailure.NO_ANSWER, HandoverFailure.AGENT_LOST})


class Ledger:
    """Agents, callers and queues as the log has them.

    Attributes:
        config: the set-up in force.
        now: the latest moment that was seen, in desk time.
        next_seq: the next event's place in the log.
        agents: every known agent.
        contacts: everybody at the desk.
        queues: what was counted.
        waiting: the waiting callers in their order.
        free: agents to whom somebody may be offered, longest idle first.
        offers: open offers, and whom they are about.
        ended: how offers ended that are open no longer, the newest last.
        duties: what is due when.
        announcements: who is told how things stand when; kept apart, because they can wait and decisions cannot.
        seen: when an agent last gave a sign of life; not part of the log.
    """

    def __init__(self, config: DeskConfig) -> None:
        self.config = config
        self.now = 0.0
        self.next_seq = 0
        self.agents: dict[AgentId, AgentRecord] = {}
        self.contacts: dict[CallId, ContactRecord] = {}
        self.queues: dict[QueueId, QueueRecord] = {}
        self.waiting = Waiting(config, self.agents)
        self.free = FreeAgents()
        self.offers: dict[OfferId, CallId] = {}
        self.ended: OrderedDict[OfferId, EndedOffer] = OrderedDict()
        self.duties = Duties()
        self.announcements = Duties()
        self.seen: dict[AgentId, float] = {}

    def queue_of(self, contact: ContactRecord) -> Queue:
        """The queue that a caller waits in."""
        return self.config.queue(contact.queue)

    def counted(self, queue: QueueId) -> QueueRecord:
        """What was counted of a queue."""
        return self.queues.setdefault(queue, QueueRecord(queue))

    def lane_of(self, contact: ContactRecord) -> Lane:
        """The lane that a caller waits in, or would."""
        queue = self.queue_of(contact)
        return self.waiting.lane(queue, queue.demand(contact.language, contact.skills))

    def place_of(self, contact: ContactRecord) -> Place:
        """A caller's place in their lane."""
        queue = self.queue_of(contact)
        priority = max(queue.priority, contact.priority)
        return rank(queue.slope, contact.since, priority), contact.order, contact.call

    def score_of(self, contact: ContactRecord) -> float:
        """A caller's score now: priority and what waiting is worth."""
        return self.queue_of(contact).slope * self.now - self.place_of(contact)[0]

    def adopt(self, config: DeskConfig) -> None:
        """Put another set-up in force; who waits and who serves stays."""
        self.config = config
        self._index()

    def restore(
        self,
        agents: list[AgentRecord],
        contacts: list[ContactRecord],
        queues: list[QueueRecord],
        *,
        now: float,
        next_seq: int,
    ) -> None:
        """Take over records that were kept; used before anything else is applied."""
        self.agents = {one.id: one for one in agents}
        self.contacts = {one.call: one for one in contacts}
        self.queues = {one.id: one for one in queues}
        self.offers = {
            one.offer.id: one.call for one in contacts if one.offer is not None and one.state is ContactState.OFFERED
        }
        self.now, self.next_seq = now, next_seq
        self._index()

    def apply(self, logged: Logged) -> None:
        """Take in one event as a fact."""
        self.now = max(self.now, logged.at)
        self.next_seq = logged.seq + 1
        match logged.event:
            case AgentProfiled() | AgentRemoved() | PresenceChanged() | AgentAsked() | AgentExcused() as event:
                self._apply_agent(event)
            case ContactTurnedAway() | CallbackMissed():
                pass
            case CallbackAnswered() as event:
                self._call_back(event)
            case ContactQueued() as event:
                self._enter(event)
            case OfferMade(offer=offer, call=call, agent=agent, expires_at=expires_at):
                contact = self._take_out(call)
                contact.state, contact.offers = ContactState.OFFERED, contact.offers + 1
                contact.offer = Offer(offer, agent, self.now, expires_at)
                self.offers[offer] = call
                self.agents[agent].offer = offer
                self._refresh(agent)
                self.duties.note(expires_at, Duty.OFFER_ENDS, offer)
            case OfferAccepted(offer=offer, call=call, agent=agent, console=console, connect_by=connect_by):
                self._accept(self.contacts[call], offer, agent, console, connect_by)
            case ContactBridged(call=call):
                contact = self.contacts[call]
                contact.state, contact.bridged_at, contact.connect_by = ContactState.SERVING, self.now, None
                if contact.kind is ContactKind.CALLBACK:  # reached before anybody had to call
                    self._count_answer(contact)
            case ContactTaken() as event:
                self._take_over(event)
            case ContactReturned() as event:
                self._return(event)
            case ContactLeft(call=call, departure=departure):
                self._leave(self._take_out(call), departure)
            case DeskResumed(away_s=away_s):
                self._resume(away_s)
            case event:
                self._change(event)

    def _apply_agent(self, event: AgentEvent) -> None:
        match event:
            case AgentProfiled(agent=agent, profile=profile, fixed=fixed):
                known = self.agents.setdefault(agent, AgentRecord(agent, profile))
                self.waiting.forget_agent(known)
                known.profile, known.fixed = profile, fixed
                self.waiting.note_agent(known)
                self._refresh(agent)
            case AgentRemoved(agent=agent):
                self.agents[agent].presence = Presence.OFFLINE
                self._refresh(agent)
                self.waiting.forget_agent(self.agents.pop(agent))
                self.seen.pop(agent, None)
            case PresenceChanged(agent=agent):
                self._set_presence(self.agents[agent], event)
            case AgentAsked(agent=agent, call=call, until=until):
                self.agents[agent].ask(call, until)
                self._refresh(agent)
                self.duties.note(until, Duty.ASKING_ENDS, agent)
            case AgentExcused(agent=agent):
                self.agents[agent].excuse()
                self._refresh(agent)

    def _set_presence(self, agent: AgentRecord, event: PresenceChanged) -> None:
        presence, until = event.presence, event.until
        if agent.wrapping is not None:
            self.counted(agent.wrapping).wrap_up.add(self.now - agent.wrapping_since)
        agent.wrapping, agent.wrapping_since = event.queue, self.now
        if agent.presence is Presence.OFFLINE:
            self.seen[agent.id] = self.now
            self._note_lease(agent.id)
        signed_in = agent.signed_in
        agent.presence, agent.until = presence, until
        self.waiting.staffing += agent.signed_in != signed_in
        if until is not None:
            self.duties.note(until, Duty.WRAP_UP_ENDS, agent.id)
        self._idle(agent)
        self._refresh(agent.id)

    def _enter(self, event: ContactQueued) -> None:
        contact = ContactRecord(
            call=event.call,
            ticket=event.ticket,
            queue=event.queue,
            language=event.language,
            skills=event.skills,
            priority=event.priority,
            since=event.since,
            order=self.next_seq - 1,
            queued_since=self.now,
            kind=event.kind,
            sticky=event.sticky,
            held_until=event.held_until,
            address=event.address,
        )
        self.contacts[event.call] = contact
        self._put_in(contact)
        self._note_duties(contact)

    def _accept(self, contact: ContactRecord, offer: OfferId, agent: AgentId, console: str, connect_by: float) -> None:
        contact.state, contact.agent, contact.console = ContactState.CONNECTING, agent, console
        contact.accepted_at, contact.connect_by, contact.with_ai = self.now, connect_by, False
        self._end_offer(offer, agent, ACCEPTED, console)
        record = self.agents[agent]
        record.calls = (*record.calls, contact.call)
        self._refresh(agent)
        self.duties.note(connect_by, Duty.CONNECTION_ENDS, contact.call)
        if contact.kind is ContactKind.LIVE:  # whoever is called back has to answer first
            self._count_answer(contact)

    def _count_answer(self, contact: ContactRecord) -> None:
        waited_s = self.now - contact.since
        self.counted(contact.queue).answer(waited_s, in_target=waited_s <= self.queue_of(contact).target_s)

    def _call_back(self, event: CallbackAnswered) -> None:
        contact = self.contacts.pop(event.call)
        contact.come_by(event.by, event.ticket, event.connect_by)
        self.contacts[event.by] = contact
        agent = self.agents[event.agent]
        agent.calls = tuple(event.by if call == event.call else call for call in agent.calls)
        self._count_answer(contact)
        self._note_duties(contact)

    def _take_over(self, event: ContactTaken) -> None:
        contact = self._take_out(event.call)
        counted, waited_s = self.counted(contact.queue), self.now - contact.since
        if contact.agent is None:
            counted.wait_ended(waited_s, abandoned=False)
        if event.offer is not None and event.former is not None:
            self._end_offer(event.offer, event.former, TAKEN)
        self._part(contact)
        if event.former is not None:
            self._refresh(event.former)
        contact.state, contact.agent, contact.with_ai = ContactState.SERVING, event.agent, False
        contact.offer = contact.console = contact.connect_by = contact.held_until = None
        contact.accepted_at = contact.bridged_at = self.now
        record = self.agents[event.agent]
        record.calls = (*record.calls, contact.call)
        if record.asked_by == contact.call:
            record.excuse()
        self._refresh(event.agent)

    def _return(self, event: ContactReturned) -> None:
        contact = self.contacts[event.call]
        if event.offer is not None and event.agent is not None:
            self._end_offer(event.offer, event.agent, event.code)
        if event.agent is not None:
            record = self.agents[event.agent]
            if event.code in _OWN_DOING or contact.agent is not None:
                self._idle(record)
            record.calls = tuple(call for call in record.calls if call != contact.call)
            self._refresh(event.agent)
            if event.excluded_until is not None:
                others = (one for one in contact.exclusions if one.agent != event.agent)
                contact.exclusions = (*others, Exclusion(event.agent, event.excluded_until))
                self.duties.note(event.excluded_until, Duty.EXCLUSION_ENDS, contact.call)
        contact.with_ai = event.back_to is HandoverReturn.AI
        contact.told_nobody = contact.told_nobody or event.code is HandoverFailure.NOBODY_SIGNED_IN
        if event.agent is None:
            return
        if event.agent == contact.sticky:  # who was held for this agent need not wait for them any more
            contact.held_until = None
        contact.part()
        contact.state = ContactState.WAITING
        self._put_in(contact)

    def _leave(self, contact: ContactRecord, departure: Departure) -> None:
        del self.contacts[contact.call]
        counted = self.counted(contact.queue)
        if contact.agent is None and departure is Departure.CALLER_GONE:
            counted.abandoned += 1
            counted.wait_ended(self.now - contact.since, abandoned=True)
        if contact.offer is not None and contact.state is ContactState.OFFERED:
            self._end_offer(contact.offer.id, contact.offer.agent, departure)
            self._refresh(contact.offer.agent)
        if contact.agent is not None and contact.accepted_at is not None and contact.bridged_at is not None:
            counted.handle.add(self.now - contact.accepted_at)
        self._part(contact)

    def _change(self, event: ContactChange) -> None:
        contact = self._take_out(event.call)
        if isinstance(event, ContactSlept):
            contact.attempts += contact.agent is not None
            self._part(contact)
        change(contact, event, self.now)
        if isinstance(event, ContactMoved):
            for due in overflows_of(contact, self.queue_of(contact)):
                self.duties.note(*due)
        elif isinstance(event, ContactSlept):
            self.duties.note(event.until, Duty.WAKE, contact.call)
        self._put_in(contact)

    def _put_in(self, contact: ContactRecord) -> None:
        if contact.state is ContactState.WAITING:
            self.waiting.put_in(self.lane_of(contact), self.place_of(contact))

    def _take_out(self, call: CallId) -> ContactRecord:
        contact = self.contacts[call]
        if contact.state is ContactState.WAITING:
            self.waiting.take_out(self.place_of(contact))
        return contact

    def _end_offer(self, offer: OfferId, agent: AgentId, how: str, console: str | None = None) -> None:
        self.offers.pop(offer, None)
        self.ended[offer] = EndedOffer(agent, how, console)
        while len(self.ended) > ENDED_OFFERS:
            self.ended.popitem(last=False)
        if (record := self.agents.get(agent)) is not None and record.offer == offer:
            record.offer = None

    def _part(self, contact: ContactRecord) -> None:
        """The agent who serves a caller, if any, has them no more."""
        if contact.agent is not None:
            agent = self.agents[contact.agent]
            agent.calls = tuple(call for call in agent.calls if call != contact.call)
            self._idle(agent)
            self._refresh(agent.id)

    def _idle(self, agent: AgentRecord) -> None:
        """The agent's waiting for work begins anew."""
        self.free.take_out(agent)
        agent.idle_since, agent.idle_order = self.now, self.next_seq

    def _refresh(self, agent: AgentId) -> None:
        self.free.refresh(self.agents[agent])

    def _note_lease(self, agent: AgentId) -> None:
        if self.config.lease_s > 0:
            self.duties.note(self.seen[agent] + self.config.lease_s, Duty.LEASE_ENDS, agent)

    def _note_duties(self, contact: ContactRecord) -> None:
        queue = self.queue_of(contact)
        for due in duties_of(contact, queue):
            self.duties.note(*due)
        if contact.kind is ContactKind.LIVE:
            self.announcements.note(announced_next(contact, queue, self.now), Duty.ANNOUNCE, contact.call)

    def _index(self) -> None:
        """Make all that follows from the records and the set-up anew."""
        self.waiting = Waiting(self.config, self.agents)
        self.duties, self.announcements = Duties(), Duties()
        self.free = FreeAgents(self.agents.values())
        for contact in sorted(self.contacts.values(), key=lambda one: one.order):
            self._put_in(contact)
            self._note_duties(contact)
        for agent in self.agents.values():
            if agent.until is not None:
                self.duties.note(agent.until, Duty.WRAP_UP_ENDS, agent.id)
            if agent.asked_until is not None:
                self.duties.note(agent.asked_until, Duty.ASKING_ENDS, agent.id)
            if agent.presence is not Presence.OFFLINE:
                self.seen[agent.id] = self.now
                self._note_lease(agent.id)

    def _resume(self, away_s: float) -> None:
        for contact in self.contacts.values():
            if contact.offer is not None and contact.state is ContactState.OFFERED:
                contact.offer = replace(contact.offer, expires_at=contact.offer.expires_at + away_s)
            if contact.connect_by is not None:
                contact.connect_by += away_s
        for agent in self.agents.values():
            if agent.until is not None:
                agent.until += away_s
        self._index()

    def drop_exclusions(self, contact: ContactRecord) -> None:
        """Forget exclusions whose time is over; follows from the clock alone, hence no event."""
        contact.exclusions = tuple(one for one in contact.exclusions if one.until > self.now)
