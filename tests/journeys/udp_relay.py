"""A way through the network for a browser's media, which can be cut."""

from __future__ import annotations

import selectors
import socket
import threading
from types import TracebackType
from typing import Self

from tests.voice.webrtc.bad_network import Address, with_one_candidate


class UdpRelay:
    """Two loopback ports between a browser and the server; entering opens them.

    Attributes:
        from_browser: datagrams that were passed on from the browser since it was opened.
    """

    def __init__(self) -> None:
        self.from_browser = 0
        self._browser_side = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._server_side = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._browser: Address | None = None
        self._server: Address | None = None
        self._is_cut = threading.Event()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._pass_on, name="udp relay")

    def __enter__(self) -> Self:
        for side in (self._browser_side, self._server_side):
            side.bind(("127.0.0.1", 0))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()
        self._browser_side.close()
        self._server_side.close()

    def offer_through(self, offer: str) -> str:
        """The browser's offer as the server shall see it."""
        return with_one_candidate(offer, self._server_side.getsockname())

    def answer_through(self, answer: str) -> str:
        """The server's answer as the browser shall see it."""
        found = next(line.split() for line in answer.splitlines() if line.startswith("a=candidate"))
        self._server = (found[4], int(found[5]))
        return with_one_candidate(answer, self._browser_side.getsockname())

    def cut(self) -> None:
        """From now on nothing comes through, either way."""
        self._is_cut.set()

    def _pass_on(self) -> None:
        with selectors.DefaultSelector() as ready:
            ready.register(self._browser_side, selectors.EVENT_READ)
            ready.register(self._server_side, selectors.EVENT_READ)
            while not self._is_over.is_set():
                for key, _ in ready.select(timeout=0.05):
                    side: socket.socket = key.fileobj  # type: ignore[assignment]  # these two sockets were registered
                    data, address = side.recvfrom(4_096)
                    if not self._is_cut.is_set():
                        self._send(data, address, from_browser=side is self._browser_side)

    def _send(self, data: bytes, address: Address, *, from_browser: bool) -> None:
        if from_browser:
            self._browser = address
            if self._server is not None:
                self.from_browser += 1
                self._server_side.sendto(data, self._server)
        elif self._browser is not None:
            self._browser_side.sendto(data, self._browser)
