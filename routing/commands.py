"""Commands: the other port between the people's side and the calls.

A command is typed and idempotent: repeated word for word, with the same `key`, it answers what the first execution
answered; a client that wants it done again chooses another key.
The answer is the command's success value or a `CommandRefused` with a stable code.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Protocol, TypeAlias

from asr.types import Language
from routing.terms import SupervisionMode, TransferKind
from routing.transfer_events import TransferTarget
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
    """Success of `OfferCall` and `ReofferCall`: `sdp` is the answer.

    `secret` lets this caller (and no other) command the call.
    """

    call: CallId
    sdp: str
    secret: str


@dataclass(frozen=True, slots=True)
class ReofferCall:
    """The caller's browser offers anew, because its network has changed; answered by `CallAnswered`, the call goes on.

    Attributes:
        key: idempotency key, chosen by the client.
        call: which.
        sdp: the offer, complete with candidates (no trickle).
        secret: the caller's.
    """

    key: str
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
class ShowSecret:
    """Somebody who wants to know what the caller is told shows that they are the caller; changes nothing."""

    key: str
    call: CallId
    secret: str


class LegMode(StrEnum):
    """As what somebody joins a call."""

    SERVE = "serve"
    """Serves the caller."""

    LISTEN = "listen"
    WHISPER = "whisper"
    BARGE = "barge"
    """Supervises; see `routing.terms.SupervisionMode`, which has the same names."""

    CONSULT = "consult"
    """Is consulted by whoever serves, who has asked for it: see `Consult`."""

    @property
    def supervision(self) -> SupervisionMode | None:
        """How a supervisor takes part; None for whoever serves or is consulted."""
        return None if self in (LegMode.SERVE, LegMode.CONSULT) else SupervisionMode(self.value)


@dataclass(frozen=True, slots=True)
class JoinCall:
    """Somebody who is signed in offers a session, to speak on a call.

    Attributes:
        key: idempotency key, chosen by the client.
        call: which call.
        who: their account.
        mode: as what. Whether they may is asked of the desk for `SERVE`, unless a transfer is to them; for `CONSULT`
            whoever serves has asked them; for the others it is asked of whoever sends this.
        sdp: the offer, complete with candidates (no trickle).
    """

    key: str
    call: CallId
    who: str
    mode: LegMode
    sdp: str


@dataclass(frozen=True, slots=True)
class LegAnswered:
    """Success of `JoinCall` and `ReofferLeg`: `sdp` is the answer."""

    call: CallId
    sdp: str


@dataclass(frozen=True, slots=True)
class ReofferLeg:
    """Somebody's browser offers anew, because its network has changed; answered by `LegAnswered`, the leg goes on."""

    key: str
    call: CallId
    who: str
    sdp: str


@dataclass(frozen=True, slots=True)
class ChangeMode:
    """A supervisor takes part otherwise; with `SERVE` they take the call over from whoever serves."""

    key: str
    call: CallId
    who: str
    mode: LegMode


@dataclass(frozen=True, slots=True)
class LeaveCall:
    """Somebody leaves; who served gives the caller back to the queue."""

    key: str
    call: CallId
    who: str


@dataclass(frozen=True, slots=True)
class HoldCall:
    """The caller waits and hears nobody; nothing changes where they wait already. See `CallAct`."""

    key: str
    call: CallId
    who: str
    oversees: bool = False


@dataclass(frozen=True, slots=True)
class ResumeCall:
    """The end of a hold; nothing changes where there is none. See `CallAct`."""

    key: str
    call: CallId
    who: str
    oversees: bool = False


@dataclass(frozen=True, slots=True)
class MuteLeg:
    """Let nobody hear one's own leg."""

    key: str
    call: CallId
    who: str


@dataclass(frozen=True, slots=True)
class UnmuteLeg:
    """The end of a mute."""

    key: str
    call: CallId
    who: str


@dataclass(frozen=True, slots=True)
class PauseRecording:
    """Keep nothing of what is said, as sound or as words; payment data comes. See `CallAct`."""

    key: str
    call: CallId
    who: str
    oversees: bool = False


@dataclass(frozen=True, slots=True)
class ResumeRecording:
    """The end of a pause. See `CallAct`."""

    key: str
    call: CallId
    who: str
    oversees: bool = False


@dataclass(frozen=True, slots=True)
class Consult:
    """Whoever serves puts the caller on hold and asks an agent, or somebody outside, to talk to them.

    An agent who is asked joins with `LegMode.CONSULT`; how it goes is said by `consult.*` events. While it lasts, the
    end of the hold joins all three.
    """

    key: str
    call: CallId
    who: str
    target: TransferTarget


@dataclass(frozen=True, slots=True)
class EndConsult:
    """Whoever serves goes back to the caller; or whoever was asked declines, or leaves."""

    key: str
    call: CallId
    who: str


@dataclass(frozen=True, slots=True)
class TransferCall:
    """Whoever serves passes the caller on, who waits until it is done; `transfer.*` events say how it goes.

    Attributes:
        kind: `BLIND` to an agent (who joins with `LegMode.SERVE`), a queue, or an address outside; `ATTENDED` to
            whoever is consulted at the moment.
        target: to whom; None with `ATTENDED` for whoever is consulted.
    """

    key: str
    call: CallId
    who: str
    kind: TransferKind
    target: TransferTarget | None


@dataclass(frozen=True, slots=True)
class WithdrawTransfer:
    """Whoever served takes the caller back before the other one has them; or the agent who was asked declines."""

    key: str
    call: CallId
    who: str


CallAct: TypeAlias = HoldCall | ResumeCall | PauseRecording | ResumeRecording
"""What whoever serves may do with the call, and anybody who `oversees`: supervisors and administrators."""

TransferAct: TypeAlias = Consult | EndConsult | TransferCall | WithdrawTransfer
"""How a caller is passed on."""

LegCommand: TypeAlias = JoinCall | ReofferLeg | ChangeMode | LeaveCall | MuteLeg | UnmuteLeg | CallAct | TransferAct
"""Commands of people who are signed in, about their leg or about the call that they are on."""


@dataclass(frozen=True, slots=True)
class Done:
    """Success without a value."""

    call: CallId


Command: TypeAlias = OfferCall | ReofferCall | HangUp | PressKey | ShowSecret | LegCommand
Outcome: TypeAlias = CallAnswered | LegAnswered | Done


class Commands(Protocol):
    """What the people's side may ask of the calls."""

    async def execute(self, command: Command) -> Outcome:
        """Carry out a command, once however often it is repeated.

        Raises:
            CommandRefusedError: it cannot be carried out; `reason` says why: `call.unknown`, `call.ended`,
                `webrtc.sdp`, `capacity.exceeded`, `secret.wrong`, `dtmf.digit`, `command.interrupted`,
                `server.draining`; `call.state` (not possible as things stand) and `call.not_yours` (somebody else
                serves); of a leg that shall serve also what the desk says, see `routing.desk.commands.REFUSALS`;
                `transfer.target` (nobody can be asked at that address).
        """
        ...
