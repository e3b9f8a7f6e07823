"""Whatever the policy and whatever is known: decisions are deterministic, bounded, total, and hysteresis holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from asr.types import Language
from prosody.types import EmotionLevel
from routing.policy.conditions import Look
from routing.policy.decision import Decision
from routing.policy.explanation import trace
from routing.policy.facts import Facts, QueueLoad
from routing.policy.file import read_policy
from routing.policy.rules import Policy, decide
from routing.terms import Channel, Grade, RouteTarget
from voice.contracts.audio import SegmentId

REASON = {"zh": "因", "en": "why"}
SHARES = st.floats(0, 1).map(lambda value: round(value, 3))
COUNTS = st.integers(0, 9)


def bounds(low: float, high: float, *, whole: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    """Bounds that fit together, with hysteresis and without."""
    numbers: st.SearchStrategy[float] = (
        st.integers(int(low), int(high)) if whole else st.floats(low, high).map(lambda v: round(v, 3))
    )

    def build(one: float, other: float, kind: int) -> dict[str, Any]:
        least, most = sorted((one, other))
        forms: tuple[dict[str, Any], ...] = (
            {"at_least": least},
            {"below": most},
            {"at_least": least, "at_most": most},
            {"above": most, "until": least} if most > least else {"above": most},
            {"below": least, "until": most} if most > least else {"below": most},
        )
        return forms[kind]

    return st.builds(build, numbers, numbers, st.integers(0, 4))


LEAVES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({"always": True}),
    st.builds(lambda v: {"escalate": v}, st.booleans()),
    st.builds(lambda v: {"asked_for_human": v}, st.booleans()),
    st.builds(lambda v: {"intent": v}, st.sampled_from(["logistics", "complaint", ["unknown", "invoice"]])),
    st.builds(lambda v: {"emotion": v}, st.sampled_from(["tense", ["tense", "upset"]])),
    st.builds(lambda v: {"sentiment": v}, st.sampled_from(["threat", ["delay", "positive"]])),
    st.builds(lambda v: {"dtmf": v}, st.sampled_from([0, ["*", 1]])),
    st.builds(lambda v: {"tier": v}, st.just("vip")),
    st.builds(lambda v: {"mode": v}, st.sampled_from(["ai_first", "human_first"])),
    st.builds(lambda v: {"hours": v}, st.sampled_from(["09:00-18:00", "22:00-06:00"])),
    st.builds(lambda v: {"weekday": v}, st.sampled_from(["mon", ["sat", "sun"]])),
    st.builds(lambda v: {"channel": v}, st.just("sip")),
    st.builds(lambda name, v: {name: v}, st.sampled_from(["negative", "confidence", "risk"]), bounds(0, 1)),
    st.builds(lambda name, v: {name: v}, st.sampled_from(["arousal", "curve_valence", "arousal_trend"]), bounds(-1, 1)),
    st.builds(lambda name, v: {name: v}, st.sampled_from(["turns", "repetition"]), bounds(0, 9, whole=True)),
    st.builds(lambda v: {"queue": {"waiting": v}}, bounds(0, 9, whole=True)),
    st.builds(lambda v: {"waited_s": v}, bounds(0, 90)),
)
CONDITIONS: st.SearchStrategy[dict[str, Any]] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=6,
)
PRIORITIES = st.one_of(
    st.builds(lambda kind, amount: {kind: amount}, st.sampled_from(["set", "at_least", "at_most"]), st.integers(0, 99)),
    st.builds(lambda amount: {"add": amount}, st.integers(-99, 99)),
)
HOLDS = st.sampled_from([True, False, {"turns": 2}, {"seconds": 30}, {"turns": 1, "seconds": 5}])


@st.composite
def actions(draw: st.DrawFn) -> dict[str, Any]:
    then: dict[str, Any] = {"priority": draw(PRIORITIES)} if draw(st.booleans()) else {}
    if draw(st.booleans()) or not then:
        then |= {"target": draw(st.sampled_from(["ai", "human"])), "hold": draw(HOLDS), "release": draw(st.booleans())}
    if then.get("target") != "ai" and draw(st.booleans()):
        then |= {"queue": draw(st.sampled_from(["a", "b"])), "skills": {"x": draw(st.integers(1, 9))}}
    if draw(st.booleans()):
        then["hint"] = REASON
    if draw(st.booleans()):
        then["announce"] = REASON
    return then


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    after = st.sampled_from([1, 2, {"seconds": 10}, {"turns": 2, "seconds": 3}])
    rules = [
        {"id": f"r{number}", "when": draw(CONDITIONS), "after": draw(after), "then": draw(actions()), "reason": REASON}
        for number in range(draw(st.integers(0, 6)))
    ]
    return as_policy(
        {
            "rules": rules,
            "start": {
                "target": draw(st.sampled_from(["ai", "human"])),
                "priority": draw(st.integers(0, 99)),
                "reason": REASON,
            },
        }
    )


def as_policy(parts: dict[str, Any]) -> Policy:
    whole = {
        "version": "t",
        "title": REASON,
        "start": {"target": "ai", "priority": 0, "reason": REASON},
        "tiers": {"vip": ["v*"]},
        "modes": [{"mode": "human_first", "when": {"hours": "09:00-12:00"}}],
    } | parts
    return read_policy(json.dumps(whole, ensure_ascii=False))


FACTS = st.builds(
    Facts,
    language=st.sampled_from(Language),
    channel=st.sampled_from([None, *Channel]),
    caller=st.sampled_from(["", "v1", "w"]),
    turns=COUNTS,
    at_s=st.floats(0, 300),
    waited_s=st.one_of(st.none(), st.floats(0, 90)),
    local_time=st.one_of(st.none(), st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 9))),
    queues=st.one_of(st.just(()), st.builds(lambda n: (QueueLoad("a", waiting=n),), COUNTS)),
    intent=st.sampled_from([None, "logistics", "complaint", "unknown"]),
    grade=st.sampled_from([None, *Grade]),
    confidence=st.one_of(st.none(), SHARES),
    negative=SHARES,
    sentiment=st.frozensets(st.sampled_from(["threat", "delay", "positive"])),
    escalate=st.booleans(),
    asked_for_human=st.booleans(),
    repetition=COUNTS,
    dtmf=st.sampled_from([None, "0", "*"]),
    arousal=st.one_of(st.none(), st.floats(-1, 1)),
    curve_valence=st.one_of(st.none(), st.floats(-1, 1)),
    arousal_trend=st.one_of(st.none(), st.floats(-2, 2)),
    risk=st.one_of(st.none(), SHARES),
    emotion=st.sampled_from(EmotionLevel),
    evidence=st.dictionaries(st.sampled_from(["escalate", "emotion"]), st.tuples(COUNTS.map(SegmentId))),
)


@settings(deadline=None, max_examples=150)
@given(rules=policies(), course=st.lists(FACTS, min_size=1, max_size=6))
def test_any_policy_decides_anything_the_same_way_twice(rules: Policy, course: list[Facts]) -> None:
    previous: Decision | None = None
    hinted: set[str] = set()
    announced: list[str] = []
    for facts in course:
        decision = decide(rules, facts, previous)
        assert decision == decide(rules, facts, previous)
        assert 0 <= decision.priority <= 99
        if previous is not None and decision.wanted == previous.wanted:
            assert decision.route == previous.route
        if decision.target is RouteTarget.AI:
            assert (decision.queue, decision.skills) == (None, ())
        pinned = previous is not None and previous.memory.held is not None and previous.memory.held.binds(facts)
        releasing = any(rule.release for rule in rules.rules if rule.id in decision.matched)
        if previous is not None and pinned and not releasing:
            assert decision.target is previous.target
        look = rules.place(Look(facts, previous.memory.latched if previous else frozenset()))
        for rule in rules.rules:
            assert trace(rule.when, look).holds == (rule.when.match(Look(look.facts, look.before)) is not None)
        hinting = {rule.id for rule in rules.rules if rule.hint and rule.id in decision.matched} - hinted
        assert len(decision.hints) == len(hinting)
        hinted |= hinting
        fresh = [rule.id for rule in rules.rules if rule.announce and rule.id in decision.matched]
        fresh = [one for one in fresh if one not in announced]
        assert decision.announced_by == (fresh[0] if fresh else None)
        assert (decision.announce is None) is (decision.announced_by is None)
        announced += fresh[:1]
        previous = decision
    assert previous is not None
    assert (previous.memory.hinted, previous.memory.announced) == (frozenset(hinted), frozenset(announced))


def flips(rules: Policy, course: list[Facts]) -> int:
    decisions: list[Decision] = []
    for facts in course:
        decisions.append(decide(rules, facts, decisions[-1] if decisions else None))
    return sum(one.target is not other.target for one, other in pairwise(decisions))


def two_ways(condition: dict[str, Any], then: dict[str, Any] | None = None) -> Policy:
    return as_policy(
        {
            "rules": [
                {"id": "up", "when": condition, "then": {"target": "human"} | (then or {}), "reason": REASON},
                {"id": "down", "when": {"always": True}, "then": {"target": "ai"}, "reason": REASON},
            ]
        }
    )


def course_of(values: list[float], change: Callable[[int, float], dict[str, Any]]) -> list[Facts]:
    return [replace(Facts(Language.ZH), **change(number, value)) for number, value in enumerate(values)]


WALKS = st.lists(st.floats(-1, 1), min_size=2, max_size=40)


@settings(deadline=None)
@given(WALKS, st.floats(0.05, 0.8), st.floats(-0.9, 0.1))
def test_hysteresis_bounds_the_flips_by_how_far_the_value_moves(values: list[float], band: float, low: float) -> None:
    band, low = round(band, 3), round(low, 3)
    rules = two_ways({"curve_arousal": {"above": round(low + band, 3), "until": low}})
    course = course_of(values, lambda _, value: {"curve_arousal": value})
    moved = sum(abs(other - one) for one, other in pairwise(values))
    # The first flip may start from within the band; each further one crosses it.
    assert flips(rules, course) <= 1 + moved / (band - 1e-9)


@settings(deadline=None)
@given(WALKS, st.integers(1, 6))
def test_a_hold_bounds_the_flips_by_its_turns(values: list[float], turns: int) -> None:
    rules = two_ways({"curve_arousal": {"above": 0.0}}, {"hold": {"turns": turns}})
    course = course_of(values, lambda number, value: {"curve_arousal": value, "turns": number + 1})
    assert flips(rules, course) <= 2 * (len(values) // (turns + 1) + 1)


def test_a_tone_that_flaps_about_the_threshold_flips_the_decision_once() -> None:
    flapping = [0.0, 0.61, 0.55, 0.62, 0.45, 0.63, 0.5, 0.61] * 4
    course = course_of(flapping[:-1], lambda _, value: {"curve_arousal": value})
    assert flips(two_ways({"curve_arousal": {"above": 0.6}}), course) > 20
    steady = course_of([value for value in flapping[:-1] if value], lambda _, value: {"curve_arousal": value})
    assert flips(two_ways({"curve_arousal": {"above": 0.6, "until": 0.4}}), steady) == 0
