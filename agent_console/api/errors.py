"""Errors as people outside see them: one body, one table of statuses."""

from __future__ import annotations

import math
from typing import ClassVar, Final

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from agent_console.qa.ranges import RangeError
from agent_console.throttling import ThrottledError
from routing.commands import CommandRefusedError
from voice.contracts.errors import WarmlineError

RETRY_AFTER_S: Final = 5
"""What a caller is told who found everything busy."""


class Problem(BaseModel):
    """What went wrong."""

    code: str = Field(description="stable; for machines", examples=["call.unknown"])
    message: str = Field(description="what was expected and what came, for people")
    fix: str = Field(description="how to mend it; may be empty")


class OriginError(WarmlineError):
    """A request that another site's page sent."""

    code: ClassVar[str] = "auth.origin"


class HostError(WarmlineError):
    """A Host header that is none of ours."""

    code: ClassVar[str] = "request.host"


class InvalidRequestError(WarmlineError):
    """A body or parameter that is not as the interface has it."""

    code: ClassVar[str] = "request.invalid"


class TooLargeError(WarmlineError):
    """A request body over the limit."""

    code: ClassVar[str] = "request.too_large"


class WebAppMissingError(WarmlineError):
    """The web app was not built."""

    code: ClassVar[str] = "web.not_built"


class DeskAbsentError(WarmlineError):
    """This server keeps no desk."""

    code: ClassVar[str] = "desk.absent"


class ServerError(WarmlineError):
    """Something broke that nobody foresaw."""

    code: ClassVar[str] = "server.error"


STATUSES: Final[dict[str, int]] = {
    "accounts.unavailable": 503,
    "agent.engaged": 409,
    "agent.fixed": 409,
    "agent.profile": 422,
    "agent.unknown": 404,
    "audit.invalid": 422,
    "auth.failed": 401,
    "auth.forbidden": 403,
    "auth.origin": 403,
    "auth.required": 401,
    "auth.throttled": 429,
    "auth.ticket": 403,
    "call.ended": 409,
    "call.not_yours": 403,
    "call.queued": 409,
    "call.state": 409,
    "call.throttled": 429,
    "call.unknown": 404,
    "callback.none": 409,
    "capacity.exceeded": 503,
    "command.interrupted": 503,
    "data.unwritable": 503,
    "desk.absent": 503,
    "dtmf.digit": 422,
    "handover.code": 422,
    "id.malformed": 422,
    "journal.position": 400,
    "journal.unavailable": 503,
    "metrics.absent": 503,
    "offer.closed": 409,
    "offer.expired": 409,
    "offer.not_yours": 403,
    "offer.taken": 409,
    "offer.unknown": 404,
    "priority.range": 422,
    "queue.unknown": 404,
    "recording.peaks": 404,
    "recording.range": 416,
    "recording.unknown": 404,
    "request.host": 421,
    "request.invalid": 422,
    "request.too_large": 413,
    "secret.wrong": 403,
    "server.draining": 503,
    "server.error": 500,
    "skill.unknown": 422,
    "stream.refused": 403,
    "transfer.target": 422,
    "web.not_built": 503,
    "webrtc.media": 502,
    "webrtc.sdp": 400,
}
"""HTTP status by code; a code that is not here is the server's own fault (500)."""

_BY_STATUS: Final[dict[int, tuple[str, str]]] = {
    400: ("request.malformed", "The request cannot be read."),
    404: ("request.unknown_path", "There is nothing at this address."),
    405: ("request.method", "This address does not take this method."),
    413: ("request.too_large", "The request's body is too large."),
}


def problem_response(error: WarmlineError) -> JSONResponse:
    """An error as an answer."""
    code = error.reason if isinstance(error, CommandRefusedError) else error.code
    status = STATUSES.get(code, 500)
    headers: dict[str, str] = {"Cache-Control": "no-store"}
    if isinstance(error, ThrottledError):
        headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    elif status == 503:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    if isinstance(error, RangeError):
        headers["Content-Range"] = f"bytes */{error.size}"
    return _respond(status, Problem(code=code, message=error.args[0], fix=error.fix), headers)


async def answer_warmline_error(_request: Request, error: Exception) -> JSONResponse:
    """What the application answers to an error of Warmline's own."""
    if not isinstance(error, WarmlineError):
        raise error
    return problem_response(error)


async def answer_http_exception(_request: Request, error: Exception) -> JSONResponse:
    """What the application answers to an error of the framework's."""
    if not isinstance(error, HTTPException):
        raise error
    code, message = _BY_STATUS.get(error.status_code, ("request.refused", "The request is refused."))
    headers = dict(error.headers or {}) | {"Cache-Control": "no-store"}
    return _respond(error.status_code, Problem(code=code, message=message, fix="See /api/openapi.json."), headers)


async def answer_invalid_request(_request: Request, error: Exception) -> JSONResponse:
    """What the application answers to a body or parameter that is not as the interface has it; echoes no content."""
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if not (first["type"] == "json_invalid" and part != "body"))
    problem = Problem(code="request.invalid", message=f"{where}: {first['msg']}.", fix="See /api/openapi.json.")
    return _respond(422, problem, {"Cache-Control": "no-store"})


def _respond(status: int, problem: Problem, headers: dict[str, str]) -> JSONResponse:
    return JSONResponse(problem.model_dump(), status_code=status, headers=headers)
