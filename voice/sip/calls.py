"""One call's signalling, from its INVITE to its BYE. Pure: time is an argument, messages leave by a callback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from voice.contracts.sip_errors import SipMediaError, SipMessageError
from voice.sip.call_terms import CallEnd, CallHooks, CallTerms
from voice.sip.codecs import Codec
from voice.sip.description import Agreement, Described, Origin, agree, parse_description, write_answer, write_offer
from voice.sip.dialog import CallDialog, SendRequest
from voice.sip.early import RELIABLE, EarlyAnswer
from voice.sip.messages import Request, Response, add_header, content_kind, cseq_of, set_body, tokens_of
from voice.sip.refer import Transfers
from voice.sip.session_timer import SessionInterval, SessionTimer, asked_interval
from voice.sip.telephone_event import parse_info
from voice.sip.timers import Timer, Timers
from voice.sip.transactions import ServerTransaction

SDP: Final = "application/sdp"
GLARE_S: Final = 1.0
"""When an offer that crossed another one is made again, where the other side owns the Call-ID (RFC 3261, 14.1)."""

OWN_GLARE_S: Final = 3.0
"""The same, where we own it."""


class SipCall:
    """A call; made by `UserAgent`.

    Args:
        dialog: its two ends.
        origin: our side of the session.
        terms: what it is held to.
        timers: where it waits.
        send: sends requests.
        ended: told when it is over, whatever the hooks do.
    """

    def __init__(
        self,
        dialog: CallDialog,
        origin: Origin,
        terms: CallTerms,
        timers: Timers,
        send: SendRequest,
        ended: Callable[[SipCall], None],
    ) -> None:
        self.dialog = dialog
        self.origin = origin
        self.terms = terms
        self.hooks = CallHooks()
        self.transfers = Transfers(dialog, terms, self.hooks, send)
        self.end: CallEnd | None = None
        self.status = 0
        self.reason = ""
        self.agreement: Agreement | None = None
        self.is_answered = False
        self.is_early = False
        self.invite: ServerTransaction | None = None
        self.described: Described | None = None
        self.interval: SessionInterval | None = None
        self._timers = timers
        self._send = send
        self._ended = ended
        self._early: EarlyAnswer | None = None
        self._is_strict = False
        self._awaits_ack: ServerTransaction | None = None
        self._awaits_answer = False
        self._offering = False
        self._holds = False
        self._again: Timer | None = None
        self._updates = True
        self.takes_refer = True
        self.is_calling = False
        self._session = SessionTimer(timers, self._refresh, self._expire)

    # What we do.

    def ring(self, now_s: float) -> None:
        """Say that it rings."""
        if self.invite is not None and self.end is None and not self._is_strict:
            self._respond(self.invite, 180, now_s)

    def begin_early(self, now_s: float) -> bool:
        """Let the other side hear us before the call is answered (RFC 3960); not where it has described nothing yet.

        What is sent until then is not charged for. Whether they hear it, nobody says.
        """
        invite, described, agreement = self.invite, self.described, self.agreement
        if invite is None or self.end is not None or self.is_answered or described is None or agreement is None:
            return False
        self._early = EarlyAnswer(
            invite, write_answer(self.origin, described, agreement), SDP, lost=self._unacknowledged_early
        )
        response = self.dialog.response(invite.request, 183)
        self._early.send(response, self._timers, now_s, reliable=self._is_strict)
        self.is_early = True
        return True

    def answer(self, now_s: float) -> None:
        """Take the call."""
        invite = self.invite
        if invite is None or self.end is not None:
            return
        early = self._early
        if early is not None and not early.is_acknowledged:
            early.wait(self.answer)
            return
        self.is_answered, self.is_early = True, False
        response = self.dialog.response(invite.request, 200)
        if early is None:
            self._put_description(response, self.described)
        elif not early.is_reliable:  # an answer that was given once stands (RFC 3261, 13.2.1)
            set_body(response, SDP, early.description)
        if self.interval is not None:
            add_header(response, "Session-Expires", str(self.interval))
            if self.interval.is_required:
                add_header(response, "Require", "timer")
        self._awaits_ack = invite
        invite.respond(response, now_s, unacknowledged=self._unacknowledged)
        self.hooks.answered()

    def refuse(self, status: int, now_s: float, *, retry_s: int = 0) -> None:
        """Don't take the call."""
        if self.invite is None or self.end is not None or self.is_answered:
            return
        response = self.dialog.response(self.invite.request, status)
        if retry_s:
            add_header(response, "Retry-After", str(retry_s))
        self.invite.respond(response, now_s)
        self.finish(CallEnd.REFUSED)

    def hang_up(self, now_s: float, end: CallEnd = CallEnd.LEFT, *, reason: str = "") -> None:
        """End the call, however far it is.

        Args:
            now_s: the moment.
            end: why.
            reason: what the other side's logs shall say (RFC 3326): `SIP;cause=408;text="…"`.
        """
        if self.end is not None:
            return
        if self.invite is not None and not self.is_answered:
            self.refuse(480, now_s)
            return
        if self.is_answered:
            bye = self.dialog.request("BYE")
            if reason:
                add_header(bye, "Reason", reason)
            self._send(bye, self.dialog.flow, lambda _, __: None, now_s)
        self.finish(end)

    def hold(self, now_s: float, *, held: bool) -> None:
        """Put the other side on hold, or back; does nothing while another offer is open."""
        if self.end is not None or not self.is_answered or self._offering:
            return
        self._offering = True
        self._holds = held
        direction = "sendonly" if held else "sendrecv"
        request = self.dialog.request("INVITE")
        set_body(request, SDP, write_offer(self.origin, self._codecs_first(), direction=direction))

        def answered(response: Response | None, moment_s: float) -> None:
            status = response.status_code if response is not None else 408
            if response is None or status in (408, 481):
                self._offering = False
                self.hang_up(moment_s, CallEnd.GONE)
            elif 200 <= status < 300:
                self._offering = False
                self._acknowledge(request, moment_s)
                self._take_answer(response, moment_s)
            elif status >= 300:
                self._offering = False
                if status == 491:
                    wait_s = OWN_GLARE_S if self.is_calling else GLARE_S
                    self._again = self._timers.at(moment_s + wait_s, lambda now: self.hold(now, held=held))

        self._send(request, self.dialog.flow, answered, now_s)

    def finish(self, end: CallEnd) -> None:
        """It is over; nothing is sent. Only the first reason counts."""
        if self.end is not None:
            return
        self.end = end
        self.is_early = False
        if self._early is not None:
            self._early.cancel()
        self._session.cancel()
        if self._again is not None:
            self._again.cancel()
        if self._awaits_ack is not None:
            self._awaits_ack.acknowledge()
        self._ended(self)
        self.hooks.over(end)

    # What the other side does.

    def acknowledged(self, ack: Request, now_s: float) -> None:
        """The ACK to a 2xx of ours."""
        if self._awaits_ack is not None:
            self._awaits_ack.acknowledge()
            self._awaits_ack = None
            self.begin_session(now_s)
        if self._awaits_answer:
            self._awaits_answer = False
            self._take_answer(ack, now_s)

    def cancelled(self, now_s: float) -> None:
        """A CANCEL of the INVITE: after the 200 it comes too late, and means nothing."""
        if self.invite is not None and not self.is_answered and self.end is None:
            self._respond(self.invite, 487, now_s)
            self.finish(CallEnd.CANCELLED)

    def receive(self, transaction: ServerTransaction, now_s: float) -> None:
        """A request within the call, whose number was checked."""
        request = transaction.request
        if self.end is not None:
            self._respond(transaction, 481, now_s)
            return
        match request.method:
            case "BYE":
                self.reason = request.headers.get_first("reason", "") or ""
                self._respond(transaction, 200, now_s)
                if self.invite is not None and not self.is_answered:
                    self._respond(self.invite, 487, now_s)
                self.finish(CallEnd.HUNG_UP)
            case "INVITE" | "UPDATE":
                self._take_offer(transaction, now_s)
            case "PRACK":
                taken = self._early is not None and self._early.take(request)
                self._respond(transaction, 200 if taken else 481, now_s)
                if self._early is not None and taken:
                    self._early.release(now_s)
            case "INFO":
                self._take_info(transaction, now_s)
            case "OPTIONS":
                self._respond(transaction, 200, now_s)
            case "REFER":
                self.transfers.take_refer(transaction, now_s)
            case "NOTIFY":
                self.transfers.take_notify(transaction, now_s)
            case _:
                self._respond(transaction, 405, now_s)

    def describe(self, described: Described) -> None:
        """Take what the other side speaks.

        Raises:
            SipMediaError: nothing that we speak.
        """
        before = self.agreement
        agreement = agree(described, key=self.origin.key)
        if self.terms.is_secure and agreement.keys is None:
            raise SipMediaError("Encrypted audio (RTP/SAVP) was expected on this trunk; plain audio came.")
        self.origin.is_secure = agreement.keys is not None
        self.described, self.agreement = described, agreement
        if agreement != before:
            self.hooks.agreed(agreement)

    def begin_session(self, now_s: float) -> None:
        """Begin the session timer anew."""
        interval = self.interval
        ours = "uac" if self.is_calling else "uas"
        self._session.begin(interval, we_refresh=interval is not None and interval.refresher == ours, now_s=now_s)

    def note_peer(self, message: Request | Response) -> None:
        """See what the other side can do."""
        allowed = tokens_of(message, "allow")
        self._updates = not allowed or "update" in allowed
        self.takes_refer = not allowed or "refer" in allowed
        self._is_strict = RELIABLE in tokens_of(message, "require")

    def take_session(self, message: Request | Response) -> None:
        """Take over what a message says of session timers.

        Raises:
            SipMessageError: nothing that can be read.
        """
        self.interval = asked_interval(message)

    # How.

    def _take_offer(self, transaction: ServerTransaction, now_s: float) -> None:
        request = transaction.request
        too_early = self.is_early or not (self.is_answered or request.method == "UPDATE")
        if self._awaits_ack is not None or self._offering or too_early:
            self._respond(transaction, 491, now_s)
            return
        try:
            interval = asked_interval(request)
            if interval is not None and interval.seconds < self.terms.least_session_s:
                response = self.dialog.response(transaction.request, 422)
                add_header(response, "Min-SE", str(self.terms.least_session_s))
                transaction.respond(response, now_s)
                return
            described: Described | None = None
            if request.body:
                if content_kind(request) != SDP:
                    self._respond(transaction, 415, now_s)
                    return
                described = parse_description(request.text, self.terms.codecs)
                self.describe(described)
            self.dialog.refresh(request)
        except SipMediaError:
            self._respond(transaction, 488, now_s)
            return
        except SipMessageError:
            self._respond(transaction, 400, now_s)
            return
        response = self.dialog.response(transaction.request, 200)
        if request.method == "INVITE" or described is not None:
            self._put_description(response, described)
        if interval is not None:
            # Whoever refreshes goes on doing so: of a refresh, `uac` is who sent it.
            self.interval = SessionInterval(interval.seconds, "uas" if self.is_calling else "uac")
            if interval.refresher == "uas":
                self.interval = SessionInterval(interval.seconds, "uac" if self.is_calling else "uas")
            add_header(response, "Session-Expires", str(interval))
            add_header(response, "Require", "timer")
        if request.method == "INVITE":
            self._awaits_ack = transaction
        else:
            self.begin_session(now_s)
        transaction.respond(response, now_s, unacknowledged=self._unacknowledged)

    def _take_answer(self, message: Request | Response, now_s: float) -> None:
        try:
            # Without a description there is nothing to read, which `parse_description` says.
            self.describe(parse_description(message.text, self.terms.codecs))
        except SipMediaError:
            self.hang_up(now_s, CallEnd.MEDIA, reason='SIP;cause=488;text="Not Acceptable Here"')

    def _take_info(self, transaction: ServerTransaction, now_s: float) -> None:
        kind, text = content_kind(transaction.request), transaction.request.text
        try:
            digit = parse_info(kind, text) if text else ""
        except SipMessageError:
            self._respond(transaction, 415 if "dtmf" not in kind else 400, now_s)
            return
        self._respond(transaction, 200, now_s)
        if digit:
            self.hooks.pressed(digit)

    def _refresh(self, now_s: float) -> None:
        interval = self.interval
        if interval is None or self.end is not None:
            return
        if self._offering or self._awaits_ack is not None:  # one INVITE at a time (RFC 3261, 14.1)
            self._again = self._timers.at(now_s + GLARE_S, self._refresh)
            return
        request = self.dialog.request("UPDATE" if self._updates else "INVITE")
        if not self._updates:
            set_body(request, SDP, write_offer(self.origin, self._codecs_first()))
            self._offering = True
        add_header(request, "Session-Expires", f"{interval.seconds};refresher=uac")

        def answered(response: Response | None, moment_s: float) -> None:
            self._offering = False
            status = response.status_code if response is not None else 408
            if request.method == "INVITE" and 200 <= status < 300:
                self._acknowledge(request, moment_s)
            if 200 <= status < 300:
                self.begin_session(moment_s)
            elif status in (408, 481):
                self._expire(moment_s)
            elif status == 491:
                wait_s = OWN_GLARE_S if self.is_calling else GLARE_S
                self._again = self._timers.at(moment_s + wait_s, self._refresh)

        self._send(request, self.dialog.flow, answered, now_s)

    def _expire(self, now_s: float) -> None:
        self.hang_up(now_s, CallEnd.SESSION_EXPIRED, reason='SIP;cause=408;text="Session expired"')

    def _unacknowledged(self, now_s: float) -> None:
        self._awaits_ack = None
        self.hang_up(now_s, CallEnd.UNACKNOWLEDGED, reason='SIP;cause=408;text="No ACK"')

    def _unacknowledged_early(self, now_s: float) -> None:
        self.refuse(504, now_s)

    def _acknowledge(self, invite: Request, now_s: float) -> None:
        self._send(self.dialog.request("ACK", seq=cseq_of(invite).seq), self.dialog.flow, lambda _, __: None, now_s)

    def _codecs_first(self) -> list[Codec]:
        """Ours, the one in use first."""
        used = self.agreement.codec if self.agreement is not None else None
        return sorted(self.terms.codecs, key=lambda codec: codec is not used)

    def _put_description(self, response: Response, described: Described | None) -> None:
        if described is not None and self.agreement is not None:
            set_body(response, SDP, write_answer(self.origin, described, self.agreement, listens=not self._holds))
        else:
            self._awaits_answer = True
            set_body(response, SDP, write_offer(self.origin, self._codecs_first()))

    def _respond(self, transaction: ServerTransaction, status: int, now_s: float) -> None:
        transaction.respond(self.dialog.response(transaction.request, status), now_s)
