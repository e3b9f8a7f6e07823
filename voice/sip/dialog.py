"""The dialog of a call (RFC 3261, 12): who is who, and the requests that belong to it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiosipua.dialog import Dialog, create_dialog_from_request
from aiosipua.utils import format_addr

from voice.contracts.sip_errors import SipMessageError
from voice.sip.messages import (
    ALLOWED,
    SERVER,
    NameAddress,
    Request,
    Response,
    Uri,
    add_header,
    cseq_of,
    make_response,
    new_branch,
    new_tag,
    read_address,
    tag_of,
    write_uri,
)
from voice.sip.transactions import Flow

OUR_USER: Final = "warmline"

SUPPORTED: Final = "timer, replaces"
"""The extensions that we know: session timers (RFC 4028), a call in the place of another (RFC 3891)."""

SendRequest = Callable[[Request, Flow, Callable[[Response | None, float], None], float], None]
"""Sends a request of a dialog and sees to its repetition; an ACK is sent once, nothing answers it."""


@dataclass(frozen=True, slots=True)
class LocalAddress:
    """How others reach us.

    Attributes:
        host: name or address.
        port: of the signalling over UDP and TCP.
        tls_port: of the signalling over TLS.
    """

    host: str
    port: int
    tls_port: int = 5061

    def port_of(self, flow: Flow) -> int:
        """Where the other side of a flow reaches us."""
        return self.tls_port if flow.transport == "tls" else self.port

    def contact(self, flow: Flow) -> str:
        """Our `Contact`."""
        suffix = f";transport={flow.transport}" if flow.is_reliable else ""
        return f"<sip:{OUR_USER}@{format_addr(self.host, self.port_of(flow))}{suffix}>"


class CallDialog:
    """Both ends of one call.

    Args:
        record: tags, numbers, targets.
        flow: where the other end is.
        local: how it reaches us.

    Attributes:
        sent: the last request that went to the other end: a challenged one has been made anew.
    """

    def __init__(self, record: Dialog, flow: Flow, local: LocalAddress) -> None:
        self.record = record
        self.flow = flow
        self.local = local
        self.sent: Request | None = None

    @classmethod
    def answering(cls, invite: Request, flow: Flow, local: LocalAddress) -> CallDialog:
        """The dialog that an INVITE begins (RFC 3261, 12.1.1).

        Raises:
            SipMessageError: it has no Contact that can be reached.
        """
        contacts = invite.headers.get("contact")
        if len(contacts) != 1 or read_address(contacts[0]).uri.scheme == "tel":
            raise SipMessageError(f"One Contact with a SIP address was expected; got {len(contacts)}.")
        record = create_dialog_from_request(invite, local_tag=new_tag())
        # RFC 3261, 12.1.1 keeps the order for the side that answers; aiosipua turns it round.
        record.route_set = list(invite.headers.get("record-route"))
        record.remote_cseq = cseq_of(invite).seq
        return cls(record, flow, local)

    @classmethod
    def calling(cls, target: Uri, ours: Uri, flow: Flow, local: LocalAddress, call_id: str) -> CallDialog:
        """The dialog that an INVITE of ours may begin."""
        to = write_uri(target)
        record = Dialog(call_id, new_tag(), "", write_uri(ours), to, to)
        return cls(record, flow, local)

    @property
    def key(self) -> tuple[str, str]:
        """By which requests find it."""
        return self.record.call_id, self.record.local_tag

    def confirm(self, response: Response) -> None:
        """A 2xx to our INVITE completes the dialog (RFC 3261, 12.1.2)."""
        record = self.record
        record.remote_tag = tag_of(response, "to")
        record.route_set = list(reversed(response.headers.get("record-route")))
        self.refresh(response)

    def refresh(self, message: Request | Response) -> None:
        """The other end may say where it is now (RFC 3261, 12.2: target refresh)."""
        contacts = message.headers.get("contact")
        if len(contacts) == 1:
            uri = read_address(contacts[0]).uri
            if uri.scheme != "tel":
                self.record.remote_target = write_uri(uri)

    def takes(self, request: Request) -> int:
        """Whether a request belongs here: 0, or the status that it is refused with."""
        if tag_of(request, "from") != self.record.remote_tag:
            return 481
        seq = cseq_of(request).seq
        if seq <= self.record.remote_cseq:
            return 500
        self.record.remote_cseq = seq
        return 0

    def request(self, method: str, *, seq: int | None = None) -> Request:
        """The next request to the other end.

        Args:
            method: of it.
            seq: the sequence number of an ACK, which is that of its INVITE.
        """
        record, local = self.record, self.local
        before = record.local_cseq
        request = record.create_request(
            method,
            via_host=local.host,
            via_port=local.port_of(self.flow),
            via_transport=self.flow.transport.upper(),
        )
        if seq is not None:
            record.local_cseq = before
            request.headers.set_single("CSeq", f"{seq} {method}")
        request.headers.set_single("User-Agent", SERVER)
        if method in ("INVITE", "UPDATE", "REFER", "NOTIFY"):
            add_header(request, "Contact", local.contact(self.flow))
        if method in ("INVITE", "UPDATE"):
            add_header(request, "Allow", ", ".join(ALLOWED))
            add_header(request, "Supported", SUPPORTED)
        return request

    def response(self, request: Request, status: int) -> Response:
        """Our answer to a request of the other end."""
        response = make_response(request, status, tag=self.record.local_tag)
        if request.method in ("INVITE", "UPDATE") and 100 < status < 300:
            add_header(response, "Contact", self.local.contact(self.flow))
        if status in (200, 405):
            add_header(response, "Allow", ", ".join(ALLOWED))
            add_header(response, "Supported", SUPPORTED)
        return response

    def renew(self, request: Request) -> None:
        """Make a request that was challenged a new one: the next number, another branch."""
        self.record.local_cseq += 1
        request.headers.set_single("CSeq", f"{self.record.local_cseq} {request.method}")
        via, local = request.headers.get("via"), self.local
        rest = via[1:]
        request.headers.remove("Via")
        sent_by = format_addr(local.host, local.port_of(self.flow))
        add_header(request, "Via", f"SIP/2.0/{self.flow.transport.upper()} {sent_by};branch={new_branch()};rport")
        for value in rest:
            add_header(request, "Via", value)


def caller_of(request: Request, *, trusts_identity: bool) -> NameAddress:
    """Who calls: P-Asserted-Identity where it is believed and there (RFC 3325), else From."""
    if trusts_identity:
        for value in request.headers.get("p-asserted-identity"):
            try:
                return read_address(value.partition(",")[0])
            except SipMessageError:
                continue
    return read_address(request.headers.get("from")[0])
