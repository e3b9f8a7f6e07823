"""Policies and how they decide: rules as data, evaluated over the facts of a call.

All rules whose condition holds take part. The first of them that names a target decides who serves; their effects on
the priority apply in order to the priority that stood before, so a priority falls only where a rule lowers it. A rule
that holds pins its target: it is left only through a rule that releases.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias

from routing.policy.decision import MAX_PRIORITY, Decision, Facts, Memory, Ruling
from routing.terms import RouteTarget, Wording
from voice.contracts.audio import SegmentId

FactNames: TypeAlias = frozenset[str]
NOTHING: FactNames = frozenset()


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the facts: what was latched before, and what is latched now."""

    facts: Facts
    before: frozenset[str]
    now: set[str] = field(default_factory=set)


class Condition(Protocol):
    """Something that holds or does not.

    `match` answers the facts that made it hold, or None where it does not. Every part is looked at each time, because
    a part with hysteresis has to follow its fact even while the whole cannot hold.
    """

    def match(self, look: Look) -> FactNames | None:
        """The facts that made it hold; None where it does not."""
        ...


@dataclass(frozen=True, slots=True)
class AllOf:
    """Holds where every part does."""

    parts: tuple[Condition, ...]

    def match(self, look: Look) -> FactNames | None:
        """The facts of all parts."""
        found = [part.match(look) for part in self.parts]
        held = [names for names in found if names is not None]
        return NOTHING.union(*held) if len(held) == len(found) else None


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds where at least one part does."""

    parts: tuple[Condition, ...]

    def match(self, look: Look) -> FactNames | None:
        """The facts of the parts that hold."""
        held = [names for names in [part.match(look) for part in self.parts] if names is not None]
        return NOTHING.union(*held) if held else None


@dataclass(frozen=True, slots=True)
class Not:
    """Holds where its part does not; what did not happen rests on no segment."""

    part: Condition

    def match(self, look: Look) -> FactNames | None:
        """No facts."""
        return NOTHING if self.part.match(look) is None else None


@dataclass(frozen=True, slots=True)
class Always:
    """Holds."""

    def match(self, look: Look) -> FactNames | None:  # noqa: ARG002  the protocol's signature
        """No facts."""
        return NOTHING


@dataclass(frozen=True, slots=True)
class OneOf:
    """Holds where a fact has one of the values; a fact that is not known has none."""

    fact: str
    values: frozenset[str | bool]

    def match(self, look: Look) -> FactNames | None:
        """The fact."""
        return frozenset({self.fact}) if getattr(look.facts, self.fact) in self.values else None


@dataclass(frozen=True, slots=True)
class Within:
    """Holds where a number lies within bounds; `above` and `below` are strict, the others are not.

    Attributes:
        key: names this condition within its policy, for `Memory.latched`.
        until: hysteresis: having held, it goes on holding while the number lies beyond this (looser) bound.
    """

    fact: str
    key: str
    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    at_most: float | None = None
    until: float | None = None

    def match(self, look: Look) -> FactNames | None:
        """The fact."""
        value = getattr(look.facts, self.fact)
        if value is None or not (self._inside(value) or (self.key in look.before and self._still(value))):
            return None
        if self.until is not None:
            look.now.add(self.key)
        return frozenset({self.fact})

    def _inside(self, value: float) -> bool:
        return (
            (self.above is None or value > self.above)
            and (self.at_least is None or value >= self.at_least)
            and (self.below is None or value < self.below)
            and (self.at_most is None or value <= self.at_most)
        )

    def _still(self, value: float) -> bool:
        if self.until is None:
            return False
        rising = self.above is not None or self.at_least is not None
        return value > self.until if rising else value < self.until


class Effect(StrEnum):
    """What a rule does to the priority."""

    SET = "set"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    ADD = "add"


@dataclass(frozen=True, slots=True)
class PriorityEffect:
    """One effect on the priority; the result stays within 0 to 99."""

    effect: Effect
    amount: int

    def apply(self, priority: int) -> int:
        """The priority after the effect."""
        match self.effect:
            case Effect.SET:
                changed = self.amount
            case Effect.AT_LEAST:
                changed = max(priority, self.amount)
            case Effect.AT_MOST:
                changed = min(priority, self.amount)
            case Effect.ADD:
                changed = priority + self.amount
        return min(max(changed, 0), MAX_PRIORITY)


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition and what follows.

    Attributes:
        id: unique within the policy.
        when: the condition.
        reason: why, for people.
        target: who shall serve; None where the rule does not say.
        priority: effect on the priority, if any.
        hold: pins the target.
        release: may leave a pinned target.
        after: decisions in a row in which the condition has to hold before the rule takes part.
    """

    id: str
    when: Condition
    reason: Wording
    target: RouteTarget | None = None
    priority: PriorityEffect | None = None
    hold: bool = False
    release: bool = False
    after: int = 1


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules in force.

    Attributes:
        version: the file's version and the first eight digits of its content's SHA-256, `2026.11.1+1f0c9a3e`.
        title: what people call it.
        start: decides where no rule does; its id is `start`.
        rules: in order.
    """

    version: str
    title: Wording
    start: Rule
    rules: tuple[Rule, ...]


def decide(policy: Policy, facts: Facts, previous: Decision | None = None) -> Decision:
    """Decide who serves and how urgently. Pure: the same arguments give the same decision.

    Args:
        policy: the rules in force.
        facts: what is known of the call.
        previous: the decision before; None at the call's first.
    """
    memory = previous.memory if previous else Memory()
    look = Look(facts, memory.latched)
    matched, streaks = _matched(policy, look, memory.streaks)

    start = _ruling(policy.start, facts, NOTHING)
    target = previous.target if previous else policy.start.target or RouteTarget.AI
    route = previous.route if previous else start
    held = memory.held
    for rule, names in matched:
        if rule.target is None or (held and rule.target is not target and not rule.release):
            continue
        if previous is None or rule.target is not target:
            target, route, held = rule.target, _ruling(rule, facts, names), False
        break
    held = held or any(rule.hold and rule.target is target for rule, _ in matched)

    priority = previous.priority if previous else 0
    urgency = previous.urgency if previous else start
    if previous is None and policy.start.priority:
        priority = policy.start.priority.apply(0)
    for rule, names in matched:
        changed = rule.priority.apply(priority) if rule.priority else priority
        if changed != priority:
            priority, urgency = changed, _ruling(rule, facts, names)

    return Decision(
        target=target,
        priority=priority,
        route=route,
        urgency=urgency,
        matched=tuple(rule.id for rule, _ in matched),
        policy_version=policy.version,
        memory=Memory(held, frozenset(look.now), streaks),
    )


def _matched(
    policy: Policy, look: Look, before: Mapping[str, int]
) -> tuple[list[tuple[Rule, FactNames]], dict[str, int]]:
    """The rules that take part with the facts behind them, and how long the waiting ones have held."""
    matched: list[tuple[Rule, FactNames]] = []
    streaks: dict[str, int] = {}
    for rule in policy.rules:
        names = rule.when.match(look)
        if names is None:
            continue
        if rule.after > 1:
            # A key brings no new turn: it neither advances nor breaks a row of turns.
            step = 1 if look.facts.dtmf is None else 0
            streaks[rule.id] = min(before.get(rule.id, 0) + step, rule.after)
            if streaks[rule.id] < rule.after:
                continue
        matched.append((rule, names))
    return matched, streaks


def _ruling(rule: Rule, facts: Facts, names: FactNames) -> Ruling:
    segments: set[SegmentId] = set()
    for name in names:
        segments.update(facts.evidence.get(name, ()))
    return Ruling(rule.id, rule.reason, tuple(sorted(segments)))
