"""A detector that is measured and not used: webrtcvad gates, Silero decides."""

from __future__ import annotations

from collections import deque
from typing import Final

from voice.contracts.audio import Pcm
from voice.vad.silero import SileroModel, SileroVad
from voice.vad.webrtc import WebRtcVad

HELD_OPEN: Final = 16
"""Frames (320 ms) for which the gate stays open after the last one that passed."""

LEAD_IN: Final = 6
"""Frames (120 ms) from before the gate opened that the network hears first."""


class CascadeVad:
    """The network runs only where the cheap detector hears something, and a little around it.

    Args:
        model: the loaded network.
        aggressiveness: of the gate, 0 to 3.
    """

    def __init__(self, model: SileroModel, aggressiveness: int) -> None:
        self._gate = WebRtcVad(aggressiveness)
        self._network = SileroVad(model)
        self._before: deque[Pcm] = deque(maxlen=LEAD_IN)
        self._open = 0

    def probability(self, pcm: Pcm) -> float:
        """Probability of speech in [0, 1].

        Raises:
            FrameError: not 320 samples.
        """
        if self._gate.probability(pcm):
            self._open = HELD_OPEN
        if not self._open:
            self._before.append(pcm)
            return 0.0
        self._open -= 1
        while self._before:
            self._network.probability(self._before.popleft())
        return self._network.probability(pcm)

    def reset(self) -> None:
        """Forget the past, as if newly made."""
        self._gate.reset()
        self._network.reset()
        self._before.clear()
        self._open = 0
