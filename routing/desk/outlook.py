"""What policies may know of the desk: how busy its queues are, and how long a caller has waited."""

from __future__ import annotations

from typing import Final

from routing.desk.keeper import Keeper
from routing.desk.ledger import Ledger
from routing.desk.terms import ContactState
from routing.policy.facts import QueueLoad, Situation
from voice.contracts.audio import CallId

ATTENDED: Final = frozenset({ContactState.SERVING})
"""States in which a caller waits no more."""


FRESH_S: Final = 1.0
"""How old the queues' figures may be: at 1000 agents and 5000 waiting callers a look at them takes about 5 ms."""


class Outlook:
    """Tells calls how the desk stands. Until the desk is open, and where there is none, nothing is known of it."""

    def __init__(self) -> None:
        self._keeper: Keeper | None = None
        self._loads: tuple[QueueLoad, ...] = ()
        self._looked_at = -FRESH_S

    def watch(self, keeper: Keeper) -> None:
        """From now on tell of this desk."""
        self._keeper = keeper

    def situation(self, call: CallId) -> Situation:
        """How the queues stood within the last second, and how long this caller has waited."""
        if self._keeper is None:
            return Situation()
        ledger, now = self._keeper.ledger, self._keeper.now_s()
        if now - self._looked_at >= FRESH_S:
            self._loads, self._looked_at = look_at_queues(ledger, now), now
        return Situation(self._loads, waited_s(ledger, now, call))


def look_at_queues(ledger: Ledger, now: float) -> tuple[QueueLoad, ...]:
    """How busy the queues are at a moment, the default one first. Linear in waiting callers and agents."""
    config = ledger.config
    free = frozenset(ledger.free)
    loads = []
    for queue in sorted(config.queues.values(), key=lambda one: one.id != config.default_queue):
        able, places = ledger.waiting.able_for(queue), ledger.waiting.line(queue).places
        longest = min((ledger.contacts[one].since for _, _, one in places), default=now)
        loads.append(
            QueueLoad(
                queue=queue.id,
                open=queue.is_open(now),
                waiting=len(places),
                longest_wait_s=round(max(0.0, now - longest), 1),
                agents=sum(ledger.agents[agent].signed_in for agent in able),
                free=len(able & free),
            )
        )
    return tuple(loads)


def waited_s(ledger: Ledger, now: float, call: CallId) -> float | None:
    """How long a caller has waited for a person; None for one who does not wait."""
    contact = ledger.contacts.get(call)
    if contact is None or contact.state in ATTENDED:
        return None
    return round(max(0.0, now - contact.since), 1)
