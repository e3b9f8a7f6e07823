"""A web server on this machine that can misbehave."""

from __future__ import annotations

import re
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

import pytest


@dataclass
class Site:
    """What the server has and how it behaves.

    Attributes:
        files: path to content.
        cut_after: bytes after which a connection breaks, for each request in turn; None lets it pass.
        abrupt: break with a reset instead of a close.
        statuses: answers instead of the file, for each request in turn; 0 serves it.
        tag: the validator; empty for none.
        ranges: whether the server resumes.
        length: whether it says how long the file is.
        requests: what came: path and Range header.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cut_after: list[int | None] = field(default_factory=list)
    abrupt: bool = False
    statuses: list[int] = field(default_factory=list)
    tag: str = '"v1"'
    ranges: bool = True
    length: bool = True
    redirect: str = ""
    requests: list[tuple[str, str | None]] = field(default_factory=list)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    site: Site

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients may hang up."""


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        site = cast(_Server, self.server).site
        asked = self.headers.get("Range")
        site.requests.append((self.path, asked))
        status = site.statuses.pop(0) if site.statuses else 0
        if status or self.path not in site.files:
            self.send_error(status or 404)
            return
        if site.redirect:
            self.send_response(302)
            self.send_header("Location", site.redirect)
            self.end_headers()
            return
        body = site.files[self.path]
        start = 0
        resumable = site.ranges and asked and self.headers.get("If-Range") == site.tag
        if resumable and (match := re.fullmatch(r"bytes=(\d+)-", asked or "")):
            start = int(match.group(1))
            if start >= len(body):
                self.send_error(416)
                return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if site.length:
            self.send_header("Content-Length", str(len(body) - start))
        if site.tag:
            self.send_header("ETag", site.tag)
        self.end_headers()
        cut = site.cut_after.pop(0) if site.cut_after else None
        self.wfile.write(body[start:] if cut is None else body[start : start + cut])
        self.wfile.flush()
        if cut is not None and site.abrupt:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Tests read no log."""


@pytest.fixture
def site() -> Iterator[Site]:
    """A running server."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.site = Site(url=f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.site
    server.shutdown()
    thread.join()
    server.server_close()
