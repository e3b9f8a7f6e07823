"""The same request again: told in other words, and not where nothing is asked or something else is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from routing.document import read_file
from routing.understanding.embedder import unit
from routing.understanding.repetition import Ask, overlap, repeated
from routing.understanding.sentence_encoder import MODEL_NAME, SentenceEncoder
from routing.understanding.taxonomy import DATA
from routing.understanding.turn import Understander
from voice.contracts.errors import UnderstandingDataError


def pairs(language: str, kind: str) -> list[tuple[str, str]]:
    found = read_file(DATA / "repeated.yaml", error=UnderstandingDataError).data[language][kind]
    return [(one, other) for one, other in found]


def share(understander: Understander, language: str, kind: str) -> float:
    """How many pairs count as the same request."""
    told = [
        bool(repeated([understander.understand(one).ask], understander.understand(other).ask))
        for one, other in pairs(language, kind)
    ]
    return sum(told) / len(told)


@pytest.mark.model
@pytest.mark.parametrize(("language", "found", "mistaken"), [("zh", 0.85, 0.15), ("en", 0.85, 0.10)])
def test_the_encoder_tells_a_request_in_other_words(
    need_model: Callable[[str], Path], language: str, found: float, mistaken: float
) -> None:
    understander = Understander.load(SentenceEncoder.load(need_model(MODEL_NAME)))
    assert share(understander, language, "same") >= found
    assert share(understander, language, "different") <= mistaken


@pytest.mark.parametrize(("language", "found", "mistaken"), [("zh", 0.4, 0.1), ("en", 0.3, 0.1)])
def test_without_it_wordings_are_told(understander: Understander, language: str, found: float, mistaken: float) -> None:
    assert share(understander, language, "same") >= found
    assert share(understander, language, "different") <= mistaken


@pytest.mark.parametrize(
    "text",
    [
        "好的",
        "嗯嗯",
        "一三八零零一三八零零零",
        "您订单尾号是五二九四",
        "my order number is four four seven one two",
        "我叫李明",
        "喂你好",
        "okay",
        "谢谢",
    ],
)
def test_what_asks_nothing_is_never_a_repetition(understander: Understander, text: str) -> None:
    ask = understander.understand(text).ask
    assert repeated([ask, ask, ask], ask) == ()


def ask(need: str, angle: float, *words: str) -> Ask:
    vector = np.zeros(4, np.float32)
    vector[:2] = np.cos(angle), np.sin(angle)
    return Ask(need, "zh", frozenset(words), "multilingual-e5-small-q4", unit(vector))


def test_the_same_meaning_under_another_need_is_another_request() -> None:
    assert ask("invoice", 0.1).repeats(ask("invoice", 0.0))
    assert not ask("invoice", 0.1).repeats(ask("logistics", 0.0))
    assert not ask("invoice", 0.5).repeats(ask("invoice", 0.0))


def test_the_same_words_need_no_vector() -> None:
    said = ("a", "b", "c", "d", "e")
    assert Ask("invoice", "zh", frozenset(said)).repeats(Ask("invoice", "zh", frozenset(said)))
    assert not Ask("invoice", "zh", frozenset("ab")).repeats(Ask("invoice", "zh", frozenset("ab")))


def test_vectors_of_different_embedders_are_not_compared() -> None:
    other = Ask("invoice", "zh", frozenset(), "pieces-1024", ask("invoice", 0).vector)
    assert not other.repeats(ask("invoice", 0.0))


def test_thanks_close_what_was_asked_before() -> None:
    asked = [ask("invoice", 0.0), ask("feedback_close", 1.0), ask("invoice", 0.1)]
    assert repeated(asked, ask("invoice", 0.05)) == (2,)
    assert repeated(asked[:1], ask("invoice", 0.05)) == (0,)


def test_overlap_of_nothing_is_none() -> None:
    assert overlap(frozenset(), frozenset()) == 0.0
    assert overlap(frozenset("ab"), frozenset("bc")) == 0.5
