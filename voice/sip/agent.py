"""The user agent: what comes in finds its call, what begins a call passes the gate. Pure: time is an argument."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiosipua import SipRequest, SipResponse

from voice.contracts.sip_errors import SipCallError, SipError, SipMediaError, SipMessageError
from voice.sip.call_terms import CallTerms
from voice.sip.calls import SDP, SipCall
from voice.sip.description import Origin, parse_description
from voice.sip.dialog import SUPPORTED, CallDialog, LocalAddress
from voice.sip.digest import Credentials, answer_challenge
from voice.sip.early import RELIABLE
from voice.sip.gate import RETRY_S, Admitted, Gate, Refusal
from voice.sip.messages import (
    ALLOWED,
    Request,
    Response,
    Unreadable,
    add_header,
    content_kind,
    copy_of,
    make_response,
    new_tag,
    parse_message,
    read_address,
    stamp_source,
    tag_of,
    tokens_of,
)
from voice.sip.replaces import find_replaced, read_replaces
from voice.sip.timers import Timers
from voice.sip.transactions import Flow, Send, ServerTransaction, Transactions
from voice.sip.trunks import SipSettings

KNOWN_EXTENSIONS: Final = frozenset(SUPPORTED.split(", "))


@dataclass(frozen=True, slots=True)
class Incoming:
    """A call that wants to come in.

    Attributes:
        call: to be answered or refused.
        request: its INVITE.
        admitted: by which trunk it came.
        replaced: the call whose place it takes, which is to be hung up; None where it wants a place of its own.
    """

    call: SipCall
    request: Request
    admitted: Admitted
    replaced: SipCall | None = None


class UserAgent:
    """One signalling address.

    Args:
        settings: who may call.
        local: how others reach us.
        send: puts a message on its way.
        invited: told each call that wants to come in; answers it or not, now or later. Its port is 0 until it is set.
    """

    def __init__(
        self, settings: SipSettings, local: LocalAddress, send: Send, invited: Callable[[Incoming, float], None]
    ) -> None:
        self.timers = Timers()
        self.transactions = Transactions(send, self.timers)
        self.gate = Gate(settings)
        self.local = local
        self.is_draining = False
        self.calls: dict[tuple[str, str], SipCall] = {}
        self._begun: dict[tuple[str, str], SipCall] = {}
        self._settings = settings
        self._send = send
        self._invited = invited

    def receive(self, data: bytes, flow: Flow, now_s: float) -> None:
        """Take a message. Whatever it is, nothing is raised."""
        try:
            message = parse_message(data)
        except SipMessageError:
            self.gate.count(Refusal.MALFORMED)
            return
        match message:
            case Unreadable():
                self.gate.count(Refusal.MALFORMED)
                if not self.gate.is_too_fast(flow.peer[0], now_s):
                    self._answer_once(message.request, 400, flow)
            case SipResponse():
                self.transactions.receive_response(message, now_s)
            case SipRequest():
                self._take(message, flow, now_s)

    def request(
        self,
        request: Request,
        flow: Flow,
        answered: Callable[[Response | None, float], None],
        now_s: float,
        *,
        dialog: CallDialog,
        credentials: Credentials | None = None,
    ) -> None:
        """Send a request; where a password is asked for and there is one, send it again with it.

        Args:
            request: of the dialog.
            flow: where to.
            answered: told every response but that one, and None where none came.
            now_s: the moment.
            dialog: whose it is.
            credentials: for the other side.
        """
        if request.method == "ACK":
            self._send(bytes(request), flow)
            return

        dialog.sent = request

        def first(response: Response | None, moment_s: float) -> None:
            if response is None or response.status_code not in (401, 407) or credentials is None:
                answered(response, moment_s)
                return
            try:
                name, value = answer_challenge(response, request, credentials)
            except SipCallError:
                answered(response, moment_s)
                return
            again = copy_of(request)
            dialog.renew(again)
            add_header(again, name, value)
            dialog.sent = again
            self.transactions.request(again, flow, answered, moment_s)

        self.transactions.request(request, flow, first, now_s)

    def end_of(self, call: SipCall) -> None:
        """A call is over: what comes for it is answered with 481 from now on."""
        self.calls.pop(call.dialog.key, None)
        self._begun.pop((call.dialog.record.call_id, call.dialog.record.remote_tag), None)

    def new_call(self, dialog: CallDialog, terms: CallTerms, credentials: Credentials | None = None) -> SipCall:
        """A call on a dialog, known from now on; it has no port yet."""

        def send(
            request: Request, flow: Flow, answered: Callable[[Response | None, float], None], now_s: float
        ) -> None:
            self.request(request, flow, answered, now_s, dialog=dialog, credentials=credentials)

        origin = Origin(dialog.local.host, 0, secrets.randbelow(1 << 31))
        call = SipCall(dialog, origin, terms, self.timers, send, self.end_of)
        self.calls[dialog.key] = call
        return call

    def _take(self, request: Request, flow: Flow, now_s: float) -> None:
        stamp_source(request, flow.peer)
        to_tag = tag_of(request, "to")
        begins = not to_tag and request.method not in ("ACK", "CANCEL")
        if begins and not self.transactions.knows(request) and self.gate.is_too_fast(flow.peer[0], now_s):
            # Strangers are not answered: they may have written somebody else's address on it.
            if self._settings.trunk_of_address(flow.peer[0]) is not None:
                self._answer_once(request, 503, flow)
            return
        transaction = self.transactions.receive_request(request, flow)
        if transaction is None:
            return
        if request.method == "CANCEL":
            self._cancel(transaction, now_s)
        elif to_tag:
            self._take_within(transaction, to_tag, now_s)
        elif request.method != "ACK":
            self._take_first(transaction, now_s)

    def _take_within(self, transaction: ServerTransaction, to_tag: str, now_s: float) -> None:
        request = transaction.request
        call = self.calls.get((request.call_id or "", to_tag))
        if request.method == "ACK":
            if call is not None and tag_of(request, "from") == call.dialog.record.remote_tag:
                call.acknowledged(request, now_s)
            return
        status = call.dialog.takes(request) if call is not None else 481
        if call is None or status:
            self._refuse(transaction, status, now_s)
        else:
            call.receive(transaction, now_s)

    def _take_first(self, transaction: ServerTransaction, now_s: float) -> None:
        match transaction.request.method:
            case "INVITE":
                self._invite(transaction, now_s)
            case "OPTIONS":
                # How a dispatcher sees whether calls are taken here.
                self._refuse(transaction, 503 if self.is_draining else 200, now_s)
            case method:
                self.gate.count(Refusal.METHOD)
                # BYE, UPDATE and the like belong to a call, and this is none.
                self._refuse(transaction, 481 if method in ALLOWED else 405, now_s)

    def _invite(self, transaction: ServerTransaction, now_s: float) -> None:
        request, flow = transaction.request, transaction.flow
        admitted = self.gate.admit(request, flow.peer[0], now_s)
        if not isinstance(admitted, Admitted):
            self._refuse(transaction, 403 if admitted is Refusal.ADDRESS else 401, now_s)
            return
        trunk = admitted.trunk
        begun = (request.call_id or "", tag_of(request, "from"))
        replaced = self._replaced_by(request, trunk.name)
        known = KNOWN_EXTENSIONS | ({RELIABLE} if trunk.early_media else set())
        unknown = tokens_of(request, "require") - known
        try:
            called = read_address(request.uri).uri
        except SipMessageError:
            self._turn_away(transaction, 416, Refusal.MALFORMED, now_s)
            return
        if begun in self._begun:
            self._turn_away(transaction, 482, Refusal.LOOP, now_s)
        elif unknown:
            self._turn_away(transaction, 420, Refusal.EXTENSION, now_s, ("Unsupported", ", ".join(sorted(unknown))))
        elif trunk.is_secure and flow.transport != "tls":
            self._turn_away(transaction, 403, Refusal.PLAIN, now_s)
        elif isinstance(replaced, int):
            self._turn_away(transaction, replaced, Refusal.REPLACES, now_s)
        elif replaced is None and trunk.numbers and called.user not in trunk.numbers:
            self._turn_away(transaction, 404, Refusal.NUMBER, now_s)
        else:
            try:
                call = self._call_of(transaction, admitted)
            except SipMediaError:
                self._turn_away(transaction, 488, Refusal.MEDIA, now_s)
            except SipMessageError:
                self._turn_away(transaction, 400, Refusal.MALFORMED, now_s)
            else:
                least = self._settings.least_session_s
                if call.interval is not None and call.interval.seconds < least:
                    self.end_of(call)
                    self._turn_away(transaction, 422, Refusal.INTERVAL, now_s, ("Min-SE", str(least)))
                    return
                self._begun[begun] = call
                transaction.respond(make_response(request, 100), now_s)
                self._invited(Incoming(call, request, admitted, replaced), now_s)

    def _replaced_by(self, request: Request, trunk: str) -> SipCall | int | None:
        """The call that an INVITE takes the place of; the status for one that may not; None where it takes none."""
        try:
            wanted = read_replaces(request)
        except SipMessageError:
            return 400
        return None if wanted is None else find_replaced(wanted, self.calls, trunk)

    def _call_of(self, transaction: ServerTransaction, admitted: Admitted) -> SipCall:
        """The call that an INVITE wants to begin.

        Raises:
            SipError: it cannot.
        """
        request = transaction.request
        trunk = admitted.trunk
        dialog = CallDialog.answering(request, transaction.flow, self.local)
        terms = CallTerms(trunk.codecs, self._settings.least_session_s, trunk.transfer_to, trunk.is_secure, trunk.name)
        call = self.new_call(dialog, terms, trunk.registrar.credentials if trunk.registrar else None)
        call.invite = transaction
        try:
            call.note_peer(request)
            call.take_session(request)
            if request.body:
                if content_kind(request) != SDP:
                    raise SipMediaError("A session description was expected as the body.")
                call.describe(parse_description(request.text, trunk.codecs))
        except SipError:
            self.end_of(call)
            raise
        return call

    def _cancel(self, transaction: ServerTransaction, now_s: float) -> None:
        invite = self.transactions.find_invite(transaction.request)
        self._refuse(transaction, 200 if invite is not None else 481, now_s)
        if invite is None:
            return
        call = self._begun.get((invite.request.call_id or "", tag_of(invite.request, "from")))
        if call is not None and call.invite is invite:
            call.cancelled(now_s)

    def _turn_away(
        self, transaction: ServerTransaction, status: int, why: Refusal, now_s: float, *headers: tuple[str, str]
    ) -> None:
        self.gate.count(why)
        self._refuse(transaction, status, now_s, *headers)

    def _refuse(self, transaction: ServerTransaction, status: int, now_s: float, *headers: tuple[str, str]) -> None:
        transaction.respond(self._plain(transaction.request, status, now_s, *headers), now_s)

    def _plain(self, request: Request, status: int, now_s: float, *headers: tuple[str, str]) -> Response:
        """A response outside of every call."""
        response = make_response(request, status, tag=new_tag())
        for name, value in headers:
            add_header(response, name, value)
        if status == 401:
            for challenge in self.gate.challenges(now_s):
                add_header(response, "WWW-Authenticate", challenge)
        if status == 503:
            add_header(response, "Retry-After", str(RETRY_S))
        if status in (200, 405):
            add_header(response, "Allow", ", ".join(ALLOWED))
        if status == 200 and request.method == "OPTIONS":
            add_header(response, "Accept", SDP)
            add_header(response, "Supported", SUPPORTED)
        return response

    def _answer_once(self, request: Request, status: int, flow: Flow) -> None:
        """Answer and forget: nothing is kept of a request that deserves nothing."""
        if request.method == "ACK":
            return
        response = make_response(request, status, tag=new_tag())
        if status == 503:
            add_header(response, "Retry-After", str(RETRY_S))
        self._send(bytes(response), flow)
