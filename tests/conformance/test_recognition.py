"""What running recognition promises calls: on threads of the server, and in processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import anyio
import numpy as np
import pytest

from asr.fake import FakeRecognizer
from asr.ports import MAX_WAITING, PAUSE_HEARD, LiveUtterance, Recognition
from asr.supervisor import SupervisedRecognition
from asr.types import Hypothesis, Language
from asr.worker import RecognitionWorker
from tests.asr.child_plans import Brittle
from voice.clock import WallClock
from voice.contracts.audio import FRAME_SAMPLES, Pcm, from_ms
from voice.contracts.errors import CapacityError, ModelError

pytestmark = pytest.mark.anyio


def mark(hypothesis: Hypothesis, language: Language) -> Hypothesis:
    return Hypothesis(f"{language}: {hypothesis.text}", hypothesis.words, raw=hypothesis.text)


def start(kind: str) -> AbstractAsyncContextManager[Recognition]:
    if kind == "threads":
        return RecognitionWorker(FakeRecognizer(), threads=2, write=mark)
    return SupervisedRecognition(Brittle(), 2, WallClock(), write=mark)


@pytest.fixture(scope="module", params=["threads", "processes"])
async def recognition(request: pytest.FixtureRequest) -> AsyncIterator[Recognition]:
    async with start(request.param) as running:
        yield running


def voice(seconds: float, seed: int = 1) -> Pcm:
    noise: Pcm = np.random.default_rng(seed).standard_normal(round(seconds * 16_000)).astype(np.float32)
    return noise * np.float32(0.1)


def ignore(hypothesis: Hypothesis) -> None:
    """A caller that does not care for partials."""


def push_frames(utterance: LiveUtterance, pcm: Pcm, *, speech: bool = True) -> None:
    for begin in range(0, len(pcm), FRAME_SAMPLES):
        utterance.push(pcm[begin : begin + FRAME_SAMPLES], speech=speech)


def alone(pcm: Pcm, language: Language = Language.ZH) -> Hypothesis:
    utterance = FakeRecognizer().begin(language)
    utterance.accept(pcm)
    return mark(utterance.finish(), language)


async def test_it_has_a_name_and_languages(recognition: Recognition) -> None:
    assert recognition.name == "fake/fake"
    assert recognition.languages == FakeRecognizer.languages
    assert recognition.trouble() is None
    assert recognition.load().seats == 2


async def test_the_final_is_what_the_engine_says_of_all_audio_written_for_people(recognition: Recognition) -> None:
    utterance = recognition.begin(Language.ZH, ignore)
    push_frames(utterance, voice(1.53))
    assert await utterance.finish() == alone(voice(1.53))


async def test_an_utterance_without_audio_has_an_empty_final(recognition: Recognition) -> None:
    assert await recognition.begin(Language.EN, ignore).finish() == mark(Hypothesis(""), Language.EN)


async def test_partials_come_while_it_is_spoken_and_none_after_the_end(recognition: Recognition) -> None:
    partials: list[str] = []
    came = anyio.Event()

    def hear(partial: Hypothesis) -> None:
        partials.append(partial.text)
        came.set()

    utterance = recognition.begin(Language.ZH, hear)
    push_frames(utterance, voice(1))
    with anyio.fail_after(60):
        await came.wait()
    told = len(partials)
    push_frames(utterance, voice(1, seed=2))
    final = await utterance.finish()
    assert all(final.raw.startswith(partial) for partial in partials)
    assert len(partials) == told


@pytest.mark.parametrize("pause_ms", [200, 220, 560, 1400])
async def test_a_final_hears_the_same_of_every_pause_at_its_end(recognition: Recognition, pause_ms: int) -> None:
    pause = voice(2, seed=3)[: from_ms(pause_ms)]
    utterance = recognition.begin(Language.ZH, ignore)
    push_frames(utterance, voice(0.9))
    push_frames(utterance, pause, speech=False)
    assert await utterance.finish() == alone(np.concatenate([voice(0.9), pause[:PAUSE_HEARD]]))


async def test_a_pause_within_is_heard_whole(recognition: Recognition) -> None:
    heard: list[int] = []
    utterance = recognition.begin(Language.ZH, ignore, on_heard=heard.append)
    push_frames(utterance, voice(0.9))
    push_frames(utterance, voice(0.5, seed=3), speech=False)
    push_frames(utterance, voice(0.34, seed=4))
    push_frames(utterance, voice(0.1, seed=5), speech=False)
    pcm = np.concatenate([voice(0.9), voice(0.5, seed=3), voice(0.34, seed=4), voice(0.1, seed=5)])
    assert await utterance.finish() == alone(pcm)
    assert heard == sorted(heard)
    assert heard[-1] <= len(pcm)


async def test_how_audio_is_cut_changes_nothing(recognition: Recognition) -> None:
    pcm = voice(1.2)
    whole = recognition.begin(Language.ZH, ignore)
    whole.push(pcm)
    whole.push(np.zeros(3200 * 5, np.float32), speech=False)
    framed = recognition.begin(Language.ZH, ignore)
    push_frames(framed, pcm)
    push_frames(framed, np.zeros(3200 * 5, np.float32), speech=False)
    assert await whole.finish() == await framed.finish()


async def test_what_is_heard_so_far_is_told_in_a_pause_as_the_engine_heard_it(recognition: Recognition) -> None:
    utterance = recognition.begin(Language.ZH, ignore)
    push_frames(utterance, voice(1))
    push_frames(utterance, voice(0.56, seed=3), speech=False)
    heard = await utterance.settle()
    pcm = np.concatenate([voice(1), voice(0.56, seed=3)[:PAUSE_HEARD]])
    assert heard is not None
    assert heard.text == alone(pcm).raw
    assert await utterance.settle() == heard, "and again"
    assert (await utterance.finish()).raw == heard.text


async def test_speech_that_goes_on_makes_it_void(recognition: Recognition) -> None:
    utterance = recognition.begin(Language.ZH, ignore)
    push_frames(utterance, voice(1))
    push_frames(utterance, voice(0.3, seed=3), speech=False)
    answers: list[Hypothesis | None] = []

    async def ask() -> None:
        answers.append(await utterance.settle())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await anyio.lowlevel.checkpoint()
        push_frames(utterance, voice(0.5, seed=4))
    early = alone(np.concatenate([voice(1), voice(0.3, seed=3)[:PAUSE_HEARD]]))
    assert [answer.text if answer else early.raw for answer in answers] == [early.raw], "void, or came just before"
    push_frames(utterance, voice(0.3, seed=5), speech=False)
    pcm = np.concatenate([voice(1), voice(0.3, seed=3), voice(0.5, seed=4), voice(0.3, seed=5)[:PAUSE_HEARD]])
    heard = await utterance.settle()
    assert heard is not None
    assert heard.text == alone(pcm).raw, "not the answer to the question before"
    assert await utterance.finish() == alone(pcm)


async def test_the_end_and_a_newer_question_answer_who_waits(recognition: Recognition) -> None:
    answers: list[Hypothesis | None] = []

    async def ask(utterance: LiveUtterance) -> None:
        answers.append(await utterance.settle())

    for end in ("finish", "abandon", "settle"):
        utterance = recognition.begin(Language.ZH, ignore)
        push_frames(utterance, voice(1))
        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask, utterance)
                await anyio.lowlevel.checkpoint()
                if end == "finish":
                    await utterance.finish()
                elif end == "abandon":
                    utterance.abandon()
                else:
                    assert await utterance.settle() is not None
        utterance.abandon()
        assert await utterance.settle() is None, "nobody is left to ask"
    assert len(answers) == 3
    assert {answer.text if answer else alone(voice(1)).raw for answer in answers} == {alone(voice(1)).raw}


async def test_a_language_that_is_not_spoken_is_refused() -> None:
    class Mandarin(FakeRecognizer):
        languages = frozenset((Language.ZH,))

    async with RecognitionWorker(Mandarin()) as worker:
        with pytest.raises(ModelError, match="recognizes zh; got 'en'"):
            worker.begin(Language.EN, ignore)


async def test_an_utterance_ends_once(recognition: Recognition) -> None:
    utterance = recognition.begin(Language.ZH, ignore)
    await utterance.finish()
    with pytest.raises(ModelError):
        await utterance.finish()
    with pytest.raises(ModelError):
        utterance.push(voice(0.1))
    abandoned = recognition.begin(Language.ZH, ignore)
    abandoned.push(voice(0.1))
    abandoned.abandon()
    abandoned.abandon()
    with pytest.raises(ModelError):
        abandoned.push(voice(0.1))
    assert recognition.load().open == 0


async def test_cancelling_a_final_frees_the_utterance(recognition: Recognition) -> None:
    utterance = recognition.begin(Language.ZH, ignore)
    push_frames(utterance, voice(1))
    with anyio.CancelScope() as scope:
        scope.cancel()
        await utterance.finish()
    assert recognition.load().open == 0
    again = recognition.begin(Language.ZH, ignore)
    push_frames(again, voice(1))
    assert await again.finish() == alone(voice(1))


async def test_too_much_at_once_fails_the_utterance_and_no_other(recognition: Recognition) -> None:
    utterance = recognition.begin(Language.ZH, ignore)
    utterance.push(np.zeros(MAX_WAITING + 1, np.float32))  # in one piece, or some of it would be heard meanwhile
    with pytest.raises(CapacityError, match="60 s"):
        await utterance.finish()
    after = recognition.begin(Language.ZH, ignore)
    push_frames(after, voice(1))
    assert await after.finish() == alone(voice(1))


async def test_twenty_at_once_give_what_each_gives_alone(recognition: Recognition) -> None:
    finals: dict[int, Hypothesis] = {}

    async def speak(number: int) -> None:
        pcm = voice(0.5 + number / 10, seed=number)
        utterance = recognition.begin(Language.ZH, ignore)
        for begin in range(0, len(pcm), FRAME_SAMPLES):
            utterance.push(pcm[begin : begin + FRAME_SAMPLES])
            await anyio.lowlevel.checkpoint()
        finals[number] = await utterance.finish()

    before = recognition.load()
    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(speak, number)
    load = recognition.load()
    for number, final in finals.items():
        assert final == alone(voice(0.5 + number / 10, seed=number))
    assert (load.open, load.audio_waiting_s) == (0, 0)
    assert load.pushed_s - before.pushed_s == pytest.approx(sum(0.5 + number / 10 for number in range(20)))
    assert load.cpu_s >= before.cpu_s
