"""A polled socket: the private parts of asyncio are as they were, times are the kernel's, nothing is lost."""

from __future__ import annotations

import asyncio
import inspect
import socket
import sys
import time
from asyncio import selector_events
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from voice.webrtc.sockets import MAX_DATAGRAM, MediaSocket

pytestmark = pytest.mark.anyio


class Inbox(asyncio.DatagramProtocol):
    """What the event loop read."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.came: list[bytes] = []
        self.read = anyio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.came.append(data)
        self.read.set()


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[Inbox, MediaSocket, socket.socket]]:
    """A socket of the event loop's, the same as a polled one, and another one connected to it."""
    _, inbox = await asyncio.get_running_loop().create_datagram_endpoint(Inbox, local_addr=("127.0.0.1", 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.connect(inbox.transport.get_extra_info("sockname"))
        yield inbox, MediaSocket(inbox), other
    inbox.transport.close()
    await anyio.lowlevel.checkpoint()


def test_asyncio_has_the_shape_that_is_relied_upon() -> None:
    transport = inspect.getsource(selector_events._SelectorTransport)  # type: ignore[attr-defined]  # private is the point
    assert "self._sock = sock" in transport
    assert "self._loop = loop" in transport or "super().__init__(extra, loop)" in transport
    assert "self._loop._remove_reader(self._sock_fd)" in transport
    reading = inspect.getsource(selector_events._SelectorDatagramTransport)  # type: ignore[attr-defined]  # private is the point
    assert "self._add_reader" in reading
    assert "self._read_ready" in reading
    loop = selector_events.BaseSelectorEventLoop
    assert list(inspect.signature(loop._add_reader).parameters) == ["self", "fd", "callback", "args"]  # type: ignore[attr-defined]  # private is the point
    assert list(inspect.signature(loop._remove_reader).parameters) == ["self", "fd"]  # type: ignore[attr-defined]  # private is the point


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux notes when datagrams come")
async def test_what_was_read_late_says_how_long_ago_it_came() -> None:
    async with opened() as (inbox, source, other):
        assert source.is_pollable
        source.unwatch()
        # The kernel begins to note a moment after the first socket of the machine has asked for it.
        with anyio.fail_after(30):
            age_s = 0.0
            while age_s < 0.01:
                other.send(b"zero")
                await anyio.sleep(0.01)
                age_s = (source.receive() or (0, 0.0, None))[1]
        began_s = time.monotonic()
        other.send(b"one")
        await anyio.sleep(0.05)
        other.send(b"three")
        first, second = source.receive(), source.receive()
        took_s = time.monotonic() - began_s
        assert first is not None
        assert second is not None
        assert (first[0], first[2]) == (3, other.getsockname())
        assert bytes(source.buffer[: second[0]]) == b"three"
        assert 0.049 <= first[1] <= took_s  # the kernel stamps by another clock
        assert 0 <= second[1] <= took_s - 0.049
        assert source.receive() is None
        assert inbox.came == []


async def test_the_event_loop_reads_again_when_it_is_asked_to() -> None:
    async with opened() as (inbox, source, other):
        source.unwatch()
        source.unwatch()
        other.send(b"waits")
        await anyio.sleep(0.02)
        source.watch()
        source.watch()
        with anyio.fail_after(30):
            await inbox.read.wait()
        assert inbox.came == [b"waits"]


async def test_longer_datagrams_are_cut_and_a_closed_socket_is_left_alone() -> None:
    async with opened() as (inbox, source, other):
        source.unwatch()
        other.send(bytes(MAX_DATAGRAM + 100))
        taken = source.receive()
        assert taken is not None
        assert taken[0] == MAX_DATAGRAM
        inbox.transport.close()
        assert not source.is_open
        source.watch()
        await anyio.lowlevel.checkpoint()
        assert not source.is_open


def test_a_protocol_without_a_socket_of_asyncios_is_not_pollable() -> None:
    class Elsewhere:
        transport = None

    source = MediaSocket(Elsewhere())
    assert not source.is_pollable
    assert not source.is_open
    source.unwatch()
    source.watch()
