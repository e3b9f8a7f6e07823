"""Programs of others that tests run, and ports for them."""

from __future__ import annotations

import os
import shutil
import socket
from contextlib import ExitStack

import pytest


def search_path() -> str:
    """Debian keeps servers where only root looks."""
    return os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


def need_program(name: str, package: str) -> str:
    """A program of Debian's; skips where there is none, but fails where CI=true."""
    path = shutil.which(name, path=search_path())
    if path is None:
        reason = f"no {name} on this machine (Debian: apt-get install {package})"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def free_ports(count: int) -> list[int]:
    """Ports on loopback that nobody uses for UDP or TCP at this moment."""
    found: list[int] = []
    with ExitStack() as held:
        while len(found) < count:
            stream = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            stream.bind(("127.0.0.1", 0))
            port = int(stream.getsockname()[1])
            datagram = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            try:
                datagram.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
    return found
