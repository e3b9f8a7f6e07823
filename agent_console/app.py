"""The HTTP application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from agent_console.api import (
    calls,
    config,
    desk,
    health,
    legs,
    live,
    metrics,
    recordings,
    session,
    stream,
    told,
    transfers,
)
from agent_console.api.edge import Edge
from agent_console.api.errors import (
    Problem,
    answer_http_exception,
    answer_invalid_request,
    answer_warmline_error,
)
from agent_console.api.pages import Pages
from agent_console.deps import Console
from agent_console.live.board import CallBoard
from agent_console.live.hub import LiveHub
from voice.contracts.errors import WarmlineError

DESCRIPTION: Final = """
Calls, their events and recordings.

Errors are JSON: `{"code", "message", "fix"}`; `code` is stable. Sign in with `POST /api/session`; the session is a
cookie. Live events come over the websocket `/live?ticket=…`.
"""


def create_app(console: Console) -> FastAPI:
    """The application over what it is given. Its lifespan follows the journal; nothing runs before."""
    board = CallBoard(console.journal, console.recordings, console.clock)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with board.running():
            yield

    app = FastAPI(
        title="Warmline",
        version=console.site.version,
        description=DESCRIPTION,
        lifespan=lifespan,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses={
            413: {"model": Problem, "description": "request.too_large"},
            422: {"model": Problem, "description": "request.invalid"},
            500: {"model": Problem, "description": "server.error"},
        },
    )
    app.state.console = console
    app.state.hub = LiveHub(board, console.live)
    app.add_middleware(Edge, hosts=console.site.hosts)
    app.add_exception_handler(WarmlineError, answer_warmline_error)
    app.add_exception_handler(HTTPException, answer_http_exception)
    app.add_exception_handler(RequestValidationError, answer_invalid_request)
    for route in (session, config, calls, told, legs, transfers, desk, recordings, health, metrics, live, stream):
        app.include_router(route.router)
    # What no route has; a route's own 405 comes first.
    app.router.default = Pages(console.static)
    return app
