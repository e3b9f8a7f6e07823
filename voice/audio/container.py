"""What audio files claim about their own length; pure reading of a few bytes, no decoding.

Decoders stop quietly where a file ends too soon. Whether it did can only be told by comparing the container's claim
with the size of the file.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

_UNKNOWN_FROM: Final = 0x7FFF_0000
"""Writers that stream put 0xFFFFFFFF, 0x7FFFFFFF, or that less some header bytes, where they cannot know the length. A
real claim this large (2 GB: over 18 hours at 16 kHz) is not told apart, which costs a warning, never audio."""

_MOST_CHUNKS: Final = 1_000
_TAIL_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Claim:
    """What a container says of itself.

    Attributes:
        rate_hz: sample rate as the header says; None where this module does not read it.
        channels: likewise.
        truncated: the file ends before the container says.
        no_data: the container says itself that it holds no audio.
    """

    rate_hz: int | None = None
    channels: int | None = None
    truncated: bool = False
    no_data: bool = False


def read_claim(file: BinaryIO) -> Claim:
    """Read the claim of a WAV, Ogg or MP3 file; of anything else, an empty claim. Leaves the file at its start."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(12)
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        claim = _wav_claim(file, size)
    elif head[:4] == b"OggS":
        claim = _ogg_claim(file, size)
    else:
        claim = _mp3_claim(file, size)
    file.seek(0)
    return claim


def _wav_claim(file: BinaryIO, size: int) -> Claim:
    rate_hz = channels = None
    at = 12
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            # No data chunk at all: the file ends inside its header.
            return Claim(rate_hz, channels, truncated=True)
        name, length = struct.unpack("<4sI", head)
        if name == b"fmt " and len(fields := file.read(8)) == 8:
            _, channels, rate_hz = struct.unpack("<HHI", fields)
        if name == b"data":
            known = 0 < length < _UNKNOWN_FROM
            return Claim(rate_hz, channels, truncated=known and at + 8 + length > size, no_data=length == 0)
        at += 8 + length + length % 2
    return Claim(rate_hz, channels)


def _ogg_claim(file: BinaryIO, size: int) -> Claim:
    # RFC 3533: the last page of a stream carries the flag 4 in byte 5 of its header, and ends with the file.
    file.seek(max(0, size - _TAIL_BYTES))
    tail = file.read()
    at = tail.rfind(b"OggS")
    if at < 0 or len(tail) < at + 27:
        return Claim(truncated=True)
    segments = tail[at + 26]
    table = tail[at + 27 : at + 27 + segments]
    whole = len(tail) >= at + 27 + segments + sum(table)
    return Claim(truncated=not (tail[at + 5] & 4 and whole))


def _mp3_claim(file: BinaryIO, size: int) -> Claim:
    # An ID3v2 tag (10 bytes of head, its length in four times seven bits) comes before the first frame, in which
    # encoders leave a Xing or Info header that may state the number of bytes from that frame on.
    file.seek(0)
    head = file.read(10)
    first = 0
    if head[:3] == b"ID3" and len(head) == 10:
        first = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
    file.seek(first)
    frame = file.read(256)
    if len(frame) < 2 or frame[0] != 0xFF or frame[1] & 0xE0 != 0xE0:
        return Claim()
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    if at < 0 or len(frame) < at + 16:
        return Claim()
    (flags,) = struct.unpack(">I", frame[at + 4 : at + 8])
    if not flags & 2:
        return Claim()
    place = at + 12 if flags & 1 else at + 8
    (length,) = struct.unpack(">I", frame[place : place + 4])
    return Claim(truncated=first + length > size)
