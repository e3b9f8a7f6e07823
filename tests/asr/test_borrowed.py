"""A recognizer on a thread that borrows running recognition: the judge of pauses by words uses it."""

from __future__ import annotations

import anyio
import numpy as np
import pytest
from anyio.to_thread import run_sync

from asr.borrowed import BorrowedRecognizer
from asr.fake import FakeRecognizer
from asr.turn_words import WordsJudge
from asr.types import Hypothesis, Language
from asr.worker import RecognitionWorker
from voice.contracts.audio import Pcm
from voice.contracts.errors import ModelError

pytestmark = pytest.mark.anyio

SPEECH: Pcm = (np.random.default_rng(1).standard_normal(24_000) * 0.1).astype(np.float32)


def write(hypothesis: Hypothesis, language: Language) -> Hypothesis:
    return Hypothesis("for people", hypothesis.words, raw=hypothesis.text)


async def test_it_hears_what_the_engine_hears_and_not_what_is_written_for_people() -> None:
    async with RecognitionWorker(FakeRecognizer(), write=write) as recognition:
        borrowed = BorrowedRecognizer(recognition)
        assert (borrowed.name, borrowed.languages) == ("fake/fake", FakeRecognizer.languages)

        def recognize() -> Hypothesis:
            utterance = borrowed.begin(Language.ZH)
            utterance.accept(SPEECH[:10_000])
            assert utterance.partial() is None
            utterance.accept(SPEECH[10_000:])
            return utterance.finish()

        found = await run_sync(recognize)
    alone = FakeRecognizer().begin(Language.ZH)
    alone.accept(SPEECH)
    assert found == alone.finish()


async def test_a_pause_is_judged_by_its_words_beside_calls() -> None:
    class Number(FakeRecognizer):
        def begin(self, language: Language) -> NumberUtterance:  # type: ignore[override]  # a fake of the fake
            return NumberUtterance()

    class NumberUtterance:
        def accept(self, pcm: Pcm) -> None:
            """It has heard enough."""

        def partial(self) -> None:
            """Nothing before the end."""

        def finish(self) -> Hypothesis:
            return Hypothesis("我的手机号是一三八")

    async with RecognitionWorker(Number(), write=write) as recognition:
        judge = WordsJudge(BorrowedRecognizer(recognition), Language.ZH)
        assert await run_sync(judge, SPEECH) == 0.0


async def test_what_cannot_be_recognized_is_said_on_the_thread() -> None:
    async with RecognitionWorker(FakeRecognizer()) as recognition:
        borrowed = BorrowedRecognizer(recognition)
        utterance = borrowed.begin(Language.ZH)
    with pytest.raises(ModelError, match="not running"), anyio.fail_after(5):
        await run_sync(utterance.finish)
