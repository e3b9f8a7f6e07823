"""Why a decision fell as it did: which conditions held, with the values found, and which rules nearly took part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from routing.policy.conditions import (
    AllOf,
    Always,
    AnyOf,
    Bounds,
    Condition,
    DuringHours,
    Like,
    Look,
    Not,
    OneOf,
    QueueIs,
    Within,
)
from routing.policy.course import Taken
from routing.policy.decision import Decision, Memory
from routing.policy.facts import Facts
from routing.policy.rules import AT_ONCE, Policy, Rule, decide
from voice.contracts.audio import SegmentId

_NONE: Final[Mapping[str, Policy]] = MappingProxyType({})

CLOSE = 0.15
"""How far a number of at most 1 may lie from its bound to be close to it."""

CLOSE_COUNT = 1
"""Likewise a count."""


class Shape(StrEnum):
    """How a finding comes about."""

    ALL = "all"
    ANY = "any"
    NOT = "not"
    FACT = "fact"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one condition came to.

    Attributes:
        shape: whether it asks for a fact or joins parts.
        wanted: the condition, as policies write it; empty where it joins parts.
        found: the value that was found; empty where it joins parts.
        holds: whether it held.
        missing: how many facts would have to be another for it to hold.
        number: whether it asks where a number lies.
        close: it does not hold, and the number lies close to its bound.
        evidence: segments that the value rests on.
        parts: what it joins.
    """

    shape: Shape
    holds: bool
    missing: int
    wanted: str = ""
    found: str = ""
    number: bool = False
    close: bool = False
    evidence: tuple[SegmentId, ...] = ()
    parts: tuple[Finding, ...] = ()

    @property
    def facts(self) -> list[Finding]:
        """The findings about facts that it asks for, in order; not those that it denies."""
        match self.shape:
            case Shape.FACT:
                return [self]
            case Shape.NOT:
                return []
            case _:
                return [one for part in self.parts for one in part.facts]


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """What one rule came to.

    Attributes:
        rule: the rule.
        finding: its condition.
        waits: its condition held, but not for long enough.
        turns: turns in a row in which it has held, where it waits.
    """

    rule: Rule
    finding: Finding
    waits: bool = False
    turns: int = 0

    @property
    def nearly(self) -> bool:
        """Whether little was missing: time, or one number that lay close to its bound or beside facts that held."""
        if self.waits:
            return True
        facts = self.finding.facts
        beside = any(fact.holds for fact in facts)
        return self.finding.missing == 1 and any(
            fact.close or (fact.number and beside) for fact in facts if not fact.holds
        )


@dataclass(frozen=True, slots=True)
class Explained:
    """A decision and why it fell as it did.

    Attributes:
        taken: as the log has it.
        decision: as the policy decides from the same facts; the same, where the policy is.
        before: the priority before.
        rules: the rules that took part, in order.
        nearly: rules that nearly did.
    """

    taken: Taken
    decision: Decision
    before: int
    rules: tuple[RuleFinding, ...]
    nearly: tuple[RuleFinding, ...]

    @property
    def same(self) -> bool:
        """Whether this policy decides as was decided."""
        made, decision = self.taken.made, self.decision
        return (made.target, made.priority, made.rules) == (decision.target, decision.priority, decision.matched)


def explain(policy: Policy, course: Iterable[Taken], kept: Mapping[str, Policy] = _NONE) -> list[Explained]:
    """Explain the decisions of a call, from the first on.

    Args:
        policy: explains those whose own policy is not kept.
        course: the decisions.
        kept: by version, the policies that decided.
    """
    found: list[Explained] = []
    previous: Decision | None = None
    for taken in course:
        before, memory = previous, previous.memory if previous else Memory()
        deciding = kept.get(taken.made.policy_version, policy)
        previous = decide(deciding, taken.facts, before)
        look = deciding.place(Look(taken.facts, memory.latched))
        findings = [_look_at(rule, look, previous) for rule in deciding.rules]
        found.append(
            Explained(
                taken,
                previous,
                before.priority if before else 0,
                tuple(one for one in findings if one.rule.id in previous.matched),
                tuple(one for one in findings if one.rule.id not in previous.matched and one.nearly),
            )
        )
    return found


def _look_at(rule: Rule, look: Look, decision: Decision) -> RuleFinding:
    finding = trace(rule.when, look)
    streak = decision.memory.streaks.get(rule.id)
    waits = finding.holds and rule.after != AT_ONCE and rule.id not in decision.matched
    return RuleFinding(rule, finding, waits, streak.turns if streak else 0)


def trace(condition: Condition, look: Look) -> Finding:
    """What a condition and its parts come to."""
    match condition:
        case AllOf(parts=parts):
            return _joined(Shape.ALL, [trace(one, look) for one in parts])
        case AnyOf(parts=parts):
            return _joined(Shape.ANY, [trace(one, look) for one in parts])
        case Not(part=part):
            inner = trace(part, look)
            return Finding(Shape.NOT, not inner.holds, int(inner.holds), parts=(inner,))
    facts = look.facts
    holds = condition.match(Look(facts, look.before)) is not None
    number = close = False
    match condition:
        case Always():
            wanted, found, name = "always", "", ""
        case OneOf(fact=name, values=values):
            wanted, found = f"{name}: {_listed(values)}", _shown(getattr(facts, name))
        case Within(fact=name, bounds=bounds):
            value = getattr(facts, name)
            wanted, found = f"{name}: {_bounds(bounds)}", _shown(value)
            number, close = True, not holds and _close(value, bounds)
        case Like(fact=name, patterns=patterns):
            wanted, found = f"{name}: {_listed(patterns)}", _shown(getattr(facts, name))
        case DuringHours(stretches=stretches):
            name = "local_time"
            wanted = f"hours: {', '.join(f'{_clock(begin)}-{_clock(end)}' for begin, end in stretches)}"
            found = "unknown" if facts.local_time is None else f"{facts.local_time:%a %H:%M}"
        case QueueIs() as queue:
            name, number = "queues", True
            wanted, found = _queue(queue, facts)
        case _:
            wanted, found, name = type(condition).__name__, "", ""
    evidence = facts.evidence.get(name, ())
    return Finding(Shape.FACT, holds, int(not holds), wanted, found, number, close, evidence)


def _joined(shape: Shape, parts: list[Finding]) -> Finding:
    missing = [one.missing for one in parts]
    total = sum(missing) if shape is Shape.ALL else min(missing)
    return Finding(shape, total == 0, total, parts=tuple(parts))


def _queue(wanted: QueueIs, facts: Facts) -> tuple[str, str]:
    asked = [] if wanted.open is None else [f"open: {_shown(wanted.open)}"]
    asked += [f"{name}: {_bounds(bounds)}" for name, bounds in wanted.parts]
    load = facts.load(wanted.queue)
    name = wanted.queue or "default queue"
    if load is None:
        return f"{name} {', '.join(asked)}", "unknown"
    names = [*([] if wanted.open is None else ["open"]), *(name for name, _ in wanted.parts)]
    return f"{name} {', '.join(asked)}", ", ".join(f"{one} {_shown(getattr(load, one))}" for one in names)


def _bounds(bounds: Bounds) -> str:
    signs = (("above", ">"), ("at_least", "≥"), ("below", "<"), ("at_most", "≤"), ("until", "until"))
    given = [(sign, getattr(bounds, name)) for name, sign in signs]
    return " ".join(f"{sign} {value:g}" for sign, value in given if value is not None)


def _close(value: float | None, bounds: Bounds) -> bool:
    if value is None:
        return False
    near = CLOSE_COUNT if isinstance(value, int) else CLOSE
    wider = Bounds(
        above=None if bounds.above is None else bounds.above - near,
        at_least=None if bounds.at_least is None else bounds.at_least - near,
        below=None if bounds.below is None else bounds.below + near,
        at_most=None if bounds.at_most is None else bounds.at_most + near,
    )
    return wider.hold(value, latched=False)


def _shown(value: object) -> str:
    match value:
        case None:
            return "unknown"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.2f}"
        case frozenset():
            return ", ".join(sorted(str(one) for one in value)) or "none"
        case _:
            return str(value) or "none"


def _listed(values: Iterable[object]) -> str:
    return ", ".join(sorted(_shown(one) for one in values))


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
