"""The receive path: from a peer's decoded track to 16 kHz frames. The only file that knows how packets become audio.

aiortc reorders packets and decodes Opus on a thread of its own to 48 kHz stereo; frames wait in its queue until they
are read here. That queue has no bound, so a source has to be read at all times; whoever may fall behind stands behind
`voice/intake.py`, which is where a leg loses audio.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Final

import anyio
import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame as DecodedFrame

from voice.audio.framing import JITTER_TOLERANCE, Framer
from voice.audio.resampling import StreamResampler
from voice.contracts.audio import SAMPLE_RATE, AudioFrame, Party, Pcm, Samples
from voice.contracts.errors import MediaError
from voice.contracts.ports import Clock

RTP_RATE: Final = 48_000
"""Opus in RTP counts 48 000 samples a second whatever it carries (RFC 7587, 4.1)."""

AHEAD_S: Final = 5.0
"""How far time stamps may run ahead of the clock. A peer may pause for minutes, and its stamps then jump by as much; a
peer whose stamps jump for no reason may not make the call fill hours with silence."""

_STEP: Final = RTP_RATE // SAMPLE_RATE


class MediaTimeline:
    """Maps RTP time stamps to media time: samples at 16 kHz since the first frame.

    Args:
        now_s: the clock when the first frame came.
        pts: its time stamp, 48 kHz.
    """

    def __init__(self, now_s: float, pts: int) -> None:
        self._began_s = now_s
        self._offset = -pts
        self._next = 0

    def place(self, pts: int, samples: int, now_s: float) -> Samples | None:
        """Where a frame belongs.

        Args:
            pts: time stamp of its first sample, 48 kHz.
            samples: its length at 48 kHz.
            now_s: the clock.

        Returns:
            Media time of its first sample (16 kHz) where it does not follow the frame before; None where it does. Time
            stamps that go back, or ahead of the clock, count as following: the sender has begun a new count.
        """
        position = pts + self._offset
        jump = position - self._next
        latest = (now_s - self._began_s + AHEAD_S) * RTP_RATE
        if jump < 0 or position > latest:
            self._offset -= jump
            jump = 0
        self._next += jump + samples
        return (self._next - samples) // _STEP if jump > JITTER_TOLERANCE * _STEP else None


class Receiver:
    """An `AudioSource` over one remote track. Media time 0 is its first frame; a loss is a jump of `start`.

    Args:
        party: whose voice it is.
        clock: bounds how far time stamps may jump.
    """

    def __init__(self, party: Party, clock: Clock) -> None:
        self._party = party
        self._clock = clock
        self._track: MediaStreamTrack | None = None
        self._iterated = False
        self._stopped = False
        self._waiting: anyio.CancelScope | None = None
        self._framer = Framer(party)
        self._resampler = StreamResampler(RTP_RATE)

    def attach(self, track: MediaStreamTrack) -> None:
        """Say which track to read, before `frames` is called."""
        self._track = track

    @property
    def parties(self) -> frozenset[Party]:
        """The one party whose frames these are."""
        return frozenset({self._party})

    def stop(self) -> None:
        """End the audio; what is decoded already is still yielded. May be called again, and from a callback."""
        self._stopped = True
        if self._waiting is not None:
            self._waiting.cancel()

    async def frames(self) -> AsyncGenerator[AudioFrame]:
        """The frames until the peer stops sending or `stop` is called.

        Raises:
            MediaError: iterated for the second time, or no track was attached.
        """
        if self._iterated or self._track is None:
            raise MediaError("A WebRTC source is read once, after its peer was answered.")
        self._iterated = True
        timeline: MediaTimeline | None = None
        jump_to: Samples | None = None
        while (decoded := await self._next(self._track)) is not None:
            now_s = self._clock.now_s()
            if timeline is None:
                timeline = MediaTimeline(now_s, decoded.pts or 0)
            at = timeline.place(decoded.pts or 0, decoded.samples, now_s)
            if at is not None:
                # What the filter holds lies before the gap.
                for frame in self._framer.feed(self._resampler.flush(), jump_to):
                    yield frame
                jump_to = at
            # The filter gives nothing for the first few milliseconds; the jump waits for its first sample.
            if (pcm := self._resampler.feed(_mono(decoded))).size:
                for frame in self._framer.feed(pcm, jump_to):
                    yield frame
                jump_to = None
        for frame in [*self._framer.feed(self._resampler.flush(), jump_to), *self._framer.flush()]:
            yield frame

    async def _next(self, track: MediaStreamTrack) -> DecodedFrame | None:
        """The next decoded frame; None at the end."""
        with anyio.CancelScope() as self._waiting:
            if self._stopped:
                # A cancelled scope lets through what needs no waiting: the frames that are there.
                self._waiting.cancel()
            try:
                decoded = await track.recv()
            except MediaStreamError:
                return None
            if not isinstance(decoded, DecodedFrame) or decoded.sample_rate != RTP_RATE:
                raise MediaError(f"Audio at {RTP_RATE} Hz was expected; got {type(decoded).__name__}.")
            return decoded
        return None


def _mono(decoded: DecodedFrame) -> Pcm:
    """Interleaved 16-bit samples of one or two channels as mono float32, shape (samples,)."""
    channels = len(decoded.layout.channels)
    interleaved = decoded.to_ndarray().reshape(-1, channels).astype(np.float32)
    mono: Pcm = interleaved @ np.full(channels, 1 / 32768 / channels, np.float32)
    return mono
