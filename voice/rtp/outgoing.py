"""One stream of speech out: when each 20 ms leave, what is in the packet, and when there is none. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from voice.audio.level import level_dbfs
from voice.audio.opus import OpusEncoder, OpusSettings
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, Pcm
from voice.rtp.opus_payload import RTP_RATE, is_dtx

LATE_S: Final = 0.2
"""A sender further behind than this has stood still; it goes on from now instead of sending in a burst."""

MOST_EXPECTED_LOSS: Final = 0.3
"""What the encoder is told at most: more redundancy would leave too little for the speech itself."""

SILENCE_DBOV: Final = 127
"""The level that means silence (RFC 6464, 3)."""

_EASING: Final = 0.1
"""How much of a loss that has become smaller is believed per report: losses come in clusters."""

_FRAME_S: Final = FRAME_SAMPLES / SAMPLE_RATE
_STEP: Final = RTP_RATE // SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class SpeechPacket:
    """What goes into one packet.

    Attributes:
        payload: Opus.
        samples: how far it lies behind the first one, 48 kHz.
        marker: whether it is the first one after a silence.
        level: how loud it is, -dBov: 0 (full scale) to 127 (silence).
    """

    payload: bytes
    samples: int
    marker: bool
    level: int


class OutgoingSpeech:
    """Frames in, packets out; while there is silence, hardly any (DTX).

    Frames leave at multiples of 20 ms after the first one, so that what is sent keeps the clock's pace however late
    single ones are. Where the process stood still, time stamps jump, as after silence.

    Args:
        settings: of the encoder. Its expected loss is raised to what the other side reports.

    Raises:
        OpusError: libopus is not there.
    """

    def __init__(self, settings: OpusSettings | None = None) -> None:
        self._settings = settings or OpusSettings()
        self._encoder = OpusEncoder(self._settings)
        self.expected_loss = self._settings.expected_loss
        self._began_s: float | None = None
        self._frames = 0
        self._was_silent = True

    @property
    def frames(self) -> int:
        """How many times 20 ms have passed since the first frame, whether anything was sent or not."""
        return self._frames

    def due_s(self, now_s: float) -> float:
        """When the next frame shall be given to `encode`; at once for the first one and after a standstill."""
        if self._began_s is None:
            self._began_s = now_s
        late_s = now_s - self._began_s - self._frames * _FRAME_S
        if late_s > LATE_S:
            self._frames += int(late_s / _FRAME_S)
        return self._began_s + self._frames * _FRAME_S

    def encode(self, pcm: Pcm) -> SpeechPacket | None:
        """The packet for the next 20 ms; None where silence goes on.

        Args:
            pcm: shape (320,), float32.

        Raises:
            FrameError: another shape or type.
        """
        payload = self._encoder.encode(pcm)
        samples = self._frames * FRAME_SAMPLES * _STEP
        self._frames += 1
        is_silent, was_silent = is_dtx(payload), self._was_silent
        self._was_silent = is_silent
        # The first packet of a silence is sent, so that the other side knows a silence from a loss.
        if is_silent and was_silent:
            return None
        return SpeechPacket(payload, samples, was_silent, audio_level(pcm))

    def note_loss(self, reported: float) -> None:
        """Expect the loss that the other side reports, 0 to 1: more of it at once, less of it with hesitation."""
        eased = self.expected_loss + _EASING * (reported - self.expected_loss)
        least = self._settings.expected_loss
        self.expected_loss = max(least, min(MOST_EXPECTED_LOSS, max(reported, eased)))
        self._encoder.expect_loss(self.expected_loss)


def audio_level(pcm: Pcm) -> int:
    """How loud a frame is, as its packet says it: 0 (full scale) to 127 (silence), -dBov (RFC 6464, 3)."""
    return min(SILENCE_DBOV, max(0, -round(level_dbfs(pcm)))) if pcm.any() else SILENCE_DBOV
