"""How a finished recording is stored."""

from __future__ import annotations

from enum import StrEnum


class RecordingFormat(StrEnum):
    """What a recording becomes when its call is over; while it runs it is a WAV in every case.

    WAV and FLAC keep every sample on the 16-bit grid, so that a replay hears what the call heard; Opus is a tenth of
    the size and keeps the sound, not the samples.
    """

    WAV = "wav"
    FLAC = "flac"
    OPUS = "opus"

    @property
    def suffix(self) -> str:
        """How a file's name ends (Opus: RFC 7845, section 9)."""
        return f".{self.value}"

    @property
    def media_type(self) -> str:
        """What HTTP calls it."""
        return {RecordingFormat.WAV: "audio/wav", RecordingFormat.FLAC: "audio/flac"}.get(self, "audio/ogg")
