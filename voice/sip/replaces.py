"""Which call another one takes the place of (RFC 3891): how it is named, and whether it may be taken. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from voice.contracts.sip_errors import SipMessageError
from voice.sip.messages import Request

if TYPE_CHECKING:
    from voice.sip.calls import SipCall

MAX_LENGTH: Final = 512
"""A Call-ID and two tags of real telephones take about 100."""

_WORD: Final = re.compile(r"[A-Za-z0-9.!%*_+`'~()<>:\\\"/\[\]?{}@-]{1,255}")
_TOKEN: Final = re.compile(r"[A-Za-z0-9.!%*_+`'~-]{1,128}")


@dataclass(frozen=True, slots=True)
class Replaces:
    """A dialog as its other end names it.

    Attributes:
        call_id: of it.
        to_tag: the tag of whoever is told this.
        from_tag: the tag of the other end.
        early_only: whether it may only be taken while it rings.
    """

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool = False

    def write(self) -> str:
        """As a header's value."""
        flag = ";early-only" if self.early_only else ""
        return f"{self.call_id};to-tag={self.to_tag};from-tag={self.from_tag}{flag}"

    def write_into(self, target: str) -> str:
        """A target that brings it with it (RFC 3261, 19.1.1: everything that is not plain is escaped)."""
        return f"{target}?Replaces={quote(self.write(), safe='')}"


def parse_replaces(value: str) -> Replaces:
    """Read a Replaces header (RFC 3891, 6.1).

    Raises:
        SipMessageError: it does not name a dialog.
    """
    call_id, *parts = (part.strip() for part in value.split(";"))
    found: dict[str, str] = {}
    for part in parts:
        name, _, mark = part.partition("=")
        key = name.strip().lower()
        if key in found:
            raise SipMessageError("Each parameter of Replaces was expected once.")
        found[key] = mark.strip()
    tags = found.get("to-tag", ""), found.get("from-tag", "")
    if len(value) > MAX_LENGTH or not _WORD.fullmatch(call_id) or not all(_TOKEN.fullmatch(tag) for tag in tags):
        raise SipMessageError("Replaces with a Call-ID, one to-tag and one from-tag was expected.")
    return Replaces(call_id, *tags, "early-only" in found)


def read_replaces(request: Request) -> Replaces | None:
    """Which call an INVITE wants the place of; None where it wants a place of its own.

    Raises:
        SipMessageError: it names several, or none that can be read.
    """
    values = request.headers.get("replaces")
    if not values:
        return None
    if len(values) > 1:
        raise SipMessageError(f"One Replaces was expected; got {len(values)}.")
    return parse_replaces(values[0])


def unescape(value: str) -> Replaces:
    """Read a Replaces that came within a target.

    Raises:
        SipMessageError: it does not name a dialog.
    """
    return parse_replaces(unquote(value))


def find_replaced(wanted: Replaces, calls: Mapping[tuple[str, str], SipCall], trunk: str) -> SipCall | int:
    """The call that is named, or the status for who names it (RFC 3891, 3).

    Whoever came by another trunk is told what they are told of a call that there is not: 481.

    Args:
        wanted: which one.
        calls: ours, by Call-ID and our tag.
        trunk: by which the wish came.
    """
    call = calls.get((wanted.call_id, wanted.to_tag))
    if call is None or call.dialog.record.remote_tag != wanted.from_tag or call.terms.trunk != trunk:
        return 481
    if not call.is_answered:
        return 481  # one that rings is only theirs to take who began it, and that were we
    return 486 if wanted.early_only else call


def replaces_of(call: SipCall) -> Replaces:
    """How somebody else names a call of ours to its other end, so as to take its place there."""
    record = call.dialog.record
    return Replaces(record.call_id, record.remote_tag, record.local_tag)
