"""What sounds like a term of the business, and what only seems to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from asr.text.draft import Draft
from asr.text.repair import HomophoneRepair
from asr.text.terms import LONGEST_TERM, Terms
from asr.text.writer import TextWriter
from asr.types import Hypothesis, Language, Repair, Stretch
from voice.contracts.errors import TermsError


@pytest.fixture(scope="module")
def repair() -> HomophoneRepair:
    return HomophoneRepair(Terms.load())


def mend(repair: HomophoneRepair, heard: str) -> str:
    draft = Draft(heard)
    repair.apply(draft)
    return draft.text


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("帮我查一下无流", "帮我查一下物流"),
        ("今天能排送吗", "今天能派送吗"),
        ("显示已经前收了但是我没有收到", "显示已经签收了但是我没有收到"),
        ("你们发的什么破块递啊", "你们发的什么破快递啊"),
        ("我要推货", "我要退货"),
        ("我要开一张发飘", "我要开一张发票"),
        ("那个验证马一直收不到", "那个验证码一直收不到"),
        ("转人公", "转人工"),
        ("我要头诉你们", "我要投诉你们"),
        ("刚买的不想要了怎么去消", "刚买的不想要了怎么取消"),
    ],
)
def test_misheard_terms(repair: HomophoneRepair, heard: str, meant: str) -> None:
    assert mend(repair, heard) == meant


@pytest.mark.parametrize(
    "said",
    [
        "下一站是哪里",
        "五六七八",
        "他一直亮着灯",
        "我去消毒",
        "他克服了困难",
        "今天天气不错",
        "我要投诉你们的客服",
        "",
        "abc",
    ],
)
def test_what_makes_sense_as_it_is_stays(repair: HomophoneRepair, said: str) -> None:
    assert mend(repair, said) == said


def test_a_repair_is_recorded_with_its_place_in_the_raw_text() -> None:
    final = TextWriter.load().write(Hypothesis("嗯查一下无流到哪儿了"), Language.ZH)
    assert final.raw == "嗯查一下无流到哪儿了"
    assert final.text == "查一下物流到哪儿了？"
    (repair,) = final.repairs
    assert repair == Repair(4, 6, "无流", "物流", repair.gain)
    assert repair.gain > 2
    assert Stretch(4, 6, 3, 5) in final.stretches


def test_repair_comes_before_every_other_edit(repair: HomophoneRepair) -> None:
    draft = Draft("无流")
    draft.replace(0, 1, "")
    with pytest.raises(ValueError, match="first"):
        repair.apply(draft)


def test_an_own_term_is_heard(tmp_path: Path) -> None:
    own = tmp_path / "terms.txt"
    own.write_text("# our products\n暖线\n\n顺丰\n", "utf-8")
    assert mend(HomophoneRepair(Terms.load(own)), "能不能给我发顺风") == "能不能给我发顺丰"
    assert Terms.load(own).own == ("暖线", "顺丰")
    assert Terms.load().own == ()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe\x00", "UTF-8"),
        ("物流 快递".encode(), "line 1"),
        ("物流\nabc".encode(), "line 2"),
        ("一".encode(), "line 1"),
        (("物" * (LONGEST_TERM + 1)).encode(), "line 1"),
    ],
)
def test_a_broken_file_of_terms_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    own = tmp_path / "terms.txt"
    own.write_bytes(content)
    with pytest.raises(TermsError, match=said):
        Terms.load(own)
    with pytest.raises(TermsError, match="cannot be read"):
        Terms.load(tmp_path / "none.txt")


def test_correct_sentences_are_left_alone(repair: HomophoneRepair, shared_data: Path) -> None:
    """100 sentences of read news, and 155 questions with answers of a service line, all written correctly."""
    news = [
        json.loads(line)["text"]
        for line in (shared_data / "speech/aishell1-sample/manifest.jsonl").read_text("utf-8").splitlines()
    ]
    service = [
        entry["question"] + entry["answer"]
        for entry in map(json.loads, (shared_data / "text/zh_faq.jsonl").read_text("utf-8").splitlines())
    ]
    changed = [text for text in news + service if mend(repair, text) != text]
    assert len(changed) <= 0.02 * len(news + service), changed
