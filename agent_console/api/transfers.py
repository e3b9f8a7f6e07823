"""Passing a caller on: whoever serves consults somebody, or lets an agent, a queue or somebody outside serve.

How it goes is said by the call's events (`consult.*`, `transfer.*`). An agent who is asked joins the call by
`POST /api/calls/{call}/legs`, with mode `consult`, or `serve` for a transfer; or declines by the `DELETE` here.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from agent_console.api.acts import ON_A_CALL, Act, Key, Problems, carry_out, demand_server
from agent_console.api.calls import demand_call_id
from agent_console.api.errors import Problem
from agent_console.deps import ConsoleDep, SessionDep
from routing.commands import Consult, EndConsult, TransferCall, WithdrawTransfer
from routing.terms import TargetKind, TransferKind
from routing.transfer_events import TransferTarget

router = APIRouter(prefix="/api", tags=["transfers"])

_ANSWERS: Final[Problems] = ON_A_CALL | {
    404: {"model": Problem, "description": "call.unknown, agent.unknown or queue.unknown"},
    422: {"model": Problem, "description": "transfer.target: nobody can be asked there; request.invalid"},
}

Name = Annotated[str, Field(min_length=1, max_length=200)]


class TargetIn(BaseModel):
    """Whom it is about: exactly one of the three."""

    model_config = ConfigDict(extra="forbid")

    agent: Annotated[Name | None, Field(description="an agent's account")] = None
    queue: Annotated[Name | None, Field(description="a queue of the desk; for blind transfers")] = None
    uri: Annotated[Name | None, Field(pattern=r"^(sips?|tel):[\x21-\x7e]+$", description="somebody outside")] = None

    @model_validator(mode="after")
    def _demand_one(self) -> TargetIn:
        if sum(one is not None for one in (self.agent, self.queue, self.uri)) != 1:
            raise ValueError("name an agent, a queue or a uri, and only one of them")
        return self

    def target(self) -> TransferTarget:
        """Whom it is about, as the calls have it."""
        if self.agent is not None:
            return TransferTarget(TargetKind.AGENT, self.agent)
        if self.queue is not None:
            return TransferTarget(TargetKind.QUEUE, self.queue)
        return TransferTarget(TargetKind.URI, self.uri or "")


class ConsultIn(Act):
    """Who is asked to talk."""

    to: TargetIn


class TransferIn(Act):
    """To whom the caller is passed on."""

    kind: Annotated[TransferKind, Field(description="attended: to whoever is consulted at the moment")]
    to: Annotated[TargetIn | None, Field(description="may be left out with attended")] = None

    @model_validator(mode="after")
    def _demand_target(self) -> TransferIn:
        if self.kind is TransferKind.BLIND and self.to is None:
            raise ValueError("a blind transfer needs a target")
        return self


class OutsideOut(BaseModel):
    """Who outside may be called; nobody where both are empty."""

    prefixes: list[str] = Field(description="first digits of the numbers that can be called, as tel: addresses")
    domains: list[str] = Field(description="domains in which addresses can be called, as sip: or sips: addresses")


@router.get(
    "/outside",
    summary="Say who can be called outside",
    responses={401: {"model": Problem, "description": "auth.required"}},
)
async def show_outside(_session: SessionDep, console: ConsoleDep, response: Response) -> OutsideOut:
    """Which numbers and addresses some trunk allows to be consulted, or to be transferred to."""
    response.headers["Cache-Control"] = "no-store"
    return OutsideOut(prefixes=list(console.outside.prefixes), domains=list(console.outside.domains))


@router.post("/calls/{call}/consult", summary="Consult somebody", status_code=204, responses=_ANSWERS)
async def consult(session: SessionDep, console: ConsoleDep, call: str, wish: ConsultIn) -> Response:
    """The caller waits, and an agent or somebody outside talks to me first; the end of the hold joins all three."""
    return await carry_out(console, Consult(wish.key, demand_call_id(call), demand_server(session), wish.to.target()))


@router.delete("/calls/{call}/consult", summary="End a consultation", status_code=204, responses=_ANSWERS)
async def end_consult(session: SessionDep, console: ConsoleDep, call: str, key: Annotated[Key, Query()]) -> Response:
    """I go back to the caller whom I serve; or I decline, or leave, where I am the one who was asked."""
    return await carry_out(console, EndConsult(key, demand_call_id(call), demand_server(session)))


@router.post("/calls/{call}/transfer", summary="Pass the caller on", status_code=204, responses=_ANSWERS)
async def transfer(session: SessionDep, console: ConsoleDep, call: str, wish: TransferIn) -> Response:
    """An agent, a queue or somebody outside serves the caller; where that fails, they are with me again."""
    target = None if wish.to is None else wish.to.target()
    return await carry_out(
        console, TransferCall(wish.key, demand_call_id(call), demand_server(session), wish.kind, target)
    )


@router.delete("/calls/{call}/transfer", summary="Take a transfer back", status_code=204, responses=_ANSWERS)
async def withdraw(session: SessionDep, console: ConsoleDep, call: str, key: Annotated[Key, Query()]) -> Response:
    """I take the caller back before the other one has them; or I decline, where I am the one who was asked."""
    return await carry_out(console, WithdrawTransfer(key, demand_call_id(call), demand_server(session)))
