"""The server: uvicorn inside the caller's task group, on a socket that is bound first."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import anyio
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from agent_console.live.protocol import MAX_FRAME_BYTES
from agent_console.live.socket import ABORT_EXTENSION
from voice.contracts.errors import PortInUseError, SettingsError

BACKLOG: Final = 512
"""Connections that wait to be accepted."""

SHUTDOWN_S: Final = 5
"""How long requests in progress may take to end once the server is told to stop."""

CLOSE_S: Final = 2.0
"""How long a browser may take to answer a websocket close before the connection is cut."""

SEND_BUFFER_BYTES: Final = 131_072
"""The kernel's buffer per websocket; bounds what a browser that does not read can tie up."""

OnReady = Callable[[str], None]
"""Told the URL, with the real port, once the server answers."""


class _LiveProtocol(WebSocketsSansIOProtocol):
    """uvicorn's websocket with a sure end: 1001 at shutdown, and no connection outlives its close by more than 2 s.

    uvicorn's own close waits until everything is written, which never happens where the browser does not read.
    """

    _abort_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._abort_timer is not None:
            self._abort_timer.cancel()
        super().connection_lost(exc)

    async def run_asgi(self) -> None:
        extensions: dict[str, Any] = self.scope.setdefault("extensions", {})
        extensions[ABORT_EXTENSION] = {"abort": self._abort}
        await super().run_asgi()

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.close":
            self._abort_later()

    def shutdown(self) -> None:
        if self.handshake_complete and not self.close_sent:
            self.stop_keepalive()
            self.queue.put_nowait({"type": "websocket.disconnect", "code": 1001, "reason": "the server stops"})
            self.conn.send_close(1001, "the server stops")
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
            self.transport.close()
        else:
            super().shutdown()
        self._abort_later()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._abort_later()

    def handle_parser_exception(self) -> None:
        super().handle_parser_exception()
        self._abort_later()

    def _abort_later(self) -> None:
        if self._abort_timer is None and not self.disconnected:
            self._abort_timer = self.loop.call_later(CLOSE_S, self._abort)

    def _abort(self) -> None:
        """Reset the connection: what the kernel still holds is thrown away instead of being offered for minutes."""
        connection = self.transport.get_extra_info("socket")
        if connection is not None and not self.disconnected:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


class _Server(uvicorn.Server):
    """uvicorn without signals (they are the command line's) that says when it answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answers = anyio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.answers.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(host: str, port: int) -> socket.socket:
    """A bound TCP socket; port 0 takes any free port.

    Raises:
        PortInUseError: the address is taken or may not be used.
        SettingsError: the host is no address or name of this machine.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise _unknown_host(host, error) from error
    family, _, _, _, address = found[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # Listening here, not in uvicorn: two sockets may be bound to one port, but only one may listen.
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            taken = "is in use" if error.errno == errno.EADDRINUSE else "may not be used by this account"
            raise PortInUseError(
                f"Port {port} on {host} {taken}.",
                fix=f"Stop what listens there, or choose another port: --port {8080 if port != 8080 else 8081}.",
            ) from error
        raise _unknown_host(host, error) from error
    return listener


def url_of(listener: socket.socket, host: str) -> str:
    """The URL under which a browser on this machine reaches a bound socket."""
    port = listener.getsockname()[1]
    shown = "localhost" if host in ("", "0.0.0.0", "::") else f"[{host}]" if ":" in host else host  # noqa: S104  # compared, not bound
    return f"http://{shown}:{port}"


async def serve(app: FastAPI, host: str, port: int, on_ready: OnReady | None = None) -> None:
    """Serve until cancelled; then stop accepting, close websockets with 1001, and give requests 5 s to end.

    Raises:
        PortInUseError: the address is taken.
        SettingsError: the host is no address or name of this machine.
    """
    listener = bind(host, port)
    try:
        config = uvicorn.Config(
            app,
            ws=_LiveProtocol,
            ws_max_size=MAX_FRAME_BYTES,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=SHUTDOWN_S,
        )
        server = _Server(config)
        # The application's life is led here and not by uvicorn, whose tasks stand outside every task group.
        async with app.router.lifespan_context(app), anyio.create_task_group() as tasks:
            tasks.start_soon(_run, server, listener)
            try:
                await server.answers.wait()
                if on_ready is not None:
                    on_ready(url_of(listener, host))
                await anyio.sleep_forever()
            finally:
                server.should_exit = True
    finally:
        listener.close()


async def _run(server: _Server, listener: socket.socket) -> None:
    with anyio.CancelScope(shield=True):  # it ends by `should_exit`, in order and within its own time limit
        await server.serve(sockets=[listener])


def _unknown_host(host: str, error: OSError) -> SettingsError:
    return SettingsError(
        f"'host' is an address or name of this machine; got {host!r} ({error.strerror}).",
        fix="127.0.0.1 serves this machine only, 0.0.0.0 every network.",
    )
