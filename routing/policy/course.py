"""The decisions that a call's log holds, and what another policy would have decided in their place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from routing.events import CallStarted, Stamped
from routing.policy.decision import Decision
from routing.policy.facts import Facts
from routing.policy.record import read_facts
from routing.policy.rules import Policy, decide
from routing.service_events import DecisionMade, PriorityChanged, RouteDecided
from routing.terms import RouteTarget
from voice.contracts.audio import CallId, Samples
from voice.contracts.errors import EventError


@dataclass(frozen=True, slots=True)
class Taken:
    """A decision as it was taken.

    Attributes:
        seq: its place in the call's log.
        at: media time when it was written.
        made: what it looked at and came to.
        facts: the same facts, as policies ask for them.
        priority: the change of priority that followed; None where it stayed.
        route: likewise of the route.
        queue: the queue in force after it.
    """

    seq: int
    at: Samples
    made: DecisionMade
    facts: Facts
    priority: PriorityChanged | None = None
    route: RouteDecided | None = None
    queue: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """A decision, and the one that another policy would have taken in its place."""

    taken: Taken
    other: Decision

    @property
    def changed(self) -> bool:
        """Whether target, priority or queue would have been another."""
        was, other = self.taken, self.other
        return (was.made.target, was.made.priority, was.queue) != (other.target, other.priority, other.queue)


def read_course(log: Sequence[Stamped]) -> list[Taken]:
    """The decisions of a call, in order; none where nothing was ever decided.

    Raises:
        EventError: the log says that something was decided, but not what the decisions looked at; or it does not begin
            with call.started.
    """
    started = log[0].event if log else None
    if not isinstance(started, CallStarted):
        raise EventError("A call's log begins with call.started.")
    found: list[tuple[Stamped, DecisionMade, list[PriorityChanged | RouteDecided]]] = []
    for stamped in log:
        match stamped.event:
            case DecisionMade() as made:
                found.append((stamped, made, []))
            case PriorityChanged() | RouteDecided() as change:
                if not found:
                    raise EventError(
                        f"Call {stamped.call}: the log lacks what its decisions looked at; an older Warmline wrote it.",
                        fix="Run its recording through `warmline replay FILE --jsonl` and take the events from there.",
                    )
                found[-1][2].append(change)
            case _:
                pass
    course: list[Taken] = []
    queue: str | None = None
    for stamped, made, changes in found:
        priority = next((one for one in changes if isinstance(one, PriorityChanged)), None)
        route = next((one for one in changes if isinstance(one, RouteDecided)), None)
        queue = queue if route is None else route.queue
        facts = read_facts(started, made.facts)
        course.append(Taken(stamped.seq, stamped.at, made, facts, priority, route, queue))
    return course


def decide_again(policy: Policy, course: Iterable[Taken]) -> list[Difference]:
    """What a policy would have decided at the same moments, from the same facts, from the first decision on.

    What would have followed from another decision is not known: a caller whom a person serves says other things.
    """
    found: list[Difference] = []
    previous: Decision | None = None
    for taken in course:
        previous = decide(policy, taken.facts, previous)
        found.append(Difference(taken, previous))
    return found


@dataclass(frozen=True, slots=True)
class Effects:
    """What another policy would have changed, over several calls.

    Attributes:
        calls: how many were looked at.
        calls_changed: in how many of them anything would have been another.
        decisions: how many were taken.
        decisions_changed: how many of them would have been another.
        to_human: calls that would have reached a person and did not.
        to_ai: calls that reached a person and would not have.
        sooner: calls that would have reached a person at an earlier decision.
        later: likewise at a later one.
        more_urgent: calls whose highest priority would have been higher.
        less_urgent: likewise lower.
    """

    calls: int = 0
    calls_changed: int = 0
    decisions: int = 0
    decisions_changed: int = 0
    to_human: int = 0
    to_ai: int = 0
    sooner: int = 0
    later: int = 0
    more_urgent: int = 0
    less_urgent: int = 0


def sum_up(calls: Iterable[tuple[CallId, Sequence[Difference]]]) -> Effects:
    """What a policy would have changed, counted."""
    several = [differences for _, differences in calls]
    moments = [(_first_human(one, other=False), _first_human(one, other=True)) for one in several]
    urgency = [
        (
            max((one.taken.made.priority for one in differences), default=0),
            max((one.other.priority for one in differences), default=0),
        )
        for differences in several
    ]
    changed = [sum(one.changed for one in differences) for differences in several]
    return Effects(
        calls=len(several),
        calls_changed=sum(count > 0 for count in changed),
        decisions=sum(len(differences) for differences in several),
        decisions_changed=sum(changed),
        to_human=sum(was is None and would is not None for was, would in moments),
        to_ai=sum(was is not None and would is None for was, would in moments),
        sooner=sum(was is not None and would is not None and would < was for was, would in moments),
        later=sum(was is not None and would is not None and would > was for was, would in moments),
        more_urgent=sum(would > was for was, would in urgency),
        less_urgent=sum(would < was for was, would in urgency),
    )


def _first_human(differences: Sequence[Difference], *, other: bool) -> int | None:
    for number, one in enumerate(differences):
        target = one.other.target if other else one.taken.made.target
        if target is RouteTarget.HUMAN:
            return number
    return None
