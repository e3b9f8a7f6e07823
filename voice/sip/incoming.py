"""A caller's voice from packets to frames: `voice/rtp`'s buffer and drift, a telephone's codecs. Pure."""

from __future__ import annotations

from typing import Final

import numpy as np

from voice.audio.framing import Framer
from voice.contracts.audio import SAMPLE_RATE, AudioFrame, Party, Pcm, Samples
from voice.contracts.errors import AudioFormatError, OpusError
from voice.rtp.drift import DriftFilter, DriftGauge
from voice.rtp.jitter import Arrival, JitterBuffer
from voice.rtp.packet import RtpPacket
from voice.rtp.pieces import Concealed, Piece, Played, Quiet, Recovered
from voice.sip.codecs import Codec

_DRIFT_S: Final = 1.0
"""How often the clocks are compared."""


class IncomingLine:
    """Packets in, frames out. Media time 0 is the first packet; a codec may be changed for another on the way.

    Args:
        party: whose voice it is.
        codec: how it is written at first.
    """

    def __init__(self, party: Party, codec: Codec) -> None:
        self.party = party
        self.undecodable = 0
        self._framer = Framer(party, tolerance=0)
        self._origin_s: float | None = None
        self._compare_s: float | None = None
        self._begin: int | None = None  # where the sender's axis begins, and where that is on ours
        self._base: Samples = 0
        self._end = 0
        self._lost = 0
        self._is_paused = False
        self.paused: Samples = 0
        self._take_up(codec)

    def pause(self) -> None:
        """The other side sends nothing that is meant to be heard, until `resume`: silence stands there, and no loss."""
        self._is_paused = True

    def resume(self, codec: Codec) -> None:
        """Go on behind a pause, or with another codec: what waits is dropped."""
        before = self.buffer
        ratio = codec.rate / self.codec.rate
        self._take_up(codec)
        self._lost += before.lost
        counts = before.counts
        for name in ("played", "recovered", "concealed", "quiet", "skipped"):
            setattr(counts, name, round(getattr(counts, name) * ratio))
        self.buffer.counts = counts

    @property
    def lost(self) -> int:
        """Packets that were sent and have not come."""
        return self._lost + self.buffer.lost

    @property
    def skew(self) -> Samples:
        """How much the sender's clock has fallen behind ours (positive) or run ahead of it."""
        return self._gauge.skew

    def add(self, packet: RtpPacket, now_s: float) -> Arrival:
        """Take a packet; see `JitterBuffer.add`."""
        return self.buffer.add(packet, now_s)

    def take(self, now_s: float) -> list[AudioFrame]:
        """The frames that are due."""
        frames: list[AudioFrame] = []
        while (piece := self.buffer.take(now_s)) is not None:
            at: Samples | None = None
            if self._begin is None:
                self._begin = piece.start
                if self._origin_s is None:
                    self._origin_s = now_s
                # Behind a pause or a change of codec the voice goes on where the clock is by now.
                if self._is_paused:
                    frames += self._fill(now_s)
                    self._is_paused = False
                self._base = max(self._framer.position, round((now_s - self._origin_s) * SAMPLE_RATE))
                at = self._base
            elif piece.start != self._end:
                self._drift.catch_up(self._gauge.skew)
                at = max(self._framer.position, self._base + self._on_our_axis(piece.start - self._begin))
            self._end = piece.start + piece.samples
            frames += self._framer.feed(self._drift.even(self._sound(piece), self._gauge.skew), at)
            if self._compare_s is None or now_s - self._compare_s >= _DRIFT_S:
                self._compare_s = now_s
                self._gauge.note(self.buffer.fastest_s, now_s)
        if self._is_paused and not self.buffer.waiting:
            frames += self._fill(now_s)
        return frames

    def drain(self) -> list[AudioFrame]:
        """Everything that waits, due or not, the last frame completed with silence: the stream is over."""
        frames: list[AudioFrame] = []
        while self.buffer.waiting and (due_s := self.buffer.due_s()) is not None:
            frames += self.take(due_s)
        return frames + self._framer.flush()

    def _fill(self, now_s: float) -> list[AudioFrame]:
        """Silence from where the voice stopped to where the clock is by now."""
        if self._origin_s is None:
            self._origin_s = now_s
        missing = round((now_s - self._origin_s) * SAMPLE_RATE) - self._framer.position
        if missing <= 0:
            return []
        self.paused += missing
        return self._framer.feed(np.zeros(missing, np.float32), None)

    def _take_up(self, codec: Codec) -> None:
        self.codec = codec
        self.buffer = JitterBuffer(codec.facts)
        self._decoder = codec.decoder()
        self._gauge = DriftGauge()
        self._drift = DriftFilter()
        self._compare_s = self._begin = None

    def _on_our_axis(self, stamps: int) -> Samples:
        return stamps * SAMPLE_RATE // self.codec.rate + self._drift.applied

    def _sound(self, piece: Piece) -> Pcm:
        samples = piece.samples * SAMPLE_RATE // self.codec.rate
        try:
            match piece:
                case Played():
                    return self._decoder.decode(piece.payload)
                case Recovered():
                    return self._decoder.recover(piece.following, samples)
                case Concealed():
                    return self._decoder.conceal(samples)
                case Quiet():
                    return self._decoder.quiet(samples)
        except (AudioFormatError, OpusError):
            self.undecodable += 1
            return self._decoder.conceal(samples)
