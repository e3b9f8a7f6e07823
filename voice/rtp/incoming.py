"""One stream of Opus speech: packets in, frames of the call's audio out. Pure: time is an argument."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from voice.audio.framing import Framer
from voice.audio.opus import GRAIN, MAX_DECODED, OpusDecoder
from voice.contracts.audio import SAMPLE_RATE, AudioFrame, Party, Pcm, Samples
from voice.contracts.errors import OpusError
from voice.rtp.drift import DriftFilter, DriftGauge
from voice.rtp.jitter import OPUS, Arrival, JitterBuffer, JitterLimits
from voice.rtp.opus_payload import RTP_RATE
from voice.rtp.packet import RtpPacket
from voice.rtp.pieces import Concealed, Piece, Played, Quiet, Recovered

_STEP: Final = RTP_RATE // SAMPLE_RATE
_DRIFT_S: Final = 1.0
"""How often the clocks are compared."""


class IncomingSpeech:
    """Packets in, frames out: reorders, decodes, recovers, conceals, evens drift out, and puts it on the 16-bit grid.

    Media time 0 is the first packet. What was recovered or concealed is audio; `AudioFrame.start` jumps over what was
    lost for longer than that sounds like anything.

    Args:
        party: whose voice it is.
        limits: of the jitter buffer.

    Raises:
        OpusError: libopus is not there.
    """

    def __init__(self, party: Party, limits: JitterLimits | None = None) -> None:
        self.buffer = JitterBuffer(OPUS, limits)
        self.undecodable = 0
        self._decoder = OpusDecoder()
        self._framer = Framer(party, tolerance=0, is_on_grid=True)
        self._gauge = DriftGauge()
        self._drift = DriftFilter()
        self._compare_s = -math.inf  # when next
        self._skew: Samples = 0
        self._begin: int | None = None  # where the sender's axis begins
        self._end = 0

    @property
    def skew(self) -> Samples:
        """How much the sender's clock has fallen behind ours (positive) or run ahead of it, since the beginning."""
        return self._skew

    def add(self, packet: RtpPacket, now_s: float) -> Arrival:
        """Take a packet; see `JitterBuffer.add`."""
        return self.buffer.add(packet, now_s)

    def due_s(self) -> float | None:
        """When `take` may have more; None where only another packet can bring more."""
        return self.buffer.due_s()

    def take(self, now_s: float, early_s: float = 0.0) -> list[AudioFrame]:
        """The frames that are due; see `JitterBuffer.take`."""
        frames: list[AudioFrame] = []
        while (piece := self.buffer.take(now_s, early_s)) is not None:
            at: Samples | None = None
            if self._begin is None:
                self._begin = piece.start
            elif piece.start != self._end:
                self._drift.catch_up(self._skew)
                at = max(self._framer.position, (piece.start - self._begin) // _STEP + self._drift.applied)
            self._end = piece.start + piece.samples
            sound = self._sound(piece)
            if self._skew != self._drift.applied:
                sound = self._drift.even(sound, self._skew)
            frames += self._framer.feed(sound, at)
            if now_s >= self._compare_s:
                self._compare_s = now_s + _DRIFT_S
                self._gauge.note(self.buffer.fastest_s, now_s)
                self._skew = self._gauge.skew
        return frames

    def drain(self) -> list[AudioFrame]:
        """Everything that waits, due or not, the last frame completed with silence: the stream is over."""
        frames: list[AudioFrame] = []
        while self.buffer.waiting and (due_s := self.due_s()) is not None:
            frames += self.take(due_s)
        return frames + self._framer.flush()

    def _sound(self, piece: Piece) -> Pcm:
        if isinstance(piece, Played):
            try:
                return self._decoder.decode(piece.payload)
            except OpusError:
                self.undecodable += 1
        samples = piece.samples // _STEP
        match piece:
            case Played():
                return self._concealed(samples)
            case Recovered():
                try:
                    return self._decoder.recover(piece.following, samples)
                except OpusError:
                    return self._concealed(samples)
            case Concealed() | Quiet():
                return self._concealed(samples)

    def _concealed(self, samples: Samples) -> Pcm:
        """Concealment of any length; the decoder gives it in grains of 2.5 ms."""
        parts: list[Pcm] = []
        while samples > 0:
            whole = min(MAX_DECODED, -(-samples // GRAIN) * GRAIN)
            parts.append(self._decoder.conceal(whole)[:samples])
            samples -= whole
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)
