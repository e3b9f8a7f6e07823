"""Being known to a registrar (RFC 3261, 10.2), so that calls come to us. Pure: time is an argument."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from voice.contracts.sip_errors import SipMessageError
from voice.sip.agent import UserAgent
from voice.sip.dialog import CallDialog
from voice.sip.messages import Response, Uri, add_header, read_address
from voice.sip.timers import Timer
from voice.sip.transactions import Flow
from voice.sip.trunks import Registrar

AGAIN_S: Final = 30.0
"""When a registration that failed is tried again, at first; doubled each time."""

LONGEST_AGAIN_S: Final = 600.0


@dataclass(slots=True)
class Registered:
    """How a registration stands.

    Attributes:
        status: that came last; 0: none yet, 408: no answer.
        until_s: how long it holds; None: we are not known.
        tries: since it last succeeded.
    """

    status: int = 0
    until_s: float | None = None
    tries: int = 0


class Registration:
    """Registers and stays registered.

    Args:
        agent: us.
        registrar: where.
        flow: how to reach it.
    """

    def __init__(self, agent: UserAgent, registrar: Registrar, flow: Flow) -> None:
        self.state = Registered()
        self._agent = agent
        self._registrar = registrar
        domain = Uri("sip", None, registrar.server, registrar.port if registrar.port != 5060 else None)
        ours = Uri("sip", registrar.credentials.user, registrar.server)
        self._dialog = CallDialog.calling(ours, ours, flow, agent.local, f"{secrets.token_hex(12)}@{agent.local.host}")
        transport = f";transport={registrar.transport}" if registrar.transport != "udp" else ""
        self._dialog.record.remote_target = f"sip:{domain.host}{f':{domain.port}' if domain.port else ''}{transport}"
        self._next: Timer | None = None

    def begin(self, now_s: float) -> None:
        """Register, now and again before it runs out."""
        self._register(now_s, self._registrar.expires_s)

    def end(self, now_s: float) -> None:
        """Be known no longer."""
        if self._next is not None:
            self._next.cancel()
        if self.state.until_s is not None:
            self._register(now_s, 0)

    def _register(self, now_s: float, expires_s: int) -> None:
        request = self._dialog.request("REGISTER")
        add_header(request, "Contact", self._dialog.local.contact(self._dialog.flow))
        add_header(request, "Expires", str(expires_s))

        def answered(response: Response | None, moment_s: float) -> None:
            self._take(response, moment_s, expires_s)

        self._agent.request(
            request,
            self._dialog.flow,
            answered,
            now_s,
            dialog=self._dialog,
            credentials=self._registrar.credentials,
        )

    def _take(self, response: Response | None, now_s: float, asked_s: int) -> None:
        state = self.state
        state.status = response.status_code if response is not None else 408
        if state.status < 200:
            return
        if response is None or state.status >= 300:
            state.until_s = None
            state.tries += 1
            wait_s = min(LONGEST_AGAIN_S, AGAIN_S * 2 ** min(10, state.tries - 1))
            self._next = self._agent.timers.at(now_s + wait_s, self.begin)
            return
        state.tries = 0
        if not asked_s:
            state.until_s = None
            return
        granted_s = self._granted(response) or asked_s
        state.until_s = now_s + granted_s
        self._next = self._agent.timers.at(now_s + max(5.0, min(granted_s / 2, granted_s - 30)), self.begin)

    def _granted(self, response: Response) -> int:
        """For how long we are known: our Contact's `expires`, else `Expires` (RFC 3261, 10.2.4)."""
        ours = self._dialog.local
        said = response.headers.get_first("expires", "") or ""
        for value in response.headers.get("contact"):
            try:
                address = read_address(value)
            except SipMessageError:
                continue
            if address.uri.host == ours.host and (address.uri.port or 5060) == ours.port:
                said = address.params.get("expires") or said
        return int(said) if said.isascii() and said.isdigit() and len(said) < 8 else 0
