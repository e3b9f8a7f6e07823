"""Slows down guessing: per user name and per address, with doubling waits."""

from __future__ import annotations

import unicodedata
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from agent_console.auth.errors import AuthThrottledError
from voice.contracts.ports import Clock
from voice.rates import subscriber

FORGET_S: Final = 900.0
"""An entry without attempts for this long is forgotten."""

MAX_ENTRIES: Final = 20_000
"""User names and addresses that are remembered; the longest untouched one gives way."""

LONGEST_WAIT_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class _Entry:
    failures: int
    last_s: float


@dataclass(frozen=True, slots=True)
class ThrottleLimits:
    """Failed attempts before waits begin: 1 s after the next one, then twice as long each time, up to 300 s."""

    per_user: int = 5
    per_address: int = 20


class LoginThrottle:
    """Counts attempts. An attempt counts as failed from its beginning, so that parallel guesses gain nothing."""

    def __init__(self, clock: Clock, limits: ThrottleLimits | None = None, *, max_entries: int = MAX_ENTRIES) -> None:
        self._clock = clock
        self._limits = limits or ThrottleLimits()
        self._max_entries = max_entries
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()

    def __len__(self) -> int:
        """User names and addresses that are remembered."""
        return len(self._entries)

    def begin(self, user: str, address: str) -> None:
        """Announce an attempt.

        Raises:
            AuthThrottledError: too many failed lately; the attempt must not be made.
        """
        now = self._clock.now_s()
        keys = _keys(user, address)
        free = (self._limits.per_user, self._limits.per_address)
        wait_s = max(self._wait_s(key, allowed, now) for key, allowed in zip(keys, free, strict=True))
        if wait_s > 0:
            raise AuthThrottledError(
                f"Too many failed sign-ins; the next attempt counts in {wait_s:.0f} s.",
                retry_after_s=wait_s,
                fix="Wait, or ask an administrator for a new password.",
            )
        for key in keys:
            self._put(key, self._failures(key, now) + 1, now)

    def succeed(self, user: str, address: str) -> None:
        """Take an attempt back that turned out right. The user starts afresh; the address is credited this one."""
        by_user, by_address = _keys(user, address)
        self._entries.pop(by_user, None)
        now = self._clock.now_s()
        if (failures := self._failures(by_address, now)) > 0:
            self._put(by_address, failures - 1, now)

    def _failures(self, key: tuple[str, str], now: float) -> int:
        entry = self._entries.get(key)
        return entry.failures if entry is not None and now - entry.last_s < FORGET_S else 0

    def _wait_s(self, key: tuple[str, str], free: int, now: float) -> float:
        excess = self._failures(key, now) - free
        if excess < 0:
            return 0.0
        # Beyond 2^9 the longest wait holds anyway; the bound keeps the power small.
        wait_s = min(LONGEST_WAIT_S, 2.0 ** min(excess, 9))
        return max(0.0, self._entries[key].last_s + wait_s - now)

    def _put(self, key: tuple[str, str], failures: int, now: float) -> None:
        self._entries[key] = _Entry(failures, now)
        self._entries.move_to_end(key)
        while len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)


def _keys(user: str, address: str) -> tuple[tuple[str, str], tuple[str, str]]:
    # Spelled as accounts spell it: full-width letters must not open fresh attempts.
    name = unicodedata.normalize("NFKC", user.strip()[:256]).casefold()
    return ("user", name), ("address", subscriber(address))
