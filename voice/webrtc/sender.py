"""The send path: a bounded buffer of what the other side shall hear, and what sends it in 20 ms packets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from voice.audio.opus import OpusSettings
from voice.contracts.audio import FRAME_SAMPLES, Pcm, Samples
from voice.contracts.ports import Clock
from voice.rtp.outgoing import OutgoingSpeech
from voice.webrtc.pace import on_common_turn
from voice.webrtc.transport import MediaTransport

REPORT_FRAMES: Final = 50
"""A report goes out every so many frames: once a second, as few as two parties of one stream each may send them (RFC
3550, 6.2; RFC 4585, 3.4)."""

FIRST_REPORT_FRAMES: Final = 5
"""When the first one goes out, so that the round trip is known early."""


class Sender:
    """Sends what `take` gives, at the clock's pace; what a packet holds is decided in `voice/rtp/outgoing.py`.

    Args:
        take: gives the next n samples (16 kHz).
        clock: paces.
        settings: of the encoder.
    """

    def __init__(self, take: Callable[[Samples], Pcm], clock: Clock, settings: OpusSettings | None = None) -> None:
        self._take = take
        self._clock = clock
        self._settings = settings

    async def run(self, transport: MediaTransport) -> None:
        """Send from the moment the transport is ready until it is gone."""
        await transport.ready.wait()
        speech = OutgoingSpeech(self._settings)
        while not transport.is_over:
            await self._clock.sleep_until(on_common_turn(speech.due_s(self._clock.now_s())))
            packet = speech.encode(self._take(FRAME_SAMPLES))
            if packet is not None:
                await transport.send(packet)
            if speech.frames % REPORT_FRAMES == FIRST_REPORT_FRAMES:
                await transport.send_report()
                if (loss := transport.session.loss_reported) is not None:
                    speech.note_loss(loss)
