"""Who may begin something: rate, address, password; and why others may not, counted. Pure."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from voice.sip.digest import Digest
from voice.sip.messages import Request
from voice.sip.trunks import RateLimit, SipSettings, Trunk

MAX_SOURCES: Final = 10_000
"""Addresses whose rates are remembered; the one that was silent longest is forgotten for a new one."""

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


class SourceRates:
    """A token bucket for each address.

    Args:
        limit: see there.
    """

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def admits(self, host: str, now_s: float) -> bool:
        """Whether one more request of an address may begin something now."""
        tokens, then_s = self._buckets.pop(host, (self._limit.burst, now_s))
        tokens = min(self._limit.burst, tokens + (now_s - then_s) * self._limit.per_s)
        admitted = tokens >= 1
        self._buckets[host] = (tokens - admitted, now_s)
        while len(self._buckets) > MAX_SOURCES:
            self._buckets.popitem(last=False)
        return admitted


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
