"""Admission: by what recognition was seen to keep up with, and without fluttering."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.admission import CLOSE_WAITING_S, OPEN_WAITING_S, WINDOW_S, Admission
from asr.ports import WorkerLoad
from voice.clock import ManualClock


def load(pushed_s: float = 0.0, cpu_s: float = 0.0, waiting_s: float = 0.0, seats: int = 2) -> WorkerLoad:
    return WorkerLoad(0, 0, waiting_s, 0, pushed_s, cpu_s, seats)


class Machine:
    """Recognition on two cores under a number of calls, seen once a second."""

    def __init__(self, cost: float = 0.25, speech: float = 0.5) -> None:
        self.admission = Admission(2)
        self.clock = ManualClock()
        self.cost, self.speech = cost, speech
        self.pushed = self.cpu = 0.0

    def run(self, calls: int, seconds: int) -> bool:
        """Whether one more is admitted afterwards."""
        for _ in range(seconds):
            self.clock.advance(1)
            self.pushed += calls * self.speech
            self.cpu += calls * self.speech * self.cost
            self.admission.see(load(self.pushed, self.cpu), calls, self.clock.now_s())
        return self.admission.refusal is None


def test_nothing_seen_admits() -> None:
    assert Admission(2).refusal is None
    assert Admission(2).cpu_per_speech_s is None


def test_calls_are_admitted_until_one_more_would_be_too_many() -> None:
    # Each costs an eighth of a core: 14 make 1.75 of 2, and 15 would make 0.94.
    machine = Machine()
    assert machine.run(13, 90)
    assert machine.admission.cpu_per_speech_s == pytest.approx(0.25)
    assert not machine.run(14, 90)
    assert "94% of its processors" in str(machine.admission.refusal)


def test_one_that_was_refused_is_admitted_again_only_with_room_to_spare() -> None:
    machine = Machine()
    assert not machine.run(14, 90)
    assert not machine.run(12, 120), "81 % with one more: more than is opened for"
    assert machine.run(10, 120), "69 %"
    assert machine.run(12, 120), "and now 81 % is fine"


def test_who_is_silent_costs_nothing() -> None:
    assert Machine(speech=0.05).run(40, 120)


def test_a_short_look_tells_nothing() -> None:
    assert Machine(cost=4.0).run(20, 8)
    assert not Machine(cost=4.0).run(20, 15)


def test_no_calls_admit_whatever_was_before() -> None:
    machine = Machine()
    machine.run(20, 60)
    assert machine.run(0, 5)


def test_being_behind_refuses_at_once_and_until_it_is_made_up_for() -> None:
    admission = Admission(2)
    answers = []
    for second, waiting in enumerate((0.0, 3.9, CLOSE_WAITING_S, 3.0, OPEN_WAITING_S, 0.9, 3.9)):
        admission.see(load(waiting_s=waiting), 3, float(second))
        answers.append(admission.refusal is None)
    assert answers == [True, True, False, False, False, True, True]
    admission.see(load(waiting_s=7.25), 3, 10.0)
    assert str(admission.refusal) == "Recognition is 7.2 s of audio behind."


def test_fewer_processes_than_cores_carry_less() -> None:
    machine = Machine()
    assert machine.run(8, 60)
    machine.admission.see(load(machine.pushed, machine.cpu, seats=1), 8, machine.clock.now_s())
    assert machine.admission.refusal is not None


def test_counters_that_begin_anew_are_no_work() -> None:
    machine = Machine()
    machine.run(4, 60)
    machine.cpu = 0.0
    assert machine.run(4, 30)
    assert machine.admission.cpu_per_speech_s == pytest.approx(0.25)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 1e4), st.floats(0, 1e4), st.integers(0, 50)), max_size=40))
def test_whatever_is_seen_is_answered(seen: list[tuple[float, float, float, int]]) -> None:
    admission = Admission(2)
    for second, (waiting, pushed, cpu, calls) in enumerate(seen):
        admission.see(load(pushed, cpu, waiting), calls, second * 7.0)
        if waiting >= CLOSE_WAITING_S:
            assert admission.refusal is not None
    assert len(admission._seen) <= WINDOW_S / 7 + 1


def test_recognition_uses_a_processor() -> None:
    with pytest.raises(ValueError, match="at least one processor"):
        Admission(0)
