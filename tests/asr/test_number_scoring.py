"""What counts as the right number: whole, in digits, and no longer than it is."""

import pytest

from asr.number_scoring import digit_edits, digits_of, holds_number, same_number, spoken_digits
from asr.types import Language


@pytest.mark.parametrize(
    ("text", "value", "held"),
    [
        ("我的手机号是13800138000。", "13800138000", True),
        ("我的手机号是138 0013 8000。", "13800138000", True),
        ("我的手机号是138-0013-8000", "13800138000", True),
        ("我的手机号是138001380001", "13800138000", False),
        ("我的手机号是138，0013，8000", "13800138000", False),
        ("手机号913800138000", "13800138000", False),
        ("手机号9 13800138000", "13800138000", False),
        ("13800138000-1", "13800138000", False),
        ("幺三八零零幺三八零零零", "13800138000", False),
        ("单号jd58203946，谢谢", "JD58203946", True),
        ("its order AB-290-417.", "AB290417", True),
        ("order XAB290417", "AB290417", False),
        ("扣了328.5元", "328.5", True),
        ("扣了328.55元", "328.5", False),
        ("扣了1,299元", "1299", False),
        ("扣了1299.", "1299", True),
        ("", "1299", False),
    ],
)
def test_a_number_stands_whole_in_a_text(text: str, value: str, *, held: bool) -> None:
    assert holds_number(text, [value]) is held


def test_another_way_of_writing_will_do() -> None:
    assert holds_number("三百块，就是328块5", ["328.5", "328块5"])


@pytest.mark.parametrize(
    ("texts", "language", "digits"),
    [
        (["您记一下我电话，幺九四，", "357幺，6280"], Language.ZH, "19435716280"),
        (["你好", "谢谢"], Language.ZH, ""),
        (["The one that ends in five five three nine, I want one."], Language.EN, "5539"),
        (["It's 212 555", "0147."], Language.EN, "2125550147"),
        (["order AB290417"], Language.EN, "290417"),
    ],
)
def test_digits_are_told_from_words(texts: list[str], language: Language, digits: str) -> None:
    assert spoken_digits(texts, language) == digits


def test_digits_are_counted_over_all_finals_however_they_are_spelled() -> None:
    edits = digit_edits("SF1380", ["单号SF幺三", "八九。"], Language.ZH)
    assert (edits.errors, edits.length) == (1, 4)
    assert digit_edits("1380", [], Language.ZH).deletions == 4
    assert digit_edits("1380", ["138000"], Language.ZH).insertions == 2


def test_values_are_compared_without_what_separates_them() -> None:
    assert same_number("138-0013 8000", ["13800138000"])
    assert same_number("jd58203946", ["JD58203946"])
    assert same_number("328.50", ["328.5"])
    assert same_number("1299.00", ["1299"])
    assert not same_number("1380013800", ["13800138000"])
    assert digits_of("JD58-20") == "5820"
