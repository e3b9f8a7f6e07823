"""The rules of `seq` that every journal keeps."""

from __future__ import annotations

from collections.abc import Sequence

from routing.events import CallStarted, Stamped
from voice.contracts.audio import CallId
from voice.contracts.errors import JournalPositionError, JournalSequenceError, UnknownCallError


def check_run(events: Sequence[Stamped], *, next_seq: int) -> None:
    """Check that `events` are one call's, start at `next_seq` and have no gap.

    Raises:
        JournalSequenceError: they do not.
    """
    call = events[0].call
    for expected, stamped in enumerate(events, start=next_seq):
        if stamped.call != call:
            raise JournalSequenceError(f"An append holds events of one call; got {call} and {stamped.call}.")
        if stamped.seq != expected:
            raise JournalSequenceError(f"Call {call}: seq {expected} comes next; got {stamped.seq}.")
        if (expected == 0) != isinstance(stamped.event, CallStarted):
            raise JournalSequenceError(f"Call {call}: call.started stands at seq 0 and only there; got seq {expected}.")


def check_position(call: CallId, after: int, *, last_seq: int) -> None:
    """Check that a reader may resume after `after`.

    Raises:
        JournalPositionError: the call has not come that far.
    """
    if after < -1 or after > last_seq:
        raise JournalPositionError(
            f"Call {call} has events 0 to {last_seq}; cannot resume after {after}.",
            fix="Start again from the beginning (after = -1).",
        )


def unknown_call(call: CallId) -> UnknownCallError:
    """The error for a call of which nothing is stored."""
    return UnknownCallError(f"No call {call!r} is known.")
