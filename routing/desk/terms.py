"""The terms of the desk: who serves, who waits, and the states between.

Desk time is a number of seconds, since 1970 in production and since the beginning in a simulation. It never runs
backwards: a clock that does is read as standing still.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NewType

from asr.types import Language

AgentId = NewType("AgentId", str)
QueueId = NewType("QueueId", str)
OfferId = NewType("OfferId", str)

MAX_TIME_S: Final = 1e11
"""Latest moment that the desk knows (the year 5138); beyond it dates can no longer be told."""

MAX_ID: Final = 200
"""Characters of an id; ids are opaque and come from outside."""


class Presence(StrEnum):
    """What an agent does. `BUSY` is also shown of a ready agent whose capacity is used up."""

    READY = "ready"
    BUSY = "busy"
    AFTER_CALL = "after_call"
    BREAK = "break"
    OFFLINE = "offline"


class ContactState(StrEnum):
    """Where a caller is between entering the desk and leaving it."""

    WAITING = "waiting"
    ASLEEP = "asleep"
    """A callback that may not be made before a moment."""

    OFFERED = "offered"
    CONNECTING = "connecting"
    """An agent accepted; the audio is not through yet."""

    SERVING = "serving"


class ContactKind(StrEnum):
    """Whether the caller is on the line or wants to be called back."""

    LIVE = "live"
    CALLBACK = "callback"


class Departure(StrEnum):
    """Why a caller left the desk."""

    SERVED = "served"
    CALLER_GONE = "caller_gone"
    WITHDRAWN = "withdrawn"
    """The route changed: no human is wanted any more."""

    NOT_REACHED = "not_reached"
    """A callback that was tried as often as the queue says."""


class MoveReason(StrEnum):
    """Why a caller stands in another queue than before."""

    OVERFLOW = "overflow"
    REMOVED_QUEUE = "removed_queue"
    REROUTED = "rerouted"
    """The policy names another queue, or other skills, than when the caller came."""


class Strategy(StrEnum):
    """Which of several free agents gets the call."""

    LONGEST_IDLE = "longest_idle"
    BEST_SKILL = "best_skill"


@dataclass(frozen=True, slots=True, order=True)
class SkillLevel:
    """A skill: of an agent the level reached, of a caller the least level wanted; 1 to 9."""

    name: str
    level: int


Skills = tuple[SkillLevel, ...]


@dataclass(frozen=True, slots=True)
class AgentProfile:
    """What an agent can do.

    Attributes:
        name: for people.
        skills: in order of their names, each once.
        languages: what the agent speaks.
        capacity: calls at once, 1 to 10.
    """

    name: str
    skills: Skills
    languages: tuple[Language, ...]
    capacity: int = 1

    def can(self, demand: Demand) -> bool:
        """Whether the agent may serve who demands this."""
        if demand.language is not None and demand.language not in self.languages:
            return False
        if not demand.skills:
            return True
        levels = {one.name: one.level for one in self.skills}
        return all(levels.get(wanted.name, 0) >= wanted.level for wanted in demand.skills)

    def fit(self, demand: Demand) -> int:
        """Sum of the agent's levels in the demanded skills; the higher, the better the fit."""
        levels = {one.name: one.level for one in self.skills}
        return sum(levels.get(wanted.name, 0) for wanted in demand.skills)


@dataclass(frozen=True, slots=True)
class Demand:
    """What a caller needs of an agent; equal demands of one queue share a lane.

    Attributes:
        queue: where the caller waits.
        language: what the agent must speak; None where the queue does not ask for it.
        skills: least levels, in order of their names, each once.
    """

    queue: QueueId
    language: Language | None
    skills: Skills


def merge(*several: Skills) -> Skills:
    """The strictest of several demands, skill by skill."""
    levels: dict[str, int] = {}
    for skills in several:
        for one in skills:
            levels[one.name] = max(levels.get(one.name, 0), one.level)
    return tuple(SkillLevel(name, level) for name, level in sorted(levels.items()))
