"""What the desk decides: who is offered to whom, and what follows when that comes to nothing.

Every decision is written down as an event and folded into the ledger at once; what comes after it sees it done.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from routing.desk.commands import TakeContact
from routing.desk.config import Queue
from routing.desk.estimate import ahead_in_queue, expected_wait
from routing.desk.events import (
    ContactLeft,
    ContactMoved,
    ContactQueued,
    ContactReleased,
    ContactReturned,
    ContactSlept,
    ContactTaken,
    DeskEvent,
    Logged,
    OfferMade,
    PresenceChanged,
)
from routing.desk.ledger import Ledger
from routing.desk.line import Lane, Line
from routing.desk.notices import Notice, NoticeKind
from routing.desk.records import AgentRecord, ContactRecord
from routing.desk.terms import (
    AgentId,
    ContactKind,
    ContactState,
    Departure,
    MoveReason,
    OfferId,
    Presence,
    Strategy,
)
from routing.terms import HandoverFailure, HandoverReturn

ENGAGED: Final = frozenset({ContactState.CONNECTING, ContactState.SERVING})


@dataclass(slots=True)
class Decisions:
    """Decides over a ledger, and collects what was decided until it is taken out.

    Attributes:
        ledger: the state.
        logged: events since `take` was last asked.
        notices: what callers are to be told, likewise.
    """

    ledger: Ledger
    logged: list[Logged] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def emit(self, event: DeskEvent) -> None:
        """Write an event down and fold it in."""
        logged = Logged(self.ledger.next_seq, self.ledger.now, event)
        self.ledger.apply(logged)
        self.logged.append(logged)

    def take(self) -> tuple[tuple[Logged, ...], tuple[Notice, ...]]:
        """What was decided since the last time."""
        taken = tuple(self.logged), tuple(self.notices)
        self.logged.clear()
        self.notices.clear()
        return taken

    def offer_contact(self, contact: ContactRecord) -> bool:
        """Offer a waiting caller to a free agent, if there is one; answers whether the caller is offered now.

        The agent gets whoever scores highest: where several callers became free to be served at the same moment, that
        may be somebody else, and the next agent is looked for.
        """
        while contact.state is ContactState.WAITING:
            agent = self._choose_agent(contact)
            if agent is None:
                return False
            self.offer_agent(agent)
        return contact.state is ContactState.OFFERED

    def offer_agent(self, agent: AgentId) -> None:
        """Offer a free agent the waiting caller with the highest score whom they can serve, if there is one."""
        record = self.ledger.agents.get(agent)
        if record is None or not record.free:
            return
        best: tuple[float, int] | None = None
        chosen: ContactRecord | None = None
        now = self.ledger.now
        for queue, line in self.ledger.waiting.lines.items():
            if agent not in self.ledger.waiting.able_for(self.ledger.config.queue(queue)):
                continue
            found = self._first_for(agent, line)
            if found is None:
                continue
            contact, rank = found
            score = (line.slope * now - rank, -contact.order)
            if best is None or score > best:
                best, chosen = score, contact
        if chosen is not None:
            self._offer(chosen, agent)

    def settle(self, contact: ContactRecord, *, tell: bool = True) -> None:
        """Offer a caller who came (back) to their place; where nobody is free, say how things stand."""
        if contact.state is not ContactState.WAITING:
            return
        self._overflow(contact)
        if self.offer_contact(contact):
            return
        if not self._note_nobody(contact) and tell:
            self.tell_position(contact)

    def tell_position(self, contact: ContactRecord) -> None:
        """Tell a waiting caller position and expected wait, and offer a callback where that is long."""
        if contact.kind is not ContactKind.LIVE or contact.state is not ContactState.WAITING:
            return
        ahead, wait_s = ahead_in_queue(self.ledger, contact), expected_wait(self.ledger, contact)
        kind = NoticeKind.NOBODY if wait_s is None else NoticeKind.POSITION
        self.notices.append(Notice(contact.call, kind, ahead, wait_s))
        terms = self.ledger.queue_of(contact).callback
        offers = terms is not None and contact.address is not None and not contact.told_callback
        if terms is not None and offers and (wait_s is None or wait_s > terms.above_s):
            contact.told_callback = True
            self.notices.append(Notice(contact.call, NoticeKind.CALLBACK_OFFERED, ahead, wait_s))

    def announce(self, contact: ContactRecord) -> None:
        """The regular message to a caller who waits."""
        if contact.state is ContactState.WAITING and not self._note_nobody(contact):
            self.tell_position(contact)

    def return_contact(
        self, contact: ContactRecord, agent: AgentRecord, code: HandoverFailure, *, rests: bool = False
    ) -> None:
        """A hand-over failed with this agent: the caller is back at the old place and offered to the next agent.

        With `rests` the agent is taken for away from now on; otherwise they are offered the next caller.
        """
        ledger = self.ledger
        queue = ledger.queue_of(contact)
        open_offer = contact.offer.id if contact.offer and contact.state is ContactState.OFFERED else None
        until = ledger.now + queue.reoffer_after_s if queue.reoffer_after_s > 0 else None
        self.emit(ContactReturned(contact.call, code, queue.after_failure, agent.id, open_offer, until))
        if rests:
            self.emit(PresenceChanged(agent.id, Presence.BREAK, code))
        self._overflow(contact)
        if not self.offer_contact(contact):
            self._note_nobody(contact)
        if rests:
            self._release_held(agent.id)
        self.offer_agent(agent.id)

    def take_over(self, command: TakeContact, by: AgentRecord) -> None:
        """A supervisor serves a caller, who comes to the desk now where they were not there; others are free again."""
        ledger, call = self.ledger, command.call
        if by.offer is not None:  # whom they were offered themselves waits on, or is the one they take
            offered = ledger.contacts[ledger.offers[by.offer]]
            if offered.call != call:
                self.return_contact(offered, by, HandoverFailure.DECLINED)
        if call not in ledger.contacts:
            queue = ledger.config.default_queue
            ticket = f"{call}.taken"
            self.emit(ContactQueued(call, ticket, queue, ledger.now, 0, command.language))
        contact = ledger.contacts[call]
        former, served = contact.taken_by, contact.state is ContactState.SERVING
        open_offer = contact.offer.id if contact.offer and contact.state is ContactState.OFFERED else None
        self.emit(ContactTaken(call, by.id, former, open_offer))
        if former is not None and former != by.id:
            if served:
                self._wrap_up(ledger.agents[former], ledger.queue_of(contact))
            self.offer_agent(former)
        self.offer_agent(by.id)  # who can serve several has no offer any more, and may have room for one

    def leave(self, contact: ContactRecord, departure: Departure) -> None:
        """A caller leaves; whoever was engaged with them is free for the next, after after-call work where due."""
        ledger = self.ledger
        agent, queue = contact.taken_by, ledger.queue_of(contact)
        served = contact.state is ContactState.SERVING
        open_offer = contact.offer.id if contact.offer and contact.state is ContactState.OFFERED else None
        self.emit(ContactLeft(contact.call, departure, agent, open_offer))
        if agent is None:
            return
        if served:
            self._wrap_up(ledger.agents[agent], queue)
        self.offer_agent(agent)

    def _wrap_up(self, agent: AgentRecord, queue: Queue) -> None:
        """After-call work begins, where there is any."""
        if queue.wrap_up_s > 0 and agent.presence is Presence.READY:
            until = self.ledger.now + queue.wrap_up_s
            self.emit(PresenceChanged(agent.id, Presence.AFTER_CALL, "served", until, queue.id))

    def sleep(self, contact: ContactRecord, until: float) -> None:
        """A callback rests; an agent who tried it is free again."""
        agent = contact.agent
        self.emit(ContactSlept(contact.call, until))
        if agent is not None:
            self.offer_agent(agent)

    def set_presence(self, record: AgentRecord, presence: Presence, cause: str) -> None:
        """An agent does something else; what they cannot take any more goes back to its place."""
        engaged = self._given_up(record, presence)
        self.emit(PresenceChanged(record.id, presence, cause))
        lost = HandoverFailure.AGENT_LOST if cause == "lost" else HandoverFailure.DECLINED
        for contact in engaged:
            connecting = contact.state is ContactState.CONNECTING
            self.return_contact(contact, record, HandoverFailure.AGENT_LOST if connecting else lost)
        if not record.signed_in:
            self._release_held(record.id)
        self.offer_agent(record.id)

    def staffed(self, lane: Lane) -> bool:
        """Whether anybody is signed in who can serve this lane."""
        return self.ledger.waiting.servers(lane) > 0

    def _given_up(self, record: AgentRecord, presence: Presence) -> list[ContactRecord]:
        """Whom the agent cannot take with this presence: the offer, and when offline the connections being made."""
        contacts = self.ledger.contacts
        engaged: list[ContactRecord] = []
        if record.offer is not None and presence is not Presence.READY:
            engaged.append(contacts[self.ledger.offers[record.offer]])
        if presence is Presence.OFFLINE:
            engaged += (contacts[call] for call in record.calls if contacts[call].state is ContactState.CONNECTING)
        return engaged

    def _release_held(self, agent: AgentId) -> None:
        held = [one for one in self.ledger.contacts.values() if one.held_until is not None and one.sticky == agent]
        for contact in held:
            self.emit(ContactReleased(contact.call))
            self.settle(contact, tell=False)

    def _offer(self, contact: ContactRecord, agent: AgentId) -> None:
        queue = self.ledger.queue_of(contact)
        offer = OfferId(f"o{contact.order}-{contact.offers + 1}")
        self.emit(OfferMade(offer, contact.call, agent, self.ledger.now + queue.offer_timeout_s))

    def _choose_agent(self, contact: ContactRecord) -> AgentId | None:
        lane, agents = self.ledger.lane_of(contact), self.ledger.agents
        sticky = contact.sticky
        if (
            sticky in lane.able
            and sticky is not None
            and agents[sticky].free
            and not contact.bars(sticky, self.ledger.now)
        ):
            return sticky
        barred = contact.held_until is not None or bool(contact.exclusions)
        best: AgentId | None = None
        best_fit = -1
        first = self.ledger.queue_of(contact).strategy is Strategy.LONGEST_IDLE or not lane.demand.skills
        for agent in self.ledger.free:
            if agent not in lane.able or (barred and contact.bars(agent, self.ledger.now)):
                continue
            if first:
                return agent
            fit = agents[agent].profile.fit(lane.demand)
            if fit > best_fit:
                best, best_fit = agent, fit
        return best

    def _first_for(self, agent: AgentId, line: Line) -> tuple[ContactRecord, float] | None:
        contacts, placed, now = self.ledger.contacts, self.ledger.waiting.placed, self.ledger.now
        for rank, _, call in line.places:
            if agent not in placed[call].able:
                continue
            contact = contacts[call]
            free_for_all = contact.held_until is None and not contact.exclusions
            if free_for_all or not contact.bars(agent, now):
                return contact, rank
        return None

    def _note_nobody(self, contact: ContactRecord) -> bool:
        """Where nobody who could serve the caller is signed in, say so once; answers whether nobody is."""
        if self.staffed(self.ledger.lane_of(contact)):
            return False
        if not contact.told_nobody:
            nobody = HandoverFailure.NOBODY_SIGNED_IN
            self.emit(ContactReturned(contact.call, nobody, HandoverReturn.AI))
        self.tell_position(contact)
        return True

    def _overflow(self, contact: ContactRecord) -> None:
        """Move a caller on who has waited for too long, to the first queue that is open and staffed."""
        ledger = self.ledger
        waited_s = ledger.now - contact.queued_since
        for step in ledger.queue_of(contact).overflow:
            if step.after_s > waited_s:
                return
            there = ledger.config.queue(step.queue)
            lane = ledger.waiting.lane(there, there.demand(contact.language, contact.skills))
            if there.is_open(ledger.now) and self.staffed(lane):
                self.emit(ContactMoved(contact.call, there.id, MoveReason.OVERFLOW))
                return
