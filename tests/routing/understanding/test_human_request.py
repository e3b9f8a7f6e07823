"""Asking for a person (R3): many wordings, inside longer sentences, and not where it is declined or reported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from routing.document import read
from routing.understanding.heard import hear
from routing.understanding.human_request import asks_for_human, find_requests
from routing.understanding.human_wordings import compile_human_wordings
from routing.understanding.lexicon import LANGUAGES, load_lexicon
from voice.contracts.errors import UnderstandingDataError


def asks(text: str) -> bool:
    return asks_for_human(find_requests(hear(text), tuple(load_lexicon(language) for language in LANGUAGES)))


ASKING = [
    "转人工",
    "转人公",
    "转人工。",
    "人工",
    "人工人工人工",
    "人工客服",
    "我要找人工克服",
    "转人工客服",
    "请帮我转接一下你们的人工坐席",
    "嗯有没有真人啊",
    "听不懂听不懂换个人来接",
    "麻烦帮我接一下那个人工坐席",
    "你是机器人吧说了半天都不明白我要真人",
    "呃能不能叫个人跟我说话",
    "直接给我接客服专源谢谢",
    "怎么打人工这么难啊快点转人工服务",
    "别跟我扯了我不要跟机器人说话给我转人工",
    "我不想跟机器人说",
    "我前天买的东西还没到你先给我转人工吧我跟他说",
    "为什么不给我转人工",
    "怎么还不转人工",
    "你再不转人工我就挂了",
    "能不能转人工",
    "要不你给我转人工吧",
    "叫你们经理来听电话",
    "我要找你们领导",
    "转 人 工",
    "我要 speak to an agent",
    "representative",
    "agent agent agent",
    "Agent.",
    "can i speak to a real person",
    "No, I want to speak to a real person, please.",
    "i don't wanna talk to a robot get me a human",
    "um transfer me to customer service please",
    "is there an operator",
    "you don't under stand me just give me a person",
    "let me talk to your manager right now",
    "Can you put me through to an agent?",
    "my order is late and i want to talk to someone about it",
    "why can't i just talk to a human",
    "if you don't transfer me to an agent i'm leaving",
    "I need a human",
    "全部转人工",
    "i need a person",
    "给我转任工",
    "找个能管事的来",
    "让你们主管跟我说",
    "我想和客服人员通话",
    "轉人工",
    "no robots please give me a human",
]

NOT_ASKING = [
    "不用转人工",
    "我也不着急，不用转人工，你帮我看一看就行",
    "先不用转人工",
    "不要转人工",
    "别给我转人工",
    "我不想转人工",
    "没必要转人工",
    "我不需要人工服务",
    "暂时不转人工",
    "不用给我转接人工客服",
    "我没说要转人工",
    "刚才人工客服说会给我退款",
    "你们的人工智能挺聪明的",
    "收货人换成我老婆",
    "个人发票可以吗",
    "帮我查一下快递",
    "联系人写错了",
    "太让人失望了",
    "i want somebody to be held responsible",
    "I don't want an agent",
    "I don't need to speak to a human",
    "no need to transfer me to an agent",
    "please don't transfer me to an agent",
    "your agent hung up on me",
    "the agent said it would be refunded",
    "where is my parcel",
    "i sent it to another person",
    "你们人工客服几点上班",
    "我跟客服说过了",
    "I already spoke to an agent",
    "what are the hours for customer service",
    "",
]


@pytest.mark.parametrize("text", ASKING)
def test_asks_for_a_person(text: str) -> None:
    assert asks(text)


@pytest.mark.parametrize("text", NOT_ASKING)
def test_does_not_ask_for_a_person(text: str) -> None:
    assert not asks(text)


def test_labelled_wishes_for_a_person_are_told() -> None:
    """Of an author who had seen neither lists nor wordings; these were mended by it afterwards."""
    path = Path(__file__).parent / "labelled" / "asking-k.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["text"] for line in lines if asks(line["text"]) != line["asks"]] == []


WORDINGS = """
words: {zh: {desk: [客服]}, en: {desk: [agent]}}
zh: [%s]
en: ["fetch me an {desk}"]
mentions: {zh: ["那个{desk}说"], en: ["travel {desk}"]}
"""


def test_wordings_are_data() -> None:
    wordings = compile_human_wordings(
        read(WORDINGS % '"叫(个)?{desk}"', name="human.yaml", error=UnderstandingDataError)
    )
    assert wordings.asked["zh"].search("快叫个客服来")
    assert wordings.asked["en"].search("fetch me an agent")
    assert wordings.mentioned["zh"].search("那个客服说")


@pytest.mark.parametrize(
    ("wording", "message"),
    [('"叫{desks}"', "desks"), ('"叫(客服"', "not closed"), ('"叫+"', "means nothing"), ("7", "7")],
)
def test_a_broken_wording_is_named(wording: str, message: str) -> None:
    with pytest.raises(UnderstandingDataError, match=message):
        compile_human_wordings(read(WORDINGS % wording, name="human.yaml", error=UnderstandingDataError))
