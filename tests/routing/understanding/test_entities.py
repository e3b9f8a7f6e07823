"""Named values: read out digit by digit, with pauses, in both languages."""

from __future__ import annotations

import pytest

from routing.understanding.digits import find_digit_runs, number_en, number_zh
from routing.understanding.entities import find_entities
from routing.understanding.heard import hear


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("订单尾号是三零八一。", [("order_no", "3081")]),
        ("嗯，订单号啊，我念给你听。二零二五，幺幺零三，呃，那个，七七六八。", [("order_no", "202511037768")]),
        ("新的手机号是，幺三八，零零幺三，八零零零。", [("phone", "13800138000")]),
        ("对，幺三八，零零幺三，八零零零。", [("phone", "13800138000")]),
        ("一三六二八零六六九三零", [("phone", "13628066930")]),
        ("我电话13912345678你记一下", [("phone", "13912345678")]),
        ("运单号幺二三四五六七八的物流进度", [("tracking_no", "12345678")]),
        ("单号１２３４５６７８", [("order_no", "12345678")]),
        ("六六七二这个单号", [("order_no", "6672")]),
        ("怎么多扣了三十块钱", [("amount", "30")]),
        ("账单上有一笔十九块九的", [("amount", "19.9")]),
        ("退我两千三百五十元", [("amount", "2350")]),
        ("一百二十八点五元", [("amount", "128.5")]),
        ("付了99.5元", [("amount", "99.5")]),
        ("三百五块钱", [("amount", "350")]),
        ("会发现一九九零年后出生的人口急剧减少", []),
        ("六二二二三四幺零", []),
        ("三到五个工作日", []),
        ("满三百减五十", []),
        ("order number four four seven one two please", [("order_no", "44712")]),
        ("Yes, the order number ends in four, seven, one, nine.", [("order_no", "4719")]),
        ("my phone number is five five five, one two three, four five six seven", [("phone", "5551234567")]),
        ("order double four oh one nine", [("order_no", "44019")]),
        ("you charged me $1,299.50", [("amount", "1299.5")]),
        ("the refund was twelve dollars short", [("amount", "12")]),
        ("it cost two hundred and fifty dollars", [("amount", "250")]),
        ("", []),
    ],
)
def test_values(text: str, expected: list[tuple[str, str]]) -> None:
    found = find_entities(hear(text))
    assert [(entity.kind, entity.value) for entity in found] == expected
    assert all(text[entity.start : entity.end] == entity.text for entity in found)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("三百五", 350),
        ("两千零八", 2008),
        ("一万二", 12000),
        ("十九点九", 19.9),
        ("十二", 12),
        ("一百零五", 105),
        ("2350", 2350),
        ("二三", 23),
    ],
)
def test_mandarin_numbers(text: str, value: float) -> None:
    assert number_zh(text) == value


@pytest.mark.parametrize("text", ["", "点五五点", "苹果", "9" * 40, "一" * 40])
def test_what_is_no_mandarin_number(text: str) -> None:
    assert number_zh(text) is None


def test_english_numbers() -> None:
    assert number_en(["two", "thousand", "three", "hundred", "and", "five"]) == 2305
    assert number_en(["apple"]) is None


def test_a_run_ends_at_a_word() -> None:
    assert [run.digits for run in find_digit_runs("一二三四 苹果 五六七八")] == ["1234", "5678"]
