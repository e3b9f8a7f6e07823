"""Named values on labelled utterances: three sittings a language, and the bounds that any text must keep."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_console.entities_evaluation import evaluate_entities
from routing.understanding.entities import find_entities
from routing.understanding.heard import hear
from routing.understanding.identifiers import has_luhn, is_id_card

LABELLED = Path(__file__).parent / "labelled"
TODAY = date(2026, 3, 11)  # a Wednesday

PIECES = [
    "订单号",
    "尾号",
    "幺三八零零幺三八零零零",
    "不对",
    "说错了是",
    "三百五十块八毛",
    "明天下午三点半",
    "到五点",
    "上周三",
    "北京市朝阳区建国路八十八号",
    "我叫王小明",
    "免贵姓李",
    "a点b艾特qq点com",
    "next friday",
    "half past two",
    "at",
    "double",
    "$1,299.50",
    "twenty five oak avenue",
    "二零二六年二月三十号",
    "9999年13月99号",
    "下下下个月31号",
    "12345678901234567890",
    "X",
    "，",
    " ",
    "\n",
    "😀",
    "İ",
    "ﬁ",
    "\ud83d",
    "一百年前",
    "in 400 years",
]
texts = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=10).map("".join))
days = st.dates(date(1, 1, 1), date(9999, 12, 31))


@pytest.mark.parametrize("path", sorted(LABELLED.glob("entities-*.jsonl")), ids=lambda path: path.stem)
def test_labelled_values_are_found(path: Path) -> None:
    report = evaluate_entities(path, lambda _step, _of, _done: None)
    assert report.overall.f1 >= 0.97


@settings(max_examples=300, deadline=None)
@given(text=texts, today=days)
def test_any_text_on_any_day_keeps_its_offsets(text: str, today: date) -> None:
    found = find_entities(hear(text), today)
    for entity in found:
        assert 0 <= entity.start < entity.end <= len(text)
        assert text[entity.start : entity.end] == entity.text
        assert entity.value
    for one, other in pairwise(found):
        assert one.end <= other.start


@pytest.mark.parametrize(
    ("text", "today", "expected"),
    [
        ("今天", date(2024, 2, 29), ["2024-02-29"]),
        ("明年二月二十九号", date(2024, 2, 29), []),
        ("上个月31号", date(2026, 3, 31), []),
        ("月底", date(2024, 2, 1), ["2024-02-29"]),
        ("大后天", date(2026, 12, 30), ["2027-01-02"]),
        ("下周一", date(2026, 3, 15), ["2026-03-16"]),
        ("上周日", date(2026, 3, 11), ["2026-03-08"]),
        ("next Friday", date(2026, 3, 11), ["2026-03-20"]),
        ("last Friday", date(2026, 3, 13), ["2026-03-06"]),
        ("a month ago", date(2026, 3, 31), ["2026-02-28"]),
        ("今年春节", date(2026, 1, 5), ["2026-02-17"]),
        ("Thanksgiving", date(2026, 11, 1), ["2026-11-26"]),
        ("明天", date(9999, 12, 31), []),
    ],
)
def test_dates_count_from_the_day_of_the_call(text: str, today: date, expected: list[str]) -> None:
    assert [entity.value for entity in find_entities(hear(text), today)] == expected


def test_without_a_day_there_are_no_dates() -> None:
    assert find_entities(hear("明天下午三点")) == find_entities(hear("明天下午三点"), None)
    assert [entity.value for entity in find_entities(hear("明天下午三点"))] == ["15:00"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("幺三八零零幺三八零零零，不对，说错了，是幺三九零零幺三八零零零", ["13900138000"]),
        ("电话一三八二二二二三三三三哦不对最后一位是四", ["13822223334"]),
        ("明天，不对，后天", ["2026-03-13"]),
        ("晚上七点，不对，七点半", ["19:30"]),
        ("扣了三百，应该是两百块", ["300", "200"]),
        ("it's twenty dollars, no wait, thirty dollars", ["30"]),
        ("不是三百块，是四百块", ["400"]),
    ],
)
def test_what_is_taken_back_does_not_count(text: str, expected: list[str]) -> None:
    assert [entity.value for entity in find_entities(hear(text), TODAY)] == expected


def test_traditional_characters_are_heard() -> None:
    assert [
        entity.value for entity in find_entities(hear("訂單號是一二三四五六七八，退我兩千三百五十塊錢"), TODAY)
    ] == [
        "12345678",
        "2350",
    ]


def test_check_digits() -> None:
    assert is_id_card("11010519491231002X")
    assert not is_id_card("110105194912310021")
    assert not is_id_card("1101051949123100")
    assert has_luhn("4111111111111111")
    assert not has_luhn("4111111111111112")


@pytest.mark.parametrize(
    "text",
    [
        "验证码是四五六七八九",
        "我打了五次电话",
        "你们有三点没做好",
        "快一点",
        "满三百减五十",
        "三到五个工作日",
        "一月一次",
        "第二件半价",
        "I have two kids",
        "the error code is five oh four",
        "call me maybe",
        "I may second that",
        "this is ridiculous",
    ],
)
def test_what_names_nothing(text: str) -> None:
    assert find_entities(hear(text), TODAY) == ()
