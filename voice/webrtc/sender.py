"""The send path: a bounded buffer of what the other side shall hear, and what sends it in 20 ms packets."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

import anyio
import numpy as np

from voice.audio.opus import OpusSettings
from voice.contracts.audio import FRAME_SAMPLES, Pcm, Samples, from_s, to_s
from voice.contracts.errors import CapacityError, FrameError
from voice.contracts.ports import Clock
from voice.rtp.outgoing import OutgoingSpeech
from voice.webrtc.pace import on_common_turn
from voice.webrtc.transport import MediaTransport

PLAYOUT_BOUND_S: Final = 120.0
"""How much may wait to be heard: the longest prompt or answer, about 8 MB."""

REPORT_FRAMES: Final = 50
"""A report goes out every so many frames: once a second, as few as two parties of one stream each may send them (RFC
3550, 6.2; RFC 4585, 3.4)."""

FIRST_REPORT_FRAMES: Final = 5
"""When the first one goes out, so that the round trip is known early."""


class Playout:
    """An `AudioSink`: what is queued here is taken in 20 ms pieces by the track; where nothing is, silence is.

    Args:
        bound_s: how much may be queued, in seconds.
    """

    def __init__(self, bound_s: float = PLAYOUT_BOUND_S) -> None:
        self.bound_s = bound_s
        self._bound = from_s(bound_s)
        self._pieces: deque[Pcm] = deque()
        self._queued: Samples = 0
        self._closed = False
        self._taken = anyio.Event()

    @property
    def queued(self) -> Samples:
        """How much is still to be sent."""
        return self._queued

    def play(self, pcm: Pcm) -> None:
        """Queue audio behind what is queued already; after the leg was closed it goes nowhere.

        Args:
            pcm: 16 kHz mono float32, shape (n,), any n. It is copied.

        Raises:
            CapacityError: more than `bound_s` seconds would be queued; nothing of `pcm` is.
            FrameError: another shape or type.
        """
        if pcm.ndim != 1 or pcm.dtype != np.float32:
            raise FrameError(f"Expected float32 of shape (n,); got {pcm.dtype} of shape {pcm.shape}.")
        if self._closed or not pcm.size:
            return
        if self._queued + pcm.size > self._bound:
            raise CapacityError(
                f"At most {self.bound_s:g} s may wait to be played; {to_s(self._queued + pcm.size):.1f} s would.",
                fix="Play it in parts, as the queue empties.",
            )
        self._pieces.append(pcm.copy())
        self._queued += pcm.size

    def clear(self) -> Samples:
        """Drop what is queued (barge-in); answers how many samples were dropped."""
        dropped = self._queued
        self._pieces.clear()
        self._queued = 0
        self._wake()
        return dropped

    def close(self) -> None:
        """Drop what is queued and whatever comes later; who waits in `drain` goes on."""
        self._closed = True
        self.clear()

    async def drain(self, down_to: Samples = 0) -> None:
        """Return once at most `down_to` samples are queued, or the leg was closed."""
        while self._queued > down_to and not self._closed:
            await self._taken.wait()

    def take(self, samples: Samples) -> Pcm:
        """The next samples to be sent, shape (samples,); zeros where nothing is queued."""
        taken = np.zeros(samples, np.float32)
        filled = 0
        while self._pieces and filled < samples:
            piece = self._pieces.popleft()
            used = piece[: samples - filled]
            taken[filled : filled + used.size] = used
            filled += used.size
            if used.size < piece.size:
                self._pieces.appendleft(piece[used.size :])
        self._queued -= filled
        if filled:
            self._wake()
        return taken

    def _wake(self) -> None:
        self._taken.set()
        self._taken = anyio.Event()


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
