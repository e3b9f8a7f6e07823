"""How long a new recognition process is waited with, by how many were lost lately."""

from __future__ import annotations

from asr.losses import BACK_OFF_S, WINDOW_S, Losses


def test_the_first_two_are_replaced_at_once_and_each_later_one_later() -> None:
    losses = Losses()
    waits = [losses.note(at) for at in range(len(BACK_OFF_S) + 2)]
    assert waits == [*BACK_OFF_S, BACK_OFF_S[-1], BACK_OFF_S[-1]]
    assert waits[0] == waits[1] == 0
    assert losses.count(9) == 10


def test_a_loss_counts_for_a_while() -> None:
    losses = Losses()
    for at in (0.0, 1.0, WINDOW_S):
        losses.note(at)
    assert losses.count(WINDOW_S) == 2
    assert losses.count(2 * WINDOW_S) == 0
    assert losses.note(3 * WINDOW_S) == 0
