"""A number dictated over two turns is one number, with evidence in both."""

from __future__ import annotations

import pytest

from asr.types import Language
from routing.understanding.continuation import WITHIN, Told, continue_number
from voice.contracts.audio import SegmentId, Span, from_s


def told(number: int, text: str, start: int) -> Told:
    return Told(SegmentId(number), text, Span(start, start + from_s(2)))


def go_on(
    first: str, second: str, *, after: int = from_s(1), language: Language = Language.ZH
) -> tuple[str, str] | None:
    before = told(0, first, 0)
    now = told(1, second, before.span.end + after)
    found = continue_number(before, now, language)
    if found is None:
        return None
    assert found.begun_in == 0
    assert second[found.entity.start : found.entity.end] == found.entity.text
    return found.entity.kind, found.entity.value


@pytest.mark.parametrize(
    ("first", "second", "language", "expected"),
    [
        ("我的电话是一三八零零", "幺三八零零零", Language.ZH, ("phone", "13800138000")),
        ("手机号138 0013，", "嗯 8000 谢谢", Language.ZH, ("phone", "13800138000")),
        ("订单号是二零二五，幺幺零三", "七七六八", Language.ZH, ("order_no", "202511037768")),
        ("身份证一一零一零五一九四九", "一二三一零零二X", Language.ZH, ("id_card", "11010519491231002X")),
        ("my phone number is four one five five five five", "zero one two three", Language.EN, ("phone", "4155550123")),
    ],
)
def test_the_rest_completes_the_number(first: str, second: str, language: Language, expected: tuple[str, str]) -> None:
    assert go_on(first, second, language=language) == expected


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("我的电话是一三八零零幺三八零零零", "三零八一"),
        ("尾号是三零八一", "三零八一"),
        ("订单尾号是三零八一", "手机号一三八零零幺三八零零零"),
        ("订单号一二三四", "一三八零零幺三八零零零"),
        ("帮我查一下快递", "三零八一"),
        ("电话是一三八零零", "不说了"),
        ("", "三零八一"),
        ("电话是一三八零零", ""),
    ],
)
def test_another_number_is_another(first: str, second: str) -> None:
    assert go_on(first, second) is None


def test_only_the_turn_right_before_counts() -> None:
    first, second = "我的电话是一三八零零", "幺三八零零零"
    assert go_on(first, second, after=WITHIN) is not None
    assert go_on(first, second, after=WITHIN + 1) is None
    assert continue_number(None, told(1, second, 0), Language.ZH) is None
    assert continue_number(told(1, first, from_s(9)), told(2, second, 0), Language.ZH) is None
