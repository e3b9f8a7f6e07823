"""What a simulated day is made of: who comes when, for how long they talk, how long they wait, and who serves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from asr.types import Language
from routing.desk.terms import QueueId, Skills


class Spread(StrEnum):
    """How the lengths of calls are distributed around their mean."""

    EXPONENTIAL = "exponential"
    LOGNORMAL = "lognormal"
    """With a coefficient of variation of 0.8, about that of real calls (Brown et al. 2005 find them lognormal)."""

    FIXED = "fixed"


VARIATION = 0.8


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of caller and their share of all.

    Attributes:
        share: relative to the other kinds.
        priority: 0 to 99.
        queue: None for the default queue.
        skills: wanted beyond the queue's.
        language: what they speak.
    """

    share: float = 1.0
    priority: int = 0
    queue: QueueId | None = None
    skills: Skills = ()
    language: Language = Language.ZH


@dataclass(frozen=True, slots=True)
class Crew:
    """So many agents of one kind, who are there all the time."""

    count: int
    skills: Skills = ()
    languages: tuple[Language, ...] = (Language.ZH, Language.EN)
    capacity: int = 1


@dataclass(frozen=True, slots=True)
class Scenario:
    """A day at the desk.

    Attributes:
        arrivals: callers per hour, one figure for each stretch of equal length; they come as a Poisson process.
        hours: how long callers come; who waits then is served to the end.
        crews: the agents.
        handle_s: mean length of a call.
        spread: how lengths are distributed.
        patience_s: mean of the exponentially distributed time until a waiting caller hangs up; None for never.
        kinds: the kinds of callers.
        answer_s: how long an agent takes to accept.
        declined: share of offers that agents decline.
        unanswered: share of offers that nobody answers.
        warm_up: share of `hours` at the beginning whose callers are not counted, since all begins with an empty desk.
    """

    arrivals: tuple[float, ...]
    hours: float
    crews: tuple[Crew, ...]
    handle_s: float = 240.0
    spread: Spread = Spread.EXPONENTIAL
    patience_s: float | None = None
    kinds: tuple[Kind, ...] = field(default=(Kind(),))
    answer_s: float = 0.0
    declined: float = 0.0
    unanswered: float = 0.0
    warm_up: float = 0.1

    @property
    def agents(self) -> int:
        """Calls that can be served at once."""
        return sum(crew.count * crew.capacity for crew in self.crews)

    def rate_at(self, at_s: float) -> float:
        """Callers per hour at a moment."""
        stretch = int(at_s / (self.hours * 3600) * len(self.arrivals))
        return self.arrivals[min(stretch, len(self.arrivals) - 1)]


@dataclass(frozen=True, slots=True)
class Caller:
    """One simulated caller: when they come, what they want, how long they talk and wait."""

    number: int
    at_s: float
    kind: Kind
    handle_s: float
    patience_s: float | None


def draw_callers(scenario: Scenario, seed: int) -> Iterator[Caller]:
    """The callers of a day, in order of coming. The same seed gives the same callers, whoever serves them."""
    coming, talking, waiting, choosing = (np.random.default_rng([seed, part]) for part in range(4))
    highest = max(scenario.arrivals)
    shares = np.cumsum([kind.share for kind in scenario.kinds])
    end_s, at_s, number = scenario.hours * 3600, 0.0, 0
    while highest > 0 and (at_s := at_s + float(coming.exponential(3600 / highest))) < end_s:
        if coming.random() * highest >= scenario.rate_at(at_s):  # thinning (Lewis and Shedler 1979)
            continue
        kind = scenario.kinds[int(np.searchsorted(shares, choosing.random() * shares[-1], side="right"))]
        patience_s = None if scenario.patience_s is None else float(waiting.exponential(scenario.patience_s))
        yield Caller(number, at_s, kind, _length(scenario, talking), patience_s)
        number += 1


def _length(scenario: Scenario, chance: np.random.Generator) -> float:
    match scenario.spread:
        case Spread.EXPONENTIAL:
            return float(chance.exponential(scenario.handle_s))
        case Spread.LOGNORMAL:
            variance = np.log(1 + VARIATION**2)
            return float(chance.lognormal(np.log(scenario.handle_s) - variance / 2, np.sqrt(variance)))
        case Spread.FIXED:
            return scenario.handle_s
