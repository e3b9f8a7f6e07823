"""Calls that we make (RFC 3261, 13.2 and 9.1). Pure: time is an argument."""

from __future__ import annotations

import secrets
from typing import Final

from voice.contracts.sip_errors import SipMediaError, SipMessageError
from voice.sip.agent import UserAgent
from voice.sip.call_terms import CallEnd, CallTerms
from voice.sip.calls import SDP, SipCall
from voice.sip.description import parse_description, write_offer
from voice.sip.dialog import OUR_USER, CallDialog
from voice.sip.digest import Credentials
from voice.sip.messages import Request, Response, Uri, add_header, content_kind, cseq_of, make_request, set_body, tag_of
from voice.sip.timers import Timer
from voice.sip.transactions import Flow

RINGING_S: Final = 60.0
"""How long a call may ring unless it is said otherwise."""


class OutgoingCall:
    """An INVITE of ours and what becomes of it; `call` lives on from there.

    Args:
        agent: whose call it is.
        target: who is called.
        flow: where the INVITE goes.
        terms: what the call is held to.
        port: where we want to hear it.
        caller: who calls; None for us.
        credentials: where a password is asked for.
        ring_s: how long it may ring.
        replaces: which call of theirs it takes the place of, as a header's value (RFC 3891); empty for none.
    """

    def __init__(
        self,
        agent: UserAgent,
        target: Uri,
        flow: Flow,
        terms: CallTerms,
        *,
        port: int,
        caller: Uri | None = None,
        credentials: Credentials | None = None,
        ring_s: float = RINGING_S,
        replaces: str = "",
    ) -> None:
        self._replaces = replaces
        local = agent.local
        ours = caller or Uri("sip", credentials.user if credentials else OUR_USER, local.host)
        call_id = f"{secrets.token_hex(12)}@{local.host}"
        self._agent = agent
        self._credentials = credentials
        self._ring_s = ring_s
        self._dialog = CallDialog.calling(target, ours, flow, local, call_id)
        self.call: SipCall = agent.new_call(self._dialog, terms, credentials)
        self.call.origin.port = port
        self.call.origin.is_secure = terms.is_secure
        self.call.is_calling = True
        self._acknowledgement: Request | None = None
        self._is_proceeding = False
        self._is_given_up = False
        self._limit: Timer | None = None
        self._early_tag = ""

    def begin(self, now_s: float) -> None:
        """Call."""
        request = self._dialog.request("INVITE")
        if self._replaces:
            add_header(request, "Replaces", self._replaces)
            add_header(request, "Require", "replaces")
        set_body(request, SDP, write_offer(self.call.origin, self.call.terms.codecs))
        self._limit = self._agent.timers.at(now_s + self._ring_s, self._unanswered)
        self._agent.request(
            request, self._dialog.flow, self._answered, now_s, dialog=self._dialog, credentials=self._credentials
        )

    def give_up(self, now_s: float, end: CallEnd = CallEnd.LEFT) -> None:
        """Call no longer; one that was answered is hung up."""
        if self.call.is_answered or self.call.end is not None:
            self.call.hang_up(now_s, end)
            return
        self._is_given_up = True
        self._stop_ringing()
        if self._is_proceeding:
            self._cancel(now_s)
        self.call.finish(end)

    def _answered(self, response: Response | None, now_s: float) -> None:
        call = self.call
        if response is None:
            self._stop_ringing()
            call.finish(CallEnd.UNANSWERED)
            return
        call.status = status = response.status_code
        if status < 200:
            if self._is_given_up and not self._is_proceeding:
                self._cancel(now_s)  # RFC 3261, 9.1: no CANCEL before something was answered
            self._is_proceeding = True
            if call.end is None and not call.is_answered:
                self._hear_early(response)
                call.hooks.ringing(status)
        elif status < 300:
            self._taken(response, now_s)
        else:
            self._stop_ringing()
            call.finish(CallEnd.REFUSED)

    def _hear_early(self, response: Response) -> None:
        """Listen to what is played before the call is answered: a ringing tone, or why it will not be (RFC 3960, 3).

        Of several that ring, the last one that says what it speaks is heard.
        """
        if not response.body or content_kind(response) != SDP:
            return
        try:
            self.call.describe(parse_description(response.text, self.call.terms.codecs))
        except SipMediaError:
            return  # the call may still be answered with something that is understood
        self.call.is_early, self._early_tag = True, tag_of(response, "to")

    def _taken(self, response: Response, now_s: float) -> None:
        call, dialog = self.call, self._dialog
        if self._acknowledgement is not None:
            if tag_of(response, "to") == dialog.record.remote_tag:
                self._agent.request(self._acknowledgement, dialog.flow, lambda _, __: None, now_s, dialog=dialog)
            return
        self._stop_ringing()
        try:
            dialog.confirm(response)
        except SipMessageError:
            call.finish(CallEnd.MEDIA)
            return
        self._acknowledgement = dialog.request("ACK", seq=cseq_of(response).seq)
        self._agent.request(self._acknowledgement, dialog.flow, lambda _, __: None, now_s, dialog=dialog)
        if call.end is not None:  # the CANCEL and the 200 crossed
            bye = dialog.request("BYE")
            self._agent.request(bye, dialog.flow, lambda _, __: None, now_s, dialog=dialog)
            return
        was_early = call.is_early and tag_of(response, "to") == self._early_tag
        call.is_answered, call.is_early = True, False
        call.note_peer(response)
        try:
            call.take_session(response)
            if response.body or not was_early:  # some say what they speak once, before they answer
                call.describe(parse_description(response.text, call.terms.codecs))
        except (SipMediaError, SipMessageError):
            call.hang_up(now_s, CallEnd.MEDIA, reason='SIP;cause=488;text="Not Acceptable Here"')
            return
        call.begin_session(now_s)
        call.hooks.answered()

    def _unanswered(self, now_s: float) -> None:
        self.give_up(now_s, CallEnd.UNANSWERED)

    def _stop_ringing(self) -> None:
        if self._limit is not None:
            self._limit.cancel()

    def _cancel(self, now_s: float) -> None:
        """Take the INVITE back: same branch, same number (RFC 3261, 9.1)."""
        invite = self._dialog.sent
        if invite is None:
            return
        headers = [("Via", invite.headers.get("via")[0]), ("From", invite.headers.get("from")[0])]
        headers += [("To", invite.headers.get("to")[0]), ("Call-ID", invite.call_id or "")]
        headers += [("CSeq", f"{cseq_of(invite).seq} CANCEL"), ("Max-Forwards", "70")]
        cancel = make_request("CANCEL", invite.uri, headers)
        for route in invite.headers.get("route"):
            add_header(cancel, "Route", route)
        self._agent.request(cancel, self._dialog.flow, lambda _, __: None, now_s, dialog=self._dialog)
