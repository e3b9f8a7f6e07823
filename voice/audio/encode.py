"""A recording made smaller: from a WAV of Warmline's own to FLAC or Ogg Opus, checked before anybody relies on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

import av
import numpy as np
from numpy.typing import NDArray

from voice.audio.decode import AudioFile
from voice.contracts.audio import SAMPLE_RATE, Samples, to_s
from voice.contracts.errors import AudioFormatError, RecordingError
from voice.contracts.recording import RecordingFormat

if TYPE_CHECKING:
    from av.audio.stream import AudioStream

OPUS_BIT_RATE: Final = 48_000
"""Bits a second for two voices of 8 kHz bandwidth (RFC 6716, section 2.1.1: 16 to 20 kbit/s suffice for one)."""

_BLOCK_BYTES: Final = 4 * SAMPLE_RATE  # one second of stereo
_CODEC: Final = {
    RecordingFormat.FLAC: ("flac", "flac", {"compression_level": "5"}),
    RecordingFormat.OPUS: ("ogg", "libopus", {"application": "audio", "compression_level": "5"}),
}


@dataclass(frozen=True, slots=True)
class StoredWave:
    """The samples in a WAV of Warmline's own: PCM16, stereo, 16 kHz.

    Attributes:
        path: the file.
        offset: where its samples begin, bytes.
        length: how many there are in each channel.
    """

    path: Path
    offset: int
    length: Samples

    def blocks(self) -> Iterator[NDArray[np.int16]]:
        """The samples, a second at a time, shape (n, 2)."""
        left = self.length * 4
        with self.path.open("rb") as file:
            file.seek(self.offset)
            while left > 0 and (block := file.read(min(_BLOCK_BYTES, left))):
                left -= len(block)
                yield np.frombuffer(block[: len(block) // 4 * 4], np.int16).reshape(-1, 2)


def compress(wave: StoredWave, target: Path, kind: RecordingFormat) -> None:
    """Write a recording as FLAC or Ogg Opus, bring it to the disk, and read it back.

    What is there is whole: FLAC holds the same samples, Opus as many of them. Blocking: an hour costs 2 to 4 s (FLAC)
    or 15 to 35 s (Opus) of one core, mostly without the interpreter's lock.

    Args:
        wave: what to write.
        target: a file that is not there yet; it is removed again where this fails.
        kind: FLAC or OPUS.

    Raises:
        RecordingError: the disk is full or read-only, the file is there, or what was read back differs.
    """
    container, codec, options = _CODEC[kind]
    try:
        with target.open("xb") as file:
            try:
                _encode(wave, file, container, codec, options)
                file.flush()
                os.fsync(file.fileno())
                _check(wave, target, exact=kind is RecordingFormat.FLAC)
            except BaseException:
                target.unlink(missing_ok=True)
                raise
    except (OSError, av.FFmpegError, AudioFormatError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise RecordingError(
            f"The recording {wave.path.name} cannot be written as {kind.value}: {reason}.",
            fix="It is kept as WAV. Free disk space, or set recording_format to wav.",
        ) from error


def _encode(wave: StoredWave, file: BinaryIO, container: str, codec: str, options: dict[str, str]) -> None:
    with av.open(file, "w", format=container) as output:
        stream = cast("AudioStream", output.add_stream(codec, rate=SAMPLE_RATE, options=options))
        stream.layout = "stereo"
        stream.format = "s16"
        if codec == "libopus":
            stream.bit_rate = OPUS_BIT_RATE
        at: Samples = 0
        for block in wave.blocks():
            frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="s16", layout="stereo")
            frame.sample_rate, frame.time_base, frame.pts = SAMPLE_RATE, Fraction(1, SAMPLE_RATE), at
            at += len(block)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def _check(wave: StoredWave, target: Path, *, exact: bool) -> None:
    """Raises `RecordingError` where the file does not hold what it should."""
    same, found = True, 0
    if wave.length:
        written = wave.blocks()
        held = np.zeros((0, 2), np.int16)
        with AudioFile(target) as file:
            for block in file.blocks():
                found += block.shape[1]
                while exact and len(held) < block.shape[1] and (more := next(written, None)) is not None:
                    held = np.concatenate([held, more])
                if exact:
                    part, held = held[: block.shape[1]], held[block.shape[1] :]
                    read = np.rint(block.T * 32_768).astype(np.int16)
                    same = same and np.array_equal(read, part)
    if found != wave.length or not same:
        raise RecordingError(
            f"{target.name} was read back as {to_s(found):.3f} s; {to_s(wave.length):.3f} s were written"
            f"{'' if same else ', and samples differ'}.",
            fix="The recording is kept as WAV; the disk may be failing.",
        )
