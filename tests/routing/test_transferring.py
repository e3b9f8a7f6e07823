"""Consultation and transfer as a state machine: every state that can be reached, every event in it, every end."""

from __future__ import annotations

import pytest

from routing.terms import ConsultEnd, TargetKind, TransferFailure, TransferKind
from routing.transfer_events import (
    ConsultAnswered,
    ConsultAwaited,
    ConsultEnded,
    ConsultStarted,
    TransferAccepted,
    TransferCompleted,
    TransferEvent,
    TransferFailed,
    TransferRequested,
    TransferTarget,
)
from routing.transferring import Transferring, broken_off, follow
from voice.contracts.errors import TransferError

BOSS = TransferTarget(TargetKind.AGENT, "boss")
STARTED = ConsultStarted("k", "mei", BOSS)
REQUESTED = TransferRequested("t", "mei", TransferKind.ATTENDED, BOSS)
ANSWERED, AWAITED = ConsultAnswered("k"), ConsultAwaited("k", 15.0)
ENDED = ConsultEnded("k", ConsultEnd.LEFT)
ACCEPTED, COMPLETED = TransferAccepted("t"), TransferCompleted("t")
FAILED = TransferFailed("t", TransferFailure.TECHNICAL)
EVENTS: list[TransferEvent] = [STARTED, ANSWERED, AWAITED, ENDED, REQUESTED, ACCEPTED, COMPLETED, FAILED]


def after(*events: TransferEvent) -> Transferring:
    state = Transferring()
    for event in events:
        state = follow(state, event)
    return state


def reachable() -> dict[Transferring, list[TransferEvent]]:
    """Every state, with one way to it."""
    ways: dict[Transferring, list[TransferEvent]] = {Transferring(): []}
    new = [Transferring()]
    while new:
        state = new.pop()
        for event in EVENTS:
            try:
                then = follow(state, event)
            except TransferError:
                continue
            if then not in ways:
                ways[then] = [*ways[state], event]
                new.append(then)
    return ways


WAYS = reachable()


def test_every_state_is_one_that_people_can_be_in() -> None:
    consults = {(None, False, False), ("k", False, False), ("k", True, False), ("k", False, True)}
    transfers = {(None, False), ("t", False), ("t", True)}
    seen = {
        (s.consult and s.consult.consult, s.answered, s.awaited, s.transfer and s.transfer.transfer, s.accepted)
        for s in WAYS
    }
    assert seen == {(*consult, *transfer) for consult in consults for transfer in transfers}


@pytest.mark.parametrize("state", list(WAYS), ids=lambda s: f"{s.consult and 1}{s.answered:d}{s.awaited:d}")
def test_no_state_is_without_a_way_out_and_a_caller_who_hangs_up_ends_each(state: Transferring) -> None:
    ends = broken_off(state)
    assert after(*WAYS[state], *ends) == Transferring()
    assert len(ends) == (state.consult is not None) + (state.transfer is not None)
    # Whoever is first ends it; the other one's end comes too late and is told so, and nothing has changed.
    for end in ends:
        ended = follow(state, end)
        with pytest.raises(TransferError):
            follow(ended, end)


def test_whoever_is_consulted_comes_back_as_often_as_they_go() -> None:
    talking = after(STARTED, ANSWERED)
    away = follow(talking, AWAITED)
    assert (away.answered, away.awaited) == (False, True)
    assert follow(away, ANSWERED) == talking
    assert after(STARTED, ANSWERED, AWAITED, ANSWERED, AWAITED) == away


@pytest.mark.parametrize(
    ("before", "late"),
    [
        ((STARTED,), AWAITED),  # who never came is not waited for
        ((STARTED, ANSWERED, AWAITED), AWAITED),
        ((STARTED, ANSWERED), ANSWERED),
        ((STARTED, ENDED), ANSWERED),  # declined, or taken back, in the moment they came
        ((STARTED, ANSWERED, AWAITED, ENDED), ANSWERED),  # back too late
        ((STARTED, ANSWERED, ENDED), ENDED),  # both hang up at once
        ((STARTED, ANSWERED, REQUESTED, FAILED), ACCEPTED),  # withdrawn in the moment they took the caller
        ((STARTED, ANSWERED, REQUESTED, ACCEPTED, COMPLETED), FAILED),
        ((STARTED, ANSWERED, ENDED), AWAITED),
        ((STARTED,), STARTED),
        ((STARTED,), ConsultAnswered("other")),
    ],
)
def test_what_comes_too_late_cannot_follow(before: tuple[TransferEvent, ...], late: TransferEvent) -> None:
    with pytest.raises(TransferError):
        follow(after(*before), late)


def test_whoever_gets_the_caller_may_be_lost_in_that_moment_and_is_still_consulted() -> None:
    state = after(STARTED, ANSWERED, REQUESTED, FAILED, AWAITED, ANSWERED)
    assert state == after(STARTED, ANSWERED)
