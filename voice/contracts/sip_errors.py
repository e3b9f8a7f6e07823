"""Errors of telephone calls over SIP, a branch of the tree in `errors`."""

from __future__ import annotations

from voice.contracts.errors import WarmlineError


class SipError(WarmlineError):
    """Something about a telephone call over SIP; base of what can go wrong there."""

    code = "sip.error"


class SipMessageError(SipError):
    """A SIP message that is malformed; it is answered with 400 where it says whom to answer."""

    code = "sip.malformed"


class SipMediaError(SipError):
    """A SIP session description that cannot be parsed, or that has no codec in common with ours."""

    code = "sip.media"


class SipCallError(SipError):
    """A call or request to another SIP system that was refused or never answered.

    Attributes:
        status: the SIP status that came; 0 where none did.
    """

    code = "sip.call"

    def __init__(self, message: str, *, status: int = 0, fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.status = status


class SipTlsError(SipError):
    """A certificate or key for signalling over TLS that cannot be used."""

    code = "sip.tls"


class SipTargetError(SipError):
    """Whom somebody wants to be called over SIP has no address that can be called."""

    code = "sip.target"


class SipForbiddenError(SipTargetError):
    """An address that may not be called from here."""

    code = "sip.forbidden"


class SipPortError(SipError):
    """A port that signalling or audio needs and that cannot be had."""

    code = "sip.port"


class TrunksError(SipError):
    """A trunks file that is not valid; the message names line and field."""

    code = "sip.trunks"
