"""Events about calling a caller back, in the log of the call that asked for it, and in which order they come.

    callback.requested ── dialled ──┬── answered
             └──────────── failed ──┘     failed … dialled again, unless it was given up

A process that is killed while it rings leaves `dialled` without an end; the next attempt says so again.
That call may be over: who wants to be called back hangs up. Part of the closed union in `routing.events`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar, Final, TypeAlias

from routing.terms import TransferFailure
from voice.contracts.audio import CallId
from voice.contracts.errors import CallbackError


@dataclass(frozen=True, slots=True)
class CallbackRequested:
    """The caller wants to be called back at `address` (`tel:`, `sip:`, `sips:`); again where that is another now."""

    TYPE: ClassVar[str] = "callback.requested"
    address: str


@dataclass(frozen=True, slots=True)
class CallbackDialled:
    """An agent has accepted, and the caller is called; `attempt` counts from 1."""

    TYPE: ClassVar[str] = "callback.dialled"
    agent: str
    attempt: int


@dataclass(frozen=True, slots=True)
class CallbackAnswered:
    """The caller is on the line again: by the call `by`, whose log goes on with what follows."""

    TYPE: ClassVar[str] = "callback.answered"
    agent: str
    by: CallId


@dataclass(frozen=True, slots=True)
class CallbackFailed:
    """The caller was not reached.

    Attributes:
        agent: who had accepted.
        code: why; `withdrawn` where the agent was gone first, which is no attempt.
        given_up: whether nobody tries again.
    """

    TYPE: ClassVar[str] = "callback.failed"
    agent: str
    code: TransferFailure
    given_up: bool


CallbackEvent: TypeAlias = CallbackRequested | CallbackDialled | CallbackAnswered | CallbackFailed


class CallbackStage(StrEnum):
    """How far a callback has come."""

    WAITING = "waiting"
    DIALLING = "dialling"
    ANSWERED = "answered"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Callback:
    """A callback.

    Attributes:
        address: whom to call.
        stage: how far it has come.
        attempt: which attempt is, or was, the last; 0 before the first.
        by: the call that reached them; None before.
        failure: why the last attempt failed; None where none has.
    """

    address: str
    stage: CallbackStage = CallbackStage.WAITING
    attempt: int = 0
    by: CallId | None = None
    failure: TransferFailure | None = None


_OPEN: Final = frozenset({CallbackStage.WAITING, CallbackStage.DIALLING})


def follow(callback: Callback | None, event: CallbackEvent) -> Callback:
    """The callback after one more event; None is the state before the first.

    Raises:
        CallbackError: the event cannot follow.
    """
    if isinstance(event, CallbackRequested):
        if callback is None or callback.stage not in _OPEN:
            return Callback(event.address)
        return replace(callback, address=event.address)
    if callback is None:
        raise CallbackError("Nobody asked to be called back.")
    if callback.stage not in (_OPEN if isinstance(event, CallbackDialled) else {CallbackStage.DIALLING}):
        raise CallbackError(f"A callback is {callback.stage}; {event.TYPE} cannot follow.")
    match event:
        case CallbackDialled(attempt=attempt):
            return replace(callback, stage=CallbackStage.DIALLING, attempt=attempt)
        case CallbackAnswered(by=by):
            return replace(callback, stage=CallbackStage.ANSWERED, by=by)
        case CallbackFailed(code=code, given_up=given_up):
            stage = CallbackStage.GIVEN_UP if given_up else CallbackStage.WAITING
            return replace(callback, stage=stage, failure=code)
