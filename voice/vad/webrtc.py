"""The detector of the WebRTC project: Gaussian mixtures over six bands, very cheap. The only door to webrtcvad."""

from __future__ import annotations

from typing import Final

import webrtcvad

from voice.audio.resampling import to_int16
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, Pcm
from voice.contracts.errors import FrameError, SettingsError

AGGRESSIVENESS: Final = range(4)
"""0 lets most sound pass as speech, 3 the least."""


class WebRtcVad:
    """Answers 1.0 or 0.0 for each frame; its own noise model adapts over the first second or so.

    Args:
        aggressiveness: 0 to 3; higher takes less for speech.

    Raises:
        SettingsError: another aggressiveness.
    """

    def __init__(self, aggressiveness: int = 2) -> None:
        if aggressiveness not in AGGRESSIVENESS:
            raise SettingsError(
                f"Expected a VAD aggressiveness from 0 to 3; got {aggressiveness}.",
                fix="0 takes most sound for speech, 3 the least; 2 suits telephone calls.",
            )
        self._aggressiveness = aggressiveness
        self._vad = webrtcvad.Vad(aggressiveness)

    def probability(self, pcm: Pcm) -> float:
        """1.0 if the frame holds speech, else 0.0.

        Raises:
            FrameError: not 320 samples.
        """
        if pcm.shape != (FRAME_SAMPLES,):
            raise FrameError(f"A detector hears frames of {FRAME_SAMPLES} samples; got shape {pcm.shape}.")
        return float(self._vad.is_speech(to_int16(pcm).tobytes(), SAMPLE_RATE))

    def reset(self) -> None:
        """Forget the past, as if newly made."""
        # The library offers no reset; its state lives in the object.
        self._vad = webrtcvad.Vad(self._aggressiveness)
