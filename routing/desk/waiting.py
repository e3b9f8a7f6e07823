"""Who waits, in which order, and which agents can serve whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from routing.desk.config import DeskConfig, Queue
from routing.desk.line import Lane, Line, Place
from routing.desk.records import AgentRecord
from routing.desk.terms import AgentId, Demand, QueueId
from voice.contracts.audio import CallId

EMPTY_LANES: Final = 512
"""Lanes without callers that are kept, besides as many as have some: a demand that comes again finds its agents."""


class Waiting:
    """The waiting callers, by queue and by demand.

    Args:
        config: the set-up in force.
        agents: the agents, kept by the ledger.

    Attributes:
        lanes: by demand.
        lines: by queue.
        placed: the lane in which each of them waits.
        staffing: rises whenever somebody signs in or out, or can do something else.
    """

    def __init__(self, config: DeskConfig, agents: Mapping[AgentId, AgentRecord]) -> None:
        self._config = config
        self._agents = agents
        self.lanes: dict[Demand, Lane] = {}
        self.lines: dict[QueueId, Line] = {}
        self.placed: dict[CallId, Lane] = {}
        self.staffing = 0
        self._most_lanes = EMPTY_LANES
        self._able_for: dict[QueueId, frozenset[AgentId]] = {}
        self._skilled: dict[str, dict[AgentId, int]] = {}
        for agent in agents.values():
            self._note_skills(agent)

    def put_in(self, lane: Lane, place: Place) -> None:
        """A caller waits."""
        lane.add(place)
        self.line(self._config.queue(lane.demand.queue)).add(place)
        self.placed[place[2]] = lane

    def take_out(self, place: Place) -> None:
        """A caller who waits at this place does so no more."""
        lane = self.placed.pop(place[2])
        lane.remove(place)
        self.line(self._config.queue(lane.demand.queue)).remove(place)

    def lane(self, queue: Queue, demand: Demand) -> Lane:
        """The lane of a demand."""
        if (found := self.lanes.get(demand)) is not None:
            return found
        if len(self.lanes) >= self._most_lanes:
            self.lanes = {key: lane for key, lane in self.lanes.items() if lane.places}
            self._most_lanes = 2 * len(self.lanes) + EMPTY_LANES
        able = self.able(demand)
        lane = self.lanes[demand] = Lane(queue.slope, demand=demand, able=able)
        return lane

    def line(self, queue: Queue) -> Line:
        """Everybody who waits in a queue."""
        return self.lines.setdefault(queue.id, Line(queue.slope))

    def servers(self, lane: Lane) -> int:
        """Calls that the agents of a lane who are signed in can serve at once."""
        if lane.staffing != self.staffing:
            able = (self._agents[agent] for agent in lane.able)
            lane.servers = sum(one.profile.capacity for one in able if one.signed_in)
            lane.staffing = self.staffing
        return lane.servers

    def able(self, demand: Demand) -> frozenset[AgentId]:
        """The known agents who can serve a demand."""
        # Only those with the rarest of the skills are looked at.
        having = [self._skilled.get(wanted.name, {}) for wanted in demand.skills]
        candidates = min(having, key=len, default=self._agents)
        return frozenset(agent for agent in candidates if self._agents[agent].profile.can(demand))

    def able_for(self, queue: Queue) -> frozenset[AgentId]:
        """The known agents who can serve anybody of a queue: those who want nothing beyond it, in any language."""
        found = self._able_for.get(queue.id)
        if found is None:
            found = self._able_for[queue.id] = self.able(Demand(queue.id, None, queue.skills))
        return found

    def forget_agent(self, agent: AgentRecord) -> None:
        """What an agent can do is not known any more."""
        for one in agent.profile.skills:
            self._skilled.get(one.name, {}).pop(agent.id, None)
        for lane in self.lanes.values():
            if agent.id in lane.able:
                lane.able -= {agent.id}
        self._changed()

    def note_agent(self, agent: AgentRecord) -> None:
        """What an agent can do is known."""
        self._note_skills(agent)
        for lane in self.lanes.values():
            if agent.profile.can(lane.demand):
                lane.able |= {agent.id}
        self._changed()

    def _note_skills(self, agent: AgentRecord) -> None:
        for one in agent.profile.skills:
            self._skilled.setdefault(one.name, {})[agent.id] = one.level

    def _changed(self) -> None:
        self._able_for.clear()
        self.staffing += 1
