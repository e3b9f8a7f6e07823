"""The outermost layer: who may ask, how much, and what every answer carries."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent_console.api.errors import HostError, OriginError, ServerError, TooLargeError, problem_response
from agent_console.api.origin import check_host, check_origin
from agent_console.traces import frames_of

MAX_BODY_BYTES: Final = 262_144
"""Longest request body; an SDP offer takes some 10 KB."""

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_HEADERS: Final = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'self'",
            "connect-src 'self'",
            "img-src 'self' data:",
            "media-src 'self' blob:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_log = logging.getLogger(__name__)


class Edge:
    """ASGI middleware around everything: Host, Origin, body size, security headers, and errors nobody foresaw."""

    def __init__(self, app: ASGIApp, *, hosts: Sequence[str]) -> None:
        self._app = app
        self._hosts = tuple(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request or handshake through, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        answered = False

        async def send_decorated(message: Message) -> None:
            nonlocal answered
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                answered = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers["X-Request-Id"] = request_id
            await send(message)

        try:
            self._check(scope)
        except (HostError, OriginError, TooLargeError) as error:
            await problem_response(error)(scope, receive, send_decorated)
            return
        if scope["type"] == "websocket":
            await self._app(scope, receive, send_decorated)
            return
        try:
            await self._app(scope, _bounded(receive), send_decorated)
        except Exception as error:  # the boundary of one request
            _log.error("request %s failed: %s", request_id, frames_of(error))  # messages may hold content
            if answered:
                raise ConnectionAbortedError(f"The answer to request {request_id} broke off.") from None
            broken = ServerError(
                f"Something went wrong on the server (request {request_id}).", fix="Try again; the log has the place."
            )
            await problem_response(broken)(scope, receive, send_decorated)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        host = check_host(headers.getlist("host"), self._hosts)
        if scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS:
            check_origin(headers.getlist("origin"), host, fetch_site=headers.get("sec-fetch-site"))
        stated = headers.get("content-length", "0")
        if not stated.isdecimal() or int(stated[:16]) > MAX_BODY_BYTES:
            raise TooLargeError(f"A request's body has at most {MAX_BODY_BYTES} bytes.")


def _bounded(receive: Receive) -> Receive:
    """Refuse a body that turns out longer than allowed, whatever its header says."""
    received = 0

    async def receive_bounded() -> Message:
        nonlocal received
        message = await receive()
        if message["type"] == "http.request":
            received += len(message.get("body", b""))
            if received > MAX_BODY_BYTES:
                raise HTTPException(413)
        return message

    return receive_bounded
