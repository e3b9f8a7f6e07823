"""Who may open a connection: so many a second from one address, and so many at once. Asked before any handshake."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

import anyio
from anyio import TypedAttributeProvider
from anyio.abc import Listener, SocketAttribute, SocketStream, TaskGroup

from voice.sip.latch import Address

MOST_OF_ONE: Final = 100
"""Connections of one address at once, those that still shake hands included; half of all that there may be."""

Admits = Callable[[str], bool]
"""Whether an address may open one more connection now; counts it where not."""


def remote_address(stream: TypedAttributeProvider) -> Address | None:
    """Where a connection comes from; None where it is gone already."""
    peer = stream.extra(SocketAttribute.remote_address, None)  # noqa: S610 - anyio, not Django
    return None if peer is None else (str(peer[0]), int(peer[1]))


class Doorway(Listener[SocketStream]):
    """A listener that closes at once what may not come in: a handshake is work that anybody could ask for.

    Args:
        listener: whose connections these are.
        admits: asked once for each; told the address.
    """

    def __init__(self, listener: Listener[SocketStream], admits: Admits) -> None:
        self._listener = listener
        self._admits = admits
        self._open: Counter[str] = Counter()

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """See `anyio.TypedAttributeProvider`."""
        return self._listener.extra_attributes

    async def serve(self, handler: Callable[[SocketStream], Any], task_group: TaskGroup | None = None) -> None:
        """See `anyio.abc.Listener`."""

        async def admit(stream: SocketStream) -> None:
            peer = remote_address(stream)
            host = peer[0] if peer is not None else ""
            if not host or self._open[host] >= MOST_OF_ONE or not self._admits(host):
                await anyio.aclose_forcefully(stream)
                return
            self._open[host] += 1
            try:
                await handler(stream)
            finally:
                self._open[host] -= 1
                if not self._open[host]:
                    del self._open[host]

        await self._listener.serve(admit, task_group)

    async def aclose(self) -> None:
        """See `anyio.abc.AsyncResource`."""
        await self._listener.aclose()
