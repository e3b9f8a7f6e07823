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

import math
from typing import Final

from routing.desk.config import Queue
from routing.desk.ledger import Ledger
from routing.desk.line import Lane
from routing.desk.records import ContactRecord, QueueRecord

TRUSTED: Final = 10
"""Counted calls from which on the queue's own figures replace what its set-up expects."""

SUMMED: Final = 32
"""Terms that are summed one by one; the later ones, which hardly differ, are integrated."""


def ahead_in_queue(ledger: Ledger, contact: ContactRecord) -> int:
    """How many of the same queue are served before this caller, as it looks now."""
    place = ledger.place_of(contact)
    return ledger.waiting.line(ledger.queue_of(contact)).ahead(place[0], place[1])


def expected_wait(ledger: Ledger, contact: ContactRecord) -> float | None:
    """Seconds until this caller is offered to somebody; None where nobody is there who could serve them."""
    own = ledger.lane_of(contact)
    servers = ledger.waiting.servers(own)
    if not servers:
        return None
    queue = ledger.queue_of(contact)
    counted = ledger.counted(queue.id)
    leaving = servers / _handle_s(queue, counted)
    giving_up = counted.abandonment_rate
    return wait_behind(round(_ahead(ledger, contact, own)), leaving, giving_up)


def expected_wait_of_next(ledger: Ledger, queue: Queue) -> float | None:
    """Seconds that somebody would wait who joined a queue now, behind everybody; None where nobody is there for it.

    Those with the same demands as most callers are meant: any language, no skills beyond what the queue asks for.
    """
    able = ledger.waiting.able_for(queue)
    servers = sum(ledger.agents[agent].profile.capacity for agent in able if ledger.agents[agent].signed_in)
    if not servers:
        return None
    ahead = len(ledger.waiting.line(queue).places)
    if not ahead and any(ledger.agents[agent].free for agent in able):
        return 0.0
    counted = ledger.counted(queue.id)
    return wait_behind(ahead, servers / _handle_s(queue, counted), counted.abandonment_rate)


def wait_behind(ahead: int, leaving: float, giving_up: float) -> float:
    """Mean time until `ahead` callers and then this one get an agent.

    Args:
        ahead: callers who go first.
        leaving: rate at which agents come free, per second.
        giving_up: rate at which each of those ahead hangs up, per second.
    """
    if giving_up == 0:
        return (ahead + 1) / leaving
    summed = min(ahead, SUMMED)
    wait = sum(1.0 / (leaving + i * giving_up) for i in range(summed + 1))
    # Midpoint rule: the sum from `summed + 1` to `ahead` is the integral over half a step more on either side.
    rest = (leaving + (ahead + 0.5) * giving_up) / (leaving + (summed + 0.5) * giving_up)
    return wait + math.log(rest) / giving_up


def _ahead(ledger: Ledger, contact: ContactRecord, own: Lane) -> float:
    """Callers who go first: of those with other demands, the share whose agents could serve this one instead.

    The share is that of the queue's agents, since demands may be as many as callers.
    """
    score, place = ledger.score_of(contact), ledger.place_of(contact)
    alike = own.ahead(place[0], place[1])
    total = float(alike)
    for queue, line in ledger.waiting.lines.items():
        if not line.places:
            continue
        ahead = line.ahead_by_score(score, ledger.now) if queue != own.demand.queue else line.ahead(*place[:2]) - alike
        able = ledger.waiting.able_for(ledger.config.queue(queue))
        if ahead and able:
            total += ahead * len(own.able & able) / len(able)
    return total


def _handle_s(queue: Queue, counted: QueueRecord) -> float:
    if counted.handle.count < TRUSTED:
        return queue.expected_handle_s + queue.wrap_up_s
    wrap_up_s = counted.wrap_up.value if counted.wrap_up.count >= TRUSTED else queue.wrap_up_s
    return max(counted.handle.value + wrap_up_s, 1.0)
