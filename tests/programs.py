"""Programs of others that tests run, and ports for them and for ourselves.

A port that was found free is bound later, by another program. Between the two nobody else may come upon it: ports are
below those that the system gives out itself (from 32 768 on), and each of pytest's workers has its own.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from itertools import cycle
from typing import Final

import pytest

WORKERS: Final = 5
"""Up to four workers, and a run without any."""

WORKER_PORTS: Final = 2_000
FIRST_PORT: Final = 10_000
PROGRAM_PORTS: Final = 600
"""For programs of others. Those that take further ports for further calls run into our own, which pass them over."""

BLOCK: Final = 8
"""So many neighbours belong to a port: a program takes the next ones for more audio, or for reports about it."""

SHARES: Final = 7
SHARE_PORTS: Final = 200
"""A hundred calls' audio: more than any test has at once."""


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


def audio_ports(share: int) -> tuple[int, int]:
    """First and last port for the audio of one telephone; those that call each other have shares of their own.

    Args:
        share: from 0 to 6.
    """
    if not 0 <= share < SHARES:
        raise ValueError(f"A share from 0 to {SHARES - 1} was expected; it is {share}.")
    first = _first_port() + PROGRAM_PORTS + share * SHARE_PORTS
    return first, first + SHARE_PORTS - 1


def free_ports(count: int) -> list[int]:
    """Ports on loopback that nobody uses for UDP or TCP, each with seven behind it that are as free; all are even."""
    found: list[int] = []
    blocks = _blocks()
    for _ in range(PROGRAM_PORTS // BLOCK):
        first = next(blocks)
        if all(_is_free(port) for port in range(first, first + BLOCK)):
            found.append(first)
        if len(found) == count:
            return found
    raise OSError(f"{count} free ports were expected from {_first_port()} on; {len(found)} were found.")


def _first_port() -> int:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw-1").removeprefix("gw")
    return FIRST_PORT + (int(worker) + 1) % WORKERS * WORKER_PORTS


@cache
def _blocks() -> Iterator[int]:
    """The same ports come again as late as possible; a second run on this machine begins elsewhere."""
    blocks = [_first_port() + at for at in range(0, PROGRAM_PORTS, BLOCK)]
    begin = 37 * os.getpid() % len(blocks)  # neighbours in number begin far from each other
    return cycle(blocks[begin:] + blocks[:begin])


def _is_free(port: int) -> bool:
    with ExitStack() as held:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            try:
                held.enter_context(socket.socket(socket.AF_INET, kind)).bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
