"""Transfers (RFC 3515): who is to be called instead, and how that goes. Pure."""

from __future__ import annotations

import re
from typing import Final

from voice.contracts.errors import SipMessageError
from voice.sip.messages import Request, Uri, content_kind, read_address

_STATUS: Final = re.compile(r"SIP/2\.0 ([1-6][0-9][0-9])(?:[ \r\n].*)?", re.DOTALL)


def parse_refer_to(request: Request) -> Uri:
    """Where a REFER points.

    Raises:
        SipMessageError: nowhere, to no sip address, or with headers or a method that would do more than call.
    """
    value = request.headers.get_first("refer-to")
    if value is None:
        raise SipMessageError("A Refer-To was expected; it is missing.")
    uri = read_address(value).uri
    if uri.scheme not in ("sip", "sips") or uri.headers or "method" in uri.params:
        raise SipMessageError("A Refer-To with a plain SIP address was expected.")
    return uri


def parse_sipfrag(request: Request) -> int:
    """The status that a NOTIFY of a transfer carries.

    Raises:
        SipMessageError: no status line.
    """
    match = _STATUS.fullmatch(request.text) if content_kind(request) == "message/sipfrag" else None
    if match is None:
        raise SipMessageError("A NOTIFY with a status line like `SIP/2.0 200 OK` was expected.")
    return int(match[1])
