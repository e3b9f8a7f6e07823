"""A call in one line of the list: what the agents' overview shows."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from routing.state import CallState
from routing.terms import TargetKind, TransferKind
from routing.transferring import Transferring
from voice.contracts.audio import to_ms
from voice.contracts.errors import JournalError

LAST_TEXT_CHARACTERS: Final = 200
"""Of the caller's newest words the end is shown; bounds the size of a list."""


class Text(BaseModel):
    """A text for people, in both languages."""

    model_config = ConfigDict(frozen=True)

    zh: str
    en: str


class Asked(BaseModel):
    """An agent who is asked to come to a call: they join it with `consult`, or `serve`, or decline."""

    model_config = ConfigDict(frozen=True)

    agent: str = Field(description="who is asked")
    by: str = Field(description="who serves the caller")
    to: Literal["consult", "serve"]


class Consulted(BaseModel):
    """An agent who is consulted on a call, and has been on the line."""

    model_config = ConfigDict(frozen=True)

    agent: str = Field(description="who is consulted")
    by: str = Field(description="who serves the caller")
    awaited: bool = Field(description="their leg is gone; for some seconds they may join again with `consult`")


class CallSummary(BaseModel):
    """One call."""

    model_config = ConfigDict(frozen=True)

    call: str = Field(description="the call's id")
    started_at: str = Field(description="UTC, ISO 8601")
    channel: str = Field(description="webrtc, sip, stream or replay")
    caller: str
    called: str
    language: str = Field(description="zh or en")
    ended: bool
    duration_ms: float | None = Field(description="length in milliseconds; null while the call lasts")
    priority: int = Field(ge=0, le=99, description="0 can wait, 99 is now")
    route: Literal["ai", "human"] | None = Field(description="who shall serve; null before the first decision")
    route_reason: Text | None
    level: Literal["settled", "tense", "upset"] = Field(description="where the emotion curve stands")
    risk: float = Field(ge=0, le=1, description="how urgently a supervisor should look; 0 before the first score")
    intent: str | None
    last_text: str = Field(description="the caller's newest words, partial or final")
    last_seq: int = Field(description="seq of the newest event this summary includes")
    asked: Asked | None = Field(description="who is asked for help or to take the caller; null where nobody is")
    consulted: Consulted | None = Field(description="who is consulted and has answered; null where nobody is")
    recording: bool = Field(description="whether /api/calls/{call}/recording has audio")


def summarise(state: CallState, *, recording: bool) -> CallSummary:
    """The summary of a call.

    Raises:
        JournalError: the log does not begin with call.started.
    """
    started = state.started
    if started is None:
        raise JournalError(f"The log of call {state.call} must begin with call.started.")
    reason = state.route_reason
    return CallSummary(
        call=state.call,
        started_at=started.started_at,
        channel=started.channel.value,
        caller=started.caller,
        called=started.called,
        language=started.language.value,
        ended=state.ended is not None,
        duration_ms=to_ms(state.ended.duration) if state.ended else None,
        priority=state.priority,
        route=state.target.value if state.target else None,
        route_reason=Text(zh=reason.zh, en=reason.en) if reason else None,
        level=state.level.value,
        risk=state.risk,
        intent=state.intent.label if state.intent else None,
        last_text=state.last_text[-LAST_TEXT_CHARACTERS:],
        last_seq=state.last_seq,
        asked=_asked(state.transferring),
        consulted=_consulted(state.transferring),
        recording=recording,
    )


def _asked(state: Transferring) -> Asked | None:
    """Which agent is awaited on the call."""
    consult, transfer = state.consult, state.transfer
    if transfer is not None:
        blind = transfer.kind is TransferKind.BLIND and transfer.target.kind is TargetKind.AGENT
        waits = blind and not state.accepted
        return Asked(agent=transfer.target.address, by=transfer.by, to="serve") if waits else None
    if consult is None or state.answered or state.awaited or consult.target.kind is not TargetKind.AGENT:
        return None
    return Asked(agent=consult.target.address, by=consult.by, to="consult")


def _consulted(state: Transferring) -> Consulted | None:
    """Which agent has come to be consulted, also while the caller is being handed over to them."""
    consult = state.consult
    if consult is None or not (state.answered or state.awaited) or consult.target.kind is not TargetKind.AGENT:
        return None
    return Consulted(agent=consult.target.address, by=consult.by, awaited=state.awaited)
