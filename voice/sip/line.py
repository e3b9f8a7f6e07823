"""What a call's INVITE says about it, for routing. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from voice.sip.agent import Incoming
from voice.sip.dialog import caller_of
from voice.sip.messages import NameAddress, Request, read_address, write_uri

MAX_ATTRIBUTES: Final = 24
MAX_VALUE: Final = 256

_NAMED: Final = ("diversion", "history-info", "user-to-user", "p-called-party-id", "p-asserted-identity", "subject")


@dataclass(frozen=True, slots=True)
class Line:
    """A call as routing sees it.

    Attributes:
        caller: number or address.
        called: the same.
        trunk: by which it came.
        language: what the trunk says is spoken; None where it says nothing.
        attributes: headers by name in lower case, each of at most 256 characters without control characters.
    """

    caller: str
    called: str
    trunk: str
    language: str | None
    attributes: tuple[tuple[str, str], ...] = ()


def line_of(incoming: Incoming) -> Line:
    """What a call's INVITE says about it."""
    request, trunk = incoming.request, incoming.admitted.trunk
    caller = caller_of(request, trusts_identity=trunk.trusts_identity)
    called = read_address(request.uri)
    number = short_address(called)
    return Line(
        caller=short_address(caller),
        called=number,
        trunk=trunk.name,
        language=trunk.languages.get(number, trunk.language),
        attributes=(("sip.trunk", trunk.name), *_attributes(request, display=caller.display_name)),
    )


def short_address(address: NameAddress) -> str:
    """A number where the user part is one, else the whole address without parameters."""
    user = address.uri.user or ""
    user = user.partition(";")[0]
    digits = user.lstrip("+")
    if digits.isascii() and digits.isdigit() and 3 <= len(digits) <= 18:
        return user
    address.uri.params, address.uri.headers = {}, {}
    return _clean(write_uri(address.uri))


def _attributes(request: Request, *, display: str | None) -> list[tuple[str, str]]:
    found = [("sip.caller_name", _clean(display))] if display else []
    for name, values in request.headers.items():
        wanted = name.lower() in _NAMED or name.lower().startswith("x-")
        if wanted and values and len(found) < MAX_ATTRIBUTES:
            found.append((name.lower()[:64], _clean(values[0])))
    return found


def _clean(value: str) -> str:
    return "".join(mark for mark in value if mark.isprintable())[:MAX_VALUE]
