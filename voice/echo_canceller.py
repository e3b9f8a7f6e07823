"""WebRTC's echo canceller (AEC3), fed only where its judgement is asked for. Its one door."""

from __future__ import annotations

from collections import deque
from typing import Final

from pywebrtc_audio import EchoCanceller

from voice.contracts.audio import SAMPLE_RATE, Pcm

CAUGHT_UP_FRAMES: Final = 30
"""How much of what it was spared is made up for, at once, when it is asked again: 600 ms, more than the 500 ms by which
an echo may be late. It takes 4 ms; a whole prompt would take hundreds."""


class SparedCanceller:
    """AEC3 behind a memory of what passed while it was not asked.

    It keeps what it had learned of the room, so that so much context is enough for it to go on.
    """

    def __init__(self) -> None:
        self._canceller = EchoCanceller(sample_rate=SAMPLE_RATE)
        self._spared: deque[tuple[Pcm, Pcm]] = deque(maxlen=CAUGHT_UP_FRAMES)

    def spare(self, heard: Pcm, played: Pcm) -> None:
        """Let a frame pass without it; both of shape (320,)."""
        self._spared.append((heard, played))

    def process(self, heard: Pcm, played: Pcm) -> Pcm:
        """What is heard without what is played, 8 ms late; each of shape (320,)."""
        while self._spared:
            self._canceller.process(*self._spared.popleft())
        return self._canceller.process(heard, played)
