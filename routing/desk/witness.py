"""What must hold of the desk at every moment, checked from its log alone by somebody who does not trust it.

The witness folds the log a second time and looks at every event before folding it in. Property tests, the simulation
and the benchmark have it watch; it is no part of serving.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from routing.desk.config import DeskConfig
from routing.desk.events import (
    CallbackAnswered,
    ContactLeft,
    ContactQueued,
    ContactReprioritized,
    ContactTaken,
    Logged,
    OfferAccepted,
    OfferMade,
)
from routing.desk.ledger import Ledger
from routing.desk.records import ContactRecord
from routing.desk.terms import AgentId, ContactState, Presence
from voice.contracts.audio import CallId
from voice.contracts.errors import DeskLogError


class Witness:
    """Follows a desk's log.

    Attributes:
        ledger: the log, folded.
        entered: how many callers entered the desk.
        left: how many left it.
    """

    def __init__(self, config: DeskConfig) -> None:
        self.ledger = Ledger(config)
        self.entered = 0
        self.left = 0
        self._told: dict[CallId, tuple[float, int, int]] = {}

    def watch(self, logged: Iterable[Logged]) -> None:
        """Take in events.

        Raises:
            DeskLogError: one breaks what must hold.
        """
        for one in logged:
            self._look(one)
            self.ledger.apply(one)

    def check(self, now: float) -> None:
        """Check what must hold between two decisions.

        Raises:
            DeskLogError: something does not.
        """
        self.ledger.now = max(self.ledger.now, now)
        self._check_engagements()
        self._check_lanes()
        _demand(self.entered - self.left == len(self.ledger.contacts), "a caller is lost or there twice")
        # Told by the events alone, not by the fold that the desk shares: whoever comes back has kept the place.
        kept = {call: (one.since, one.order, one.priority) for call, one in self.ledger.contacts.items()}
        _demand(kept == self._told, "somebody at the desk has another place or priority than was told")

    def check_all_served(self, now: float) -> None:
        """Check that nobody waits whom a free agent could serve.

        Raises:
            DeskLogError: somebody does.
        """
        self.ledger.now = max(self.ledger.now, now)
        for agent in self.ledger.free:
            for lane in self.ledger.waiting.lanes.values():
                if agent in lane.able:
                    for _, _, call in lane.places:
                        barred = self._barred(self.ledger.contacts[call], agent)
                        _demand(barred, f"{agent} is free and {call} waits")

    def _look(self, one: Logged) -> None:
        ledger = self.ledger
        _demand(one.seq == ledger.next_seq, f"seq {ledger.next_seq} comes next; got {one.seq}")
        _demand(one.at >= ledger.now, "time does not run backwards")
        ledger.now = one.at
        match one.event:
            case ContactQueued(call=call):
                _demand(call not in ledger.contacts, f"{call} is at the desk already")
                self.entered += 1
                self._told[call] = (one.event.since, one.seq, one.event.priority)
            case CallbackAnswered(call=call, by=by, agent=agent):
                _demand(by not in ledger.contacts, f"{by} is at the desk already")
                _demand(ledger.contacts[call].agent == agent, f"{call} is called back for {agent} and with another")
                self._told[by] = self._told.pop(call)
            case ContactReprioritized(call=call, priority=priority):
                self._told[call] = (*self._told[call][:2], priority)
            case OfferMade(call=call, agent=agent):
                self._look_at_offer(call, agent)
            case OfferAccepted(call=call, agent=agent, offer=offer):
                contact = ledger.contacts[call]
                _demand(contact.state is ContactState.OFFERED, f"{call} is accepted without an offer")
                held = contact.offer
                _demand(held is not None and (held.id, held.agent) == (offer, agent), f"{call} is offered to another")
                _demand(held is not None and one.at < held.expires_at, f"{call} is accepted too late")
            case ContactTaken(call=call, agent=agent, former=former):
                contact, record = ledger.contacts[call], ledger.agents[agent]
                _demand(contact.taken_by == former, f"{call} is taken from {former} and is with another")
                _demand(len(record.calls) < record.profile.capacity, f"{agent} has no capacity left and takes {call}")
            case ContactLeft(call=call):
                _demand(call in ledger.contacts, f"{call} leaves twice")
                self.left += 1
                del self._told[call]
            case _:
                pass

    def _look_at_offer(self, call: CallId, agent: AgentId) -> None:
        ledger = self.ledger
        contact, record = ledger.contacts[call], ledger.agents[agent]
        _demand(contact.state is ContactState.WAITING, f"{call} does not wait and is offered")
        _demand(record.presence is Presence.READY, f"{agent} is not ready and gets an offer")
        _demand(record.offer is None, f"{agent} has an offer and gets another")
        _demand(record.asked_by is None, f"{agent} is asked to a colleague's call and gets an offer")
        _demand(len(record.calls) < record.profile.capacity, f"{agent} has no capacity left and gets an offer")
        _demand(agent in ledger.lane_of(contact).able, f"{agent} cannot serve {call}")
        _demand(not self._barred(contact, agent), f"{call} may not be offered to {agent}")
        score = ledger.score_of(contact)
        for lane in ledger.waiting.lanes.values():
            if agent not in lane.able:
                continue
            for rank, order, other in lane.places:
                if other == call or self._barred(ledger.contacts[other], agent):
                    continue
                theirs = lane.slope * ledger.now - rank
                first = theirs < score or (theirs == score and order > contact.order)
                _demand(first, f"{other} comes before {call} and is passed over")
                break

    def _barred(self, contact: ContactRecord, agent: AgentId) -> bool:
        held = contact.held_until is not None and contact.held_until > self.ledger.now and contact.sticky != agent
        excluded = any(one.agent == agent and one.until > self.ledger.now for one in contact.exclusions)
        return held or excluded

    def _check_engagements(self) -> None:
        ledger = self.ledger
        serving = Counter(call for record in ledger.agents.values() for call in record.calls)
        for call, times in serving.items():
            _demand(times == 1, f"{call} is with {times} agents")
            contact = ledger.contacts.get(call)
            _demand(contact is not None, f"{call} is served and not at the desk")
        for contact in ledger.contacts.values():
            engaged = contact.state in (ContactState.CONNECTING, ContactState.SERVING)
            _demand(engaged == (contact.call in serving), f"{contact.call} is {contact.state} and nobody's")
            if contact.state is ContactState.OFFERED:
                offered = contact.offer is not None and ledger.agents[contact.offer.agent].offer == contact.offer.id
                _demand(offered, f"{contact.call} is offered and nobody has the offer")
        open_offers = {record.offer for record in ledger.agents.values() if record.offer is not None}
        _demand(open_offers == set(ledger.offers), "an agent has an offer that is not open")

    def _check_lanes(self) -> None:
        ledger = self.ledger
        placed = [call for lane in ledger.waiting.lanes.values() for _, _, call in lane.places]
        waiting = {call for call, one in ledger.contacts.items() if one.state is ContactState.WAITING}
        _demand(len(placed) == len(waiting) and set(placed) == waiting, "a waiting caller has no place, or two")
        for lane in ledger.waiting.lanes.values():
            _demand(lane.places == sorted(lane.places), "a lane is out of order")
        free = {record.id for record in ledger.agents.values() if record.free}
        _demand(free == set(ledger.free), "who is free is not in the list of the free")


def _demand(holds: bool, rule: str) -> None:
    if not holds:
        raise DeskLogError(f"The desk broke a rule: {rule}.")
