"""What policies may know of the desk: how busy its queues are, and how long a caller has waited."""

from __future__ import annotations

from routing.desk.keeper import Keeper
from routing.desk.ledger import Ledger
from routing.desk.terms import ContactState
from routing.policy.facts import QueueLoad, Situation
from voice.contracts.audio import CallId

ATTENDED = frozenset({ContactState.SERVING})
"""States in which a caller waits no more."""


class Outlook:
    """Tells calls how the desk stands. Until the desk is open, and where there is none, nothing is known of it."""

    def __init__(self) -> None:
        self._keeper: Keeper | None = None

    def watch(self, keeper: Keeper) -> None:
        """From now on tell of this desk."""
        self._keeper = keeper

    def situation(self, call: CallId) -> Situation:
        """How the desk stands now, and since when this caller has waited."""
        keeper = self._keeper
        return Situation() if keeper is None else look_at(keeper.ledger, keeper.now_s(), call)


def look_at(ledger: Ledger, now: float, call: CallId) -> Situation:
    """How the desk stands at a moment, the default queue first. Linear in the waiting and in the free agents."""
    config = ledger.config
    free = frozenset(agent for _, _, agent in ledger.free)
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
    contact = ledger.contacts.get(call)
    waits = contact is not None and contact.state not in ATTENDED
    waited_s = round(max(0.0, now - contact.since), 1) if contact is not None and waits else None
    return Situation(tuple(loads), waited_s)
