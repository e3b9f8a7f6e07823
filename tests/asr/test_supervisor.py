"""Recognition in processes: what dies, hangs, lies or refuses there costs no final that could be had."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import numpy as np
import pytest

from asr.fake import FakeRecognizer
from asr.ports import LiveUtterance
from asr.process_utterance import LONGEST_KEPT, ProcessUtterance
from asr.supervisor import SupervisedRecognition
from asr.types import Hypothesis, Language
from tests.asr.child_plans import (
    DEAR,
    KILL,
    RAISE,
    SPIN,
    STOP,
    WAIT,
    WORK,
    Brittle,
    die,
    level,
    refuse,
    run_out_of_memory,
)
from voice.clock import WallClock
from voice.contracts.audio import FRAME_SAMPLES, Pcm
from voice.contracts.errors import (
    ModelCorruptError,
    ModelError,
    UtteranceGivenUpError,
    WarmlineError,
    WorkerHungError,
    WorkerLostError,
)

pytestmark = pytest.mark.anyio


def voice(seconds: float, seed: int = 1) -> Pcm:
    noise: Pcm = np.random.default_rng(seed).standard_normal(round(seconds * 16_000)).astype(np.float32)
    return noise * np.float32(0.1)


def ignore(hypothesis: Hypothesis) -> None:
    """A caller that does not care for partials."""


def push_frames(utterance: LiveUtterance, pcm: Pcm) -> None:
    for start in range(0, len(pcm), FRAME_SAMPLES):
        utterance.push(pcm[start : start + FRAME_SAMPLES])


def alone(pcm: Pcm) -> Hypothesis:
    utterance = FakeRecognizer().begin(Language.ZH)
    utterance.accept(pcm)
    return utterance.finish()


async def until(condition: Callable[[], bool], within_s: float = 20) -> None:
    with anyio.fail_after(within_s):
        while not condition():  # noqa: ASYNC110  what other processes do is no event
            await anyio.sleep(0.01)


def is_gone(pid: int) -> bool:
    """Whether a process has ended; one that waits to be reaped has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize(("what", "error"), [(KILL, WorkerLostError), (STOP, WorkerHungError), (WAIT, WorkerHungError)])
async def test_a_process_that_ends_or_hangs_once_costs_no_final(
    tmp_path: Path, what: float, error: type[WarmlineError]
) -> None:
    setbacks: list[WarmlineError] = []
    beside: list[WarmlineError] = []
    async with SupervisedRecognition(Brittle(tmp_path / "once"), 2, WallClock()) as recognition:
        pids = recognition.pids
        with anyio.fail_after(30):
            broken = recognition.begin(Language.ZH, ignore, on_setback=setbacks.append)
            sound = recognition.begin(Language.ZH, ignore, on_setback=beside.append)
            pcm = np.concatenate([voice(1), level(what), voice(1, seed=2)])
            push_frames(broken, pcm)
            push_frames(sound, voice(1.5))
            assert await broken.finish() == alone(pcm)
            assert await sound.finish() == alone(voice(1.5))
        await until(lambda: recognition.load().seats == 2)
        assert len(set(recognition.pids) - set(pids)) == 1
        assert recognition.trouble() is None
    assert [type(each) for each in setbacks] == [error]
    assert beside == [], "who was in another process learns nothing of it"


async def test_no_word_is_lost_whenever_the_process_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before the first audio, in speech, in a pause, in speech after it, and when the final is waited for."""
    monkeypatch.setattr("asr.losses.BACK_OFF_S", (0.0,))
    runs = [(True, voice(0.61)), (False, voice(0.5) * 0), (True, voice(0.73, seed=2)), (False, voice(0.2) * 0)]
    frames = [(speech, pcm[n : n + FRAME_SAMPLES]) for speech, pcm in runs for n in range(0, len(pcm), FRAME_SAMPLES)]
    whole = alone(np.concatenate([pcm for _, pcm in runs]))
    assert len(whole.words) >= 7
    async with SupervisedRecognition(Brittle(), 2, WallClock()) as recognition:
        for when in (0, 15, 40, 80, len(frames)):
            utterance = recognition.begin(Language.ZH, ignore)
            for number, (speech, pcm) in enumerate(frames):
                if number == when:
                    kill(utterance)
                utterance.push(pcm, speech=speech)
                await anyio.lowlevel.checkpoint()
            with anyio.fail_after(30):
                if when == len(frames):
                    kill(utterance)
                final = await utterance.finish()
                await until(lambda: recognition.load().seats == 2, within_s=30)
            assert final == whole, when


def kill(utterance: ProcessUtterance) -> None:
    assert utterance.pid is not None
    os.kill(utterance.pid, signal.SIGKILL)


async def test_an_utterance_that_breaks_every_process_is_given_up_alone() -> None:
    setbacks: list[WarmlineError] = []
    async with SupervisedRecognition(Brittle(), 2, WallClock()) as recognition:
        beside = [recognition.begin(Language.ZH, ignore) for _ in range(3)]
        poison = recognition.begin(Language.ZH, ignore, on_setback=setbacks.append)
        for utterance in beside:
            push_frames(utterance, voice(1))
        push_frames(poison, level(KILL))
        with anyio.fail_after(15):
            with pytest.raises(UtteranceGivenUpError, match="broke 2 recognition processes") as caught:
                await poison.finish()
            assert caught.value.code == "asr.utterance_given_up"
            for utterance in beside:
                assert await utterance.finish() == alone(voice(1))
    assert [type(each) for each in setbacks] == [WorkerLostError]


async def learn_costs(recognition: SupervisedRecognition) -> None:
    """Have each process do steps enough that their cost is known."""
    for _ in range(2):
        usual = [recognition.begin(Language.ZH, ignore) for _ in range(2)]
        for _ in range(10):
            for utterance in usual:
                utterance.push(level(WORK))
                await until(lambda: recognition.load().audio_waiting_s == 0)
        for utterance in usual:
            await utterance.finish()
    await until(lambda: recognition._dearest_s > 0)


async def test_a_process_that_runs_in_a_circle_is_known_by_what_its_steps_cost(tmp_path: Path) -> None:
    setbacks: list[WarmlineError] = []
    async with SupervisedRecognition(Brittle(tmp_path / "once"), 2, WallClock()) as recognition:
        await learn_costs(recognition)
        utterance = recognition.begin(Language.ZH, ignore, on_setback=setbacks.append)
        pcm = np.concatenate([voice(1), level(SPIN), voice(0.5, seed=2)])
        push_frames(utterance, pcm)
        await until(lambda: bool(setbacks), within_s=60)  # who still speaks has time until then
        with anyio.fail_after(60):
            assert await utterance.finish() == alone(pcm)
    [error] = setbacks
    assert isinstance(error, WorkerHungError)
    spent = re.search(r"used ([0-9.]+) s of CPU", str(error))
    assert spent is not None
    assert float(spent.group(1)) < 2.5, "not the time that any engine may need"


@pytest.mark.parametrize("known", [True, False], ids=["costs known", "costs unknown"])
async def test_a_final_that_runs_in_a_circle_is_made_by_another_before_the_process_is_given_up(
    tmp_path: Path, known: bool
) -> None:
    setbacks: list[WarmlineError] = []
    async with SupervisedRecognition(Brittle(tmp_path / "once"), 2, WallClock()) as recognition:
        if known:
            await learn_costs(recognition)
        (first, second) = recognition.pids
        utterance = recognition.begin(Language.ZH, ignore, on_setback=setbacks.append)
        pcm = np.concatenate([voice(1), level(SPIN)])
        push_frames(utterance, pcm)
        circling = utterance.pid
        with anyio.fail_after(60):
            assert await utterance.finish() == alone(pcm)
            if known:
                await until(lambda: circling not in recognition.pids)
        assert [type(each) for each in setbacks] == [WorkerHungError]
        assert "another heard the utterance" in str(setbacks[0])
        assert (second if circling == first else first) in recognition.pids
        with anyio.fail_after(20):
            beside = recognition.begin(Language.ZH, ignore)
            push_frames(beside, voice(1))
            assert await beside.finish() == alone(voice(1)), "the free process is asked, or a new one"
    assert len(setbacks) == 1, "what has its final learns nothing more"


async def test_a_final_that_is_merely_dear_comes_from_who_began_it(tmp_path: Path) -> None:
    setbacks: list[WarmlineError] = []
    async with SupervisedRecognition(Brittle(tmp_path / "once"), 2, WallClock()) as recognition:
        pids = recognition.pids
        utterance = recognition.begin(Language.ZH, ignore, on_setback=setbacks.append)
        pcm = np.concatenate([voice(1), level(DEAR), voice(0.5, seed=2)])
        push_frames(utterance, pcm)
        with anyio.fail_after(60):
            assert await utterance.finish() == alone(pcm)
        await until(lambda: recognition.load().open == 0)
        assert recognition.pids == pids
    assert not setbacks


async def test_an_engine_that_raises_fails_its_utterance_and_no_process() -> None:
    async with SupervisedRecognition(Brittle(), 1, WallClock()) as recognition:
        pids = recognition.pids
        utterance = recognition.begin(Language.ZH, ignore)
        push_frames(utterance, level(RAISE))
        with pytest.raises(ModelError, match="broke on this utterance: OSError"):
            await utterance.finish()
        assert recognition.pids == pids
        assert (await recognition.begin(Language.ZH, ignore).finish()) == Hypothesis("")


async def test_one_process_alone_is_replaced_and_what_was_open_waits_for_it(tmp_path: Path) -> None:
    async with SupervisedRecognition(Brittle(tmp_path / "once"), 1, WallClock()) as recognition:
        utterance = recognition.begin(Language.ZH, ignore)
        pcm = np.concatenate([voice(1), level(KILL)])
        push_frames(utterance, pcm)
        await until(lambda: recognition.trouble() is not None)
        push_frames(utterance, voice(1, seed=2))
        with anyio.fail_after(15):
            assert await utterance.finish() == alone(np.concatenate([pcm, voice(1, seed=2)]))
        assert recognition.trouble() is None


async def test_what_is_longer_than_is_kept_is_lost_with_its_process() -> None:
    async with SupervisedRecognition(Brittle(), 2, WallClock()) as recognition:
        heard: list[int] = []
        utterance = recognition.begin(Language.ZH, ignore, on_heard=heard.append)
        for seed in range(LONGEST_KEPT // 160_000):
            push_frames(utterance, voice(10, seed=seed))
            await until(lambda pushed=(seed + 1) * 160_000: heard[-1:] == [pushed])  # type: ignore[misc]  # bound now
        push_frames(utterance, voice(1))
        push_frames(utterance, level(KILL))
        with pytest.raises(UtteranceGivenUpError, match="More than 60 s"):
            await utterance.finish()


@pytest.mark.parametrize(
    ("plan", "error", "said"),
    [
        (refuse, ModelCorruptError, "The model is not one. Run: warmline models verify it"),
        (run_out_of_memory, ModelError, "not enough memory"),
        (die, WorkerLostError, "died while it loaded"),
    ],
)
async def test_what_cannot_be_loaded_is_said_at_the_start(
    plan: Callable[[], FakeRecognizer], error: type[WarmlineError], said: str
) -> None:
    with anyio.fail_after(20), pytest.raises(error, match=said):
        async with SupervisedRecognition(plan, 2, WallClock()):
            pass


async def test_processes_that_die_one_after_the_other_are_reported() -> None:
    async with SupervisedRecognition(Brittle(), 1, WallClock()) as recognition:
        for _ in range(5):
            await until(lambda: len(recognition.pids) == 1)
            (pid,) = recognition.pids
            os.kill(pid, signal.SIGKILL)
            await until(lambda pid=pid: pid not in recognition.pids)  # type: ignore[misc]  # bound now
        trouble = recognition.trouble()
        assert trouble is not None
        assert trouble.code == "asr.worker_lost"
        # The sixth is waited with: nothing is up, and leaving does not wait for it.
        assert recognition.pids == ()


async def test_leaving_while_busy_ends_the_processes_and_fails_what_is_open() -> None:
    failures: list[ModelError] = []

    async def wait_for(utterance: LiveUtterance) -> None:
        try:
            await utterance.finish()
        except ModelError as error:
            failures.append(error)

    with anyio.fail_after(20):
        async with (
            anyio.create_task_group() as tasks,
            SupervisedRecognition(Brittle(), 2, WallClock()) as recognition,
        ):
            pids = recognition.pids
            for _ in range(2):
                stuck = recognition.begin(Language.ZH, ignore)
                push_frames(stuck, level(WAIT))
                tasks.start_soon(wait_for, stuck)
            await anyio.wait_all_tasks_blocked()
    assert len(failures) == 2
    assert all(is_gone(pid) for pid in pids)
    with pytest.raises(ModelError, match="not running"):
        recognition.begin(Language.ZH, ignore)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
@pytest.mark.parametrize("state", ["idle", "stopped"])
async def test_processes_die_with_a_parent_that_is_killed(project: Path, state: str) -> None:
    source = (
        "import anyio, os, signal\n"
        "from asr.supervisor import SupervisedRecognition\n"
        "from tests.asr.child_plans import Brittle\n"
        "from voice.clock import WallClock\n"
        "async def main():\n"
        "    async with SupervisedRecognition(Brittle(), 2, WallClock()) as recognition:\n"
        f"        if {state!r} == 'stopped': [os.kill(pid, signal.SIGSTOP) for pid in recognition.pids]\n"
        "        print(*recognition.pids, flush=True)\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "anyio.run(main)\n"
    )
    done = await anyio.run_process([sys.executable, "-c", source], cwd=project, check=False, stderr=subprocess.DEVNULL)
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) == 2
    await until(lambda: all(is_gone(pid) for pid in pids), within_s=5)


def test_recognition_needs_a_process() -> None:
    with pytest.raises(ValueError, match="at least one process"):
        SupervisedRecognition(Brittle(), 0, WallClock())
