"""The numbers for whoever operates this, and which calls were refused."""

from __future__ import annotations

import secrets
from typing import Annotated, ClassVar

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, Field
from starlette.requests import Request

from agent_console.api.errors import Problem
from agent_console.auth.accounts import Role
from agent_console.deps import ConsoleDep, SessionDep, demand_role, get_session
from agent_console.metrics import FORMAT
from voice.contracts.errors import WarmlineError

router = APIRouter(tags=["health"])


class MetricsAbsentError(WarmlineError):
    """This server counts nothing."""

    code: ClassVar[str] = "metrics.absent"


class RefusalsOut(BaseModel):
    """Calls that were refused since the server started."""

    refusals: dict[str, int] = Field(description="how many by reason; `sip.` and a reason where by the telephone line")


@router.get(
    "/metrics",
    summary="Numbers for Prometheus",
    response_class=Response,
    responses={
        200: {"content": {FORMAT: {}}, "description": "Prometheus' text format"},
        401: {"model": Problem, "description": "auth.required: neither the token nor a session"},
        403: {"model": Problem, "description": "auth.forbidden: neither supervisor nor administrator"},
        503: {"model": Problem, "description": "metrics.absent"},
    },
)
async def show_metrics(
    request: Request,
    console: ConsoleDep,
    authorization: Annotated[str, Header(max_length=512, description="Bearer and the setting metrics_token")] = "",
) -> Response:
    """For who knows the token (`metrics_token`), and for supervisors and administrators.

    Not for everybody on this machine: behind a proxy everybody seems to be.
    """
    if console.metrics is None:
        raise MetricsAbsentError("This server counts nothing.")
    token = console.metrics_token
    if token is None or not secrets.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
        demand_role(await get_session(request, console), Role.SUPERVISOR, Role.ADMIN)
    return Response(console.metrics.page(), media_type=FORMAT, headers={"Cache-Control": "no-store"})


@router.get(
    "/api/refusals",
    summary="Count refused calls",
    responses={
        401: {"model": Problem, "description": "auth.required"},
        403: {"model": Problem, "description": "auth.forbidden: neither supervisor nor administrator"},
        503: {"model": Problem, "description": "metrics.absent"},
    },
)
async def count_refusals(session: SessionDep, console: ConsoleDep, response: Response) -> RefusalsOut:
    """Why calls were turned away, for supervisors and administrators; says nothing of whose they were."""
    demand_role(session, Role.SUPERVISOR, Role.ADMIN)
    if console.metrics is None:
        raise MetricsAbsentError("This server counts nothing.")
    response.headers["Cache-Control"] = "no-store"
    return RefusalsOut(refusals=console.metrics.refusals())
