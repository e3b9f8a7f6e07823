"""Lines of waiting callers, in the order in which they are served.

A caller's score is the priority plus what waiting is worth: `score(t) = priority + slope * (t - since)`. Of two callers
of one queue both scores rise equally fast, so their order never changes by itself; a line is kept sorted by
`rank = slope * since - priority`, lowest first, and nothing has to be sorted again as time passes.

That bounds how long anybody is passed over. A caller who came `x` seconds later and has `d` points more goes first only
where `d > slope * x`. Priorities lie within 0 to 99, so nobody who came more than `99 / slope` seconds later ever goes
first: at three points a minute nobody who came 33 minutes later.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field

from routing.desk.terms import AgentId, Demand
from voice.contracts.audio import CallId

Place = tuple[float, int, CallId]
"""Rank (lowest first), order of entering, call."""


@dataclass(slots=True)
class Line:
    """The waiting callers of one queue.

    Attributes:
        slope: points per second of waiting.
        places: the callers in order.
    """

    slope: float
    places: list[Place] = field(default_factory=list)

    def add(self, place: Place) -> None:
        """Put a caller in their place."""
        insort(self.places, place)

    def remove(self, place: Place) -> None:
        """Take a caller out; the place must be there."""
        at = bisect_left(self.places, place)
        if at == len(self.places) or self.places[at] != place:
            raise LookupError(f"{place[2]} has no place in this line.")
        del self.places[at]

    def ahead(self, rank: float, order: int) -> int:
        """How many stand before this rank."""
        return bisect_left(self.places, (rank, order, CallId("")))

    def ahead_by_score(self, score: float, now: float) -> int:
        """How many score higher at this moment; for comparing across queues whose slopes differ."""
        return bisect_left(self.places, (self.slope * now - score, -1, CallId("")))


@dataclass(slots=True)
class Lane(Line):
    """Those of a queue who demand the same of an agent.

    Attributes:
        demand: what they demand.
        able: the known agents who can serve them.
        staffing: the desk's staffing that `servers` was counted for.
        servers: calls that the agents of this lane who are signed in can serve at once.
    """

    demand: Demand = field(kw_only=True)
    able: frozenset[AgentId] = field(kw_only=True)
    staffing: int = -1
    servers: int = 0


def rank(slope: float, since: float, priority: int) -> float:
    """Where a caller stands in a line; lowest first."""
    return slope * since - priority
