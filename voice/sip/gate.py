"""Who may begin something: rate, address, password; and why others may not, counted. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from voice.rates import SourceRates
from voice.sip.digest import Digest
from voice.sip.messages import Request
from voice.sip.trunks import SipSettings, Trunk

RETRY_S: Final = 5
"""When who was turned away for the moment may try again."""


class Refusal(StrEnum):
    """Why a request was refused; counted and logged without saying whose it was."""

    RATE = "rate"
    ADDRESS = "address"
    CREDENTIALS = "credentials"
    MALFORMED = "malformed"
    NUMBER = "number"
    MEDIA = "media"
    EXTENSION = "extension"
    INTERVAL = "interval"
    LOOP = "loop"
    METHOD = "method"
    FULL = "full"
    PORTS = "ports"
    TARGET = "target"
    PLAIN = "plain"
    REPLACES = "replaces"


@dataclass(frozen=True, slots=True)
class Admitted:
    """Let in.

    Attributes:
        trunk: by which.
        user: who proved a password; None where the address was enough.
    """

    trunk: Trunk
    user: str | None


class Gate:
    """Lets in who may come in.

    Args:
        settings: who may.

    Attributes:
        refusals: by reason, so far.
        told: told each reason as it comes, for whoever counts elsewhere.
    """

    def __init__(self, settings: SipSettings) -> None:
        self.refusals: Counter[Refusal] = Counter()
        self.told: Callable[[Refusal], None] = lambda _: None
        self._settings = settings
        self._rates = SourceRates(settings.rate)
        self._connections = SourceRates(settings.rate)
        self._digest = Digest(settings.realm, settings.passwords, algorithms=settings.digests)

    def count(self, why: Refusal) -> None:
        """Count a refusal."""
        self.refusals[why] += 1
        self.told(why)

    def is_too_fast(self, host: str, now_s: float) -> bool:
        """Whether an address sends more than it may; asked once per request that would begin something."""
        if self._rates.admits(host, now_s):
            return False
        self.count(Refusal.RATE)
        return True

    def admits_connection(self, host: str, now_s: float) -> bool:
        """Whether an address may connect once more; asked once per connection, before it has said anything."""
        if self._connections.admits(host, now_s):
            return True
        self.count(Refusal.RATE)
        return False

    def admit(self, request: Request, host: str, now_s: float) -> Admitted | Refusal:
        """Judge a request that would begin something."""
        trunk = self._settings.trunk_of_address(host)
        if trunk is not None:
            return Admitted(trunk, None)
        if not self._settings.passwords:
            self.count(Refusal.ADDRESS)
            return Refusal.ADDRESS
        user = self._digest.identify(request, now_s)
        trunk = self._settings.trunk_of_user(user) if user is not None else None
        if trunk is None:
            # The first try without a password is how the protocol goes, and no refusal.
            if request.headers.get("authorization"):
                self.count(Refusal.CREDENTIALS)
            return Refusal.CREDENTIALS
        return Admitted(trunk, user)

    def challenges(self, now_s: float) -> list[str]:
        """Values for `WWW-Authenticate`."""
        return self._digest.challenges(now_s)
