"""Signing in and out, and tickets for the live websocket."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from agent_console.api.errors import Problem
from agent_console.auth.sessions import Session
from agent_console.auth.tickets import LIFETIME_S
from agent_console.deps import COOKIE, Console, ConsoleDep, HubDep, SessionDep

router = APIRouter(prefix="/api", tags=["session"])

_REQUIRED: dict[int | str, dict[str, Any]] = {401: {"model": Problem, "description": "auth.required"}}


class Credentials(BaseModel):
    """A name and a password."""

    model_config = ConfigDict(extra="forbid")

    user: Annotated[str, Field(min_length=1, max_length=256)]
    password: Annotated[str, Field(min_length=1, max_length=1024)]


class Person(BaseModel):
    """Who is signed in."""

    user: str
    name: str
    role: str = Field(description="agent, supervisor, qa or admin")


class Ticket(BaseModel):
    """A key to one live websocket."""

    ticket: str
    expires_in_s: float


@router.post(
    "/session",
    summary="Sign in",
    responses={
        401: {"model": Problem, "description": "auth.failed"},
        429: {"model": Problem, "description": "auth.throttled; Retry-After says when"},
        503: {"model": Problem, "description": "capacity.exceeded"},
    },
)
async def sign_in(
    credentials: Credentials, request: Request, response: Response, console: ConsoleDep, hub: HubDep
) -> Person:
    """Check name and password; on success the answer sets the session cookie and ends the browser's session before."""
    address = request.client.host if request.client else ""
    token, session = await console.auth.sign_in(credentials.user, credentials.password, address=address)
    if former := request.cookies.get(COOKIE):
        hub.end_session(await console.auth.sign_out(former))
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(console.auth.sessions.limits.absolute_s),
        path="/",
        httponly=True,
        samesite="strict",
        secure=_is_secure(console, request),
    )
    response.headers["Cache-Control"] = "no-store"
    return _person(session)


@router.get("/session", summary="Who is signed in", responses=_REQUIRED)
async def show_session(session: SessionDep, response: Response) -> Person:
    """The person behind the session cookie."""
    response.headers["Cache-Control"] = "no-store"
    return _person(session)


@router.delete("/session", summary="Sign out", status_code=204)
async def sign_out(request: Request, console: ConsoleDep, hub: HubDep) -> Response:
    """End the session and its live websockets; nothing happens where there is none."""
    if token := request.cookies.get(COOKIE):
        hub.end_session(await console.auth.sign_out(token))
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=_is_secure(console, request))
    return response


@router.post("/tickets", summary="Fetch a ticket for the live websocket", responses=_REQUIRED)
async def issue_ticket(session: SessionDep, console: ConsoleDep, response: Response) -> Ticket:
    """A ticket for `/live?ticket=…`: good once, for 30 s, within this session."""
    response.headers["Cache-Control"] = "no-store"
    return Ticket(ticket=console.auth.tickets.issue(session.id), expires_in_s=LIFETIME_S)


def _person(session: Session) -> Person:
    account = session.account
    return Person(user=account.user, name=account.name, role=account.role.value)


def _is_secure(console: Console, request: Request) -> bool:
    match console.site.cookie_secure:
        case "always":
            return True
        case "never":
            return False
        case "auto":
            return request.url.scheme == "https"
