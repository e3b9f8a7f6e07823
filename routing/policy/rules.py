"""Policies and how they decide: rules as data, evaluated over the facts of a call.

All rules whose condition holds take part. The first of them that names a target decides who serves; their effects on
the priority apply in order to the priority that stood before, so a priority falls only where a rule lowers it. A rule
that holds pins its target: it is left only through a rule that releases, or when the hold has run out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from routing.desk.terms import Skills, merge
from routing.policy.conditions import NOTHING, Condition, FactNames, Look, is_like
from routing.policy.decision import MAX_PRIORITY, Decision, Hold, Memory, Ruling, Streak
from routing.policy.facts import Facts
from routing.terms import CollaborationMode, RouteTarget, Wording
from voice.contracts.audio import SegmentId


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
class Stretch:
    """A while: caller turns, seconds, or both, whichever takes longer."""

    turns: int = 0
    seconds: float = 0.0

    def passed(self, streak: Streak, at_s: float) -> bool:
        """Whether what has held for so long has held for long enough."""
        return streak.turns >= self.turns and at_s - streak.since_s >= self.seconds


AT_ONCE: Final = Stretch()
FOR_GOOD: Final = Stretch(seconds=float("inf"))


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition and what follows.

    Attributes:
        id: unique within the policy.
        when: the condition.
        reason: why, for people.
        target: who shall serve; None where the rule does not say.
        priority: effect on the priority, if any.
        hold: for how long the target is pinned; None where it is not.
        release: may leave a pinned target.
        after: for how long the condition has to hold before the rule takes part.
        queue: the desk's queue, should a human serve; None where the rule does not say.
        skills: what that human must be able to do.
        announce: what the caller is told, once a call.
        hint: what whoever serves is told, once a call.
    """

    id: str
    when: Condition
    reason: Wording
    target: RouteTarget | None = None
    priority: PriorityEffect | None = None
    hold: Stretch | None = None
    release: bool = False
    after: Stretch = AT_ONCE
    queue: str | None = None
    skills: Skills = ()
    announce: Wording | None = None
    hint: Wording | None = None


@dataclass(frozen=True, slots=True)
class ModeRule:
    """When which collaboration mode is in force."""

    mode: CollaborationMode
    when: Condition


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules in force.

    Attributes:
        version: the file's version and the first eight digits of its content's SHA-256, `2026.11.1+1f0c9a3e`.
        title: what people call it.
        start: decides where no rule does; its id is `start`.
        rules: in order.
        tiers: tier to the addresses of its callers, a star at an end standing for anything; the first that fits.
        modes: the first whose condition holds is in force; where none does, the AI comes first.
    """

    version: str
    title: Wording
    start: Rule
    rules: tuple[Rule, ...]
    tiers: Mapping[str, tuple[str, ...]]
    modes: tuple[ModeRule, ...] = ()

    def place(self, look: Look) -> Look:
        """The look with what this policy knows of the caller and of the hour: tier and mode."""
        facts = look.facts
        tiers = (name for name, callers in self.tiers.items() if any(is_like(facts.caller, one) for one in callers))
        tier = next(tiers, None)
        # To copy facts costs as much as to look at all rules: only where they change.
        if facts.tier != tier:
            look = Look(replace(facts, tier=tier), look.before, look.now)
        # Every condition is looked at, because those with hysteresis have to know how things stand.
        fitting = [one.mode for one in self.modes if one.when.match(look) is not None]
        mode = fitting[0] if fitting else CollaborationMode.AI_FIRST
        return look if look.facts.mode is mode else Look(replace(look.facts, mode=mode), look.before, look.now)


def decide(policy: Policy, facts: Facts, previous: Decision | None = None) -> Decision:
    """Decide who serves and how urgently. Pure: the same arguments give the same decision.

    Args:
        policy: the rules in force.
        facts: what is known of the call.
        previous: the decision before; None at the call's first.
    """
    memory = previous.memory if previous else Memory()
    look = policy.place(Look(facts, memory.latched))
    matched, streaks = match_rules(policy, look, memory.streaks)
    target, route, held = _target(policy, look.facts, matched, previous)
    priority, urgency = _priority(policy, look.facts, matched, previous)

    namer = next(((rule, names) for rule, names in matched if rule.queue is not None), None)
    queue = memory.queue if namer is None else namer[0].queue
    skills = merge(memory.skills, *(rule.skills for rule, _ in matched))
    human = target is RouteTarget.HUMAN
    if previous is not None and human and target is previous.target and (target, queue, skills) != previous.wanted:
        rule, names = next(
            ((rule, names) for rule, names in matched if rule.queue is not None or rule.skills), (policy.start, NOTHING)
        )
        route = _ruling(rule, look.facts, names)

    # One announcement at a time: another rule's waits for the next decision at which it holds.
    announcing = next((one for one, _ in matched if one.announce and one.id not in memory.announced), None)
    hinting = [one for one, _ in matched if one.hint and one.id not in memory.hinted]
    return Decision(
        target=target,
        priority=priority,
        route=route,
        urgency=urgency,
        matched=tuple(rule.id for rule, _ in matched),
        policy_version=policy.version,
        queue=queue if human else None,
        skills=skills if human else (),
        announce=announcing.announce if announcing else None,
        hints=tuple(one.hint for one in hinting if one.hint),
        tier=look.facts.tier,
        mode=look.facts.mode,
        because=tuple(sorted(NOTHING.union(*(names for _, names in matched)))),
        announced_by=announcing.id if announcing else None,
        memory=Memory(
            held,
            frozenset(look.now),
            streaks,
            queue,
            skills,
            memory.hinted.union(one.id for one in hinting),
            memory.announced.union([announcing.id] if announcing else ()),
        ),
    )


def match_rules(
    policy: Policy, look: Look, before: Mapping[str, Streak]
) -> tuple[list[tuple[Rule, FactNames]], dict[str, Streak]]:
    """The rules that take part with the facts behind them, and how long the waiting ones have held."""
    matched: list[tuple[Rule, FactNames]] = []
    streaks: dict[str, Streak] = {}
    at_s = look.facts.at_s
    for rule in policy.rules:
        names = rule.when.match(look)
        if names is None:
            continue
        if rule.after != AT_ONCE:
            # A key brings no new turn: it neither advances nor breaks a row of turns.
            step = 1 if look.facts.dtmf is None else 0
            so_far = before.get(rule.id, Streak(0, at_s))
            streak = streaks[rule.id] = Streak(so_far.turns + step, so_far.since_s)
            if not rule.after.passed(streak, at_s):
                continue
        matched.append((rule, names))
    return matched, streaks


def _target(
    policy: Policy, facts: Facts, matched: list[tuple[Rule, FactNames]], previous: Decision | None
) -> tuple[RouteTarget, Ruling, Hold | None]:
    """Who serves, why, and until when that is pinned."""
    target = previous.target if previous else policy.start.target or RouteTarget.AI
    route = previous.route if previous else _ruling(policy.start, facts, NOTHING)
    held = previous.memory.held if previous else None
    if held is not None and not held.binds(facts):
        held = None
    for rule, names in matched:
        if rule.target is None or (held and rule.target is not target and not rule.release):
            continue
        if previous is None or rule.target is not target:
            target, route, held = rule.target, _ruling(rule, facts, names), None
        break
    for rule, _ in matched:
        if rule.hold is not None and rule.target is target:
            held = _pin(rule.hold, facts).longer(held or Hold())
    return target, route, held


def _priority(
    policy: Policy, facts: Facts, matched: list[tuple[Rule, FactNames]], previous: Decision | None
) -> tuple[int, Ruling]:
    """How urgent it is, and why."""
    priority = previous.priority if previous else 0
    urgency = previous.urgency if previous else _ruling(policy.start, facts, NOTHING)
    if previous is None and policy.start.priority:
        priority = policy.start.priority.apply(0)
    for rule, names in matched:
        changed = rule.priority.apply(priority) if rule.priority else priority
        if changed != priority:
            priority, urgency = changed, _ruling(rule, facts, names)
    return priority, urgency


def _pin(hold: Stretch, facts: Facts) -> Hold:
    if hold == FOR_GOOD:
        return Hold(for_good=True)
    return Hold(facts.turns + hold.turns if hold.turns else -1, facts.at_s + hold.seconds)


def _ruling(rule: Rule, facts: Facts, names: FactNames) -> Ruling:
    segments: set[SegmentId] = set()
    for name in names:
        segments.update(facts.evidence.get(name, ()))
    return Ruling(rule.id, rule.reason, tuple(sorted(segments)))
