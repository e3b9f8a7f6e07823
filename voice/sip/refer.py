"""Transfers (RFC 3515): who is to be called instead, and how that goes. Pure."""

from __future__ import annotations

import re
from typing import Final

from voice.contracts.sip_errors import SipMessageError
from voice.sip.call_terms import CallHooks, CallTerms, Referral
from voice.sip.dialog import CallDialog, SendRequest
from voice.sip.messages import Request, Response, Uri, add_header, content_kind, read_address, set_body, write_uri
from voice.sip.replaces import unescape
from voice.sip.transactions import ServerTransaction

_STATUS: Final = re.compile(r"SIP/2\.0 ([1-6][0-9][0-9])(?:[ \r\n].*)?", re.DOTALL)


class Transfers:
    """The transfers of one call.

    Args:
        dialog: the call's two ends.
        terms: where the other side may be transferred to.
        hooks: told of both directions.
        send: sends requests.
    """

    def __init__(self, dialog: CallDialog, terms: CallTerms, hooks: CallHooks, send: SendRequest) -> None:
        self._dialog = dialog
        self._terms = terms
        self._hooks = hooks
        self._send = send

    def ask(self, target: str, now_s: float) -> None:
        """Ask the other side to call somebody else instead (blind transfer, RFC 3515, RFC 5589)."""
        request = self._dialog.request("REFER")
        add_header(request, "Refer-To", f"<{target}>")
        add_header(request, "Referred-By", self._dialog.local.contact(self._dialog.flow))

        def answered(response: Response | None, _: float) -> None:
            status = response.status_code if response is not None else 408
            if status >= 300:
                self._hooks.transferred(status)

        self._send(request, self._dialog.flow, answered, now_s)

    def take_refer(self, transaction: ServerTransaction, now_s: float) -> None:
        """The other side asks to be transferred."""
        try:
            target, replaces = parse_refer_to(transaction.request)
        except SipMessageError:
            self._respond(transaction, 400, now_s)
            return
        if target.host.lower() not in self._terms.transfer_to:
            self._respond(transaction, 403, now_s)
        elif not self._hooks.referred(Referral(write_uri(target), replaces)):
            self._respond(transaction, 603, now_s)
        else:
            self._respond(transaction, 202, now_s)
            self.notify(100, now_s)

    def notify(self, status: int, now_s: float) -> None:
        """Say how a transfer goes that the other side asked for."""
        request = self._dialog.request("NOTIFY")
        state = "terminated;reason=noresource" if status >= 200 else "active;expires=60"
        add_header(request, "Event", "refer")
        add_header(request, "Subscription-State", state)
        set_body(request, "message/sipfrag;version=2.0", f"SIP/2.0 {status} \r\n")
        self._send(request, self._dialog.flow, lambda _, __: None, now_s)

    def take_notify(self, transaction: ServerTransaction, now_s: float) -> None:
        """The other side says how a transfer goes that we asked for."""
        event = (transaction.request.headers.get_first("event") or "").partition(";")[0].strip().lower()
        if event != "refer":
            self._respond(transaction, 489, now_s)
            return
        try:
            status = parse_sipfrag(transaction.request)
        except SipMessageError:
            self._respond(transaction, 400, now_s)
            return
        self._respond(transaction, 200, now_s)
        self._hooks.transferred(status)

    def _respond(self, transaction: ServerTransaction, status: int, now_s: float) -> None:
        transaction.respond(self._dialog.response(transaction.request, status), now_s)


def parse_refer_to(request: Request) -> tuple[Uri, str]:
    """Where a REFER points, and which call there is to be taken the place of; empty for none.

    Raises:
        SipMessageError: nowhere, to no sip address, or with headers or a method that would do more than call.
    """
    value = request.headers.get_first("refer-to")
    if value is None:
        raise SipMessageError("A Refer-To was expected; it is missing.")
    uri = read_address(value).uri
    others = {name for name in uri.headers if name.lower() != "replaces"}
    if uri.scheme not in ("sip", "sips") or others or "method" in uri.params:
        raise SipMessageError("A Refer-To with a plain SIP address was expected.")
    replaces = next(iter(uri.headers.values()), "")
    uri.headers = {}
    return uri, unescape(replaces).write() if replaces else ""


def parse_sipfrag(request: Request) -> int:
    """The status that a NOTIFY of a transfer carries.

    Raises:
        SipMessageError: no status line.
    """
    match = _STATUS.fullmatch(request.text) if content_kind(request) == "message/sipfrag" else None
    if match is None:
        raise SipMessageError("A NOTIFY with a status line like `SIP/2.0 200 OK` was expected.")
    return int(match[1])
