"""The final that is made while a pause is waited out: when it is made, when it is not, and that it changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import numpy as np
import pytest
import soundfile

from asr.fake import FakeRecognizer
from asr.thread_utterance import ThreadUtterance
from asr.types import Hypothesis, Language
from asr.whisper import load_whisper
from asr.worker import RecognitionWorker
from voice.contracts.audio import FRAME_SAMPLES, Pcm, from_s

pytestmark = pytest.mark.anyio


@dataclass
class Settling:
    """A recognizer that writes down what it is asked for; steps of `hold` wait for permission."""

    name: str = "settling/test"
    languages: frozenset[Language] = frozenset(Language)
    log: list[str] = field(default_factory=list)
    hold: str = "nothing"
    allow: threading.Event = field(default_factory=threading.Event)
    held: threading.Event = field(default_factory=threading.Event)

    def begin(self, language: Language) -> SettlingUtterance:
        return SettlingUtterance(self, language)

    def step(self, what: str) -> None:
        self.log.append(what)
        if what.startswith(self.hold):
            self.held.set()
            assert self.allow.wait(10)


@dataclass
class SettlingUtterance:
    owner: Settling
    language: Language
    heard: int = 0
    settled: int = -1

    def accept(self, pcm: Pcm) -> None:
        self.heard += len(pcm)
        self.owner.step(f"accept {self.language}")

    def partial(self) -> Hypothesis | None:
        self.owner.step(f"partial {self.language} {self.heard}")
        return None

    def settle(self) -> Hypothesis:
        self.owner.step(f"settle {self.language} {self.heard}")
        self.settled = self.heard
        return Hypothesis(f"{self.heard}")

    def finish(self) -> Hypothesis:
        ready = self.settled == self.heard
        self.owner.step(f"finish {self.language} {self.heard} {'ready' if ready else 'anew'}")
        return Hypothesis(f"{self.heard}")


def push(utterance: ThreadUtterance, frames: int, *, speech: bool) -> None:
    for _ in range(frames):
        utterance.push(np.zeros(FRAME_SAMPLES, np.float32), speech=speech)


def ignore(hypothesis: Hypothesis) -> None:
    """A caller that does not care for partials."""


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(30):
        while not condition():
            await anyio.lowlevel.checkpoint()


def steps(engine: Settling, *kinds: str) -> list[str]:
    return [step for step in engine.log if step.startswith(kinds)]


async def test_the_final_is_made_in_the_pause_and_told() -> None:
    engine, partials = Settling(), list[Hypothesis]()
    async with RecognitionWorker(engine) as worker:
        utterance = worker.begin(Language.ZH, partials.append)
        push(utterance, 25, speech=True)
        push(utterance, 10, speech=False)
        await until(lambda: bool(partials))
        assert partials == [Hypothesis(f"{35 * FRAME_SAMPLES}")]
        push(utterance, 18, speech=False)
        assert await utterance.finish() == Hypothesis(f"{35 * FRAME_SAMPLES}")
    assert steps(engine, "settle", "finish") == ["settle zh 11200", "finish zh 11200 ready"]


async def test_speech_that_goes_on_voids_it_and_brings_the_pause() -> None:
    engine = Settling()
    async with RecognitionWorker(engine) as worker:
        utterance = worker.begin(Language.ZH, ignore)
        push(utterance, 25, speech=True)
        push(utterance, 20, speech=False)
        await until(lambda: bool(steps(engine, "settle")))
        push(utterance, 5, speech=True)
        push(utterance, 10, speech=False)
        await until(lambda: len(steps(engine, "settle")) == 2)
        await utterance.finish()
    assert steps(engine, "settle", "finish") == ["settle zh 11200", "settle zh 19200", "finish zh 19200 ready"]
    assert 60 * FRAME_SAMPLES == 19200


async def test_a_pause_that_is_too_short_has_none() -> None:
    engine = Settling()
    async with RecognitionWorker(engine) as worker:
        utterance = worker.begin(Language.ZH, ignore)
        push(utterance, 25, speech=True)
        push(utterance, 9, speech=False)
        await utterance.finish()
    assert steps(engine, "settle", "finish") == [f"finish zh {34 * FRAME_SAMPLES} anew"]


async def test_no_partial_is_made_in_the_pause() -> None:
    engine = Settling(hold="accept zh")
    async with RecognitionWorker(engine) as worker:
        utterance = worker.begin(Language.ZH, ignore)
        push(utterance, 25, speech=True)
        await until(engine.held.is_set)
        push(utterance, 1, speech=False)
        engine.allow.set()
        push(utterance, 9, speech=False)
        await until(lambda: bool(steps(engine, "settle")))
        await utterance.finish()
    assert steps(engine, "partial") == []


async def test_it_gives_way_to_audio_that_waits_and_comes_after_it() -> None:
    engine = Settling(hold="accept en")
    async with RecognitionWorker(engine) as worker:
        first, pausing, last = (worker.begin(language, ignore) for language in (Language.EN, Language.ZH, Language.KO))
        push(first, 5, speech=True)
        await until(engine.held.is_set)  # the only thread stands in accept
        push(pausing, 5, speech=True)
        push(pausing, 10, speech=False)
        push(last, 5, speech=True)
        engine.allow.set()
        await until(lambda: bool(steps(engine, "settle")))
        await pausing.finish()
    assert steps(engine, "accept", "settle", "finish") == [
        "accept en",
        "accept zh",
        "accept zh",  # 300 ms in two steps
        "accept ko",
        f"settle zh {15 * FRAME_SAMPLES}",
        f"finish zh {15 * FRAME_SAMPLES} ready",
    ]


async def test_two_pauses_at_once_do_not_wait_for_each_other() -> None:
    engine = Settling(hold="accept en")
    async with RecognitionWorker(engine) as worker:
        first, one, other = (worker.begin(language, ignore) for language in (Language.EN, Language.ZH, Language.KO))
        push(first, 5, speech=True)
        await until(engine.held.is_set)
        for pausing in (one, other):
            push(pausing, 5, speech=True)
            push(pausing, 10, speech=False)
        engine.allow.set()
        await until(lambda: len(steps(engine, "settle")) == 2)


async def test_an_engine_that_cannot_is_not_asked_again_and_again() -> None:
    engine = FakeRecognizer()
    async with RecognitionWorker(engine) as worker:
        utterance = worker.begin(Language.ZH, ignore)
        push(utterance, 25, speech=True)
        push(utterance, 20, speech=False)
        await until(lambda: not worker._heard and not utterance._busy and not utterance._settle_due)
        await utterance.finish()


async def test_it_gives_way_to_finals() -> None:
    engine = Settling(hold="accept zh")
    async with RecognitionWorker(engine) as worker:
        pausing, ending = worker.begin(Language.ZH, ignore), worker.begin(Language.KO, ignore)
        push(pausing, 5, speech=True)
        push(pausing, 10, speech=False)
        await until(engine.held.is_set)  # the only thread stands in accept
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ending.finish)
            await until(lambda: worker.load().finals_waiting == 1)
            engine.allow.set()
        await pausing.finish()
    finished = steps(engine, "settle", "finish")
    assert finished[0] == "finish ko 0 anew"


async def test_who_judges_the_pause_reads_the_same_final() -> None:
    engine, partials = Settling(), list[Hypothesis]()
    async with RecognitionWorker(engine) as worker:
        utterance = worker.begin(Language.ZH, partials.append)
        push(utterance, 25, speech=True)
        push(utterance, 12, speech=False)
        assert await utterance.settle() == Hypothesis("11200")
        await utterance.finish()
    assert steps(engine, "settle", "finish")[-1] == "finish zh 11200 ready"
    assert {step for step in engine.log if "settle" in step} == {"settle zh 11200"}
    assert partials == [Hypothesis("11200")]


async def test_a_pause_that_is_asked_about_goes_before_audio_and_after_finals() -> None:
    engine = Settling(hold="accept en")
    async with RecognitionWorker(engine) as worker:
        first, pausing, other = (worker.begin(language, ignore) for language in (Language.EN, Language.ZH, Language.KO))
        push(first, 5, speech=True)
        await until(engine.held.is_set)  # the only thread stands in accept
        push(other, 5, speech=True)
        push(pausing, 5, speech=True)
        push(pausing, 12, speech=False)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(pausing.settle)
            tasks.start_soon(first.finish)
            await until(lambda: worker.load().finals_waiting == 1 or first._finishing)
            engine.allow.set()
        await other.finish()
    order = steps(engine, "settle", "finish", "accept ko")
    assert order[:3] == [f"finish en {5 * FRAME_SAMPLES} anew", f"settle zh {15 * FRAME_SAMPLES}", "accept ko"]


@pytest.mark.model
def test_whisper_says_the_same_ahead(need_model: Callable[[str], Path], project: Path) -> None:
    recognizer = load_whisper(need_model("whisper-base"))
    pcm, _ = soundfile.read(project / "samples" / "calls" / "zh-human-16k" / "audio.wav", dtype="float32")
    pcm = pcm[from_s(1) : from_s(5)]
    plain = recognizer.begin(Language.ZH)
    plain.accept(pcm)
    ahead = recognizer.begin(Language.ZH)
    ahead.accept(pcm[: from_s(2)])
    early = ahead.settle()
    ahead.accept(pcm[from_s(2) :])
    assert ahead.settle() == ahead.finish() == plain.finish()
    assert early != plain.finish()
