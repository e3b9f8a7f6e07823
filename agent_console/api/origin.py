"""Where a request comes from: the Host and Origin headers. No I/O."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from agent_console.api.errors import HostError, OriginError

_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class HostPort:
    """A Host header: lower-case name or address (IPv6 without brackets), and the port where one is stated."""

    name: str
    port: int | None


def parse_host(header: str) -> HostPort | None:
    """A Host header, or None where it is not one."""
    try:
        parts = urlsplit(f"//{header}")
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname or parts.path or parts.query or parts.fragment or parts.username is not None:
        return None
    return HostPort(parts.hostname.rstrip("."), port)


def check_host(headers: Sequence[str], known: Sequence[str]) -> HostPort:
    """The Host header of a request.

    An address is always accepted; a name only if it is ours, because a page of another site can make its own name
    point here (DNS rebinding) and would then pass for ours.

    Raises:
        HostError: it is missing, malformed, or a name that is not known.
    """
    host = parse_host(headers[0]) if len(headers) == 1 else None
    if host is None:
        raise HostError("One well-formed Host header was expected.")
    if "*" in known or host.name in known or _is_local(host.name):
        return host
    raise HostError(
        f"This server does not answer to the name {host.name[:80]!r}.",
        fix="Add it to the setting 'hosts' (WARMLINE_HOSTS).",
    )


def check_origin(headers: Sequence[str], host: HostPort, *, fetch_site: str | None = None) -> None:
    """Demand that a request comes from our own page, or from no page at all.

    Browsers send Origin with every request that may change something and with every websocket; programs send none and
    hold no cookie that they were not given.

    Args:
        headers: the Origin headers.
        host: the Host header.
        fetch_site: the Sec-Fetch-Site header, which browsers send even where they leave Origin out.

    Raises:
        OriginError: another site's page sent it.
    """
    if not headers and fetch_site in (None, "same-origin", "none"):
        return
    if len(headers) == 1 and _same(headers[0], host):
        return
    raise OriginError("This is only for pages of this server.", fix="Open the page under the server's own address.")


def _same(origin: str, host: HostPort) -> bool:
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return False
    default = _DEFAULT_PORTS.get(parts.scheme)
    if default is None or not parts.hostname or parts.path not in ("", "/"):
        return False
    stated = default if port is None else port
    return parts.hostname.rstrip(".") == host.name and stated == (default if host.port is None else host.port)


def _is_local(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
