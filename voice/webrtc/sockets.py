"""A UDP socket of the event loop's, read when it is asked for, together with when each datagram really arrived.

A leg wakes 50 times a second to hand on a frame. Were the event loop to watch its socket as well, it would wake for
each packet once more, which costs about as much as everything that is then done with the packet. So while frames are
due anyway, the socket is read right before each of them; and because the kernel notes when a datagram came, it does not
matter to the jitter buffer that it was read later, nor that this process was kept from reading it.

The kernel's notes are Linux's `SO_TIMESTAMPNS`. Where there are none, the event loop goes on watching.

This file knows `_sock`, `_loop` and `_read_ready` of asyncio's datagram transport, and `_add_reader` and
`_remove_reader` of its event loop; `tests/voice/webrtc/test_sockets.py` fails when they change.
"""

from __future__ import annotations

import socket
import struct
import sys
import time
from typing import Any, Final

MAX_DATAGRAM: Final = 4_096
"""Longer ones are cut, and then refused. asyncio makes room for 256 KiB before each of them."""

MOST_AT_ONCE: Final = 64
"""How many datagrams are read in a row: a flood may not hold the event loop. 64 are more than a second of one call."""

_TIMESTAMPNS: Final = 35  # asm-generic/socket.h: SO_TIMESTAMPNS, whose message is of the same number
_TIME: Final = struct.Struct("@qq")
_ROOM: Final = socket.CMSG_SPACE(_TIME.size) if hasattr(socket, "CMSG_SPACE") else 0


class MediaSocket:
    """The socket below a datagram transport of asyncio's.

    Attributes:
        buffer: what was read last lies here; as long as `receive` says.
        is_watched: whether the event loop wakes for it.
        protocol: whose `datagram_received` asyncio calls.

    Args:
        protocol: connected; its `transport` is a datagram transport over a selector event loop.
    """

    def __init__(self, protocol: Any) -> None:
        self.protocol = protocol
        self.buffer = bytearray(MAX_DATAGRAM)
        self._buffers = [self.buffer]
        self._transport: Any = protocol.transport
        self._socket: Any = getattr(self._transport, "_sock", None)
        self._loop: Any = getattr(self._transport, "_loop", None)
        self.is_watched = True
        self._notes_arrival = _note_arrivals(self._socket)

    @property
    def is_pollable(self) -> bool:
        """Whether the event loop need not watch it."""
        return (
            self._notes_arrival
            and callable(getattr(self._loop, "_remove_reader", None))
            and callable(getattr(self._loop, "_add_reader", None))
            and callable(getattr(self._transport, "_read_ready", None))
        )

    @property
    def is_open(self) -> bool:
        """Whether it can be read at all."""
        return self._socket is not None and not self._transport.is_closing() and self._socket.fileno() >= 0

    def unwatch(self) -> None:
        """The event loop no longer wakes for it; it has to be read."""
        if self.is_watched and self.is_pollable and self.is_open:
            self._loop._remove_reader(self._socket.fileno())
            self.is_watched = False

    def watch(self) -> None:
        """The event loop wakes for it again."""
        if not self.is_watched:
            self.is_watched = True
            if self.is_open:
                self._loop._add_reader(self._socket.fileno(), self._transport._read_ready)

    def receive(self) -> tuple[int, float, Any] | None:
        """The next datagram: how long it is, how many seconds ago it came, and from where; None where none waits.

        Raises:
            OSError: the network reports an error.
        """
        try:
            size, notes, _, address = self._socket.recvmsg_into(self._buffers, _ROOM)
        except (BlockingIOError, InterruptedError):
            return None
        if not notes:
            return size, 0.0, address
        seconds, nanoseconds = _TIME.unpack_from(notes[0][2])
        # Between two clocks that may be set; a datagram never comes from the future.
        return size, max(0.0, time.time() - seconds - nanoseconds * 1e-9), address


def _note_arrivals(sock: Any) -> bool:
    """Have the kernel note when datagrams come; answers whether it does."""
    if sock is None or not sys.platform.startswith("linux") or struct.calcsize("@q") != struct.calcsize("@l"):
        return False
    try:
        sock.setsockopt(socket.SOL_SOCKET, _TIMESTAMPNS, 1)
    except OSError:
        return False
    return True
