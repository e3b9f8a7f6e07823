"""How evenly a media stream's messages come, and how much of its time they leave empty. Pure.

A websocket loses and reorders nothing, so what is missing was missing at the provider already; how many packets that
were, and how long they took to get there, it does not tell.
"""

from __future__ import annotations

from typing import Final

from voice.contracts.audio import Samples
from voice.contracts.statistics import StreamStatistics

LATE_MS: Final = 200.0
"""A message is late that comes so much later than the promptest of late ones did: whoever listens notices a pause."""

FORGET: Final = 0.002
"""How much of the way to the present the promptest one is forgotten with each message: in about ten seconds, for the
two clocks drift apart."""


class Arrivals:
    """Counts one track's messages."""

    def __init__(self) -> None:
        self._received = 0
        self._late = 0
        self._played: Samples = 0
        self._skipped: Samples = 0
        self._jitter_ms = 0.0
        self._before_ms: float | None = None
        self._promptest_ms = 0.0

    def note(self, at_ms: float, now_ms: float, samples: Samples, skipped: Samples) -> None:
        """One message.

        Args:
            at_ms: when it is to be heard, by the stream's own stamps.
            now_ms: when it came.
            samples: what it holds.
            skipped: how much time before it holds nothing.
        """
        transit_ms = now_ms - at_ms
        if self._before_ms is None:
            self._promptest_ms = transit_ms
        else:
            # RFC 3550, A.8.
            self._jitter_ms += (abs(transit_ms - self._before_ms) - self._jitter_ms) / 16
        self._before_ms = transit_ms
        drifted_ms = self._promptest_ms + FORGET * max(0.0, transit_ms - self._promptest_ms)
        self._promptest_ms = min(transit_ms, drifted_ms)
        self._late += transit_ms - self._promptest_ms > LATE_MS
        self._received += 1
        self._played += samples
        self._skipped += skipped

    def statistics(self) -> StreamStatistics:
        """The numbers so far."""
        return StreamStatistics(self._received, self._late, self._played, self._skipped, self._jitter_ms)
