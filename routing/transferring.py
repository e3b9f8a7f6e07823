"""Consultation and transfer as a state machine: at most one of each is under way on a call.

    consult.started ── answered ── ended         transfer.requested ── accepted ── completed
            │           │     │      │                   └───── failed ──┘
            │          awaited ──────┤
            └────────────────────────┘

An attended transfer happens within a consultation, which its completion ends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from routing.terms import ConsultEnd, TransferFailure
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
)
from voice.contracts.errors import TransferError


@dataclass(frozen=True, slots=True)
class Transferring:
    """What is under way.

    Attributes:
        consult: the consultation; None where there is none.
        answered: whether whoever is consulted is on the line.
        awaited: whether they were, and shall come back.
        transfer: the transfer; None where there is none.
        accepted: whether its target takes the caller.
    """

    consult: ConsultStarted | None = None
    answered: bool = False
    awaited: bool = False
    transfer: TransferRequested | None = None
    accepted: bool = False


def follow(state: Transferring, event: TransferEvent) -> Transferring:
    """The state after one more event.

    Raises:
        TransferError: the event cannot follow.
    """
    match event:
        case ConsultStarted():
            if state.consult is not None or state.transfer is not None:
                raise TransferError("A consultation or transfer is under way already.")
            return replace(state, consult=event, answered=False, awaited=False)
        case ConsultAnswered(consult=name) | ConsultAwaited(consult=name) | ConsultEnded(consult=name):
            if state.consult is None or state.consult.consult != name:
                raise TransferError(f"Consultation {name} is not under way.")
            if isinstance(event, ConsultEnded):
                return replace(state, consult=None, answered=False, awaited=False)
            answers = isinstance(event, ConsultAnswered)
            if state.answered is answers:
                raise TransferError(f"Whoever is consulted ({name}) comes, and goes after that.")
            return replace(state, answered=answers, awaited=not answers)
        case TransferRequested():
            if state.transfer is not None:
                raise TransferError("A transfer is under way already.")
            return replace(state, transfer=event, accepted=False)
        case TransferAccepted(transfer=name) | TransferCompleted(transfer=name) | TransferFailed(transfer=name):
            if state.transfer is None or state.transfer.transfer != name:
                raise TransferError(f"Transfer {name} is not under way.")
            if isinstance(event, TransferFailed):
                return replace(state, transfer=None, accepted=False)
            completed = isinstance(event, TransferCompleted)
            if completed is not state.accepted:
                raise TransferError(f"Transfer {name} is accepted once, and completed after that.")
            return replace(state, transfer=None, accepted=False) if completed else replace(state, accepted=True)


def broken_off(state: Transferring) -> list[TransferEvent]:
    """What ends all that is under way when the caller is gone."""
    ends: list[TransferEvent] = []
    if state.transfer is not None:
        ends.append(TransferFailed(state.transfer.transfer, TransferFailure.CALLER_GONE))
    if state.consult is not None:
        ends.append(ConsultEnded(state.consult.consult, ConsultEnd.CALLER_GONE))
    return ends
