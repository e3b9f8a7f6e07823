"""From what was heard to what is read."""

from __future__ import annotations

import pytest

from asr.text.writer import TextWriter
from asr.types import Hypothesis, Language, Stretch, Word
from voice.contracts.audio import Span, from_ms

write = TextWriter().write


def zh(text: str) -> str:
    return write(Hypothesis(text), Language.ZH).text


def en(text: str) -> str:
    return write(Hypothesis(text), Language.EN).text


@pytest.mark.parametrize(
    ("heard", "read"),
    [
        ("我的订单号是幺三五七九二四六八零零", "我的订单号是13579246800。"),
        ("嗯我的订单号是幺三五七九嗯二四六八零零", "我的订单号是13579246800。"),
        ("手机号是一三八，零零一三，八零零零", "手机号是13800138000。"),
        ("给我打幺三九那个一二三四五六七八", "给我打13912345678。"),
        ("我的尾号是 1 3 8 0", "我的尾号是 1380。"),
        ("打一一零", "打110。"),
        ("一共花了三千五百二十块五毛", "一共花了3520块5毛。"),
        ("百分之十五的折扣", "15%的折扣。"),
        ("重三点五公斤", "重3.5公斤。"),
        ("圆周率是三点一四一五", "圆周率是3.1415。"),
        ("我昨天下午三点半打的电话", "我昨天下午3:30打的电话。"),
        ("上午九点一刻到十点", "上午9:15到10点。"),
        ("早上十点二十", "早上10:20。"),
        ("十二点零五分", "12:05。"),
        ("二零二六年十一月二十二号买的", "2026年11月22号买的。"),
        ("我有三三八六个", "我有3386个。"),
    ],
)
def test_numbers_in_mandarin(heard: str, read: str) -> None:
    assert zh(heard) == read


@pytest.mark.parametrize(
    "spoken", ["等一下我看一下", "一点意思都没有", "万一丢了", "我等了两个多小时", "第三天", "他一个人", "五六个人"]
)
def test_words_with_a_number_in_them_stay_words(spoken: str) -> None:
    assert zh(spoken).rstrip("。") == spoken


@pytest.mark.parametrize(
    ("heard", "read"),
    [
        ("uh my order number is one three five seven um nine two", "My order number is 135792."),
        ("double five oh nine", "5509."),
        ("It ends in 4, 7, 1, 9.", "It ends in 4719."),
        ("Gate 4, 7 people.", "Gate 4, 7 people."),
        ("call me at one eight hundred five five five one two one two", "Call me at 18005551212."),
        ("it cost thirty five dollars and twenty cents", "It cost $35.20."),
        ("i called at half past three", "I called at 3:30."),
        ("wait one moment please", "Wait one moment please."),
        ("one of the boxes", "One of the boxes."),
        ("where is my parcel", "Where is my parcel?"),
    ],
)
def test_english(heard: str, read: str) -> None:
    assert en(heard) == read


@pytest.mark.parametrize(
    ("heard", "read"),
    [
        ("呃，我想问一下金额", "我想问一下金额。"),
        ("嗯", "嗯。"),
        ("那个那个我想退货", "我想退货。"),
        ("那个订单", "那个订单。"),
        ("额度不够", "额度不够。"),
    ],
)
def test_fillers_go_where_they_say_nothing(heard: str, read: str) -> None:
    assert zh(heard) == read


@pytest.mark.parametrize(
    ("heard", "read"),
    [
        ("你们什么时候发货", "你们什么时候发货？"),
        ("能不能快点", "能不能快点？"),
        ("我不知道怎么办", "我不知道怎么办。"),
        ("已经写好了。", "已经写好了。"),
        ("好的，", "好的。"),
        ("真的吗！", "真的吗！"),
    ],
)
def test_a_mark_at_the_end(heard: str, read: str) -> None:
    assert zh(heard) == read


def spoken(text: str, *spans_ms: tuple[int, int]) -> Hypothesis:
    words = tuple(
        Word(character, Span(from_ms(start), from_ms(end)))
        for character, (start, end) in zip(text, spans_ms, strict=True)
    )
    return Hypothesis(text, words)


def test_a_pause_is_a_comma_but_not_inside_a_number() -> None:
    hypothesis = spoken("好我等", (0, 200), (700, 900), (900, 1100))
    assert write(hypothesis, Language.ZH).text == "好，我等。"
    number = spoken("一三八零", (0, 200), (700, 900), (900, 1100), (1700, 1900))
    assert write(number, Language.ZH).text == "1380。"


def test_words_keep_their_times_and_know_their_place_in_the_raw_text() -> None:
    final = write(spoken("嗯三千", (0, 300), (300, 600), (600, 900)), Language.ZH)
    assert (final.text, final.raw) == ("3000。", "嗯三千")
    assert [word.offset for word in final.words] == [0, 1, 2]
    assert [word.span.start for word in final.words] == [0, from_ms(300), from_ms(600)]
    assert final.stretches == (Stretch(0, 3, 0, 5),)


def test_what_needs_no_change_has_no_raw_text() -> None:
    final = write(Hypothesis("好的。"), Language.ZH)
    assert (final.text, final.raw, final.stretches) == ("好的。", "", ())


@pytest.mark.parametrize("text", ["", " ", "。。。", "，", "🙂", "a" * 5000, "一" * 500, "\x00\uffff", "1" * 300])
@pytest.mark.parametrize("language", list(Language))
def test_odd_texts_do_not_break_it(text: str, language: Language) -> None:
    final = write(Hypothesis(text), language)
    rebuilt, raw_at = "", 0
    for stretch in final.stretches:
        rebuilt += text[raw_at : stretch.raw_start] + final.text[stretch.start : stretch.end]
        raw_at = stretch.raw_end
    assert rebuilt + text[raw_at:] == final.text


def test_other_languages_stay_as_they_are() -> None:
    assert write(Hypothesis("삼천 원입니다"), Language.KO) == Hypothesis("삼천 원입니다")
