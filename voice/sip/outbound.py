"""Who may be called from here, and over which trunk: nobody whom no trunk names. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from voice.contracts.sip_errors import SipForbiddenError, SipMessageError, SipTargetError
from voice.sip.digest import Credentials
from voice.sip.messages import Uri, read_address, write_uri
from voice.sip.trunks import Trunk

_SEPARATORS: Final = re.compile(r"[-.()]")
"""What people write between digits (RFC 3966, 3: visual separators)."""

_NUMBER: Final = re.compile(r"\+?[0-9*#]{2,32}")
_USER: Final = re.compile(r"[A-Za-z0-9_.!~*'()&=+$,?/%#-]{1,128}")
_HOST: Final = re.compile(r"[A-Za-z0-9.:\[\]-]{1,255}")
_TRANSPORTS: Final = ("udp", "tcp", "tls")


@dataclass(frozen=True, slots=True)
class WayOut:
    """How somebody is reached.

    Attributes:
        uri: what is called: a `sip:` or `sips:` address.
        trunk: that allows it.
        credentials: where its gateway asks for a password; None for everybody else.
    """

    uri: str
    trunk: Trunk
    credentials: Credentials | None = None


def find_way(target: str, trunks: Sequence[Trunk], first: str | None = None) -> WayOut:
    """The way to somebody outside.

    Args:
        target: `sip:`, `sips:` or `tel:`; whatever somebody typed.
        trunks: those that there are.
        first: the trunk that is asked first, by name.

    Raises:
        SipTargetError: no address that can be called.
        SipForbiddenError: no trunk allows it.
    """
    ordered = sorted(trunks, key=lambda trunk: trunk.name != first)
    uri = read_target(target)
    if uri.scheme == "tel":
        number = uri.user or ""
        for trunk in ordered:
            if trunk.gateway and number.startswith(trunk.dials):
                credentials = trunk.registrar.credentials if trunk.registrar else None
                return WayOut(f"sip:{number}@{trunk.gateway}", trunk, credentials)
        raise SipForbiddenError(
            "A number that some trunk dials was expected; no trunk dials this one.",
            fix="Add its first digits to `dials` of a trunk with a gateway.",
        )
    for trunk in ordered:
        if uri.host.lower() in trunk.transfer_to:
            return WayOut(write_uri(uri), trunk)
    raise SipForbiddenError(
        "An address in a domain that some trunk names was expected; no trunk names this one.",
        fix="Add its domain to `transfer_to` of the trunk.",
    )


def read_target(target: str) -> Uri:
    """Read whom somebody wants to be called; without anything that would do more than call.

    Raises:
        SipTargetError: no such address.
    """
    try:
        uri = read_address(target).uri
    except SipMessageError as error:
        raise SipTargetError("An address with sip:, sips: or tel: was expected.") from error
    if uri.scheme == "tel":
        number = _SEPARATORS.sub("", uri.user or "")
        if not _NUMBER.fullmatch(number):
            raise SipTargetError("A number of 2 to 32 digits was expected behind tel:.")
        return Uri("tel", number, "")
    port = uri.port or 5060
    if not (_HOST.fullmatch(uri.host) and 0 < port < 65_536 and (uri.user is None or _USER.fullmatch(uri.user))):
        raise SipTargetError("An address like sip:user@host was expected.")
    transport = uri.params.get("transport")
    if uri.headers or set(uri.params) - {"transport"} or (transport or "udp").lower() not in _TRANSPORTS:
        raise SipTargetError("A plain address was expected; this one has headers or parameters.", fix="Leave them out.")
    params: dict[str, str | None] = {} if transport is None else {"transport": transport.lower()}
    return Uri(uri.scheme, uri.user, uri.host, uri.port, params=params)
