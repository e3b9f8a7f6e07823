"""Sentiment words: found by sound, weighed by intensity, silent where they are denied."""

from __future__ import annotations

import pytest

from routing.understanding.heard import hear
from routing.understanding.lexicon import LANGUAGES, load_lexicon
from routing.understanding.sentiment import Sentiment, read_sentiment


def read(text: str) -> Sentiment:
    return read_sentiment(hear(text), tuple(load_lexicon(language) for language in LANGUAGES))


ESCALATING = [
    "我要投诉",
    "我要头诉你们那个快递员",
    "再不处理我就打12315",
    "再不处理我就打 1 2 3 1 5",
    "我就打幺二三一五",
    "我就打一二三幺五",
    "我要去消协告你们",
    "你们就是骗子",
    "你们这不是骗人吗",
    "这不就是坑人嘛",
    "卖假货我要曝光你们",
    "卖假货我要包光你们",
    "我找律师起诉你们",
    "不得不投诉了",
    "我不能不投诉",
    "你们不给我解决我就投诉",
    "没人管是吧，那我投诉",
    "是不是骗子啊你们",
    "我 要 投 诉",
    "全部骗人的",
    "我每天都要投诉一次",
    "i want to file a complaint",
    "I'm going to sue you",
    "you'll hear from my lawyer",
    "you people are scammers",
    "this is a scam",
    "you don't help me so i will sue",
    "I’ll report you to the Better Business Bureau",
    "you lied to me",
    "我要找 lawyer",
]

DENIED = [
    "我不是要投诉，就是想问问发票的事情",
    "我不是要投诉",
    "我没说要投诉",
    "我没有要投诉你们的意思",
    "不想投诉",
    "我也不打算投诉你们",
    "不用打12315",
    "投诉就不用了",
    "投诉就算了吧",
    "我要撤销投诉",
    "我不是来投诉的",
    "没有骗我",
    "我没觉得被骗",
    "I don't want to file a complaint",
    "no complaints from me",
    "I'm not going to sue anyone",
    "I don't want to complain",
    "it's not a scam",
    "I am not calling to make a complaint",
    "请问投诉电话是多少",
    "你们客服部投诉电话多少",
    "我上次投诉过已经解决了",
    "what's the number for the complaints department",
    "I complained last month and it was resolved, thanks",
]

DISCONTENT = [
    "你们服务太差了",
    "我非常不满意",
    "我不太满意",
    "不是很满意",
    "气死我了",
    "什么破东西",
    "太让人失忘了",
    "踢皮求",
    "this is terrible service",
    "I'm not happy with this",
    "this is ridiculous",
    "the worst service ever",
    "i am really fed up",
]

CONTENT = [
    "没有不满意",
    "我没有不满意，你们的服务一直挺好的",
    "我不是不满意",
    "不生气",
    "没生气没生气",
    "not unhappy at all",
    "I'm not angry",
    "it's not bad",
    "谢谢你",
    "能不能晚几天再发货我这两天出差不在家",
    "会员日打几折啊能跟券一起用吗",
    "什么时候发货",
    "扫地机器人多少钱",
    "我记着呢",
    "放在手上",
    "帮我查一下快递",
    "where is my parcel",
    "",
]


@pytest.mark.parametrize("text", ESCALATING)
def test_a_threat_escalates(text: str) -> None:
    found = read(text)
    assert found.escalate
    assert found.strength >= 0.7
    assert found.valence is not None
    assert found.valence < -0.5


@pytest.mark.parametrize("text", DENIED)
def test_a_denied_threat_does_not(text: str) -> None:
    found = read(text)
    assert not found.escalate
    assert found.strength == 0
    assert any(term.negated for term in found.terms)


@pytest.mark.parametrize("text", DISCONTENT)
def test_discontent_is_heard(text: str) -> None:
    found = read(text)
    assert found.strength >= 0.3
    assert not found.escalate
    assert found.valence is not None
    assert found.valence < 0


@pytest.mark.parametrize("text", CONTENT)
def test_content_callers_are_left_alone(text: str) -> None:
    found = read(text)
    assert found.strength == 0
    assert not found.escalate


@pytest.mark.parametrize(
    ("weaker", "stronger"),
    [
        ("有点失望", "失望"),
        ("失望", "非常失望"),
        ("失望", "太失望了气死我了"),
        ("a bit annoyed", "annoyed"),
        ("annoyed", "extremely annoyed"),
    ],
)
def test_intensity_moves_strength(weaker: str, stronger: str) -> None:
    assert 0 < read(weaker).strength < read(stronger).strength <= 1


def test_no_word_says_nothing() -> None:
    assert read("帮我查一下订单").valence is None


def test_praise_is_pleasant() -> None:
    valence = read("谢谢，服务很好，我很满意").valence
    assert valence is not None
    assert valence > 0.5


@pytest.mark.parametrize("text", ["插座漏电了", "机器冒烟了赶紧来人", "there is a gas leak", "it caught fire"])
def test_danger_is_urgent(text: str) -> None:
    assert read(text).urgent
    assert read(text).strength == 0


def test_offsets_point_into_the_original() -> None:
    text = "嗯 我 要 头 诉 ， YOU ARE  SCAMMERS！"
    terms = read(text).terms
    assert [text[term.start : term.end] for term in terms] == [term.text for term in terms]
    assert [term.text for term in terms] == ["头 诉", "SCAMMERS"]
