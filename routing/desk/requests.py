"""What is asked of the desk, checked and carried out. A request that was carried out before changes nothing again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NoReturn

from routing.desk.commands import (
    AcceptOffer,
    AnswerCallback,
    ConfirmBridge,
    DeclineOffer,
    EnterQueue,
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
from routing.desk.config import Queue
from routing.desk.decisions import ENGAGED, Decisions
from routing.desk.events import (
    AgentProfiled,
    AgentRemoved,
    CallbackAnswered,
    CallbackMissed,
    CallbackRequested,
    ContactAddressed,
    ContactBridged,
    ContactMoved,
    ContactQueued,
    ContactReprioritized,
    ContactTurnedAway,
    OfferAccepted,
)
from routing.desk.ledger import Ledger
from routing.desk.notices import Notice, NoticeKind
from routing.desk.records import ACCEPTED, AgentRecord, ContactRecord
from routing.desk.terms import (
    MAX_ID,
    AgentId,
    ContactKind,
    ContactState,
    Departure,
    MoveReason,
    OfferId,
    Presence,
    QueueId,
    Skills,
    merge,
)
from routing.document import suggest
from routing.terms import HandoverFailure, TransferFailure
from voice.contracts.audio import CallId

MAX_PRIORITY = 99
MAX_CAPACITY = 10

BRIDGE_FAILURES: Final = frozenset({HandoverFailure.TECHNICAL, HandoverFailure.AGENT_LOST, HandoverFailure.DECLINED})
"""Why the audio between caller and agent is gone: it broke, the agent is gone, or they gave the caller back."""


class RefusedError(Exception):
    """Leaves a request that cannot be carried out; does not leave the desk."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


class Requests:
    """Carries out what is asked, through the desk's decisions."""

    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions

    @property
    def _ledger(self) -> Ledger:
        return self._decisions.ledger

    def put_agent(self, command: PutAgent) -> None:
        """Make an agent known, or change what they can do."""
        _check_ids(command.agent)
        known = self._ledger.agents.get(command.agent)
        if known is not None and known.fixed:
            _refuse("agent.fixed", f"Agent {command.agent} stands in the desk's file.", "Change the file.")
        profile = command.profile
        self._check_skills(profile.skills)
        if not 1 <= profile.capacity <= MAX_CAPACITY:
            _refuse("agent.profile", f"A capacity is 1 to {MAX_CAPACITY}; got {profile.capacity}.")
        if not profile.languages or len(set(profile.languages)) != len(profile.languages):
            _refuse("agent.profile", "An agent speaks at least one language, each named once.")
        if profile.skills != merge(profile.skills):
            _refuse("agent.profile", "Skills stand in the order of their names, each once.")
        if known is None or known.profile != profile:
            self._decisions.emit(AgentProfiled(command.agent, profile))
            self._decisions.offer_agent(command.agent)

    def remove_agent(self, command: RemoveAgent) -> None:
        """Forget an agent who serves nobody."""
        known = self._ledger.agents.get(command.agent)
        if known is None:
            return
        if known.fixed:
            _refuse("agent.fixed", f"Agent {command.agent} stands in the desk's file.", "Change the file.")
        if known.calls or known.offer is not None:
            _refuse("agent.engaged", f"Agent {command.agent} serves a caller.", "Wait until the call is over.")
        if known.presence is not Presence.OFFLINE:
            self._decisions.set_presence(known, Presence.OFFLINE, "asked")
        self._decisions.emit(AgentRemoved(command.agent))

    def set_presence(self, command: SetPresence) -> None:
        """An agent says what they do."""
        _check_ids(command.agent)
        if command.enrol and command.agent not in self._ledger.agents:
            self._decisions.emit(AgentProfiled(command.agent, self._ledger.config.newcomer))
        record = self._agent(command.agent)
        self._ledger.seen[record.id] = self._ledger.now
        if record.presence is not command.presence or record.until is not None:
            self._decisions.set_presence(record, command.presence, "asked")

    def show_life(self, command: ShowLife) -> None:
        """An agent's console is still there."""
        self._ledger.seen[self._agent(command.agent).id] = self._ledger.now

    def lose_agent(self, command: LoseAgent) -> None:
        """An agent's console is gone."""
        record = self._agent(command.agent)
        if record.presence is not Presence.OFFLINE:
            self._decisions.set_presence(record, Presence.OFFLINE, "lost")

    def enter_queue(self, command: EnterQueue) -> None:
        """A caller shall be served by a human."""
        _check_ids(command.call, command.ticket)
        ledger = self._ledger
        queue = self._queue(command.queue)
        _check_priority(command.priority)
        self._check_skills(command.skills)
        callback = command.kind is ContactKind.CALLBACK
        if callback or command.address is not None:
            _check_address(command.address)
        if callback and queue.callback is None:
            _refuse("callback.none", f"Queue {queue.id} makes no callbacks.")
        if (known := ledger.contacts.get(command.call)) is not None:
            if known.ticket != command.ticket:
                _refuse("call.queued", f"Call {command.call} is at the desk already, with another ticket.")
            return
        now = ledger.now
        opens_at = queue.opens_at(now)
        if opens_at != now and not (callback and opens_at is not None):
            self._decisions.emit(ContactTurnedAway(command.call, command.ticket, queue.id, opens_at))
            wait_s = None if opens_at is None else opens_at - now
            self._decisions.notices.append(Notice(command.call, NoticeKind.CLOSED, None, wait_s))
            return
        held_until = self._hold(command, queue)
        self._decisions.emit(
            ContactQueued(
                call=command.call,
                ticket=command.ticket,
                queue=queue.id,
                since=now,
                priority=command.priority,
                language=command.language,
                skills=merge(command.skills),
                kind=command.kind,
                sticky=command.sticky,
                held_until=held_until,
                address=command.address,
            )
        )
        contact = ledger.contacts[command.call]
        if opens_at is not None and opens_at > now:
            self._decisions.sleep(contact, opens_at)
        else:
            self._decisions.settle(contact)

    def note_address(self, command: NoteAddress) -> None:
        """Where a caller could be called back; one who is to be called back has said so already."""
        contact = self._contact(command.call)
        address = _check_address(command.address)
        if contact.kind is ContactKind.LIVE and contact.address != address:
            self._decisions.emit(ContactAddressed(command.call, address))

    def reprioritize(self, command: Reprioritize) -> None:
        """The call's priority is another now."""
        _check_priority(command.priority)
        if self._contact(command.call).priority != command.priority:
            self._decisions.emit(ContactReprioritized(command.call, command.priority))

    def reroute(self, command: Reroute) -> None:
        """A caller shall wait elsewhere; who waits no more, and whoever would come to a closed queue, stays."""
        contact = self._contact(command.call)
        queue = self._queue(command.queue)
        self._check_skills(command.skills)
        skills = merge(command.skills)
        stays = (contact.queue, contact.skills) == (queue.id, skills)
        if stays or contact.state is not ContactState.WAITING or not queue.is_open(self._ledger.now):
            return
        self._decisions.emit(ContactMoved(command.call, queue.id, MoveReason.REROUTED, skills))
        self._decisions.settle(contact)

    def request_callback(self, command: RequestCallback) -> None:
        """A waiting caller wants to be called back."""
        contact = self._contact(command.call)
        address = _check_address(command.address)
        if self._ledger.queue_of(contact).callback is None:
            _refuse("callback.none", f"Queue {contact.queue} makes no callbacks.")
        if contact.kind is ContactKind.CALLBACK and contact.address == address:
            return
        if contact.state is not ContactState.WAITING:
            _refuse("call.state", f"Call {command.call} is {contact.state}; a callback is for those who wait.")
        self._decisions.emit(CallbackRequested(command.call, address))
        self._decisions.notices.append(Notice(command.call, NoticeKind.CALLBACK_NOTED))

    def leave_queue(self, command: LeaveQueue) -> None:
        """The caller hung up, or no human is wanted any more; a callback waits on after hanging up."""
        contact = self._contact(command.call)
        hung_up = command.departure is Departure.CALLER_GONE
        served = contact.state is ContactState.SERVING
        if contact.kind is ContactKind.CALLBACK and hung_up and not served:
            return
        self._decisions.leave(contact, Departure.SERVED if served else command.departure)

    def accept(self, command: AcceptOffer) -> None:
        """An agent takes the caller who is offered."""
        contact = self._offered(command.offer, command.agent, console=command.console)
        if contact is None:
            return
        connect_by = self._ledger.now + self._ledger.queue_of(contact).connect_s(contact.kind)
        event = OfferAccepted(command.offer, contact.call, command.agent, command.console, connect_by)
        self._decisions.emit(event)
        self._decisions.offer_agent(command.agent)

    def decline(self, command: DeclineOffer) -> None:
        """An agent does not take the caller who is offered."""
        contact = self._offered(command.offer, command.agent, ended_as=HandoverFailure.DECLINED)
        if contact is not None:
            self._decisions.return_contact(contact, self._agent(command.agent), HandoverFailure.DECLINED)

    def confirm_bridge(self, command: ConfirmBridge) -> None:
        """Caller and agent hear each other."""
        contact = self._engaged(command.call, command.agent)
        if contact.state is ContactState.CONNECTING:
            self._decisions.emit(ContactBridged(command.call, command.agent))

    def take_contact(self, command: TakeContact) -> None:
        """A supervisor serves the caller from now on."""
        _check_ids(command.call, command.agent)
        ledger = self._ledger
        contact = ledger.contacts.get(command.call)
        if contact is not None and contact.agent == command.agent:
            return
        if contact is not None and contact.kind is ContactKind.CALLBACK:
            _refuse("call.state", f"Call {command.call} is to be called back; nobody is on the line.")
        if contact is not None and contact.state is ContactState.SERVING and contact.agent != command.former:
            _refuse("call.state", f"Call {command.call} is served by somebody else by now.")
        if command.agent not in ledger.agents:
            self._decisions.emit(AgentProfiled(command.agent, ledger.config.newcomer))
        record = self._agent(command.agent)
        if len(record.calls) >= record.profile.capacity:
            _refuse("agent.engaged", f"Agent {command.agent} serves a caller.", "Finish that call first.")
        self._decisions.take_over(command, record)

    def fail_bridge(self, command: FailBridge) -> None:
        """The audio did not come about, or is lost."""
        if command.code not in BRIDGE_FAILURES:
            _refuse("handover.code", f"A bridge fails for technical reasons or with the agent; got {command.code}.")
        contact = self._engaged(command.call, command.agent)
        self._decisions.return_contact(contact, self._agent(command.agent), command.code)

    def answer_callback(self, command: AnswerCallback) -> None:
        """The caller is on the line again, by another call."""
        _check_ids(command.by, command.ticket)
        ledger = self._ledger
        contact = self._engaged(command.call, command.agent)
        if contact.kind is not ContactKind.CALLBACK or contact.state is not ContactState.CONNECTING:
            _refuse("call.state", f"Call {command.call} is not being called back.")
        if command.by in ledger.contacts:
            _refuse("call.queued", f"Call {command.by} is at the desk already.")
        connect_by = ledger.now + ledger.queue_of(contact).connect_timeout_s
        self._decisions.emit(CallbackAnswered(command.call, command.agent, command.by, command.ticket, connect_by))

    def miss_callback(self, command: MissCallback) -> None:
        """The caller was not reached."""
        contact = self._engaged(command.call, command.agent)
        terms = self._ledger.queue_of(contact).callback
        if contact.kind is not ContactKind.CALLBACK:
            _refuse("call.state", f"Call {command.call} is on the line; only a callback can miss its caller.")
        self._decisions.emit(CallbackMissed(command.call, command.agent, command.code))
        hopeless = command.code is TransferFailure.FORBIDDEN
        if terms is None or hopeless or contact.attempts + 1 >= terms.attempts:
            self._decisions.leave(contact, Departure.NOT_REACHED)
        else:
            self._decisions.sleep(contact, self._ledger.now + terms.retry_s)

    def finish_call(self, command: FinishCall) -> None:
        """The agent has served the caller."""
        contact = self._engaged(command.call, command.agent)
        if contact.state is not ContactState.SERVING:
            _refuse("call.state", f"Call {command.call} is {contact.state}; only a served one can be finished.")
        self._decisions.leave(contact, Departure.SERVED)

    def _offered(
        self, offer: OfferId, agent: AgentId, *, console: str | None = None, ended_as: str = ACCEPTED
    ) -> ContactRecord | None:
        """Whom an open offer is about; None where this agent has said the same of it before."""
        ledger = self._ledger
        call = ledger.offers.get(offer)
        if call is not None:
            contact = ledger.contacts[call]
            if contact.offer is None or contact.offer.agent != agent:
                _refuse("offer.not_yours", f"Offer {offer} is for another agent.")
            return contact
        ended = ledger.ended.get(offer)
        if ended is None:
            _refuse("offer.unknown", f"No offer {offer} is known.")
        if ended.agent != agent:
            _refuse("offer.not_yours", f"Offer {offer} was for another agent.")
        if ended.how == ended_as and ended.console == console:
            return None
        if ended.how == ACCEPTED:
            _refuse("offer.taken", f"Offer {offer} was accepted already, at another console or before.")
        if ended.how == HandoverFailure.NO_ANSWER:
            _refuse("offer.expired", f"Offer {offer} ran out before it was answered.", "Answer sooner.")
        return _refuse("offer.closed", f"Offer {offer} is closed ({ended.how}).")

    def _hold(self, command: EnterQueue, queue: Queue) -> float | None:
        """Until when the caller is held for the agent they know: while that agent is at work but not free."""
        agent = self._ledger.agents.get(command.sticky) if command.sticky is not None else None
        if agent is None or queue.sticky_s <= 0 or not agent.signed_in:
            return None
        able = agent.profile.can(queue.demand(command.language, command.skills))
        return self._ledger.now + queue.sticky_s if able else None

    def _queue(self, queue: QueueId | None) -> Queue:
        config = self._ledger.config
        wanted = config.default_queue if queue is None else queue
        found = config.queues.get(wanted)
        if found is None:
            _refuse("queue.unknown", f"No queue {wanted[:60]!r} is known.", suggest(wanted, config.queues))
        return found

    def _agent(self, agent: AgentId) -> AgentRecord:
        found = self._ledger.agents.get(agent)
        if found is None:
            _refuse("agent.unknown", f"No agent {agent[:60]!r} is known.")
        return found

    def _contact(self, call: CallId) -> ContactRecord:
        found = self._ledger.contacts.get(call)
        if found is None:
            _refuse("call.unknown", f"No call {call[:60]!r} is at the desk.")
        return found

    def _engaged(self, call: CallId, agent: AgentId) -> ContactRecord:
        contact = self._contact(call)
        if contact.state not in ENGAGED or contact.agent != agent:
            _refuse("call.state", f"Call {call} is {contact.state}, and not with agent {agent[:60]!r}.")
        return contact

    def _check_skills(self, skills: Skills) -> None:
        known = self._ledger.config.skills
        for one in skills:
            if one.name not in known:
                _refuse("skill.unknown", f"No skill {one.name[:60]!r} is known.", suggest(one.name, known))
            if not 1 <= one.level <= 9:
                _refuse("agent.profile", f"A skill's level is 1 to 9; got {one.level}.")


def _refuse(code: str, message: str, fix: str = "") -> NoReturn:
    raise RefusedError(Refusal(code, message, fix))


def _check_priority(priority: int) -> None:
    if not 0 <= priority <= MAX_PRIORITY:
        _refuse("priority.range", f"A priority is 0 to {MAX_PRIORITY}; got {priority}.")


def _check_address(address: str | None) -> str:
    if not address or len(address) > MAX_ID:
        _refuse("callback.none", "A callback needs an address of at most 200 characters.")
    return address


def _check_ids(*ids: Iterable[str] | str) -> None:
    for one in ids:
        if not isinstance(one, str) or not 1 <= len(one) <= MAX_ID:
            _refuse("id.malformed", f"An id is text of 1 to {MAX_ID} characters.")
