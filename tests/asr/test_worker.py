"""The worker: finals first, partials when there is time, failures stay alone, nothing outlives the context."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import anyio
import numpy as np
import pytest

from asr.fake import FakeRecognizer
from asr.ports import HAND_OVER, MAX_WAITING, LiveUtterance
from asr.types import Hypothesis, Language
from asr.worker import RecognitionWorker
from voice.contracts.audio import FRAME_SAMPLES, Pcm
from voice.contracts.errors import CapacityError, ModelError

pytestmark = pytest.mark.anyio


def voice(seconds: float, seed: int = 1) -> Pcm:
    noise: Pcm = np.random.default_rng(seed).standard_normal(round(seconds * 16_000)).astype(np.float32)
    return noise * np.float32(0.1)


def ignore(hypothesis: Hypothesis) -> None:
    """A caller that does not care for partials."""


def push_frames(utterance: LiveUtterance, pcm: Pcm) -> None:
    for start in range(0, len(pcm), FRAME_SAMPLES):
        utterance.push(pcm[start : start + FRAME_SAMPLES])


@dataclass
class Gated:
    """A recognizer whose steps wait for permission and tell what they do. Language decides what an utterance does."""

    name: str = "gated/test"
    languages: frozenset[Language] = frozenset(Language)
    allow: threading.Event = field(default_factory=threading.Event)
    log: list[str] = field(default_factory=list)
    entered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    fail_in: str = ""
    threads: set[str] = field(default_factory=set)

    def begin(self, language: Language) -> GatedUtterance:
        return GatedUtterance(self, language)

    def step(self, what: str) -> None:
        self.threads.add(threading.current_thread().name)
        self.log.append(what)
        self.entered.release()
        assert self.allow.wait(10)
        if self.fail_in and what.startswith(self.fail_in):
            raise OSError("engine on fire")


@dataclass
class GatedUtterance:
    owner: Gated
    language: Language
    heard: int = 0

    def accept(self, pcm: Pcm) -> None:
        self.heard += len(pcm)
        self.owner.step(f"accept {self.language}")

    def partial(self) -> Hypothesis | None:
        self.owner.step(f"partial {self.language}")
        return Hypothesis(f"{self.heard}")

    def finish(self) -> Hypothesis:
        self.owner.step(f"finish {self.language}")
        return Hypothesis(f"final {self.heard}")


async def entered(gate: Gated) -> None:
    """Wait until a thread stands in a step."""
    await anyio.to_thread.run_sync(gate.entered.acquire)


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(30):
        while not condition():
            await anyio.lowlevel.checkpoint()


async def test_the_final_is_what_the_recognizer_says_of_all_audio() -> None:
    pcm = voice(1.5)
    alone = FakeRecognizer().begin(Language.ZH)
    alone.accept(pcm)
    async with RecognitionWorker(FakeRecognizer()) as worker:
        utterance = worker.begin(Language.ZH, ignore)
        push_frames(utterance, pcm)
        assert await utterance.finish() == alone.finish()


async def test_finals_are_written_for_people_on_the_thread_and_partials_are_not() -> None:
    partials: list[Hypothesis] = []
    threads: list[str] = []

    def write(hypothesis: Hypothesis, language: Language) -> Hypothesis:
        threads.append(threading.current_thread().name)
        return Hypothesis(f"{language}: {hypothesis.text}", raw=hypothesis.text)

    async with RecognitionWorker(FakeRecognizer(), write=write) as worker:
        utterance = worker.begin(Language.ZH, partials.append)
        push_frames(utterance, voice(3))
        with anyio.fail_after(30):
            final = await utterance.finish()
    assert final.text == f"zh: {final.raw}"
    assert final.raw
    assert [name.startswith("recognition-") for name in threads] == [True]
    assert all(not partial.raw for partial in partials)


async def test_a_text_that_cannot_be_written_fails_its_final_alone() -> None:
    def write(hypothesis: Hypothesis, language: Language) -> Hypothesis:
        raise OverflowError

    async with RecognitionWorker(FakeRecognizer(), write=write) as worker:
        utterance = worker.begin(Language.ZH, ignore)
        push_frames(utterance, voice(1))
        with pytest.raises(ModelError, match="OverflowError"):
            await utterance.finish()


async def test_partials_come_on_the_loop_and_grow() -> None:
    partials: list[str] = []
    threads: set[str] = set()

    def hear(hypothesis: Hypothesis) -> None:
        partials.append(hypothesis.text)
        threads.add(threading.current_thread().name)

    async with RecognitionWorker(FakeRecognizer()) as worker:
        utterance = worker.begin(Language.EN, hear)
        for count in range(1, 4):
            push_frames(utterance, voice(0.4, seed=count))
            await until(lambda count=count: len(partials) >= count)  # type: ignore[misc]  # a default binds the loop's value
        final = await utterance.finish()
    assert all(final.text.startswith(partial) for partial in partials)
    assert threads == {threading.main_thread().name}


async def test_an_utterance_without_audio_has_an_empty_final() -> None:
    async with RecognitionWorker(FakeRecognizer()) as worker:
        assert await worker.begin(Language.ZH, ignore).finish() == Hypothesis("")


async def test_finals_go_before_partials_and_audio() -> None:
    gate = Gated()
    async with RecognitionWorker(gate) as worker:
        first, second = worker.begin(Language.ZH, ignore), worker.begin(Language.EN, ignore)
        first.push(voice(0.1))
        await entered(gate)  # the only thread stands in accept of the first
        second.push(voice(0.1))
        async with anyio.create_task_group() as tasks:
            third = worker.begin(Language.KO, ignore)
            tasks.start_soon(third.finish)
            await until(lambda: worker.load().finals_waiting == 1)
            gate.allow.set()
        await second.finish()
        skipped = worker.load().partials_skipped
    assert gate.log[:2] == ["accept zh", "finish ko"], "no partial of zh and no audio of en before the final"
    assert skipped >= 1


async def test_partials_never_take_all_of_several_threads() -> None:
    gate = Gated()
    gate.allow.set()
    async with RecognitionWorker(gate, threads=2) as worker:
        gate.allow.clear()
        first, second = worker.begin(Language.ZH, ignore), worker.begin(Language.EN, ignore)
        first.push(voice(0.1))
        second.push(voice(0.1))
        await entered(gate)
        await entered(gate)  # both in accept
        gate.allow.set()
        await until(lambda: sum(step.startswith("accept") for step in gate.log) == 2)
        final = await second.finish()
        await first.finish()
    assert final.text == "final 1600"
    assert gate.threads == {"recognition-0", "recognition-1"}


async def test_a_broken_utterance_fails_alone() -> None:
    gate = Gated(fail_in="accept zh")
    gate.allow.set()
    async with RecognitionWorker(gate) as worker:
        broken, sound = worker.begin(Language.ZH, ignore), worker.begin(Language.EN, ignore)
        broken.push(voice(0.2))
        sound.push(voice(0.2))
        with pytest.raises(ModelError, match="gated/test broke on this utterance: OSError"):
            await broken.finish()
        assert (await sound.finish()).text == "final 3200"
        broken_late = worker.begin(Language.ZH, ignore)
        broken_late.push(voice(0.2))
        await until(lambda: worker.load().open == 0)
        broken_late.push(voice(0.2))  # pushing to an utterance that broke already is harmless
        with pytest.raises(ModelError):
            await broken_late.finish()


async def test_an_engine_that_breaks_at_the_end_fails_that_final() -> None:
    gate = Gated(fail_in="finish")
    gate.allow.set()
    async with RecognitionWorker(gate) as worker:
        with pytest.raises(ModelError) as caught:
            await worker.begin(Language.ZH, ignore).finish()
    assert isinstance(caught.value.__cause__, OSError)


async def test_cancelling_a_final_frees_the_utterance() -> None:
    gate = Gated()
    async with RecognitionWorker(gate) as worker:
        utterance = worker.begin(Language.ZH, ignore)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(utterance.finish)
            await entered(gate)
            tasks.cancel_scope.cancel()
        assert worker.load().open == 0
        gate.allow.set()
        assert (await worker.begin(Language.EN, ignore).finish()).text == "final 0"


async def test_an_abandoned_utterance_is_not_heard_of_again() -> None:
    told: list[Hypothesis] = []
    gate = Gated()
    async with RecognitionWorker(gate) as worker:
        utterance = worker.begin(Language.ZH, told.append)
        utterance.push(voice(0.1))
        await entered(gate)
        utterance.abandon()
        gate.allow.set()
        await worker.begin(Language.EN, ignore).finish()
        with pytest.raises(ModelError):
            await utterance.finish()
        with pytest.raises(ModelError):
            utterance.push(voice(0.1))
    assert told == []
    assert "finish zh" not in gate.log


async def test_leaving_stops_the_threads_and_fails_what_is_open() -> None:
    gate = Gated()
    before = threading.active_count()
    failures: list[ModelError] = []

    async def wait_for(utterance: LiveUtterance) -> None:
        try:
            await utterance.finish()
        except ModelError as error:
            failures.append(error)

    async def let_the_threads_go() -> None:
        await until(lambda: len(failures) == 3)
        gate.allow.set()

    async with anyio.create_task_group() as tasks, RecognitionWorker(gate, threads=2) as worker:
        tasks.start_soon(wait_for, worker.begin(Language.ZH, ignore))
        await entered(gate)
        tasks.start_soon(wait_for, worker.begin(Language.EN, ignore))
        await entered(gate)
        tasks.start_soon(wait_for, worker.begin(Language.KO, ignore))
        await until(lambda: worker.load().finals_waiting == 1)
        tasks.start_soon(let_the_threads_go)
    assert len(failures) == 3
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("recognition-")]
    assert threading.active_count() <= before + 2  # anyio's own idle thread may stay
    with pytest.raises(ModelError, match="not running"):
        worker.begin(Language.ZH, ignore)


async def test_too_much_unheard_audio_fails_the_utterance() -> None:
    gate = Gated()
    async with RecognitionWorker(gate) as worker:
        stuck = worker.begin(Language.ZH, ignore)
        stuck.push(voice(0.1))
        await entered(gate)
        for _ in range(7):
            stuck.push(np.zeros(MAX_WAITING // 6, dtype=np.float32))
        assert worker.load().audio_waiting_s == 0, "what is given up holds no memory"
        gate.allow.set()
        with pytest.raises(CapacityError, match="60 s"):
            await stuck.finish()


async def test_threads_wake_for_100_ms_not_for_every_frame() -> None:
    gate = Gated()
    gate.allow.set()
    async with RecognitionWorker(gate) as worker:
        utterance = worker.begin(Language.ZH, ignore)
        push_frames(utterance, np.zeros(HAND_OVER - FRAME_SAMPLES, dtype=np.float32))
        other = worker.begin(Language.EN, ignore)
        await other.finish()
        assert gate.log == ["finish en"]
        await utterance.finish()
    assert gate.log == ["finish en", "accept zh", "finish zh"]


async def test_twenty_utterances_at_once_give_what_each_gives_alone() -> None:
    async with RecognitionWorker(FakeRecognizer(), threads=2) as worker:
        finals: dict[int, Hypothesis] = {}

        async def speak(number: int) -> None:
            utterance = worker.begin(Language.ZH, ignore)
            pcm = voice(0.5 + number / 10, seed=number)
            for start in range(0, len(pcm), FRAME_SAMPLES):
                utterance.push(pcm[start : start + FRAME_SAMPLES])
                await anyio.lowlevel.checkpoint()
            finals[number] = await utterance.finish()

        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(speak, number)
        load = worker.load()
    for number, final in finals.items():
        alone = FakeRecognizer().begin(Language.ZH)
        alone.accept(voice(0.5 + number / 10, seed=number))
        assert final == alone.finish()
    assert load.open == 0
    assert load.audio_waiting_s == 0


async def test_an_unknown_language_is_refused_at_once() -> None:
    gate = Gated(languages=frozenset((Language.ZH,)))
    async with RecognitionWorker(gate) as worker:
        with pytest.raises(ModelError, match="recognizes zh; got 'en'"):
            worker.begin(Language.EN, ignore)


def test_a_worker_needs_a_thread() -> None:
    with pytest.raises(ValueError, match="at least one thread"):
        RecognitionWorker(FakeRecognizer(), threads=0)
