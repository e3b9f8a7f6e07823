"""The agents to whom somebody may be offered, longest idle first."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator

from routing.desk.records import AgentRecord
from routing.desk.terms import AgentId


class FreeAgents:
    """An index over the agents' records; iterates over ids.

    Args:
        agents: all of them; those who are not free are left out.
    """

    def __init__(self, agents: Iterable[AgentRecord] = ()) -> None:
        self._places = sorted(_place(one) for one in agents if one.free)

    def __iter__(self) -> Iterator[AgentId]:
        return (agent for _, _, agent in self._places)

    def refresh(self, agent: AgentRecord) -> None:
        """Take an agent in who is free now, or out who is not; since when they are idle must not have changed."""
        self.take_out(agent)
        if agent.free:
            insort(self._places, _place(agent))

    def take_out(self, agent: AgentRecord) -> None:
        """Take an agent out, if they are in; to be called before it changes since when they are idle."""
        place = _place(agent)
        at = bisect_left(self._places, place)
        if at < len(self._places) and self._places[at] == place:
            del self._places[at]


def _place(agent: AgentRecord) -> tuple[float, int, AgentId]:
    return agent.idle_since, agent.idle_order, agent.id
