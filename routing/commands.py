"""Commands: the other port between the people's side and the calls.

A command is typed and idempotent: repeated word for word, with the same `key`, it answers what the first execution
answered; a client that wants it done again chooses another key.
The answer is the command's success value or a `CommandRefused` with a stable code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeAlias

from asr.types import Language
from voice.contracts.audio import CallId
from voice.contracts.errors import WarmlineError


class CommandRefusedError(WarmlineError):
    """A command that could not be carried out; `reason` is stable: see the subclasses of `WarmlineError` it wraps."""

    code: ClassVar[str] = "command.refused"

    def __init__(self, reason: str, message: str, *, fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class OfferCall:
    """A caller's browser offers a session.

    Attributes:
        key: idempotency key, chosen by the client.
        sdp: the offer, complete with candidates (no trickle).
        language: what the caller speaks.
        caller: an opaque address of the caller, for example the visitor's chosen name or `web`.
    """

    key: str
    sdp: str
    language: Language
    caller: str


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """Success of `OfferCall`: `sdp` is the answer; `secret` lets this caller (and no other) command the call."""

    call: CallId
    sdp: str
    secret: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """End a call. `secret` is the caller's; None when an agent does it."""

    key: str
    call: CallId
    by: str
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class PressKey:
    """A key (0-9, *, #) pressed by the caller on the page; the same as DTMF on a phone line (R3)."""

    key: str
    call: CallId
    digit: str
    secret: str


@dataclass(frozen=True, slots=True)
class Done:
    """Success without a value."""

    call: CallId


Command: TypeAlias = OfferCall | HangUp | PressKey
Outcome: TypeAlias = CallAnswered | Done


class Commands(Protocol):
    """What the people's side may ask of the calls."""

    async def execute(self, command: Command) -> Outcome:
        """Carry out a command, once however often it is repeated.

        Raises:
            CommandRefusedError: it cannot be carried out; `reason` says why: `call.unknown`, `call.ended`,
                `webrtc.sdp`, `capacity.exceeded`, `secret.wrong`, `dtmf.digit`, `command.interrupted`,
                `server.draining`.
        """
        ...
