"""Stretches of media time of which nobody keeps anything: payment data is being said. Pure."""

from __future__ import annotations

from collections import deque
from typing import Final

from voice.contracts.audio import AudioFrame, Samples, Span

REMEMBERED: Final = 64
"""Stretches that are over and still remembered, for audio that comes late: more than a caller's patience has."""


class Redaction:
    """Silences frames within paused stretches, exact to the sample and the same for every party.

    A stretch begins and ends by media time. What was let through before it was asked for is not called back: an edge
    lies at the end of the newest audio seen, or later. Audio that comes late is judged by its own media time.
    """

    def __init__(self) -> None:
        self._over: deque[Span] = deque(maxlen=REMEMBERED)
        self._since: Samples | None = None
        self._seen: Samples = 0

    @property
    def since(self) -> Samples | None:
        """Where the stretch under way begins; None where there is none."""
        return self._since

    def begin(self, at: Samples | None = None) -> Samples:
        """Keep nothing from now on; answers from where. Idempotent.

        Args:
            at: media time; None for the end of the newest audio seen.
        """
        if self._since is None:
            self._since = max(at or 0, self._seen)
        return self._since

    def end(self, at: Samples | None = None) -> Samples:
        """Keep audio again; answers from where. Idempotent.

        Args:
            at: media time; None for the end of the newest audio seen.
        """
        edge = max(at or 0, self._seen)
        if self._since is not None:
            edge = max(edge, self._since)
            self._over.append(Span(self._since, edge))
            self._since = None
        return edge

    def apply(self, frame: AudioFrame) -> AudioFrame:
        """The frame, silent where nothing is kept; the same object where all of it is."""
        span = frame.span
        self._seen = max(self._seen, span.end)
        spans = [over for over in self._over if over.overlaps(span)]
        if self._since is not None and self._since < span.end:
            spans.append(Span(self._since, span.end))
        if not spans:
            return frame
        pcm = frame.pcm.copy()
        for silent in spans:
            pcm[max(0, silent.start - span.start) : silent.end - span.start] = 0
        return AudioFrame(frame.party, frame.start, pcm)
