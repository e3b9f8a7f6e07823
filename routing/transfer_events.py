"""Events about passing a caller on: whoever serves consults somebody, or lets somebody else serve.

Part of the closed union in `routing.events`, which says how events are named; `routing.transferring` says in which
order they come.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from routing.terms import ConsultEnd, TargetKind, TransferFailure, TransferKind


@dataclass(frozen=True, slots=True)
class TransferTarget:
    """Whom it is about: an agent's account, a queue of the desk, or an address outside (`sip:`, `sips:`, `tel:`)."""

    kind: TargetKind
    address: str


@dataclass(frozen=True, slots=True)
class ConsultStarted:
    """The agent who serves asks somebody to talk; the caller waits. `consult` names the consultation."""

    TYPE: ClassVar[str] = "consult.started"
    consult: str
    by: str
    target: TransferTarget


@dataclass(frozen=True, slots=True)
class ConsultAnswered:
    """Agent and expert hear each other, for the first time or again."""

    TYPE: ClassVar[str] = "consult.answered"
    consult: str


@dataclass(frozen=True, slots=True)
class ConsultAwaited:
    """The expert's leg is gone; the consultation goes on with `consult.answered`, or ends where they stay away.

    Attributes:
        grace_s: how long they may take to come back.
    """

    TYPE: ClassVar[str] = "consult.awaited"
    consult: str
    grace_s: float


@dataclass(frozen=True, slots=True)
class ConsultEnded:
    """The expert is off the call, serves it, or never came."""

    TYPE: ClassVar[str] = "consult.ended"
    consult: str
    reason: ConsultEnd


@dataclass(frozen=True, slots=True)
class TransferRequested:
    """The agent who serves passes the caller on, who waits meanwhile. `transfer` names it."""

    TYPE: ClassVar[str] = "transfer.requested"
    transfer: str
    by: str
    kind: TransferKind
    target: TransferTarget


@dataclass(frozen=True, slots=True)
class TransferAccepted:
    """The target takes the caller: the agent is on the line, the queue has room, the address has answered."""

    TYPE: ClassVar[str] = "transfer.accepted"
    transfer: str


@dataclass(frozen=True, slots=True)
class TransferCompleted:
    """The target has the caller, and whoever served is off the call."""

    TYPE: ClassVar[str] = "transfer.completed"
    transfer: str


@dataclass(frozen=True, slots=True)
class TransferFailed:
    """It did not come about; whoever served hears the caller again, unless one of them is gone."""

    TYPE: ClassVar[str] = "transfer.failed"
    transfer: str
    code: TransferFailure


TransferEvent: TypeAlias = (
    ConsultStarted
    | ConsultAnswered
    | ConsultAwaited
    | ConsultEnded
    | TransferRequested
    | TransferAccepted
    | TransferCompleted
    | TransferFailed
)
"""All of these."""
