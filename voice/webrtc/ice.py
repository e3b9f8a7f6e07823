"""Which addresses a peer offers, and the one override that makes aioice offer them.

aioice asks `aioice.ice.get_host_addresses` for the machine's addresses and leaves out 127.0.0.1, so a browser on the
same machine without a network would find nobody. `gathering` replaces that function while a peer gathers, and only for
the tasks of that peer. It is a private interface: `tests/voice/webrtc/test_ice.py` fails when it changes.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final, Protocol

import aioice.ice
from aiortc import RTCConfiguration, RTCIceServer
from aiortc.rtcicetransport import parse_stun_turn_uri

from voice.contracts.errors import MediaError, SettingsError

LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server.

    Attributes:
        urls: for example `stun:host:3478` or `turns:host:5349?transport=tcp`.
        username: for TURN.
        credential: for TURN.

    Raises:
        SettingsError: no URL, or one that is neither a STUN nor a TURN URL.
    """

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.urls:
            raise SettingsError("An ICE server needs at least one URL; got none.")
        for url in self.urls:
            try:
                parse_stun_turn_uri(url)
            except ValueError as error:
                raise SettingsError(
                    f"An ICE server's URL begins with stun:, turn: or turns:; got {url!r}.",
                    fix="Write it like turn:turn.example.org:3478?transport=udp.",
                ) from error


@dataclass(frozen=True, slots=True)
class IceSettings:
    """Where a peer can be reached.

    Attributes:
        servers: STUN and TURN servers; none by default, so nothing is asked of a cloud. Of several STUN servers, and of
            several TURN servers, the first is used.
        host_addresses: exactly these addresses are offered; None: those of the machine's interfaces.
        loopback: where `host_addresses` is None, 127.0.0.1 is offered besides, so that a browser on the same machine
            works without a network.

    Raises:
        SettingsError: an address that is none, or an empty tuple of them.
    """

    servers: tuple[IceServer, ...] = ()
    host_addresses: tuple[str, ...] | None = None
    loopback: bool = True

    def __post_init__(self) -> None:
        if self.host_addresses == ():
            raise SettingsError("host_addresses needs at least one address, or None for those of the interfaces.")
        for address in self.host_addresses or ():
            try:
                ipaddress.ip_address(address)
            except ValueError as error:
                raise SettingsError(f"A host address is an IPv4 or IPv6 address; got {address!r}.") from error

    def configuration(self) -> RTCConfiguration:
        """The same for aiortc. The list of servers is never None: aiortc would then ask a public STUN server."""
        return RTCConfiguration(
            iceServers=[
                RTCIceServer(urls=list(server.urls), username=server.username, credential=server.credential)
                for server in self.servers
            ]
        )


@dataclass(slots=True)
class _Gathering:
    """One peer's gathering: what it wants, and whether aioice asked."""

    settings: IceSettings
    asked: bool = False


class _Addresses(Protocol):
    """The shape of `aioice.ice.get_host_addresses`."""

    def __call__(self, use_ipv4: bool, use_ipv6: bool) -> list[str]: ...


class _HostAddresses:
    """Stands in for `get_host_addresses` while at least one peer gathers; who asks is told by the task's context."""

    def __init__(self, original: _Addresses) -> None:
        self.original = original
        self.users = 0

    def __call__(self, use_ipv4: bool, use_ipv6: bool) -> list[str]:
        gathering = _current.get()
        if gathering is None:
            return self.original(use_ipv4, use_ipv6)
        gathering.asked = True
        settings = gathering.settings
        if settings.host_addresses is not None:
            return [
                address
                for address in settings.host_addresses
                if (use_ipv4 if ipaddress.ip_address(address).version == 4 else use_ipv6)
            ]
        addresses = self.original(use_ipv4, use_ipv6)
        if settings.loopback and use_ipv4 and LOOPBACK not in addresses:
            addresses = [*addresses, LOOPBACK]
        return addresses


_current: ContextVar[_Gathering | None] = ContextVar("warmline_ice_gathering", default=None)
_swap: Final = threading.Lock()
"""Held for the two lines that put the override in or take it out: loops in several threads may gather at once."""


@contextmanager
def gathering(settings: IceSettings) -> Iterator[None]:
    """Within this block, what this task (and the tasks it starts) gathers follows `settings`.

    Several peers may gather at once, each with its own settings; the function is put back when the last one is done.

    Raises:
        MediaError: the installed aioice has no such function or did not call it.
    """
    with _swap:
        installed = getattr(aioice.ice, "get_host_addresses", None)
        if installed is None:
            raise MediaError(
                "aioice.ice.get_host_addresses is gone, so host addresses cannot be chosen.",
                fix="Install the locked dependencies (make setup).",
            )
        override = installed if isinstance(installed, _HostAddresses) else _HostAddresses(installed)
        override.users += 1
        aioice.ice.get_host_addresses = override
    current = _Gathering(settings)
    token = _current.set(current)
    try:
        yield
    finally:
        _current.reset(token)
        with _swap:
            override.users -= 1
            if override.users == 0:
                aioice.ice.get_host_addresses = override.original
    if not current.asked:
        raise MediaError(
            "aioice gathered without asking get_host_addresses, so host addresses cannot be chosen.",
            fix="Install the locked dependencies (make setup).",
        )
