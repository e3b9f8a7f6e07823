"""A call's log alone explains its decisions and lets another policy decide in their place."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.types import Language
from prosody.types import EmotionLevel
from routing.policy.course import decide_again, read_course, sum_up
from routing.policy.explanation import Explained, RuleFinding, explain
from routing.policy.facts import Facts, QueueLoad, Situation
from routing.policy.file import load_policy, read_policy
from routing.policy.record import read_facts, tell_facts
from routing.policy.rules import decide
from routing.service_events import DecisionMade, FactFound
from routing.terms import CollaborationMode, Grade
from routing.wire import decode_line, encode_line
from tests.routing.policy.talk import Talk
from tests.routing.rooms import STARTED
from voice.contracts.audio import SegmentId
from voice.contracts.errors import EventError

POLICY = load_policy()
SHANGHAI = ZoneInfo("Asia/Shanghai")
BUSY = Situation((QueueLoad("general", waiting=9, longest_wait_s=81.5, agents=2),), waited_s=12.0)

signed = st.one_of(st.none(), st.floats(-1, 1))
segments = st.tuples(st.integers(0, 99).map(SegmentId))
facts = st.builds(
    Facts,
    language=st.just(Language.ZH),
    channel=st.just(STARTED.channel),
    caller=st.just(STARTED.caller),
    called=st.just(STARTED.called),
    tier=st.one_of(st.none(), st.just("vip")),
    mode=st.sampled_from(CollaborationMode),
    turns=st.integers(0, 50),
    at_s=st.floats(0, 1e5),
    waited_s=st.one_of(st.none(), st.floats(0, 1e4)),
    local_time=st.one_of(
        st.none(),
        st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(SHANGHAI)).map(
            lambda moment: moment.replace(microsecond=0)
        ),
    ),
    queues=st.lists(st.builds(QueueLoad, st.text(max_size=9), st.booleans(), st.integers(0, 9)), max_size=3).map(tuple),
    intent=st.one_of(st.none(), st.sampled_from(["logistics", "unknown"])),
    grade=st.one_of(st.none(), st.sampled_from(Grade)),
    confidence=st.one_of(st.none(), st.floats(0, 1)),
    negative=st.floats(0, 1),
    sentiment=st.frozensets(st.sampled_from(["threat", "delay", "positive"])),
    escalate=st.booleans(),
    asked_for_human=st.booleans(),
    repetition=st.integers(0, 5),
    dtmf=st.one_of(st.none(), st.sampled_from("0123456789*#ABCD")),
    arousal=signed,
    curve_valence=signed,
    risk=st.one_of(st.none(), st.floats(0, 1)),
    emotion=st.sampled_from(EmotionLevel),
    evidence=st.fixed_dictionaries({"emotion": segments, "repetition": segments, "arousal": segments}),
)


@settings(deadline=None)
@given(facts)
def test_facts_survive_the_log(known: Facts) -> None:
    read = read_facts(STARTED, tell_facts(known))
    assert replace(read, local_time=None) == replace(known, local_time=None)
    same_moment = read.local_time == known.local_time
    assert same_moment
    assert (read.weekday, read.minute) == (known.weekday, known.minute)


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("turns", "1.5"),
        ("turns", '"1"'),
        ("turns", "true"),
        ("turns", "null"),
        ("escalate", "1"),
        ("negative", "true"),
        ("grade", '"huge"'),
        ("grade", "["),
        ("local_time", '"yesterday"'),
        ("queues", '[{"queue": "a", "colour": 1}]'),
        ("queues", "[7]"),
        ("sentiment", "[[]]"),
    ],
)
def test_a_value_that_is_none_of_its_fact_is_a_typed_error(fact: str, value: str) -> None:
    with pytest.raises(EventError, match=fact):
        read_facts(STARTED, [FactFound(fact, value)])


def test_facts_of_a_newer_log_are_passed_over() -> None:
    assert read_facts(STARTED, [FactFound("mood_of_the_moon", "1")]).turns == 0


def complaint() -> Talk:
    talk = Talk(POLICY, zone=SHANGHAI, situation=lambda: BUSY)
    talk.tell("你好，我想查一下我的快递到哪里了", (0.0, 0.0, 0.8))
    talk.press("5")
    talk.tell("包裹怎么一直在拖延", (0.3, -0.2, 0.8))
    talk.tell("你们这个服务真的太差了，我要投诉你们", (0.2, -0.4, 0.8))
    talk.tell("好的谢谢", (0.0, 0.0, 0.8))
    return talk.finish()


def test_the_log_says_what_each_decision_looked_at() -> None:
    talk = complaint()
    log = [decode_line(encode_line(one)) for one in talk.log]
    course = read_course(log)
    assert [one.made.segment for one in course] == [0, None, 1, 2, 3]
    third = course[3].facts
    assert (third.queues, third.waited_s) == (BUSY.queues, 12.0)
    assert third.local_time is not None
    assert (third.weekday, third.local_time.hour, third.local_time.utcoffset()) == (
        "tue",
        10,
        SHANGHAI.utcoffset(third.local_time.replace(tzinfo=None)),
    )
    assert course[1].facts.dtmf == "5"
    assert course[3].route is not None
    assert course[4].route is None


def test_the_same_policy_decides_the_same_from_the_log_alone() -> None:
    talk = complaint()
    course = read_course([decode_line(encode_line(one)) for one in talk.log])
    differences = decide_again(POLICY, course)
    assert [one.changed for one in differences] == [False] * 5
    for one in differences:
        assert one.other.matched == one.taken.made.rules
        if one.taken.route is not None:
            assert one.other.route.evidence == one.taken.route.evidence
        if one.taken.priority is not None:
            assert one.other.urgency.evidence == one.taken.priority.evidence


def test_another_policy_is_counted_in_both_directions() -> None:
    calm = Talk(POLICY, call="calm")
    calm.tell("我想查一下我的快递到哪里了")
    calm.tell("好的谢谢")
    wanting = "start: {target: ai, priority: 0, reason: {zh: 因, en: why}}\ntitle: {zh: 试, en: t}\nversion: t\n"
    rule = "reason: {zh: 因, en: why}"
    person = read_policy(
        f"{wanting}rules:\n  - {{id: a, when: {{turns: {{at_least: 2}}}}, then: {{target: human}}, {rule}}}\n"
    )
    nobody = read_policy(f"{wanting}rules: []\n")
    calls = [(talk.log[0].call, read_course(talk.log)) for talk in (complaint(), calm.finish())]
    more = sum_up([(call, decide_again(person, course)) for call, course in calls])
    assert (more.calls, more.decisions, more.to_human, more.to_ai, more.sooner, more.later) == (2, 7, 1, 0, 1, 0)
    none = sum_up([(call, decide_again(nobody, course)) for call, course in calls])
    assert (none.to_human, none.to_ai, none.less_urgent, none.more_urgent, none.calls_changed) == (0, 1, 1, 0, 1)


def test_an_older_log_says_that_it_says_nothing() -> None:
    talk = complaint()
    with pytest.raises(EventError, match="lacks what its decisions looked at"):
        read_course([one for one in talk.log if not isinstance(one.event, DecisionMade)])
    with pytest.raises(EventError, match=r"begins with call\.started"):
        read_course(talk.log[1:])
    assert read_course(talk.log[:3]) == []


def rules_of(found: tuple[RuleFinding, ...]) -> list[str]:
    return [one.rule.id for one in found]


def explained() -> list[Explained]:
    return explain(POLICY, read_course(complaint().log))


def test_an_explanation_names_rules_values_and_evidence() -> None:
    found = explained()[3]
    assert found.same
    assert found.before == 25
    assert rules_of(found.rules) == list(found.taken.made.rules)
    (escalating,) = (one for one in found.rules if one.rule.id == "escalating-words")
    (fact,) = escalating.finding.facts
    assert (fact.wanted, fact.found, fact.holds, fact.evidence) == ("escalate: yes", "yes", True, (2,))


def test_an_explanation_names_rules_that_nearly_took_part() -> None:
    found = explained()[2]
    again = next(one for one in found.nearly if one.rule.id == "negative-again")
    assert [(fact.wanted, fact.found, fact.holds) for fact in again.finding.facts] == [
        ("negative: ≥ 0.3", f"{found.taken.facts.negative:.2f}", True),
        ("negative_turns: ≥ 3", "1", False),
    ]
    assert "pressed-zero" not in rules_of(found.nearly)
    assert not {"asked-for-human", "urgent-need"} & set(rules_of(found.nearly))


def test_an_explanation_names_a_rule_that_still_waits() -> None:
    talk = Talk(POLICY)
    for number, text in enumerate(("查一下快递", "订单号是1234", "在上海", "是的", "对")):
        talk.tell(text, (0.6, -0.3, 0.8) if number else (0.0, 0.0, 0.8))
    waiting = [one for found in explain(POLICY, read_course(talk.finish().log)) for one in found.nearly if one.waits]
    assert [(one.rule.id, one.turns) for one in waiting] == [("tense-for-long", 1), ("tense-for-long", 2)]


def test_an_explanation_follows_hysteresis_through_the_call() -> None:
    head = "version: t\ntitle: {zh: 试, en: t}\nstart: {target: ai, priority: 0, reason: {zh: 因, en: why}}\n"
    rules = read_policy(
        f"{head}rules:\n  - {{id: a, when: {{queue: {{waiting: {{at_least: 9, until: 3}}}}}}, then: {{target: human}}, "
        "reason: {zh: 因, en: why}}\n"
    )
    waiting = iter((9, 4, 3))
    talk = Talk(rules, situation=lambda: Situation((QueueLoad("general", waiting=next(waiting)),)))
    for _ in range(3):
        talk.tell("查一下快递")
    found = explain(rules, read_course(talk.finish().log))
    assert [[fact.holds for one in each.rules for fact in one.finding.facts] for each in found] == [[True], [True], []]
    assert found[1].rules[0].finding.facts[0].found == "waiting 4"


def test_deciding_again_does_not_depend_on_how_often_it_is_done() -> None:
    course = read_course(complaint().log)
    assert decide_again(POLICY, course) == decide_again(POLICY, course)
    assert decide(POLICY, course[0].facts) == decide_again(POLICY, course)[0].other
