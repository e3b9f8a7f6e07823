"""The policy that ships does what R1-R4 say, from words to decision, in both languages."""

from __future__ import annotations

import pytest

from asr.types import Language
from prosody.types import EmotionBasis, EmotionLabel, EmotionLevel, EmotionScore, EmotionShift
from routing.policy.decision import Decision
from routing.policy.facts import Facts
from routing.policy.file import load_policy
from routing.policy.rules import decide
from routing.terms import RouteTarget
from routing.understanding.turn import Understander
from voice.contracts.audio import SegmentId, Span

AI, HUMAN = RouteTarget.AI, RouteTarget.HUMAN
POLICY = load_policy()


@pytest.fixture(scope="module")
def understander() -> Understander:
    return Understander.load()


def course(understander: Understander, *turns: str) -> list[Decision]:
    facts, decisions = Facts(language=Language.ZH), list[Decision]()
    for number, text in enumerate(turns):
        facts = facts.hear(SegmentId(number), understander.understand(text))
        decisions.append(decide(POLICY, facts, decisions[-1] if decisions else None))
    return decisions


def tone(arousal: float, valence: float) -> EmotionScore:
    return EmotionScore(arousal, valence, 0.8, EmotionLabel.ANGRY, EmotionBasis.TONE, (), arousal, valence)


@pytest.mark.parametrize(
    "text",
    [
        "我想查一下我的快递到哪里了",
        "帮我改一下收货地址",
        "发票什么时候能开",
        "where is my package",
        "can i change the address on my order",
        "what time do you close",
    ],
)
def test_simple_needs_stay_with_the_ai(understander: Understander, text: str) -> None:
    (decision,) = course(understander, text)
    assert (decision.target, decision.priority, decision.route.rule) == (AI, 0, "simple-need")
    assert decision.route.evidence == (0,)


@pytest.mark.parametrize(
    ("text", "rule", "least"),
    [
        ("转人工", "asked-for-human", 40),
        ("speak to a real person", "asked-for-human", 40),
        ("我快递还没到呢你先给我转人工客服", "asked-for-human", 40),
        ("我要投诉你们", "escalating-words", 80),
        ("再不处理我就打幺二三一五", "escalating-words", 80),
        ("i'm going to sue you", "escalating-words", 80),
        ("插座漏电冒烟了", "urgent-need", 70),
        ("你们这个服务真的太差了，气死我了", "strong-negative-words", 60),
        ("你们客服爱答不理的，就是踢皮球", "complex-need", 35),
    ],
)
def test_a_human_at_once(understander: Understander, text: str, rule: str, least: int) -> None:
    (decision,) = course(understander, text)
    assert decision.target is HUMAN
    assert rule in decision.matched
    assert decision.priority >= least
    assert decision.route.evidence == (0,)


@pytest.mark.parametrize(
    "text",
    [
        "我不是要投诉，就是想问问发票的事情",
        "没有不满意",
        "不用转人工，帮我查一下快递就行",
        "I don't want to complain, I just want to know where my package is",
        "no need to transfer me to an agent, just track my parcel",
    ],
)
def test_denied_words_change_nothing(understander: Understander, text: str) -> None:
    (decision,) = course(understander, text)
    assert (decision.target, decision.priority) == (AI, 0)


def test_zero_brings_a_human_before_a_word_was_said() -> None:
    decision = decide(POLICY, Facts(language=Language.EN).press("0"))
    assert (decision.target, decision.route.rule, decision.priority) == (HUMAN, "pressed-zero", 40)


def test_another_key_does_not() -> None:
    assert decide(POLICY, Facts(language=Language.EN).press("5")).target is AI


def test_the_human_stays(understander: Understander) -> None:
    decisions = course(understander, "转人工", "我想查一下快递到哪里了", "好的谢谢再见")
    assert [one.target for one in decisions] == [HUMAN] * 3
    assert decisions[-1].priority == 40
    assert decisions[-1].route == decisions[0].route


def test_mild_discontent_raises_the_priority_and_lasting_discontent_brings_a_human(understander: Understander) -> None:
    decisions = course(understander, "快递怎么这么磨蹭", "帮我查一下快递", "包裹怎么一直在拖延", "都拖着不给我送快递")
    assert [one.target for one in decisions] == [AI, AI, AI, HUMAN]
    assert [one.priority for one in decisions] == [25, 25, 25, 55]
    assert decisions[-1].route.evidence == (0, 2, 3)


def test_the_same_question_a_third_time_brings_a_human(understander: Understander) -> None:
    decisions = course(understander, "我的快递到哪里了呀", "嗯我的快递到哪里了", "我问的是我的快递到哪里了")
    assert [one.target for one in decisions] == [AI, AI, HUMAN]
    assert decisions[-1].route.rule == "asked-again"
    assert decisions[-1].route.evidence == (0, 1, 2)


def test_whoever_is_not_understood_stays_with_the_ai_at_first(understander: Understander) -> None:
    lines = ["明天会下大雪吗", "月亮离地球很远", "猴子喜欢爬树", "海水是咸的呀"]
    decisions = course(understander, *lines)
    assert [one.target for one in decisions] == [AI, AI, AI, HUMAN]
    assert decisions[-1].route.rule == "not-understood"
    assert decisions[-1].route.evidence == (0, 1, 2, 3)


def test_an_upset_voice_brings_a_human_whatever_the_words(understander: Understander) -> None:
    facts = Facts(language=Language.ZH).hear(SegmentId(2), understander.understand("现在送到哪儿了，帮我查下快递"))
    shift = EmotionShift(
        EmotionLevel.TENSE, EmotionLevel.UPSET, Span(0, 640), (SegmentId(1), SegmentId(2)), "arousal_high"
    )
    decision = decide(POLICY, facts.feel(SegmentId(2), tone(0.9, -0.5), shift))
    assert (decision.target, decision.route.rule, decision.priority) == (HUMAN, "upset-voice", 75)
    assert decision.route.evidence == (1, 2)


def test_a_tense_voice_raises_the_priority_and_it_stays(understander: Understander) -> None:
    meaning = understander.understand("帮我查下快递到哪了")
    calm = Facts(language=Language.ZH).hear(SegmentId(0), meaning)
    up = EmotionShift(EmotionLevel.SETTLED, EmotionLevel.TENSE, Span(0, 640), (SegmentId(1),), "arousal_high")
    down = EmotionShift(EmotionLevel.TENSE, EmotionLevel.SETTLED, Span(640, 960), (SegmentId(2),), "arousal_low")
    first = decide(POLICY, calm)
    tense = decide(POLICY, calm.feel(SegmentId(1), tone(0.5, -0.2), up), first)
    settled = decide(POLICY, calm.feel(SegmentId(2), tone(0.0, 0.0), down), tense)
    assert [(one.target, one.priority) for one in (first, tense, settled)] == [(AI, 0), (AI, 30), (AI, 30)]
    assert tense.urgency.rule == "tense-voice"
    assert tense.urgency.evidence == (1,)


def test_a_voice_that_stays_tense_brings_a_human(understander: Understander) -> None:
    meaning = understander.understand("帮我查下快递到哪了")
    up = EmotionShift(EmotionLevel.SETTLED, EmotionLevel.TENSE, Span(0, 640), (SegmentId(0),), "arousal_high")
    facts, previous, targets = Facts(language=Language.ZH), None, []
    for number, text in enumerate(["查快递", "单号是一二三四五", "请问今天能派送吗"]):
        facts = facts.hear(SegmentId(number), understander.understand(text))
        facts = facts.feel(SegmentId(number), tone(0.5, -0.2), up if number == 0 else None)
        previous = decide(POLICY, facts, previous)
        targets.append(previous.target)
    assert meaning.intent.label == "logistics"
    assert targets == [AI, AI, HUMAN]
