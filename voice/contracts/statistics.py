"""How well a party's audio comes through."""

from __future__ import annotations

from dataclasses import dataclass

from voice.contracts.audio import Samples


@dataclass(frozen=True, slots=True)
class LegStatistics:
    """One leg's media since it began; numbers only, so it may be logged and exported.

    Attributes:
        received: packets that came, late ones and duplicates included.
        lost: packets that were sent to us and have not come.
        late: packets that came after their place in time had been filled.
        duplicate: packets that came again.
        refused: packets that were malformed, of a foreign stream, or beyond the buffer's bound.
        played: sound decoded from packets of its own.
        recovered: sound taken from the copy in the packet behind a lost one.
        concealed: sound made up where nothing was to be had.
        skipped: sound lost for too long to be made up: gaps.
        jitter_ms: how unevenly packets arrive (RFC 3550, A.8).
        delay_ms: how long the buffer holds a packet that came as fast as any.
        round_trip_ms: to the other side and back (RTCP); None until a report has told.
        skew_ms: how far the other side's clock has fallen behind ours (positive) or run ahead; it is evened out.
        sent: packets sent.
        lost_on_the_way_out: the share of them that the other side last reported as lost, 0 to 1; None until it has.
        mos: what a listener would call it, 1 (bad) to 4.5 (excellent); an estimate, see `voice/rtp/quality.py`.
    """

    received: int
    lost: int
    late: int
    duplicate: int
    refused: int
    played: Samples
    recovered: Samples
    concealed: Samples
    skipped: Samples
    jitter_ms: float
    delay_ms: float
    round_trip_ms: float | None
    skew_ms: float
    sent: int
    lost_on_the_way_out: float | None
    mos: float


@dataclass(frozen=True, slots=True)
class StreamStatistics:
    """What can be known of a party whom a telephony provider streams to us over a websocket.

    Attributes:
        received: messages that came.
        late: messages that came much later than the promptest ones.
        played: sound that came.
        skipped: sound that never came: gaps in the stream's own time.
        jitter_ms: how unevenly messages arrive (RFC 3550, A.8).
    """

    received: int
    late: int
    played: Samples
    skipped: Samples
    jitter_ms: float
