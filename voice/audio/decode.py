"""Audio files of any ordinary kind as 16 kHz float audio, streamed. The only door to PyAV outside of WebRTC."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Self, TypeAlias

import av
import numpy as np
from numpy.typing import NDArray

from voice.audio.container import Claim, read_claim
from voice.audio.resampling import HIGHEST_RATE_HZ, LOWEST_RATE_HZ, StreamResampler
from voice.contracts.audio import SAMPLE_RATE, Samples
from voice.contracts.errors import AudioEmptyError, AudioFormatError, AudioTruncatedError

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.container import InputContainer

Channels: TypeAlias = NDArray[np.float32]
"""Audio of several channels, shape (channels, n), float32 in [-1, 1], 16 000 Hz."""

MOST_CHANNELS: Final = 2
FORMATS: Final = "wav,w64,aiff,au,flac,ogg,mp3"
"""What FFmpeg may take a file for. Its full list holds playlists and scripts that open further files."""

_CONVERT: Final = "Save it as WAV (PCM, 8 to 48 kHz, mono or stereo), MP3 or Ogg Opus."


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What is known of a file before it is decoded.

    Attributes:
        path: where it lies.
        container: FFmpeg's name of the container, for example `wav`.
        codec: FFmpeg's name of the codec, for example `pcm_s16le`.
        rate_hz: samples per second in the file.
        channels: 1, or 2 (left caller, right agent).
        truncated: the file ends before its header says; what is there is used.
        stated_s: length in seconds as the container states it; None where it does not. Good for showing progress only.
    """

    path: Path
    container: str
    codec: str
    rate_hz: int
    channels: int
    truncated: bool
    stated_s: float | None = None


class AudioFile:
    """A file open for decoding; a context manager. Blocking; to be used by one thread at a time.

    Entering refuses whatever yields no audio. A file that ends too soon but holds audio is used as far as it goes:
    `info.truncated` says so where the container tells, and `broke_off` where only decoding could. What is no number is
    heard as silence; `not_finite` counts such samples.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.broke_off = False
        self.not_finite = 0
        self._file: BinaryIO | None = None
        self._container: InputContainer | None = None
        self._info: AudioInfo | None = None
        self._decoded: Iterator[Channels] = iter(())
        self._first: Channels | None = None

    @property
    def info(self) -> AudioInfo:
        """What is known of the file; only while it is open."""
        if self._info is None:
            raise AudioFormatError(f"{self.path} is not open.")
        return self._info

    def __enter__(self) -> Self:
        """Open the file and decode its first audio.

        Raises:
            AudioEmptyError: no sample in it.
            AudioTruncatedError: it ends before its first sample.
            AudioFormatError: missing, unreadable, not audio, of no usable rate, or of more than two channels.
        """
        self._file = _open(self.path)
        try:
            claim = read_claim(self._file)
            self._container = self._demux(self._file, claim)
            self._info = self._inspect(self._container, claim)
            self._decoded = self._decode(self._container, self._info)
            self._first = self._demand_first(self._info)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free everything; idempotent."""
        if self._container is not None:
            self._container.close()
        if self._file is not None:
            self._file.close()
        self._container = self._file = None

    def blocks(self, at_least: Samples = SAMPLE_RATE) -> Iterator[Channels]:
        """The audio at 16 kHz, in blocks; once.

        Args:
            at_least: samples per block; the last one may be shorter.

        Yields:
            Shape (channels, n).

        Raises:
            AudioFormatError: rate or channels change within the file.
        """
        resamplers = [StreamResampler(self.info.rate_hz) for _ in range(self.info.channels)]
        parts: list[Channels] = []
        size = 0
        for decoded in self._all_decoded():
            parts.append(np.stack([each.feed(row) for each, row in zip(resamplers, decoded, strict=True)]))
            size += parts[-1].shape[1]
            if size >= at_least:
                yield np.concatenate(parts, axis=1)
                parts, size = [], 0
        parts.append(np.stack([each.flush() for each in resamplers]))
        rest = np.concatenate(parts, axis=1)
        if rest.shape[1]:
            yield rest

    def _all_decoded(self) -> Iterator[Channels]:
        if self._first is not None:
            first, self._first = self._first, None
            yield first
        yield from self._decoded

    def _demand_first(self, info: AudioInfo) -> Channels:
        first = next(self._decoded, None)
        if first is not None:
            return first
        if info.truncated:
            raise self._cut_short()
        if self.broke_off:
            raise AudioFormatError(f"Nothing in {self.path} can be decoded as {info.codec}.", fix=_CONVERT)
        raise AudioEmptyError(f"{self.path} holds no audio.", fix="Record it again.")

    def _demux(self, file: BinaryIO, claim: Claim) -> InputContainer:
        if claim.rate_hz == 0 or claim.channels == 0:
            what = "sample rate" if claim.rate_hz == 0 else "number of channels"
            raise AudioFormatError(f"The header of {self.path} states a {what} of 0.", fix=_CONVERT)
        if claim.no_data:
            raise AudioEmptyError(f"{self.path} holds no audio: its header says so.", fix="Record it again.")
        try:
            # The empty protocol list keeps FFmpeg from opening anything but the file it is handed.
            return av.open(file, "r", options={"format_whitelist": FORMATS, "protocol_whitelist": ""})
        except (av.FFmpegError, ValueError) as error:
            if claim.truncated:
                raise self._cut_short() from error
            raise AudioFormatError(f"{self.path} is not an audio file that can be read.", fix=_CONVERT) from error

    def _inspect(self, container: InputContainer, claim: Claim) -> AudioInfo:
        if not container.streams.audio:
            raise AudioFormatError(f"{self.path} has no audio in it.", fix=_CONVERT)
        # PyAV's stubs do not say that the context is None for a codec without a decoder.
        codec: AudioCodecContext | None = container.streams.audio[0].codec_context
        if codec is None:
            raise AudioFormatError(f"{self.path} is in a codec that cannot be decoded.", fix=_CONVERT)
        if not LOWEST_RATE_HZ <= codec.sample_rate <= HIGHEST_RATE_HZ:
            raise AudioFormatError(
                f"Expected a sample rate from {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz in {self.path}; "
                f"got {codec.sample_rate} Hz.",
                fix=_CONVERT,
            )
        if not 1 <= codec.channels <= MOST_CHANNELS:
            raise AudioFormatError(
                f"Expected 1 channel, or 2 (left caller, right agent), in {self.path}; got {codec.channels}.",
                fix=_CONVERT,
            )
        return AudioInfo(
            self.path,
            container.format.name,
            codec.name,
            codec.sample_rate,
            codec.channels,
            truncated=claim.truncated,
            stated_s=container.duration / av.time_base if container.duration else None,
        )

    def _decode(self, container: InputContainer, info: AudioInfo) -> Iterator[Channels]:
        try:
            for frame in container.decode(container.streams.audio[0]):
                if frame.sample_rate != info.rate_hz or frame.layout.nb_channels != info.channels:
                    raise AudioFormatError(
                        f"{self.path} changes from {info.rate_hz} Hz and {info.channels} channels to "
                        f"{frame.sample_rate} Hz and {frame.layout.nb_channels}.",
                        fix=_CONVERT,
                    )
                if frame.samples:
                    decoded = frame.to_ndarray()
                    if decoded.dtype.kind == "f":
                        self.not_finite += int(np.count_nonzero(~np.isfinite(decoded)))
                    yield _to_channels(decoded, info.channels)
        except av.FFmpegError:
            # What was decoded so far is good; what follows cannot be had.
            self.broke_off = True

    def _cut_short(self) -> AudioTruncatedError:
        return AudioTruncatedError(
            f"{self.path} ends before its first sample.", fix="Copy it again: the transfer or the recording broke off."
        )


def inspect(path: Path) -> AudioInfo:
    """What a file is, after making sure that audio can be had from it; blocking, some milliseconds.

    Raises:
        AudioFormatError: as `AudioFile.__enter__`.
    """
    with AudioFile(path) as file:
        return file.info


def _open(path: Path) -> BinaryIO:
    try:
        state = path.stat()
        if stat.S_ISDIR(state.st_mode):
            raise AudioFormatError(f"{path} is a folder; expected an audio file.", fix="Name a file in it.")
        if not stat.S_ISREG(state.st_mode):
            raise AudioFormatError(f"{path} is not a regular file.", fix="Copy the audio into a file first.")
        if state.st_size == 0:
            raise AudioEmptyError(f"{path} is empty (0 bytes).", fix="Record or copy it again.")
        return path.open("rb")
    except FileNotFoundError as error:
        raise AudioFormatError(f"There is no file {path}.", fix="Check the path.") from error
    except OSError as error:
        raise AudioFormatError(
            f"{path} cannot be read: {error.strerror}.", fix="Give this user the right to read it."
        ) from error


def _to_channels(decoded: NDArray[Any], channels: int) -> Channels:
    """FFmpeg's samples, interleaved or planar, of any type, as (channels, n) float32 in [-1, 1]."""
    planes = decoded if decoded.shape[0] == channels else decoded.reshape(-1, channels).T
    if planes.dtype == np.uint8:
        return (planes.astype(np.float32) - 128) / np.float32(128)
    if planes.dtype.kind == "i":
        full_scale = 2.0 ** (8 * planes.dtype.itemsize - 1)
        return (planes.astype(np.float64) / full_scale).astype(np.float32)
    # A float file may hold anything; nothing behind this point has to think of NaN or infinity.
    return np.nan_to_num(planes.astype(np.float32), nan=0.0, posinf=1.0, neginf=-1.0)
