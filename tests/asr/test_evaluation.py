"""Error rates agree with jiwer, and text is counted as stated."""

from __future__ import annotations

import jiwer
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.evaluation import Edits, Reference, count_edits, evaluate, units
from asr.fake import FakeRecognizer
from asr.types import Language

words = st.lists(st.sampled_from("abcd"), max_size=12)


@given(reference=words.filter(bool), hypothesis=words)
def test_errors_are_as_many_as_jiwer_counts(reference: list[str], hypothesis: list[str]) -> None:
    ours = count_edits(reference, hypothesis)
    theirs = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
    assert ours.rate == pytest.approx(theirs.wer)
    assert ours.length - ours.deletions + ours.insertions == len(hypothesis)


def test_kinds_of_error() -> None:
    assert count_edits("我要退款", "我退款吗") == Edits(0, 1, 1, 4)
    assert count_edits("快递", "快第") == Edits(1, 0, 0, 2)
    assert count_edits("", "嗯") == Edits(0, 0, 1, 0)
    assert count_edits("嗯", "") == Edits(0, 1, 0, 1)
    assert (Edits(1, 2, 3, 12) + Edits(0, 0, 0, 12)).rate == 0.25


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("我的訂單，12 号？", Language.ZH, list("我的订单12号")),
        ("ＩＤＣ统计", Language.ZH, list("idc统计")),
        ("Don't you -- O'Brien's, OK?", Language.EN, ["dont", "you", "obriens", "ok"]),
        ("cold-hearted", Language.EN, ["cold", "hearted"]),
        ("안녕 하세요.", Language.KO, ["안녕", "하세요"]),
    ],
)
def test_what_counts(text: str, language: Language, expected: list[str]) -> None:
    assert units(text, language) == expected


def test_an_evaluation_adds_up_over_utterances_and_speakers() -> None:
    noise = np.random.default_rng(3).standard_normal(16_000).astype(np.float32) * np.float32(0.1)
    utterance = FakeRecognizer().begin(Language.ZH)
    utterance.accept(noise)
    said = utterance.finish().text
    references = [Reference("a", noise, said, "one"), Reference("b", noise, said + "吗吗", "two")]
    result = evaluate(FakeRecognizer(), references, Language.ZH, chunk_s=0.1)
    length = len(said)
    assert result.edits == Edits(0, 2, 0, 2 * length + 2)
    assert result.by_speaker() == {"one": Edits(0, 0, 0, length), "two": Edits(0, 2, 0, length + 2)}
    assert result.audio_s == 2.0
    assert result.engine == "fake/fake"
    assert result.cpu_ms_per_audio_s >= 0
