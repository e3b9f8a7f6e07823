"""The data files: what ships is valid, what is broken is refused with line and field."""

from __future__ import annotations

from pathlib import Path

import pytest

from routing.document import Document, read
from routing.understanding.concepts import compile_concepts, load_concepts
from routing.understanding.heard import hear, sound, syllables
from routing.understanding.key_points import compile_cues
from routing.understanding.lexicon import LANGUAGES, compile_lexicon, load_lexicon
from routing.understanding.syllable_table import spell_syllables
from routing.understanding.taxonomy import DATA, load_taxonomy
from routing.understanding.utterances import read_utterances
from voice.contracts.errors import UnderstandingDataError


def document(text: str) -> Document:
    return read(text, name="data.yaml", error=UnderstandingDataError)


def test_what_ships_is_valid() -> None:
    assert len(load_taxonomy()) == 16
    assert len(read_utterances()) > 1000
    assert all(load_lexicon(language).terms for language in LANGUAGES)
    assert load_concepts().spoken


def test_every_intent_has_a_name_in_both_languages() -> None:
    assert all(kind.title.zh and kind.title.en for kind in load_taxonomy().values())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "{term: 举报, strength: 0.9",
            "{term: 举报, strength: 9",
            r"negative\[1\]\.strength: expected at most 1; got 9",
        ),
        ("category: insult", "category: insulted", r"got 'insulted'.*Did you mean insult\?"),
        ("{term: 举报,", "{trem: 举报,", r"trem: this key is not known here\. Did you mean term\?"),
        ("{term: 举报,", "{term: 投诉,", r"投诉 stands in negative twice"),
        ("language: zh", "language: fr", r"language: expected one of zh, en; got 'fr'"),
        ("negators_after:", "negators_behind:", r"negators_behind: this key is not known here"),
    ],
)
def test_a_broken_lexicon_names_line_and_field(old: str, new: str, message: str) -> None:
    good = (DATA / "lexicon-zh.yaml").read_text(encoding="utf-8")
    line = good[: good.index(old)].count("\n") + 1
    with pytest.raises(UnderstandingDataError, match=message) as caught:
        compile_lexicon(document(good.replace(old, new, 1)))
    assert f"line {line}, " in str(caught.value)


@pytest.mark.parametrize("text", ["zh: {}\nen: {}", "[]", "zh: 1", "fr: {issue: [x]}"])
def test_broken_cues_are_refused(text: str) -> None:
    with pytest.raises(UnderstandingDataError):
        compile_cues(document(text))


@pytest.mark.parametrize("text", ["delivery: {zh: [], en: [x]}", "delivery: {zh: [快递]}", "delivery: [快递]", "{}"])
def test_broken_concepts_are_refused(text: str) -> None:
    with pytest.raises(UnderstandingDataError):
        compile_concepts(document(text))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("logistic:\n  - 查快递\n", r"line 1, logistic: logistic is no intent that exists"),
        ("logistics:\n  - 7\n", r"line 2, logistics\[0\]: expected string; got 7"),
        ("logistics:\n  - 查快递\ninvoice:\n  - 查快递\n", r"line 4.*stands under logistics as well"),
    ],
)
def test_broken_utterances_are_refused(tmp_path: Path, lines: str, message: str) -> None:
    (tmp_path / "utterances").mkdir()
    (tmp_path / "utterances" / "zh-test.yaml").write_text(lines, encoding="utf-8")
    (tmp_path / "intents.yaml").write_bytes((DATA / "intents.yaml").read_bytes())
    with pytest.raises(UnderstandingDataError, match=message):
        read_utterances(tmp_path)


def test_a_missing_data_file_is_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(UnderstandingDataError, match=r"lexicon-zh\.yaml"):
        load_lexicon("zh", tmp_path)
    with pytest.raises(UnderstandingDataError, match=r"syllables\.txt"):
        syllables(tmp_path)


def test_what_sounds_alike_is_alike() -> None:
    assert sound("头诉") == sound("投诉")
    assert sound("快地") == sound("快递")
    assert sound("投诉") != sound("快递")


def test_hearing_keeps_lengths_and_the_way_back() -> None:
    heard = hear("Ｗo 要 退 ﬁ货 ok 吗")
    assert len(heard.plain) == len(heard.sounds) == len(heard.at) - 1
    assert heard.plain == "wo要退 ﬁ货ok吗"
    assert [heard.text[heard.at[place]] for place in range(len(heard.plain))] == list("Ｗo要退 ﬁ货ok吗")


def test_the_table_of_sounds_can_be_made_again() -> None:
    assert spell_syllables() == (DATA / "syllables.txt").read_text(encoding="utf-8")
