"""How often something may be begun: at once, in the long run, and by one address. Pure; time is an argument."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

MAX_SOURCES: Final = 10_000
"""Addresses whose rates are remembered; the one that was silent longest is forgotten for a new one."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How many requests that begin something one address may send, and how many connections it may open.

    Attributes:
        per_s: in the long run.
        burst: at once.
    """

    per_s: float = 20.0
    burst: float = 40.0


class TokenBucket:
    """Allows `limit.burst` at once and `limit.per_s` in the long run.

    Args:
        limit: see there.
        now_s: when it is full.
    """

    def __init__(self, limit: RateLimit, now_s: float) -> None:
        self._limit = limit
        self._tokens = limit.burst
        self._at_s = now_s

    def take(self, now_s: float) -> bool:
        """Take one; answers whether there was one."""
        # A clock that runs backwards is read as standing still.
        self._tokens = min(self._limit.burst, self._tokens + max(0.0, now_s - self._at_s) * self._limit.per_s)
        self._at_s = now_s
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    @property
    def wait_s(self) -> float:
        """Seconds from the last take until the next one succeeds."""
        return max(0.0, (1.0 - self._tokens) / self._limit.per_s)


class SourceRates:
    """A token bucket for each address.

    Args:
        limit: see there.
    """

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def __len__(self) -> int:
        """Addresses that are remembered."""
        return len(self._buckets)

    def admits(self, address: str, now_s: float) -> bool:
        """Whether one more request of an address may begin something now."""
        return self.wait_s(address, now_s) == 0.0

    def wait_s(self, address: str, now_s: float) -> float:
        """0 where one more request of an address may begin something, and counts; else the seconds until one may."""
        source = subscriber(address)
        bucket = self._buckets.pop(source, None) or TokenBucket(self._limit, now_s)
        taken = bucket.take(now_s)
        self._buckets[source] = bucket
        while len(self._buckets) > MAX_SOURCES:
            self._buckets.popitem(last=False)
        return 0.0 if taken else max(bucket.wait_s, 1e-3)


def subscriber(address: str) -> str:
    """Who stands behind an address: an IPv4 address itself; of an IPv6 address the /64, which one subscriber has.

    What is no address stands for itself, cut at 64 characters.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network(f"{parsed}/64", strict=False))
    return str(parsed)
