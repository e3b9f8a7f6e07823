"""Speech found in audio."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from voice.contracts.audio import Party, Pcm, Samples, SegmentId, Span


class EndReason(StrEnum):
    """Why a segment was closed."""

    SILENCE = "silence"
    """The hang-over passed without speech."""

    MAX_LENGTH = "max_length"
    """The longest allowed utterance was reached; the next segment follows without a gap."""

    STREAM_END = "stream_end"
    """The audio ended while somebody spoke."""


@dataclass(frozen=True, slots=True, eq=False)
class SpeechSegment:
    """One utterance, closed.

    Attributes:
        id: rises by one per call, over all parties.
        party: who spoke.
        span: media time, pre-roll and hang-over included.
        pcm: the audio of `span`, shape (span.length,).
        reason: why it was closed.
        silence: how much of the end of `span` is the pause that followed the last speech.
    """

    id: SegmentId
    party: Party
    span: Span
    pcm: Pcm
    reason: EndReason
    silence: Samples
