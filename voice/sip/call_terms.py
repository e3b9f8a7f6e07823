"""What a call is held to, what it tells, and why it is over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum

from voice.sip.codecs import Codec
from voice.sip.description import Agreement


class CallEnd(StrEnum):
    """Why a call is over."""

    HUNG_UP = "hung_up"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    UNANSWERED = "unanswered"
    UNACKNOWLEDGED = "unacknowledged"
    SESSION_EXPIRED = "session_expired"
    RTP_TIMEOUT = "rtp_timeout"
    RTP_NEVER = "rtp_never"
    MEDIA = "media"
    GONE = "gone"
    LEFT = "left"


@dataclass(slots=True)
class CallHooks:
    """What a call tells whoever carries its audio.

    Attributes:
        agreed: what audio is from now on.
        pressed: a key came by INFO.
        ringing: the other side rings; told the status.
        answered: the call is answered.
        over: the call is over, once.
        transferred: how a transfer that we asked for goes: a status, final from 200 on; 0: nobody said.
        referred: the other side wants us to call somebody else; answers whether that is done.
    """

    agreed: Callable[[Agreement], None] = lambda _: None
    pressed: Callable[[str], None] = lambda _: None
    ringing: Callable[[int], None] = lambda _: None
    answered: Callable[[], None] = lambda: None
    over: Callable[[CallEnd], None] = lambda _: None
    transferred: Callable[[int], None] = lambda _: None
    referred: Callable[[Referral], bool] = lambda _: False

    def forget(self) -> None:
        """Tell nobody any more."""
        for field_of_ours in fields(self):
            setattr(self, field_of_ours.name, field_of_ours.default)


@dataclass(frozen=True, slots=True)
class Referral:
    """Whom the other side wants us to call instead.

    Attributes:
        target: `sip:` or `sips:` address.
        replaces: which call of theirs ours shall take the place of, as a header's value; empty for none.
    """

    target: str
    replaces: str = ""


@dataclass(slots=True)
class CallTerms:
    """What a call is held to.

    Attributes:
        codecs: in our order.
        least_session_s: see `SipSettings`.
        transfer_to: domains that the other side may be transferred to.
        is_secure: whether audio has to be encrypted.
        trunk: by which the call goes, by name; empty for none.
    """

    codecs: Sequence[Codec]
    least_session_s: int = 90
    transfer_to: frozenset[str] = field(default_factory=frozenset)
    is_secure: bool = False
    trunk: str = ""
