"""The policy language: each condition and action, holds and waits, tiers and modes; broken ones are told by line."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from asr.types import Language
from routing.desk.file import load_desk
from routing.desk.terms import SkillLevel
from routing.policy.decision import Decision
from routing.policy.facts import Facts, QueueLoad
from routing.policy.file import read_policy
from routing.policy.rules import Policy, decide
from routing.terms import Channel, CollaborationMode, RouteTarget, Wording
from voice.contracts.errors import PolicyError

ZH = Facts(language=Language.ZH)
REASON = "reason: {zh: 因, en: why}"
AI, HUMAN = RouteTarget.AI, RouteTarget.HUMAN
TUESDAY_TEN = datetime(2026, 11, 24, 10, 0)
QUEUES = (QueueLoad("general", waiting=6, longest_wait_s=95.0, agents=3), QueueLoad("complaints", open=False))


def policy(*rules: str, head: str = "") -> Policy:
    entries = "\n".join(f"  - {{id: r{n}, {rule}, {REASON}}}" for n, rule in enumerate(rules)) or "  []"
    start = f"version: t\ntitle: {{zh: 试, en: t}}\nstart: {{target: ai, priority: 0, {REASON}}}\n"
    return read_policy(f"{start}{head}\nrules:\n{entries}\n")


def run(rules: Policy, *course: dict[str, Any]) -> list[Decision]:
    decisions: list[Decision] = []
    for change in course:
        decisions.append(decide(rules, replace(ZH, **change), decisions[-1] if decisions else None))
    return decisions


@pytest.mark.parametrize(
    ("condition", "facts", "holds"),
    [
        ("channel: [sip, webrtc]", {"channel": Channel.SIP}, True),
        ("channel: sip", {}, False),
        ("called: '4001'", {"called": "4001"}, True),
        ("called: '4001'", {"called": "40011"}, False),
        ("called: ['sip:vip@*', '*@bank.example']", {"called": "sip:a@bank.example"}, True),
        ("called: '*400*'", {"called": "tel:+86400123"}, True),
        ("sentiment: [threat, insult]", {"sentiment": frozenset({"delay", "threat"})}, True),
        ("sentiment: threat", {"sentiment": frozenset({"delay"})}, False),
        ("risk: {at_least: 0.5}", {"risk": 0.5}, True),
        ("risk: {at_least: 0.5}", {}, False),
        ("arousal_trend: {above: 0.3}", {"arousal_trend": 0.31}, True),
        ("valence_trend: {below: -0.3}", {"valence_trend": -1.2}, True),
        ("waited_s: {above: 60}", {"waited_s": 61.0}, True),
        ("waited_s: {above: 60}", {}, False),
        ("at_s: {at_least: 120}", {"at_s": 119.9}, False),
        ("hours: '09:00-18:00'", {"local_time": TUESDAY_TEN}, True),
        ("hours: '09:00-18:00'", {"local_time": TUESDAY_TEN.replace(hour=18)}, False),
        ("hours: '09:00-18:00'", {"local_time": TUESDAY_TEN.replace(hour=9)}, True),
        ("hours: '22:00-07:00'", {"local_time": TUESDAY_TEN.replace(hour=0)}, True),
        ("hours: '22:00-07:00'", {"local_time": TUESDAY_TEN.replace(hour=7)}, False),
        ("hours: ['00:00-06:00', '20:00-24:00']", {"local_time": TUESDAY_TEN.replace(hour=23, minute=59)}, True),
        ("hours: '00:00-24:00'", {}, False),
        ("weekday: [mon, tue]", {"local_time": TUESDAY_TEN}, True),
        ("weekday: [sat, sun]", {"local_time": TUESDAY_TEN}, False),
        ("weekday: tue", {}, False),
        ("queue: {waiting: {at_least: 6}, free: {at_most: 0}}", {"queues": QUEUES}, True),
        ("queue: {longest_wait_s: {above: 100}}", {"queues": QUEUES}, False),
        ("queue: {name: complaints, open: false}", {"queues": QUEUES}, True),
        ("queue: {open: true}", {"queues": QUEUES}, True),
        ("queue: {name: general, agents: {below: 3}}", {"queues": QUEUES}, False),
        ("queue: {name: gone, open: true}", {"queues": QUEUES}, False),
        ("not: {queue: {open: true}}", {}, True),
        ("queue: {waiting: {at_least: 0}}", {}, False),
    ],
)
def test_conditions(condition: str, facts: dict[str, Any], holds: bool) -> None:
    rules = policy(f"when: {{{condition}}}, then: {{target: human}}")
    assert (decide(rules, replace(ZH, **facts)).target is HUMAN) is holds


TIERS = "tiers: {gold: ['tel:+86138*', 'sip:boss@corp.example'], vip: ['tel:+86*']}"


@pytest.mark.parametrize(
    ("caller", "tier", "priority"),
    [
        ("tel:+8613800138000", "gold", 20),
        ("sip:boss@corp.example", "gold", 20),
        ("tel:+861", "vip", 10),
        ("web", None, 0),
    ],
)
def test_a_callers_tier_is_the_first_that_lists_the_address(caller: str, tier: str | None, priority: int) -> None:
    rules = policy(
        "when: {tier: gold}, then: {priority: {set: 20}}", "when: {tier: vip}, then: {priority: {set: 10}}", head=TIERS
    )
    decision = decide(rules, replace(ZH, caller=caller))
    assert (decision.tier, decision.priority) == (tier, priority)


MODES = "modes: [{mode: human_first, when: {weekday: [mon, tue], hours: '09:00-18:00', not: {called: '9*'}}}]"


@pytest.mark.parametrize(
    ("facts", "mode"),
    [
        ({"local_time": TUESDAY_TEN}, CollaborationMode.HUMAN_FIRST),
        ({"local_time": TUESDAY_TEN.replace(day=25)}, CollaborationMode.AI_FIRST),
        ({"local_time": TUESDAY_TEN, "called": "95555"}, CollaborationMode.AI_FIRST),
        ({}, CollaborationMode.AI_FIRST),
    ],
)
def test_the_schedule_says_how_ai_and_people_share_the_work(facts: dict[str, Any], mode: CollaborationMode) -> None:
    decision = decide(policy("when: {mode: human_first}, then: {target: human}", head=MODES), replace(ZH, **facts))
    assert (decision.mode, decision.target) == (mode, HUMAN if mode is CollaborationMode.HUMAN_FIRST else AI)


def test_a_hold_may_last_for_some_turns() -> None:
    rules = policy(
        "when: {escalate: true}, then: {target: human, hold: {turns: 2}}", "when: {always: true}, then: {target: ai}"
    )
    course = run(rules, {"turns": 1, "escalate": True}, *({"turns": turn} for turn in range(2, 6)))
    assert [one.target for one in course] == [HUMAN, HUMAN, HUMAN, AI, AI]


def test_a_hold_may_last_for_a_while_and_begins_anew_with_each_match() -> None:
    rules = policy(
        "when: {escalate: true}, then: {target: human, hold: {seconds: 60}}", "when: {always: true}, then: {target: ai}"
    )
    loud = {"escalate": True}
    course = run(rules, {"at_s": 10.0} | loud, {"at_s": 60.0} | loud, {"at_s": 119.9}, {"at_s": 120.0})
    assert [one.target for one in course] == [HUMAN, HUMAN, HUMAN, AI]


def test_of_several_holds_the_longest_counts() -> None:
    rules = policy(
        "when: {escalate: true}, then: {target: human, hold: {turns: 1}}",
        "when: {asked_for_human: true}, then: {target: human, hold: true}",
        "when: {always: true}, then: {target: ai}",
    )
    course = run(rules, {"escalate": True, "asked_for_human": True}, *({"turns": turn} for turn in range(1, 9)))
    assert [one.target for one in course] == [HUMAN] * 9


def test_a_rule_may_wait_for_a_while() -> None:
    rules = policy("when: {risk: {above: 0.5}}, after: {seconds: 20}, then: {priority: {set: 50}}")
    tense = {"risk": 0.9}
    course = run(
        rules,
        *({"at_s": at} | tense for at in (0.0, 10.0, 19.9)),
        {"at_s": 20.0, "risk": 0.1},
        *({"at_s": at} | tense for at in (21.0, 41.0)),
    )
    assert [one.priority for one in course] == [0, 0, 0, 0, 0, 50]


def test_a_rule_names_queue_and_skills_and_they_add_up() -> None:
    rules = policy(
        "when: {intent: complaint}, then: {target: human, queue: complaints, skills: {complaint: 3}}",
        "when: {intent: return_exchange}, then: {target: human, skills: {refund: 2}}",
        "when: {escalate: true}, then: {skills: {complaint: 6}}",
        "when: {intent: feedback_close}, then: {target: ai}",
    )
    first, second, third, last, again = run(
        rules,
        {"intent": "return_exchange"},
        {"intent": "complaint"},
        {"intent": "complaint", "escalate": True},
        {"intent": "feedback_close"},
        {"intent": "return_exchange"},
    )
    refund = SkillLevel("refund", 2)
    assert (first.queue, first.skills, first.route.rule) == (None, (refund,), "r1")
    assert (second.queue, second.skills, second.route.rule) == (
        "complaints",
        (SkillLevel("complaint", 3), refund),
        "r0",
    )
    assert third.skills == (SkillLevel("complaint", 6), refund)
    assert (last.target, last.queue, last.skills) == (AI, None, ())
    assert (again.queue, again.skills) == (third.queue, third.skills)


def test_callers_and_agents_are_told_once() -> None:
    rules = policy(
        "when: {queue: {waiting: {at_least: 5}}}, then: {announce: {zh: 排队较多, en: It is busy}}",
        "when: {tier: vip}, then: {hint: {zh: 贵宾客户, en: A VIP}, priority: {at_least: 10}}",
        "when: {escalate: true}, then: {hint: {zh: 请先道歉, en: Apologize first}}",
        head="tiers: {vip: ['v*']}",
    )
    vip = {"caller": "v1", "queues": QUEUES}
    first, second, third, last = run(rules, vip, vip, {**vip, "escalate": True}, {**vip, "escalate": True})
    assert first.announce == Wording("排队较多", "It is busy")
    assert first.hints == (Wording("贵宾客户", "A VIP"),)
    assert (second.announce, second.hints) == (None, ())
    assert (third.announce, third.hints) == (None, (Wording("请先道歉", "Apologize first"),))
    assert last.hints == ()


def test_of_two_announcements_the_second_waits_for_the_next_decision() -> None:
    rules = policy(
        "when: {escalate: true}, then: {announce: {zh: 马上为您处理, en: We see to it}}",
        "when: {queue: {waiting: {at_least: 5}}}, then: {announce: {zh: 排队较多, en: It is busy}}",
    )
    busy = {"queues": QUEUES, "escalate": True}
    made = [(one.announced_by, one.announce) for one in run(rules, busy, busy, busy)]
    assert made == [
        ("r0", Wording("马上为您处理", "We see to it")),
        ("r1", Wording("排队较多", "It is busy")),
        (None, None),
    ]


GOOD = f"""\
version: t
title: {{zh: 试, en: t}}
start: {{target: ai, priority: 0, {REASON}}}
tiers: {{vip: ["tel:1*"]}}
modes:
  - {{mode: human_first, when: {{hours: "09:00-18:00"}}}}
rules:
  - id: one
    when: {{tier: vip, queue: {{name: general, waiting: {{at_least: 3, until: 1}}}}, sentiment: threat}}
    after: {{seconds: 5}}
    then: {{target: human, hold: {{turns: 3}}, queue: complaints, skills: {{complaint: 3}}}}
    {REASON}
"""


def test_the_good_one_is_good() -> None:
    assert read_policy(GOOD, desk=load_desk()).rules


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("tier: vip", "tier: vipp", 9, r"'vipp' is no tier that exists\. Did you mean vip\?"),
        ("name: general", "name: generel", 9, r"'generel' is no queue that exists\. Did you mean general\?"),
        ("queue: complaints", "queue: complaint", 11, r"no queue that exists\. Did you mean complaints\?"),
        ("skills: {complaint: 3}", "skills: {complain: 3}", 11, r"no skill that exists\. Did you mean complaint\?"),
        ("skills: {complaint: 3}", "skills: {complaint: 10}", 11, r"skills\.complaint: expected at most 9; got 10"),
        ("skills: {complaint: 3}", "skills: {}", 11, r"expected at least 1 key"),
        ("sentiment: threat", "sentiment: thread", 9, r"no sentiment that exists\. Did you mean threat\?"),
        ('hours: "09:00-18:00"', 'hours: "9-18"', 6, r"expected a stretch of the day such as"),
        ('hours: "09:00-18:00"', 'hours: "09:00-09:00"', 6, r"nothing lies between 09:00 and 09:00"),
        ('hours: "09:00-18:00"', "hours: 9", 6, r"expected string or array; got 9"),
        ('hours: "09:00-18:00"', "weekday: [monday]", 6, r"'monday' is no weekday that exists\. Did you mean mon\?"),
        ('hours: "09:00-18:00"', "mode: ai_first", 6, r"goes round in a circle"),
        ('hours: "09:00-18:00"', "any: [{not: {mode: ai_first}}]", 6, r"goes round in a circle"),
        ("mode: human_first", "mode: humans", 6, r"mode: expected one of ai_first, human_first"),
        ("waiting: {at_least: 3, until: 1}", "waiting: {at_least: 3, until: 4}", 9, r"expected a looser bound"),
        ("waiting: {at_least: 3, until: 1}", "waiting: 3", 9, r"waiting: expected object; got 3"),
        ("waiting: {at_least: 3, until: 1}", "waitin: {at_least: 3}", 9, r"Did you mean waiting\?"),
        (", waiting: {at_least: 3, until: 1}", "", 9, r"expected what the queue shall be: open, waiting"),
        ("hold: {turns: 3}", "hold: {turn: 3}", 11, r"turn: this key is not known here\. Did you mean turns\?"),
        ("hold: {turns: 3}", "hold: {turns: 1e400}", 11, r"expected a finite number|expected integer"),
        ("hold: {turns: 3}", "hold: 3", 11, r"hold: expected boolean or object; got 3"),
        ("after: {seconds: 5}", "after: {seconds: 9999999999}", 10, r"seconds: expected at most 86400"),
        ("after: {seconds: 5}", "after: []", 10, r"after: expected integer or object"),
        ("target: human, hold", "target: ai, hold", 11, r"whom the AI serves waits in no queue"),
        ('["tel:1*"]', "[]", 4, r"expected at least 1 item"),
        ('["tel:1*"]', '["a*b"]', 4, r"expected an address; a star at an end"),
        ("tiers: {vip", "tiers: {Vip!", 4, r"tiers: expected a tier of lower-case letters"),
        ("rules:", "rules: &r", 7, r"anchors and aliases \(& and \*\) are not accepted"),
    ],
)
def test_a_broken_policy_names_line_and_mend(old: str, new: str, line: int, message: str) -> None:
    assert old in GOOD
    with pytest.raises(PolicyError, match=message) as caught:
        read_policy(GOOD.replace(old, new, 1), name="p.yaml", desk=load_desk())
    assert f"line {line}" in str(caught.value)


def test_a_policy_that_is_read_without_a_desk_may_name_any_queue() -> None:
    assert read_policy(GOOD.replace("queue: complaints", "queue: elsewhere")).rules[0].queue == "elsewhere"
