"""Whether the server lives, and whether it can take calls."""

from __future__ import annotations

import logging
from typing import Final

import anyio
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from agent_console.deps import ConsoleDep, HubDep, NotReady
from agent_console.traces import frames_of

PROBE_S: Final = 5.0
"""How long the readiness probe may take."""

router = APIRouter(tags=["health"])

_log = logging.getLogger(__name__)


class Alive(BaseModel):
    """The server answers."""

    alive: bool = True


class Reason(BaseModel):
    """Why no call can be taken."""

    code: str
    message: str


class Ready(BaseModel):
    """Whether calls can be taken."""

    ready: bool
    reasons: list[Reason] = Field(description="empty where ready")


@router.get("/livez", summary="Whether the server answers")
async def show_alive(response: Response) -> Alive:
    """Always true where it answers at all."""
    response.headers["Cache-Control"] = "no-store"
    return Alive()


@router.get(
    "/readyz",
    summary="Whether calls can be taken",
    responses={503: {"model": Ready, "description": "not ready; the reasons say why"}},
)
async def show_ready(console: ConsoleDep, hub: HubDep, response: Response) -> Ready:
    """Ask everything that a call needs."""
    reasons: list[NotReady] = []
    try:
        with anyio.fail_after(PROBE_S):
            reasons.extend(await console.readiness())
    except TimeoutError:
        reasons.append(NotReady("readiness.timeout", f"The probe did not answer within {PROBE_S:.0f} s."))
    except Exception as error:  # a stage boundary: a probe that breaks is a reason, not an outage
        _log.error("the readiness probe broke: %s", frames_of(error))  # messages may hold content
        reasons.append(NotReady("readiness.failed", "The probe broke; the log has the place."))
    if not hub.board.is_current:
        reasons.append(NotReady("journal.unavailable", "The journal cannot be followed right now."))
    if reasons:
        response.status_code = 503
    response.headers["Cache-Control"] = "no-store"
    return Ready(ready=not reasons, reasons=[Reason(code=each.code, message=each.message) for each in reasons])
