"""Detectors by the names that settings use."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Final, TypeAlias

from voice.contracts.errors import UnknownEngineError
from voice.contracts.ports import VoiceActivityDetector
from voice.vad.silero import SileroModel, SileroVad
from voice.vad.webrtc import WebRtcVad

DetectorFactory: TypeAlias = Callable[[], VoiceActivityDetector]
"""Makes a new detector: one per party and call."""

DETECTORS: Final = ("silero", "webrtc")
"""Names of the detectors, the default first."""


def load_detectors(name: str, *, aggressiveness: int = 2) -> DetectorFactory:
    """Load what a detector needs, once, and answer how to make one per party and call.

    Args:
        name: `silero` (accurate) or `webrtc` (a seventh of the cost).
        aggressiveness: of the WebRTC detector, 0 to 3.

    Raises:
        UnknownEngineError: no detector of that name.
        SettingsError: an aggressiveness outside 0 to 3.
        ModelError: the model of the Silero detector is missing or broken.
    """
    if name == "silero":
        model = SileroModel.load()
        return lambda: SileroVad(model)
    if name == "webrtc":
        WebRtcVad(aggressiveness)  # refuses a wrong setting now, not at the first call
        return lambda: WebRtcVad(aggressiveness)
    near = difflib.get_close_matches(name.lower(), DETECTORS, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]!r}?" if near else f"Choose one of: {', '.join(DETECTORS)}."
    raise UnknownEngineError(f"There is no voice activity detector called {name!r}.", fix=hint)


def make_detector(name: str, *, aggressiveness: int = 2) -> VoiceActivityDetector:
    """One detector with a model of its own; where several are needed, call `load_detectors` once.

    Raises:
        UnknownEngineError: no detector of that name.
        SettingsError: an aggressiveness outside 0 to 3.
        ModelError: the model of the Silero detector is missing or broken.
    """
    return load_detectors(name, aggressiveness=aggressiveness)()
