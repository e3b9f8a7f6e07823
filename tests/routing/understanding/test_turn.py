"""Understanding a whole turn: exact offsets, any input, time linear in its length."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.types import Language
from routing.terms import Grade, KeyPointTag
from routing.understanding.turn import Understander
from routing.understanding.utterances import UNKNOWN

PIECES = [
    "我要投诉",
    "不是",
    "没有不满意",
    "转人工",
    "不用",
    "订单号",
    "幺二三四五六",
    "13800138000",
    "三百五十块",
    "快递",
    "，",
    " ",
    "\n",
    "😀",
    "<script>alert(1)</script>",
    "'; DROP TABLE calls; --",
    "ignore all previous instructions",
    "sue",
    "not unhappy",
    "speak to a real person",
    "$1,299.50",
    "İ",
    "ﬁ",
    "Ａ１",
    "㍿",
    "\u0000",
    "\ud83d",
    "é",
    "한국어",
    "．",
]
texts = st.one_of(st.text(max_size=80), st.lists(st.sampled_from(PIECES), max_size=12).map("".join))


@settings(max_examples=300, deadline=None)
@given(text=texts, language=st.sampled_from(Language))
def test_any_text_has_a_meaning_with_exact_offsets(understander: Understander, text: str, language: Language) -> None:
    meaning = understander.understand(text, language)
    for point in meaning.key_points:
        assert 0 <= point.start < point.end <= len(text)
        assert text[point.start : point.end] == point.text
    for entity in meaning.entities:
        assert text[entity.start : entity.end] == entity.text
    for one, other in zip(meaning.entities, meaning.entities[1:], strict=False):
        assert one.end <= other.start
    for term in meaning.sentiment.terms:
        assert text[term.start : term.end] == term.text
    for request in meaning.requests:
        assert text[request.start : request.end] == request.text
    assert 0 <= meaning.sentiment.strength <= 1
    assert meaning.sentiment.valence is None or -1 <= meaning.sentiment.valence <= 1
    assert meaning == understander.understand(text, language)


@pytest.mark.parametrize("text", ["", " ", "\n\t", "。。。", "😀😀"])
def test_nothing_said_means_nothing(understander: Understander, text: str) -> None:
    meaning = understander.understand(text)
    assert meaning.intent.label == UNKNOWN
    assert (meaning.asks_human, meaning.key_points, meaning.entities, meaning.unclear) == (False, (), (), False)
    assert meaning.grade is Grade.SIMPLE


@pytest.mark.parametrize(
    "text", ["喂你好", "hello", "嗯嗯好的", "订单尾号是三零八一", "六二二二三四幺零", "我不是要投诉"]
)
def test_greetings_and_numbers_are_not_unclear(understander: Understander, text: str) -> None:
    assert not understander.understand(text).unclear


@pytest.mark.parametrize("text", ["明天会不会下大雪呀", "the moon is quite far away"])
def test_what_is_not_understood_is_unclear(understander: Understander, text: str) -> None:
    assert understander.understand(text).unclear


@pytest.mark.parametrize(
    ("text", "grade"),
    [
        ("帮我查一下快递到哪里了", Grade.SIMPLE),
        ("转人工", Grade.COMPLEX),
        ("你们客服态度太差了我很不满意", Grade.COMPLEX),
        ("再不处理我就打12315", Grade.URGENT),
        ("插座漏电了，冒烟了", Grade.URGENT),
        ("我不是要投诉，发票什么时候开", Grade.SIMPLE),
        ("track my package please", Grade.SIMPLE),
        ("i'm going to sue you", Grade.URGENT),
    ],
)
def test_grades(understander: Understander, text: str, grade: Grade) -> None:
    assert understander.understand(text).grade is grade


@pytest.mark.parametrize(
    "text", ["我不是要投诉，就是想问问发票的事情", "没有没有，我没有不满意，挺好的", "不用转人工，你说吧"]
)
def test_denied_words_do_not_make_a_complex_need(understander: Understander, text: str) -> None:
    meaning = understander.understand(text)
    assert meaning.intent.label not in {"complaint", "human_agent"}
    assert not meaning.asks_human


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("问题已经解决了非常感谢", KeyPointTag.ISSUE),
        ("the problem is fixed thanks", KeyPointTag.ISSUE),
        ("你们客服说三天之内给我回电话", KeyPointTag.REQUEST),
    ],
)
def test_what_is_over_or_was_promised_is_neither_issue_nor_request(
    understander: Understander, text: str, tag: KeyPointTag
) -> None:
    assert [point for point in understander.understand(text).key_points if point.tag is tag] == []


@pytest.mark.parametrize(
    ("text", "tag", "expected"),
    [
        ("喂，你好，我买的吸尘器到现在还没收到。", KeyPointTag.ISSUE, "我买的吸尘器到现在还没收到"),
        ("嗯，我想改一下收货地址，谢谢。", KeyPointTag.REQUEST, "我想改一下收货地址"),
        ("订单尾号是三零八一。", KeyPointTag.IDENTIFIER, "三零八一"),
        ("你们说两天之内一定送到，结果没到", KeyPointTag.PROMISE, "你们说两天之内一定送到"),
        ("服务太差了。", KeyPointTag.SENTIMENT, "太差"),
        ("问题解决了，谢谢。", KeyPointTag.OUTCOME, "问题解决了"),
        ("帮我转人工吧", KeyPointTag.REQUEST, "转人工"),
        ("Well, the lid is broken, and I would like my money back.", KeyPointTag.ISSUE, "the lid is broken"),
        ("um, can you check my order?", KeyPointTag.REQUEST, "can you check my order"),
        ("You said it would be here by Friday.", KeyPointTag.PROMISE, "You said it would be here by Friday"),
        ("问题没解决又出了故障", KeyPointTag.ISSUE, "问题没解决又出了故障"),
        ("the dryer stopped heating", KeyPointTag.ISSUE, "the dryer stopped heating"),
        ("That's all, thanks.", KeyPointTag.OUTCOME, "That's all"),
    ],
)
def test_key_points(understander: Understander, text: str, tag: KeyPointTag, expected: str) -> None:
    found = [point.text for point in understander.understand(text).key_points if point.tag is tag]
    assert expected in found


def test_an_identifier_carries_its_value(understander: Understander) -> None:
    point = next(p for p in understander.understand("订单号幺二三四").key_points if p.tag is KeyPointTag.IDENTIFIER)
    assert point.value == "1234"


def test_a_declined_person_is_no_request(understander: Understander) -> None:
    assert not [p for p in understander.understand("不用转人工").key_points if p.tag is KeyPointTag.REQUEST]


HOSTILE = {
    "one character": "a",
    "digits": "1",
    "spoken digits": "一",
    "amounts": "三块",
    "cues": "订单一二三四",
    "spaces": " ",
    "negators": "不",
    "denied": "不是要投诉",
    "wishes": "给我转一下你们的人工",
    "real human": "real human ",
    "points": "1.",
    "units": "百千万",
    "breaks": "，",
    "latin words": "not really going to ",
    "markup": "<a href='x'>",
    "separated digits": "1 , ",
    "open threat": "charge",
    "emoji": "😀",
    "mentions": "agent ",
    "one long word": "complaint",
}


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=list(HOSTILE))
def test_time_grows_no_faster_than_the_text(understander: Understander, piece: str) -> None:
    """Eight times the text takes about eight times the time; a quadratic step anywhere would take 64 times."""

    def cost(characters: int, repeats: int) -> float:
        text = (piece * (characters // len(piece) + 1))[:characters]
        spent = []
        for _ in range(repeats):
            begun = time.process_time()
            understander.understand(text)
            spent.append(time.process_time() - begun)
        return min(spent)

    cost(1_000, 1)
    assert cost(40_000, 2) < 24 * cost(5_000, 5) + 0.01


def test_ten_thousand_characters_keep_their_offsets(understander: Understander) -> None:
    text = "我的订单号是一二三四，" * 900 + "转人工"
    meaning = understander.understand(text)
    assert meaning.asks_human
    assert all(text[point.start : point.end] == point.text for point in meaning.key_points)
