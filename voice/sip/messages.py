"""SIP messages (RFC 3261, 7): read strictly, written plainly.

The grammar is aiosipua's; what it lets pass is checked here, before and after it, so that nothing beyond this file
meets a message that is not one.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from aiosipua import CSeq, SipMessage, SipRequest, SipResponse, Via, parse_address, stringify_uri
from aiosipua.headers import Address, CaseInsensitiveDict, SipUri, stringify_via

from voice.contracts.sip_errors import SipMessageError

MAX_MESSAGE_BYTES: Final = 65_535
"""The longest message: a datagram carries no more."""

MAX_HEAD_BYTES: Final = 16_384
"""The longest start line and headers together; real INVITEs through five proxies have about 4000."""

MAX_LINE_BYTES: Final = 4_096
"""The longest single header."""

MAX_CSEQ: Final = 2**31 - 1
"""The highest sequence number (RFC 3261, 8.1.1.5)."""

MAGIC: Final = "z9hG4bK"
"""What every branch of RFC 3261 begins with (8.1.1.7)."""

SERVER: Final = "Warmline"
ALLOWED: Final = ("INVITE", "ACK", "CANCEL", "BYE", "PRACK", "OPTIONS", "UPDATE", "INFO", "REFER", "NOTIFY")

Request: TypeAlias = SipRequest
Response: TypeAlias = SipResponse
Uri: TypeAlias = SipUri
NameAddress: TypeAlias = Address

_TOKEN: Final = re.compile(r"[A-Za-z0-9.!%*_+`'~-]{1,64}")
_REQUEST_LINE: Final = re.compile(rb"([A-Za-z0-9.!%*_+`'~-]{1,32}) ([^\s\x00-\x1f]{1,1024}) SIP/2\.0")
_STATUS_LINE: Final = re.compile(rb"SIP/2\.0 ([1-6][0-9][0-9]) [^\r\n]*")
_LENGTH: Final = re.compile(r"[0-9]{1,7}")
_CSEQ: Final = re.compile(r"([0-9]{1,10})[ \t]+([A-Za-z0-9.!%*_+`'~-]{1,32})")
_VIA: Final = re.compile(r"SIP ?/ ?2\.0 ?/ ?[A-Za-z0-9-]{1,16} +\S")
_SINGLE: Final = ("from", "to", "call-id", "cseq", "max-forwards", "content-length", "content-type", "refer-to")
_NEEDED: Final = ("via", "from", "to", "call-id", "cseq")
_REASONS: Final = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    422: "Session Interval Too Small",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    500: "Server Internal Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    504: "Server Time-out",
    603: "Decline",
}


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A request that is malformed and yet says whom to tell so.

    Attributes:
        request: what could be read of it; safe to make a response from.
        error: what is wrong.
    """

    request: Request
    error: SipMessageError


def parse_message(data: bytes) -> Request | Response | Unreadable:
    """Read one whole message.

    Args:
        data: a datagram, or what `Content-Length` cuts out of a stream. Bytes behind the body are dropped.

    Raises:
        SipMessageError: it is no message, or so broken that nobody can be told.
    """
    if len(data) > MAX_MESSAGE_BYTES:
        raise SipMessageError(f"A SIP message of at most {MAX_MESSAGE_BYTES} bytes was expected; got {len(data)}.")
    head, mark, body = data.partition(b"\r\n\r\n")
    _check_head(head, mark)
    try:
        message = SipMessage.parse(data)
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise SipMessageError(f"The SIP message cannot be read: {error}.") from error
    if isinstance(message, SipResponse):
        _check_common(message, body)
        return message
    try:
        _check_common(message, body)
        _check_request(message)
    except SipMessageError as error:
        if _can_be_answered(message) and message.method != "ACK":
            return Unreadable(message, error)
        raise
    return message


def method_of(message: Request | Response) -> str:
    """The method that a message is of or answers; checked by `parse_message`."""
    if isinstance(message, SipRequest):
        return message.method
    return cseq_of(message).method


def cseq_of(message: Request | Response) -> CSeq:
    """Sequence number and method.

    Raises:
        SipMessageError: there is none.
    """
    match = _CSEQ.fullmatch((message.get_header("cseq") or "").strip())
    if match is None or int(match[1]) > MAX_CSEQ:
        raise SipMessageError("A CSeq of a number below 2^31 and a method was expected.")
    return CSeq(int(match[1]), match[2])


def via_of(message: Request | Response) -> Via:
    """The topmost Via."""
    return message.via[0]


def tag_of(message: Request | Response, name: str) -> str:
    """The tag of From or To; empty where there is none."""
    return parse_address(message.get_header(name) or "").tag or ""


def read_address(value: str) -> NameAddress:
    """A name-addr or addr-spec, as headers carry it.

    Raises:
        SipMessageError: no sip, sips or tel address in it.
    """
    inside = value[value.rfind("<") + 1 :] if "<" in value else value
    scheme = inside.partition(":")[0].strip().lower()
    if scheme not in ("sip", "sips", "tel") or len(value) > MAX_LINE_BYTES:
        raise SipMessageError("An address with sip:, sips: or tel: was expected.")
    if scheme == "tel":
        number = inside.partition(":")[2].partition(">")[0].partition(";")[0].strip()
        return NameAddress(None, SipUri("tel", number or None, ""))
    address = parse_address(value)
    if not address.uri.host:
        raise SipMessageError("A SIP address with a host was expected.")
    return address


def write_uri(uri: Uri) -> str:
    """A URI as text."""
    return f"tel:{uri.user}" if uri.scheme == "tel" else stringify_uri(uri)


def copy_of(message: Request, uri: str | None = None) -> Request:
    """The same request again, to be changed."""
    return SipRequest(headers=message.headers.copy(), body=message.body, method=message.method, uri=uri or message.uri)


def make_request(method: str, uri: str, headers: Iterable[tuple[str, str]]) -> Request:
    """A request with headers in the order given.

    Raises:
        SipMessageError: a value would begin a header of its own.
    """
    request = SipRequest(method=method, uri=uri)
    for name, value in headers:
        add_header(request, name, value)
    return request


def make_response(request: Request, status: int, *, tag: str = "", reason: str = "") -> Response:
    """A response with what every response repeats (RFC 3261, 8.2.6.2), and `tag` put to To where it has none."""
    response = SipResponse(CaseInsensitiveDict(), b"", status, reason or _REASONS.get(status, "Unknown"))
    for name in ("Via", "From", "To", "Call-ID", "CSeq"):
        for value in request.headers.get(name):
            tagged = name == "To" and tag and not tag_of(request, "to") and status > 100
            response.headers.append(name, f"{value};tag={tag}" if tagged else value)
    for value in request.headers.get("record-route"):
        response.headers.append("Record-Route", value)
    response.headers.set_single("Server", SERVER)
    return response


def add_header(message: Request | Response, name: str, value: str) -> None:
    """Append a header.

    Raises:
        SipMessageError: a value would begin a header of its own.
    """
    if not _TOKEN.fullmatch(name) or any(mark in value for mark in "\r\n\x00"):
        raise SipMessageError("A header's name and a value of one line were expected.")
    message.headers.append(name, value)


def set_body(message: Request | Response, kind: str, text: str) -> None:
    """Give a message a body."""
    message.headers.set_single("Content-Type", kind)
    message.text = text


def content_kind(message: Request | Response) -> str:
    """The body's type in lower case, without parameters."""
    return (message.content_type or "").partition(";")[0].strip().lower()


def tokens_of(message: Request | Response, name: str) -> frozenset[str]:
    """A list header's tokens in lower case."""
    return frozenset(value.strip().lower() for value in message.headers.get(name))


def stamp_source(request: Request, peer: tuple[str, int]) -> None:
    """Write into the topmost Via where the request really came from (RFC 3261, 18.2.1; RFC 3581)."""
    vias = list(request.headers.get("via"))
    via = via_of(request)
    if via.host.strip("[]") != peer[0] or "rport" in via.params:
        via.params["received"] = peer[0]
    if "rport" in via.params:
        via.params["rport"] = str(peer[1])
    request.headers.remove("Via")
    for value in (stringify_via(via), *vias[1:]):
        request.headers.append("Via", value)


def new_branch() -> str:
    """A branch that nobody can guess."""
    return MAGIC + secrets.token_hex(12)


def new_tag() -> str:
    """A tag that nobody can guess (RFC 3261, 19.3)."""
    return secrets.token_hex(8)


def _check_head(head: bytes, mark: bytes) -> None:
    if not mark:
        raise SipMessageError("An empty line after the headers was expected; the message ends before it.")
    if len(head) > MAX_HEAD_BYTES:
        raise SipMessageError(f"Headers of at most {MAX_HEAD_BYTES} bytes were expected; got {len(head)}.")
    lines = head.split(b"\r\n")
    if not (_REQUEST_LINE.fullmatch(lines[0]) or _STATUS_LINE.fullmatch(lines[0])):
        raise SipMessageError("A line like `INVITE sip:user@host SIP/2.0` or `SIP/2.0 200 OK` was expected first.")
    for line in lines:
        if len(line) > MAX_LINE_BYTES:
            raise SipMessageError(f"Header lines of at most {MAX_LINE_BYTES} bytes were expected.")
        # aiosipua takes a lone CR or LF for the end of a line: another header could hide behind it.
        if b"\r" in line or b"\n" in line or b"\x00" in line:
            raise SipMessageError("Header lines that end in CR LF were expected; one holds a CR, LF or NUL.")
        if line[:1] not in b" \t" and line is not lines[0]:
            name = line.partition(b":")[0].strip().decode("ascii", "replace")
            if b":" not in line or not _TOKEN.fullmatch(name):
                raise SipMessageError("Headers of the form `Name: value` were expected.")


def _check_common(message: Request | Response, body: bytes) -> None:
    headers = message.headers
    for name in _SINGLE:
        if len(headers.get(name)) > 1:
            raise SipMessageError(f"One {name} was expected; got {len(headers.get(name))}.")
    for name in _NEEDED:
        if not headers.get(name) or not headers.get(name)[0].strip():
            raise SipMessageError(f"The header {name} was expected; it is missing.")
    if not _VIA.match(headers.get("via")[0]) or not (via_of(message).branch or "").startswith(MAGIC):
        raise SipMessageError(f"A Via with a branch that begins with {MAGIC} was expected.")
    if not 1 <= len(message.call_id or "") <= 256:
        raise SipMessageError("A Call-ID of 1 to 256 characters was expected.")
    length = headers.get_first("content-length")
    if length is not None:
        if not _LENGTH.fullmatch(length.strip()):
            raise SipMessageError("A Content-Length of 0 or more was expected.")
        if int(length) > len(body):
            raise SipMessageError(f"A body of {int(length)} bytes was expected; {len(body)} came.")
    cseq_of(message)


def _check_request(request: Request) -> None:
    if cseq_of(request).method != request.method:
        raise SipMessageError("A CSeq with the method of the request was expected.")
    for name in ("from", "to"):
        read_address(request.headers.get(name)[0])
    if not tag_of(request, "from"):
        raise SipMessageError("A From with a tag was expected.")
    hops = request.headers.get_first("max-forwards")
    if hops is not None and not (_LENGTH.fullmatch(hops.strip()) and int(hops) <= 255):
        raise SipMessageError("A Max-Forwards of 0 to 255 was expected.")


def _can_be_answered(request: Request) -> bool:
    headers = request.headers
    return all(headers.get(name) for name in _NEEDED) and bool(_VIA.match(headers.get("via")[0]))
