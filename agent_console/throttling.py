"""Who asks too often: told when to come again."""

from __future__ import annotations

from typing import ClassVar

from voice.contracts.errors import WarmlineError
from voice.contracts.ports import Clock
from voice.rates import RateLimit, SourceRates


class ThrottledError(WarmlineError):
    """Too much of something; `retry_after_s` says when the next one counts."""

    code: ClassVar[str] = "request.throttled"

    def __init__(self, message: str, *, retry_after_s: float, fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.retry_after_s = retry_after_s


class CallThrottledError(ThrottledError):
    """One address begins calls faster than it may."""

    code: ClassVar[str] = "call.throttled"


class CallRates:
    """How often browsers of one address may begin a call.

    Args:
        per_minute: in the long run, and a third of it at once; 0 for as often as they like.
        clock: time.
    """

    def __init__(self, per_minute: float, clock: Clock) -> None:
        limit = RateLimit(per_minute / 60, max(1.0, per_minute / 3))
        self._rates = SourceRates(limit) if per_minute > 0 else None
        self._clock = clock

    def count(self, address: str) -> None:
        """Count a call that is about to begin.

        Raises:
            CallThrottledError: it may not, and does not count.
        """
        if self._rates is None:
            return
        wait_s = self._rates.wait_s(address, self._clock.now_s())
        if wait_s > 0:
            raise CallThrottledError(
                f"Too many calls were begun from this network; the next one may begin in {wait_s:.0f} s.",
                retry_after_s=wait_s,
                fix="Wait; whoever runs this server can raise calls_per_minute.",
            )
