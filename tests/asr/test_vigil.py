"""When a recognition process hangs: what it says, what its CPU does, and who watches are told apart."""

from __future__ import annotations

from itertools import count

import pytest

from asr.child_messages import Beat
from asr.vigil import (
    LEAST_CPU_S,
    SILENT_CPU_S,
    SILENT_S,
    SLOW_CPU_S,
    SLOW_TIMES,
    SLOW_UNKNOWN_S,
    STEP_CPU_PER_S,
    STEP_CPU_S,
    STILL_S,
    TIMES,
    Hang,
    Vigil,
)
from voice.contracts.audio import from_s

BEAT_S = 0.2


def beat(step: int, work_cpu_s: float, audio_s: float = 4.0) -> Beat:
    return Beat(step, from_s(audio_s), work_cpu_s, work_cpu_s, 0.0, 1, 0, 0)


def run(
    beats: dict[float, Beat], until_s: float, *, asked_until_s: float | None = None, dearest_s: float = 0.0
) -> tuple[float, Hang] | None:
    """Judge every 0.1 s; the first hang and when it was told."""
    vigil = Vigil(0.0)
    for tick in range(1, round((asked_until_s or until_s) * 10) + 1):
        now = tick / 10
        for at in [at for at in beats if at <= now]:
            vigil.hear(beats.pop(at), at)
        if hang := vigil.judge(now, dearest_s=dearest_s):
            return now, hang
    return None


def every(step_of: object, cpu_per_s: float, until_s: float, audio_s: float = 4.0) -> dict[float, Beat]:
    times = [number * BEAT_S for number in range(round(until_s / BEAT_S))]
    return {at: beat(step_of if isinstance(step_of, int) else 0, at * cpu_per_s, audio_s) for at in times}


def test_an_idle_process_does_not_hang() -> None:
    assert run(every(0, 0.0, 30), 30) is None


def test_a_process_that_computes_does_not_hang() -> None:
    assert run(every(3, 1.0, 20), 20) is None


def test_a_process_that_gets_a_fiftieth_of_a_core_does_not_hang() -> None:
    assert run(every(3, 0.02, 60), 60) is None


def test_silence_is_told_within_a_second() -> None:
    found = run(every(0, 0.0, 2.0), 5)
    assert found is not None
    at, hang = found
    assert at == pytest.approx(1.8 + SILENT_S + 0.1, abs=0.11)
    assert "nothing was heard" in hang.what


def judged_in_silence(cpu_per_s: float, until_s: float) -> tuple[float, Hang] | None:
    """A process that says nothing after its first beat and computes at that rate, as the system counts it."""
    vigil = Vigil(0.0)
    vigil.hear(beat(1, 0.0), 0.0)
    for tick in range(1, round(until_s * 10) + 1):
        now = tick / 10
        if hang := vigil.judge(now, cpu_s=now * cpu_per_s):
            return now, hang
    return None


def test_a_process_that_computes_without_a_word_is_slow_and_no_hang() -> None:
    assert judged_in_silence(0.1, 25) is None, "a first import, on a tenth of a core"


@pytest.mark.parametrize(("cpu_per_s", "at_s"), [(0.0, SILENT_S), (0.01, SILENT_S), (1.0, SILENT_CPU_S)])
def test_silence_without_progress_or_without_end_is_a_hang(cpu_per_s: float, at_s: float) -> None:
    found = judged_in_silence(cpu_per_s, 25)
    assert found is not None
    assert found[0] == pytest.approx(at_s, abs=0.15)


def test_a_step_without_progress_is_told_within_a_second_and_a_bit() -> None:
    beats = every(1, 1.0, 2.0) | {2.0 + n * BEAT_S: beat(2, 1.8 + n * 1e-4) for n in range(20)}
    found = run(beats, 6)
    assert found is not None
    at, hang = found
    assert 2.0 + STILL_S - 0.01 <= at <= 2.0 + STILL_S + 2 * BEAT_S + 0.01
    assert "used no CPU" in hang.what


def test_steps_that_come_and_go_are_no_standstill() -> None:
    numbers = count(1)
    assert run({n * BEAT_S: beat(next(numbers), n * 1e-4) for n in range(100)}, 20) is None


def test_a_step_that_never_ends_is_told_by_its_audio() -> None:
    found = run(every(1, 1.0, 60, audio_s=1.0), 60)
    assert found is not None
    at, hang = found
    assert at == pytest.approx(STEP_CPU_S + STEP_CPU_PER_S, abs=0.5)
    assert "1.0 s of audio" in hang.what
    assert run(every(1, 1.0, 60, audio_s=15.0), 60) is None, "a slow model on a long utterance"


@pytest.mark.parametrize(("dearest_s", "limit_s"), [(0.05, LEAST_CPU_S), (0.5, 0.5 * TIMES), (9.0, 15.0)])
def test_a_step_that_never_ends_is_told_by_what_steps_cost(dearest_s: float, limit_s: float) -> None:
    found = run(every(1, 1.0, 60, audio_s=1.0), 60, dearest_s=dearest_s)
    assert found is not None
    assert found[0] == pytest.approx(limit_s, abs=0.5)


@pytest.mark.parametrize(("dearest_s", "limit_s"), [(0.0, SLOW_UNKNOWN_S), (0.1, SLOW_CPU_S), (2.0, 2.0 * SLOW_TIMES)])
def test_a_step_is_slow_long_before_it_is_a_hang(dearest_s: float, limit_s: float) -> None:
    vigil = Vigil(0.0)
    assert not vigil.is_slow(dearest_s=dearest_s), "nothing was heard yet"
    for spent_s, slow in ((0.0, False), (limit_s - 0.01, False), (limit_s + 0.01, True)):
        vigil.hear(beat(1, 7.0 + spent_s), spent_s)
        assert vigil.is_slow(dearest_s=dearest_s) is slow
        assert vigil.judge(spent_s, dearest_s=dearest_s) is None
    vigil.hear(beat(2, 7.5 + limit_s), limit_s)
    assert not vigil.is_slow(dearest_s=dearest_s), "another step"
    vigil.hear(beat(0, 99.0), limit_s)
    assert not vigil.is_slow(dearest_s=dearest_s), "no step"


def test_little_of_a_core_is_not_taken_for_a_circle() -> None:
    assert run(every(1, 0.02, 30), 30, dearest_s=0.5) is None


def test_cpu_of_steps_before_does_not_count() -> None:
    beats = {n * BEAT_S: beat(1 + n // 10, n * BEAT_S, audio_s=0.1) for n in range(300)}
    assert run(beats, 60) is None


def test_who_did_not_run_itself_judges_nothing() -> None:
    vigil = Vigil(0.0)
    vigil.hear(beat(1, 0.0), 0.1)
    assert vigil.judge(0.2) is None
    assert vigil.judge(30.2) is None, "the server itself stood still"
    assert vigil.judge(30.4) is None
    assert [vigil.judge(30.4 + n / 10) for n in range(1, 9)][-1] is not None, "from here on it counts again"
