"""How long a caller will wait, as far as that can be told.

With `n` callers ahead, `s` agents who serve at rate mu each, and callers who give up at rate theta, the next agents
come free for this caller after a mean time of

    sum over i = 0 … n of 1 / (s * mu + i * theta)

(the Markovian queue-length estimator of Ibrahim and Whitt 2009, "Real-time delay estimation based on delay history in
many-server service systems", equation for QL_m). mu and theta are what the queue itself showed lately; before anything
was counted, mu is what its set-up expects and theta 0. The estimate knows nothing of callers who come later and go
first, nor of agents who come and go.
"""

from __future__ import annotations

from typing import Final

from routing.desk.ledger import Ledger
from routing.desk.line import Lane
from routing.desk.records import ContactRecord, QueueRecord

TRUSTED: Final = 10
"""Counted calls from which on the queue's own figures replace what its set-up expects."""

SUMMED: Final = 2_000
"""Terms that are summed one by one; beyond it the last term stands for the rest."""


def ahead_in_queue(ledger: Ledger, contact: ContactRecord) -> int:
    """How many of the same queue are served before this caller, as it looks now."""
    place = ledger.place_of(contact)
    queue = ledger.queue_of(contact).id
    return sum(lane.ahead(place[0], place[1]) for lane in ledger.lanes.values() if lane.demand.queue == queue)


def expected_wait(ledger: Ledger, contact: ContactRecord) -> float | None:
    """Seconds until this caller is offered to somebody; None where nobody is there who could serve them."""
    own = ledger.lane_of(contact)
    servers = sum(ledger.agents[agent].profile.capacity for agent in own.able if ledger.agents[agent].signed_in)
    if not servers:
        return None
    counted = ledger.counted(ledger.queue_of(contact).id)
    leaving = servers / _handle_s(ledger, contact, counted)
    giving_up = counted.abandonment_rate
    ahead = round(_ahead(ledger, contact, own))
    summed = min(ahead, SUMMED)
    wait = sum(1.0 / (leaving + i * giving_up) for i in range(summed + 1))
    return wait + (ahead - summed) / (leaving + summed * giving_up)


def _ahead(ledger: Ledger, contact: ContactRecord, own: Lane) -> float:
    """Callers who go first, those of other lanes by the share of their agents who could serve this one instead."""
    score = ledger.score_of(contact)
    place = ledger.place_of(contact)
    total = 0.0
    for lane in ledger.lanes.values():
        if not lane.places:
            continue
        if lane is own:
            total += lane.ahead(place[0], place[1])
        elif lane.able and (shared := len(own.able & lane.able)):
            total += lane.ahead_by_score(score, ledger.now) * shared / len(lane.able)
    return total


def _handle_s(ledger: Ledger, contact: ContactRecord, counted: QueueRecord) -> float:
    queue = ledger.queue_of(contact)
    if counted.handle.count < TRUSTED:
        return queue.expected_handle_s + queue.wrap_up_s
    wrap_up_s = counted.wrap_up.value if counted.wrap_up.count >= TRUSTED else queue.wrap_up_s
    return max(counted.handle.value + wrap_up_s, 1.0)
