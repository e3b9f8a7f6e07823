"""How many messages a browser may send: a token bucket."""

from __future__ import annotations


class TokenBucket:
    """Allows `burst` at once and `per_s` in the long run; time is an argument, in seconds."""

    def __init__(self, *, burst: int, per_s: float, now_s: float) -> None:
        self._burst = float(burst)
        self._per_s = per_s
        self._tokens = float(burst)
        self._at_s = now_s

    def take(self, now_s: float) -> bool:
        """Take one; answers whether there was one."""
        self._tokens = min(self._burst, self._tokens + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
