"""The web app's files: every page is one document; what is hashed may be kept for good."""

from __future__ import annotations

import posixpath
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from agent_console.api.errors import WebAppMissingError

_INDEX = "index.html"


class Pages:
    """ASGI application behind every address that no route has: static files, or the single page."""

    def __init__(self, static: Path | None) -> None:
        self._static = static
        self._files = StaticFiles(directory=static, check_dir=False) if static is not None else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request.

        Raises:
            HTTPException: 404 for what is neither a file nor a page, 405 for another method than GET and HEAD.
            WebAppMissingError: a page was asked for, and the web app was not built.
        """
        if scope["type"] != "http":
            raise HTTPException(404)
        response = await self._find(scope)
        await response(scope, receive, send)

    async def _find(self, scope: Scope) -> Response:
        path: str = scope["path"]
        if path == "/api" or path.startswith("/api/"):
            raise HTTPException(404)
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        # An address is a file where its last part has a dot, and a page where it has none.
        is_file = "." in posixpath.basename(path) or path.startswith("/assets/")
        if self._files is None or self._static is None:
            raise HTTPException(404) if is_file else _missing()
        name = posixpath.normpath(path).lstrip("/") if is_file else _INDEX
        try:
            response = await self._files.get_response(name, scope)
        except HTTPException as error:
            raise _missing() if error.status_code == 404 and not is_file else error from None
        hashed = name.startswith("assets/")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if hashed else "no-cache"
        return response


def _missing() -> WebAppMissingError:
    return WebAppMissingError("The web app was not built.", fix="Run `make setup`, or install Warmline from its wheel.")
