"""The receive path's shell: waits until frames are due and yields them. What they are is decided in `voice/rtp`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Final

import anyio
import anyio.lowlevel

from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Party
from voice.contracts.errors import MediaError
from voice.contracts.ports import Clock
from voice.rtp.incoming import IncomingSpeech
from voice.webrtc.pace import on_common_turn

OVERSLEPT_S: Final = FRAME_SAMPLES / SAMPLE_RATE
"""Whoever wakes later than this has been kept from it, and so has whoever reads the socket."""

CATCH_UP_STEPS: Final = 4
"""How many turns of the event loop one packet needs from the socket to the buffer, at most."""


class Receiver:
    """An `AudioSource` over one peer's packets. Media time 0 is its first packet; a long loss is a jump of `start`.

    Frames are yielded when they are due: in step with the clock, later than the packets by as much as these arrive
    unevenly. What is not read waits in the jitter buffer, which is bounded.

    Args:
        party: whose voice it is.
        speech: where the packets go.
        clock: says when frames are due.
    """

    def __init__(self, party: Party, speech: IncomingSpeech, clock: Clock) -> None:
        self._party = party
        self._speech = speech
        self._clock = clock
        self._arrived = anyio.Event()
        self._iterated = False
        self._stopped = False
        self._waiting: anyio.CancelScope | None = None

    @property
    def parties(self) -> frozenset[Party]:
        """The one party whose frames these are."""
        return frozenset({self._party})

    def note_arrival(self) -> None:
        """A packet has come; from a callback."""
        self._arrived.set()

    def stop(self) -> None:
        """End the audio; what has arrived already is still yielded. May be called again, and from a callback."""
        self._stopped = True
        if self._waiting is not None:
            self._waiting.cancel()

    async def frames(self) -> AsyncGenerator[AudioFrame]:
        """The frames until `stop` is called.

        Raises:
            MediaError: iterated for the second time.
        """
        if self._iterated:
            raise MediaError("A WebRTC source is read once.")
        self._iterated = True
        while not self._stopped:
            with anyio.CancelScope() as self._waiting:
                await self._until_due()
            for frame in self._speech.take(self._clock.now_s()):
                yield frame
        for frame in self._speech.drain():
            yield frame

    async def _until_due(self) -> None:
        """Wait for the moment or for a packet, whichever can bring a frame."""
        due_s = self._speech.due_s()
        if due_s is None:
            self._arrived = anyio.Event()
            await self._arrived.wait()
            return
        await self._clock.sleep_until(on_common_turn(due_s))
        if self._clock.now_s() - due_s > OVERSLEPT_S:
            # The loop was busy: what came meanwhile lies in the socket, and must not pass for lost.
            missed = int((self._clock.now_s() - due_s) / OVERSLEPT_S)
            for _ in range(CATCH_UP_STEPS * (missed + 1)):
                await anyio.lowlevel.checkpoint()
