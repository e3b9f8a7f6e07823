"""Stock aiortc, to be compared with: its receive path in simulated time, and its two-way leg over real sockets.

What stands here is what an application on aiortc alone would have: `track.recv()`, PyAV's resampler to 16 kHz mono,
and a track that hands over frames of 16 kHz mono.
"""

from __future__ import annotations

import asyncio
import fractions
from collections.abc import Sequence
from typing import Final

import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.codecs.opus import OpusDecoder
from aiortc.jitterbuffer import JitterBuffer
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.rtcrtpreceiver import TimestampMapper
from aiortc.rtp import RtpPacket as StockPacket
from av import AudioFrame as RawFrame
from av import AudioResampler

from agent_console.bench.media_network import Arrived
from agent_console.bench.media_score import Delivered
from voice.audio.resampling import to_float, to_int16
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, Pcm
from voice.contracts.errors import MediaError
from voice.contracts.ports import Clock

STOOD_S: Final = 0.2
"""Who is further behind than this has stood still."""

_TIME_BASE = fractions.Fraction(1, SAMPLE_RATE)


def receive_with_aiortc(came: Sequence[Arrived]) -> tuple[list[Delivered], int]:
    """What aiortc's jitter buffer and decoder make of these packets, and when; and which packet it counts time from.

    The objects and their parameters are those of `RTCRtpReceiver`; only its thread is left out, so that time can be
    simulated. Where a frame belongs is what its time stamp says.
    """
    buffer, decoder, mapper = JitterBuffer(capacity=16, prefetch=4), OpusDecoder(), TimestampMapper()
    resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    delivered: list[Delivered] = []
    first = 0
    numbers = {arrived.packet.timestamp: arrived.number for arrived in came}
    for arrived in came:
        source = arrived.packet
        packet = StockPacket(
            payload_type=source.payload_type,
            sequence_number=source.sequence,
            timestamp=source.timestamp,
            ssrc=source.ssrc,
            payload=source.payload,
        )
        packet._data = source.payload  # type: ignore[attr-defined]  # as RTCRtpReceiver does
        _, frame = buffer.add(packet)
        if frame is None:
            continue
        if not delivered:
            first = numbers[frame.timestamp]
        frame.timestamp = mapper.map(frame.timestamp)
        for decoded in decoder.decode(frame):
            if not isinstance(decoded, RawFrame):
                raise MediaError(f"A frame of audio was expected; got {type(decoded).__name__}.")
            pieces = [resampled.to_ndarray().reshape(-1) for resampled in resampler.resample(decoded)]
            pcm = to_float(np.concatenate([np.zeros(0, np.int16), *pieces]))
            delivered.append(Delivered(arrived.at_s, (decoded.pts or 0) // 3, pcm))
    return delivered, first


class AiortcLeg:
    """A leg as an application on aiortc alone has it: receives, makes 16 kHz mono of it, and sends what it is given.

    Args:
        speech: what is sent, over and over, 16 kHz; None: nothing is.
        clock: paces.
    """

    def __init__(self, speech: Pcm | None, clock: Clock) -> None:
        self.frames = 0
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connection.addTrack(_MuteTrack() if speech is None else _SpeechTrack(speech, clock))

    async def answer(self, offer: str) -> str:
        """The complete answer."""
        await self._connection.setRemoteDescription(RTCSessionDescription(sdp=offer, type="offer"))
        await self._connection.setLocalDescription()
        return self._connection.localDescription.sdp

    async def run(self) -> None:
        """Receive until the connection is closed."""
        track = self._connection.getReceivers()[0].track
        resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE, frame_size=FRAME_SAMPLES)
        while True:
            try:
                decoded = await track.recv()
            except MediaStreamError:
                return
            if not isinstance(decoded, RawFrame):
                raise MediaError(f"A frame of audio was expected; got {type(decoded).__name__}.")
            for frame in resampler.resample(decoded):
                to_float(frame.to_ndarray().reshape(-1).astype(np.int16, copy=False))
                self.frames += 1

    async def close(self) -> None:
        """Hang up."""
        await self._connection.close()


class _MuteTrack(MediaStreamTrack):
    """Never has anything to send."""

    kind = "audio"

    async def recv(self) -> RawFrame:
        """Wait until the task is cancelled."""
        frame: RawFrame = await asyncio.get_running_loop().create_future()
        return frame


class _SpeechTrack(MediaStreamTrack):
    """Speech over and over, in frames of 20 ms."""

    kind = "audio"

    def __init__(self, speech: Pcm, clock: Clock) -> None:
        super().__init__()
        self._frames = to_int16(speech[: speech.size // FRAME_SAMPLES * FRAME_SAMPLES]).reshape(-1, 1, FRAME_SAMPLES)
        self._clock = clock
        self._began_s: float | None = None
        self._sent = 0

    async def recv(self) -> RawFrame:
        """The next 20 ms, when they are due."""
        if self.readyState != "live":
            raise MediaStreamError
        if self._began_s is None:
            self._began_s = self._clock.now_s()
        behind_s = self._clock.now_s() - self._began_s - self._sent * FRAME_SAMPLES / SAMPLE_RATE
        if behind_s > STOOD_S:  # as ours does, which sends nothing of it in a burst
            self._sent += int(behind_s * SAMPLE_RATE / FRAME_SAMPLES)
        await self._clock.sleep_until(self._began_s + self._sent * FRAME_SAMPLES / SAMPLE_RATE)
        frame = RawFrame.from_ndarray(self._frames[self._sent % len(self._frames)], format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        frame.pts = self._sent * FRAME_SAMPLES
        frame.time_base = _TIME_BASE
        self._sent += 1
        return frame
