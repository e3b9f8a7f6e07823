"""Deciding: pure, total, with evidence; holds pin, hysteresis latches, priority falls only by rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.types import Language
from prosody.types import EmotionLevel
from routing.policy.decision import Decision
from routing.policy.facts import Facts
from routing.policy.file import load_policy, read_policy
from routing.policy.rules import Policy, decide
from routing.terms import Grade, RouteTarget
from voice.contracts.audio import SegmentId

ZH = Facts(language=Language.ZH)
REASON = "reason: {zh: 因, en: why}"


def policy(*rules: str, target: str = "ai", priority: int = 0) -> Policy:
    entries = "\n".join(f"  - {{id: r{n}, {rule}, {REASON}}}" for n, rule in enumerate(rules)) or "  []"
    head = f"version: t\ntitle: {{zh: 试, en: t}}\nstart: {{target: {target}, priority: {priority}, {REASON}}}\n"
    return read_policy(f"{head}rules:\n{entries}\n")


def run(rules: Policy, *course: dict[str, Any]) -> list[Decision]:
    decisions: list[Decision] = []
    for change in course:
        decisions.append(decide(rules, replace(ZH, **change), decisions[-1] if decisions else None))
    return decisions


def test_without_rules_the_start_decides() -> None:
    decision = decide(policy(priority=7), ZH)
    assert (decision.target, decision.priority, decision.route.rule) == (RouteTarget.AI, 7, "start")


def test_the_first_rule_that_names_a_target_decides() -> None:
    rules = policy(
        "when: {always: true}, then: {priority: {add: 3}}",
        "when: {escalate: true}, then: {target: human}",
        "when: {always: true}, then: {target: ai}",
    )
    calm, angry, after = run(rules, {}, {"escalate": True}, {})
    assert (calm.target, calm.route.rule) == (RouteTarget.AI, "r2")
    assert (angry.target, angry.route.rule) == (RouteTarget.HUMAN, "r1")
    assert (after.target, after.route.rule) == (RouteTarget.AI, "r2")
    assert [one.priority for one in (calm, angry, after)] == [3, 6, 9]


def test_a_hold_is_left_only_by_a_release() -> None:
    rules = policy(
        "when: {escalate: true}, then: {target: human, hold: true}",
        "when: {intent: feedback_close}, then: {target: ai, release: true}",
        "when: {always: true}, then: {target: ai}",
    )
    targets = [one.target for one in run(rules, {}, {"escalate": True}, {}, {}, {"intent": "feedback_close"}, {})]
    ai, human = RouteTarget.AI, RouteTarget.HUMAN
    assert targets == [ai, human, human, human, ai, ai]


def test_a_later_matching_rule_may_pin_the_same_target() -> None:
    rules = policy(
        "when: {grade: complex}, then: {target: human}",
        "when: {escalate: true}, then: {target: human, hold: true}",
        "when: {grade: simple}, then: {target: ai}",
    )
    course = run(rules, {"grade": Grade.COMPLEX}, {"grade": Grade.COMPLEX, "escalate": True}, {"grade": Grade.SIMPLE})
    assert [one.target for one in course] == [RouteTarget.HUMAN] * 3
    assert course[-1].route == course[0].route


def test_priority_stays_until_a_rule_lowers_it() -> None:
    rules = policy(
        "when: {emotion: upset}, then: {priority: {at_least: 60}}",
        "when: {emotion: tense}, then: {priority: {at_least: 30}}",
        "when: {emotion: settled, turns: {at_least: 4}}, then: {priority: {add: -15}}",
        "when: {intent: feedback_close}, then: {priority: {at_most: 5}}",
    )
    levels = [EmotionLevel.TENSE, EmotionLevel.UPSET, EmotionLevel.TENSE, EmotionLevel.SETTLED, EmotionLevel.SETTLED]
    course = run(rules, *({"emotion": level, "turns": turn} for turn, level in enumerate(levels, 1)))
    assert [one.priority for one in course] == [30, 60, 60, 45, 30]
    assert course[2].urgency == course[1].urgency
    assert decide(rules, replace(ZH, intent="feedback_close"), course[-1]).priority == 5


def test_a_condition_with_hysteresis_does_not_flap() -> None:
    rules = policy(
        "when: {curve_arousal: {above: 0.6, until: 0.4}}, then: {target: human}",
        "when: {always: true}, then: {target: ai}",
    )
    values = [0.5, 0.61, 0.59, 0.61, 0.45, 0.41, 0.4, 0.59, 0.7]
    course = run(rules, *({"curve_arousal": value} for value in values))
    assert [one.target is RouteTarget.HUMAN for one in course] == [
        False,
        True,
        True,
        True,
        True,
        True,
        False,
        False,
        True,
    ]


def test_hysteresis_works_downwards_and_under_not() -> None:
    rules = policy("when: {not: {valence: {below: -0.5, until: -0.2}}}, then: {priority: {set: 1}}", priority=9)
    course = run(rules, {"valence": -0.6}, {"valence": -0.3}, {"valence": -0.1})
    assert [one.priority for one in course] == [9, 9, 1]


def test_a_rule_may_wait_for_turns_in_a_row() -> None:
    rules = policy(
        "when: {emotion: tense}, after: 3, then: {target: human}", "when: {emotion: settled}, then: {target: ai}"
    )
    tense, settled = {"emotion": EmotionLevel.TENSE}, {"emotion": EmotionLevel.SETTLED}
    targets = [one.target for one in run(rules, tense, tense, settled, tense, tense, tense)]
    assert targets == [RouteTarget.AI] * 5 + [RouteTarget.HUMAN]


def test_a_key_is_no_turn() -> None:
    rules = policy("when: {emotion: tense}, after: 2, then: {target: human}")
    tense = {"emotion": EmotionLevel.TENSE}
    course = run(rules, tense, {**tense, "dtmf": "5"}, {**tense, "dtmf": "5"}, tense)
    assert [one.target is RouteTarget.HUMAN for one in course] == [False, False, False, True]


def test_evidence_is_the_segments_behind_the_facts_that_held() -> None:
    rules = policy(
        "when: {any: [{escalate: true}, {emotion: upset}], not: {intent: unknown}}, "
        "then: {target: human, priority: {set: 9}}"
    )
    evidence = {"escalate": (SegmentId(4),), "emotion": (SegmentId(1), SegmentId(3)), "intent": (SegmentId(4),)}
    facts = replace(ZH, escalate=True, emotion=EmotionLevel.UPSET, intent="complaint", evidence=evidence)
    decision = decide(rules, facts)
    assert decision.route.evidence == (1, 3, 4)
    only = decide(rules, replace(facts, escalate=False))
    assert only.urgency.evidence == (1, 3)


@pytest.mark.parametrize(
    ("condition", "facts", "holds"),
    [
        ("confidence: {at_least: 0.5}", {"confidence": 0.5}, True),
        ("confidence: {above: 0.5}", {"confidence": 0.5}, False),
        ("confidence: {above: 0.5}", {"confidence": None}, False),
        ("not: {confidence: {above: 0.5}}", {"confidence": None}, True),
        ("turns: {at_least: 2, at_most: 3}", {"turns": 3}, True),
        ("turns: {at_least: 2, below: 3}", {"turns": 3}, False),
        ("intent: [logistics, invoice]", {"intent": "invoice"}, True),
        ("intent: unknown", {"intent": None}, False),
        ("language: en", {}, False),
        ("language: zh", {}, True),
        ("dtmf: 0", {"dtmf": "0"}, True),
        ('dtmf: ["*", 0]', {"dtmf": "*"}, True),
        ("asked_for_human: false", {}, True),
        ("grade: [complex, urgent], escalate: true", {"grade": Grade.URGENT}, False),
        (
            "all: [{turns: {at_least: 1}}, {any: [{dtmf: 1}, {grade: simple}]}]",
            {"turns": 1, "grade": Grade.SIMPLE},
            True,
        ),
    ],
)
def test_conditions(condition: str, facts: dict[str, Any], holds: bool) -> None:
    rules = policy(f"when: {{{condition}}}, then: {{target: human}}")
    assert (decide(rules, replace(ZH, **facts)).target is RouteTarget.HUMAN) is holds


signed = st.one_of(st.none(), st.floats(-1, 1))
shares = st.floats(0, 1)
counts = st.integers(0, 50)
any_facts = st.builds(
    Facts,
    language=st.sampled_from(Language),
    turns=counts,
    intent=st.one_of(st.none(), st.sampled_from(["logistics", "complaint", "human_agent", "unknown", "nonsense"])),
    grade=st.one_of(st.none(), st.sampled_from(Grade)),
    confidence=st.one_of(st.none(), shares),
    negative=shares,
    negative_turns=counts,
    word_valence=signed,
    escalate=st.booleans(),
    asked_for_human=st.booleans(),
    unclear_turns=counts,
    repetition=counts,
    dtmf=st.one_of(st.none(), st.sampled_from("0123456789*#ABCD")),
    arousal=signed,
    valence=signed,
    curve_arousal=signed,
    curve_valence=signed,
    emotion=st.sampled_from(EmotionLevel),
    evidence=st.dictionaries(
        st.sampled_from(["escalate", "intent", "emotion", "negative"]), st.tuples(st.integers(0, 99).map(SegmentId))
    ),
)
WILD = policy(
    "when: {always: true}, then: {priority: {add: 99}}",
    "when: {escalate: true}, then: {target: human, hold: true, priority: {add: -99}}",
    "when: {turns: {above: 20, until: 10}}, after: 3, then: {target: ai, release: true, priority: {at_most: 3}}",
)


@settings(deadline=None)
@given(course=st.lists(any_facts, min_size=1, max_size=8), rules=st.sampled_from([load_policy(), WILD]))
def test_deciding_is_total_deterministic_and_bounded(course: list[Facts], rules: Policy) -> None:
    previous: Decision | None = None
    for facts in course:
        decision = decide(rules, facts, previous)
        assert decision == decide(rules, facts, previous)
        assert 0 <= decision.priority <= 99
        assert decision.policy_version == rules.version
        assert decision.route.reason.zh
        assert decision.urgency.reason.en
        if previous and decision.target is previous.target:
            assert decision.route == previous.route
        if previous and decision.priority == previous.priority and rules is not WILD:
            assert decision.urgency == previous.urgency
        if previous and previous.memory.held and rules is not WILD:
            assert decision.target is previous.target
        previous = decision


def test_a_reload_in_the_middle_of_a_call_keeps_what_was_decided() -> None:
    angry = decide(load_policy(), replace(ZH, escalate=True))
    after = decide(policy("when: {turns: {above: 99}}, then: {target: ai}"), ZH, angry)
    assert (after.target, after.priority) == (RouteTarget.HUMAN, angry.priority)
