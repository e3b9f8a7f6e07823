"""An evaluation adds up over utterances, speakers and substitutions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from asr.evaluation import Reference, Substitution, evaluate, find_substitutions
from asr.fake import FakeRecognizer
from asr.scoring import Edits
from asr.types import Hypothesis, Language
from voice.contracts.audio import Pcm
from voice.contracts.errors import ModelError

LOUD: Pcm = np.random.default_rng(3).standard_normal(16_000).astype(np.float32) * np.float32(0.1)


def heard(pcm: Pcm) -> str:
    utterance = FakeRecognizer().begin(Language.ZH)
    utterance.accept(pcm)
    return utterance.finish().text


def test_an_evaluation_adds_up_over_utterances_and_speakers() -> None:
    said = heard(LOUD)
    references = [
        Reference("a", LOUD, said, Language.ZH, "one"),
        Reference("b", LOUD, said + "吗吗", Language.ZH, "two"),
    ]
    result = evaluate(FakeRecognizer(), references, chunk_s=0.1)
    length = len(said)
    assert result.edits == Edits(0, 2, 0, 2 * length + 2)
    assert result.by_speaker() == {"one": Edits(0, 0, 0, length), "two": Edits(0, 2, 0, length + 2)}
    assert result.audio_s == 2.0
    assert result.engine == "fake/fake"
    assert result.rtf_cpu >= 0


def test_the_display_text_is_what_is_compared_where_one_is_written() -> None:
    def write(hypothesis: Hypothesis, language: Language) -> Hypothesis:
        assert language is Language.ZH
        return replace(hypothesis, text="退款", raw=hypothesis.text)

    result = evaluate(FakeRecognizer(), [Reference("a", LOUD, "退款", Language.ZH)], write=write)
    assert result.edits == Edits(0, 0, 0, 2)
    assert result.utterances[0].hypothesis.raw == heard(LOUD)


def test_substitutions_are_counted_with_where_they_are() -> None:
    texts = iter(["前收了", "前收吗", "签收了", "为什么前收"])
    references = [Reference(name, LOUD, "签收了", Language.ZH) for name in "abc"]
    references.append(Reference("d", LOUD, "喂什么签收", Language.ZH))
    result = evaluate(FakeRecognizer(), references, write=lambda hypothesis, _: replace(hypothesis, text=next(texts)))
    assert find_substitutions(result.utterances) == [
        Substitution("签", "前", 3, ("a", "b", "d")),
        Substitution("了", "吗", 1, ("b",)),
        Substitution("喂", "为", 1, ("d",)),
    ]


def test_a_language_that_the_engine_does_not_speak() -> None:
    class Deaf(FakeRecognizer):
        languages = frozenset((Language.EN,))

    with pytest.raises(ModelError, match="speaks"):
        evaluate(Deaf(), [Reference("a", LOUD, "退款", Language.ZH)])
