"""What people see of the desk: agents, queues and callers as they are at one moment. Read from the ledger alone."""

from __future__ import annotations

from dataclasses import dataclass

from routing.desk.estimate import ahead_in_queue, expected_wait, expected_wait_of_next
from routing.desk.ledger import Ledger
from routing.desk.records import AgentRecord
from routing.desk.terms import AgentId, AgentProfile, ContactKind, ContactState, OfferId, Presence, QueueId
from routing.terms import Wording
from voice.contracts.audio import CallId


@dataclass(frozen=True, slots=True)
class AgentView:
    """An agent; `presence` is busy where the capacity is used up, `fixed` where the desk's file says what they can.

    `until` is when after-call work ends by itself, on the desk's clock.
    """

    agent: AgentId
    profile: AgentProfile
    fixed: bool
    presence: Presence
    offer: OfferId | None
    calls: tuple[CallId, ...]
    until: float | None


@dataclass(frozen=True, slots=True)
class QueueView:
    """A queue; waits in seconds, figures since the desk's log began.

    `expected_wait_s` is of somebody who joins now; None where nobody is there for the queue.
    """

    queue: QueueId
    title: Wording
    open: bool
    staffed: bool
    waiting: int
    longest_wait_s: float
    expected_wait_s: float | None
    answered: int
    answered_in_target: int
    abandoned: int
    mean_wait_s: float
    mean_handle_s: float


@dataclass(frozen=True, slots=True)
class ContactView:
    """A caller; `ahead` and `expected_wait_s` while they wait, the latter None where nobody is there.

    `attempts` did not reach who is to be called back; they rest for `due_in_s`, None where they do not.
    """

    call: CallId
    ticket: str
    queue: QueueId
    priority: int
    state: ContactState
    callback: bool
    with_ai: bool
    waited_s: float
    ahead: int | None
    expected_wait_s: float | None
    agent: AgentId | None
    offers: int
    attempts: int
    due_in_s: float | None


@dataclass(frozen=True, slots=True)
class OfferView:
    """An open reservation; the agent has `remaining_s` to answer. A callback is dialled when they have."""

    offer: OfferId
    call: CallId
    ticket: str
    queue: QueueId
    priority: int
    remaining_s: float
    callback: bool
    attempts: int
    waited_s: float


def view_agents(ledger: Ledger) -> list[AgentView]:
    """Every known agent, by id."""
    return [_view(one) for one in sorted(ledger.agents.values(), key=lambda one: one.id)]


def view_agent(ledger: Ledger, agent: AgentId) -> AgentView | None:
    """One agent; None where the desk does not know them."""
    found = ledger.agents.get(agent)
    return None if found is None else _view(found)


def _view(one: AgentRecord) -> AgentView:
    return AgentView(one.id, one.profile, one.fixed, one.shown, one.offer, one.calls, one.until)


def view_queues(ledger: Ledger, now: float) -> list[QueueView]:
    """Every queue, in the order of the desk's file."""
    found = []
    for queue in ledger.config.queues.values():
        counted, line = ledger.counted(queue.id), ledger.waiting.line(queue)
        waiting = [ledger.contacts[call].since for _, _, call in line.places]
        found.append(
            QueueView(
                queue=queue.id,
                title=queue.title,
                open=queue.is_open(now),
                staffed=any(ledger.agents[agent].signed_in for agent in ledger.waiting.able_for(queue)),
                waiting=len(waiting),
                longest_wait_s=max(0.0, now - min(waiting, default=now)),
                expected_wait_s=expected_wait_of_next(ledger, queue),
                answered=counted.answered,
                answered_in_target=counted.answered_in_target,
                abandoned=counted.abandoned,
                mean_wait_s=counted.wait.value,
                mean_handle_s=counted.handle.value,
            )
        )
    return found


def view_contacts(ledger: Ledger, now: float, *, limit: int) -> list[ContactView]:
    """Callers at the desk, who scores highest first."""
    found = sorted(ledger.contacts.values(), key=ledger.score_of, reverse=True)[:limit]
    return [
        ContactView(
            call=one.call,
            ticket=one.ticket,
            queue=one.queue,
            priority=max(one.priority, ledger.queue_of(one).priority),
            state=one.state,
            callback=one.kind == "callback",
            with_ai=one.with_ai,
            waited_s=max(0.0, (one.accepted_at if one.accepted_at is not None else now) - one.since),
            ahead=ahead_in_queue(ledger, one) if one.state is ContactState.WAITING else None,
            expected_wait_s=expected_wait(ledger, one) if one.state is ContactState.WAITING else None,
            agent=one.taken_by,
            offers=one.offers,
            attempts=one.attempts,
            due_in_s=None if one.asleep_until is None else max(0.0, one.asleep_until - now),
        )
        for one in found
    ]


def view_offer(ledger: Ledger, agent: AgentId, now: float) -> OfferView | None:
    """The open reservation of an agent, if there is one."""
    record = ledger.agents.get(agent)
    if record is None or record.offer is None:
        return None
    contact = ledger.contacts[ledger.offers[record.offer]]
    ends_at = contact.offer.expires_at if contact.offer is not None else now
    return OfferView(
        offer=record.offer,
        call=contact.call,
        ticket=contact.ticket,
        queue=contact.queue,
        priority=contact.priority,
        remaining_s=max(0.0, ends_at - now),
        callback=contact.kind is ContactKind.CALLBACK,
        attempts=contact.attempts,
        waited_s=max(0.0, now - contact.since),
    )
