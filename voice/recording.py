"""Stereo recording of a call: caller left, whoever serves right, laid out by media time.

While the call runs, the file is called `NAME.partial.wav` and is a playable WAV at all times: a process that is killed
loses what was written since the last flush, at most one second. Closing gives the file its name, atomically. After a
crash, `finish_interrupted` does so for what was left behind.
"""

from __future__ import annotations

import errno
import os
import struct
import threading
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from voice.audio.mixing import mix
from voice.audio.resampling import to_float, to_int16
from voice.contracts.audio import SAMPLE_RATE, Party, Pcm, Samples, from_s, to_s
from voice.contracts.errors import FrameError, RecordingError

FLUSH_EVERY_S: Final = 0.5
"""A flush is due once this much audio has been written since the last one. Half a second leaves the flushing thread
another half before more than one second could be lost."""

PENDING_BOUND_S: Final = 30.0
"""How much audio may wait for a flush. More means that nobody flushes, or that the disk has stopped answering."""

_HEADER: Final = struct.Struct("<4sI4s4sIHHIIHH4sI")
_SAMPLE_BYTES: Final = 4  # two channels of 16 bits
_MOST_BYTES: Final = 0xFFFF_FFFF - _HEADER.size
_CHANNEL: Final = {Party.CALLER: 0, Party.AGENT: 1, Party.BOT: 1}
_PARTIAL: Final = ".partial.wav"


class StereoRecorder:
    """Writes a PCM16 WAV at 16 kHz. Synchronous, because it waits for the disk.

    `write` is cheap and touches no disk, so it may be called on the event loop; `open`, `flush` and `close` belong in a
    thread (`anyio.to_thread.run_sync`). One thread may write while another flushes.

    Audio is placed by its media time: what nobody wrote is silence. Agent and bot share the right channel and are mixed
    where they overlap; everything else is stored bit for bit if it lies on the 16-bit grid.

    Args:
        path: where the finished recording will lie; ends in `.wav`. Nothing is ever overwritten.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.partial_path = path.with_name(path.name.removesuffix(".wav") + _PARTIAL)
        self._file = -1
        self._failure: OSError | None = None
        self._pending: list[tuple[int, Samples, Pcm]] = []
        self._pending_samples: Samples = 0
        self._written_up_to: dict[Party, Samples] = {}
        self._length: Samples = 0
        self._taken_up_to: Samples = 0
        self._guard = threading.Lock()
        self._disk = threading.Lock()

    @property
    def length(self) -> Samples:
        """Media time up to which the file on disk reaches, as its header says."""
        return self._length

    def open(self) -> None:
        """Create the partial file.

        Raises:
            RecordingError: the folder is missing or read-only, the disk is full, or a recording lies there already.
        """
        if self.path.suffix != ".wav":
            raise RecordingError(f"A recording's name ends in .wav; got {self.path.name}.")
        for taken in (self.path, self.partial_path):
            if taken.exists():
                raise RecordingError(
                    f"A recording lies at {taken} already.", fix="Nothing recorded is overwritten: choose another name."
                )
        try:
            self._file = os.open(self.partial_path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise self._refusal(error) from error
        try:
            _write_header(self._file, 0)
        except OSError as error:
            os.close(self._file)
            self._file = -1
            self.partial_path.unlink(missing_ok=True)
            raise self._refusal(error) from error

    def write(self, party: Party, start: Samples, pcm: Pcm) -> bool:
        """Place audio; it reaches the disk with the next flush.

        Args:
            party: whose; the caller is left, agent and bot are right.
            start: media time of the first sample.
            pcm: shape (n,), float32 in [-1, 1], on the 16-bit grid.

        Returns:
            Whether a flush is due.

        Raises:
            FrameError: it begins before the end of the party's audio before it.
            RecordingError: the recording has failed or is not open, is full (4 GB, 18 hours), or waits in vain for a
                flush.
        """
        if self._failure is not None:
            raise self._refusal(self._failure)
        if self._file < 0:
            raise RecordingError(f"The recording {self.path.name} is not open.")
        if start < self._written_up_to.get(party, 0):
            raise FrameError(
                f"Audio of the {party} has to come in order: expected {self._written_up_to[party]} samples or later; "
                f"got {start}."
            )
        if (start + pcm.size) * _SAMPLE_BYTES > _MOST_BYTES:
            raise RecordingError(
                f"A WAV file holds 4 GB, {to_s(_MOST_BYTES // _SAMPLE_BYTES) / 3600:.1f} hours; audio came for "
                f"{to_s(start + pcm.size) / 3600:.1f} hours.",
                fix="End the call and start another one; what was recorded is kept.",
            )
        with self._guard:
            if self._pending_samples + pcm.size > from_s(PENDING_BOUND_S) * len(Party):
                raise RecordingError(
                    f"More than {PENDING_BOUND_S:g} s of audio wait to be written to {self.path.name}.",
                    fix="The disk does not keep up, or nobody calls `flush`.",
                )
            self._written_up_to[party] = start + pcm.size
            self._pending.append((_CHANNEL[party], start, pcm))
            self._pending_samples += pcm.size
            newest = max(self._written_up_to.values())
        return newest - self._taken_up_to >= from_s(FLUSH_EVERY_S)

    def flush(self) -> None:
        """Bring what was written to the disk, then the header; waits for the disk.

        Raises:
            RecordingError: the disk is full or fails. What was flushed before stays playable, and so does as much of
                this as found room; later writes raise the same error.
        """
        with self._disk:
            if self._failure is not None:
                raise self._refusal(self._failure)
            with self._guard:
                batch, self._pending, self._pending_samples = self._pending, [], 0
                self._taken_up_to = max(self._written_up_to.values(), default=0)
            if not batch:
                return
            try:
                for channels in _runs(batch):
                    self._store(*channels)
                self._commit()
            except OSError as error:
                self._failure = error
                raise self._refusal(error) from error

    def close(self) -> None:
        """Flush, and give the file its name. After a failure: keep what is there, and give it its name. Idempotent.

        Raises:
            RecordingError: the last flush failed (what is on the disk has its name all the same), or the renaming did
                (the partial file stays where it is).
        """
        if self._file < 0:
            return
        try:
            if self._failure is None:
                self.flush()
        finally:
            file, self._file = self._file, -1
            try:
                os.ftruncate(file, _HEADER.size + self._length * _SAMPLE_BYTES)
                os.fsync(file)
                self.partial_path.rename(self.path)
                _sync_folder(self.path.parent)
            except OSError as error:
                raise self._refusal(error) from error
            finally:
                os.close(file)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _store(self, start: Samples, audio: dict[int, list[tuple[Samples, Pcm]]], end: Samples) -> None:
        """Read what lies at [start, end), lay the new audio over it, write it back."""
        offset = _HEADER.size + start * _SAMPLE_BYTES
        stored = np.zeros((end - start, 2), np.int16)
        before = np.frombuffer(os.pread(self._file, stored.nbytes, offset), np.int16)
        before = before[: before.size // 2 * 2].reshape(-1, 2)
        stored[: len(before)] = before
        for channel, pieces in audio.items():
            for at, pcm in pieces:
                place = stored[at - start : at - start + pcm.size, channel]
                place[:] = _laid_over(place, pcm)
        data = memoryview(stored.tobytes())
        done = 0
        try:
            while done < len(data):
                done += os.pwrite(self._file, data[done:], offset + done)
        finally:
            # A full disk takes a part: that part counts.
            self._length = max(self._length, start + done // _SAMPLE_BYTES)
            if done < len(data):
                self._commit()

    def _commit(self) -> None:
        os.fdatasync(self._file)
        _write_header(self._file, self._length * _SAMPLE_BYTES)

    def _refusal(self, error: OSError) -> RecordingError:
        fixes = {
            errno.ENOSPC: "Free disk space; the recording so far is kept and playable.",
            errno.EDQUOT: "Raise the disk quota; the recording so far is kept and playable.",
            errno.EFBIG: "The file system or the process allows no larger file; the recording so far is kept.",
            errno.EROFS: "The disk is mounted read-only: choose another data folder.",
            errno.EACCES: "Give the process the right to write there, or choose another data folder.",
            errno.ENOENT: "Create the folder first.",
        }
        return RecordingError(
            f"The recording {self.path} cannot be written: {error.strerror}.", fix=fixes.get(error.errno or 0, "")
        )


def finish_interrupted(folder: Path) -> list[Path]:
    """Give the recordings that a crash left behind in `folder` their names; each is complete to within one second.

    To be called before any recorder is open there.

    Returns:
        The finished recordings. A partial file that cannot be finished stays as it is.
    """
    finished = []
    for partial in sorted(folder.glob(f"*{_PARTIAL}")):
        path = partial.with_name(partial.name.removesuffix(_PARTIAL) + ".wav")
        size = partial.stat().st_size
        if path.exists() or size < _HEADER.size:
            continue
        file = os.open(partial, os.O_RDWR | os.O_CLOEXEC)
        try:
            # What lies behind the header's length was written, too, unless power was lost: keep it.
            whole = (size - _HEADER.size) // _SAMPLE_BYTES * _SAMPLE_BYTES
            os.ftruncate(file, _HEADER.size + whole)
            _write_header(file, whole)
            os.fsync(file)
        finally:
            os.close(file)
        partial.rename(path)
        finished.append(path)
    return finished


def _laid_over(stored: NDArray[np.int16], pcm: Pcm) -> NDArray[np.int16]:
    return to_int16(mix(to_float(stored), pcm)) if stored.any() else to_int16(pcm)


def _runs(
    batch: list[tuple[int, Samples, Pcm]],
) -> list[tuple[Samples, dict[int, list[tuple[Samples, Pcm]]], Samples]]:
    """The batch as stretches of at most a few seconds that can each be read and written at once."""
    runs: list[tuple[Samples, dict[int, list[tuple[Samples, Pcm]]], Samples]] = []
    apart = from_s(1)
    for channel, start, pcm in sorted(batch, key=lambda piece: piece[1]):
        if not runs or start > runs[-1][2] + apart:
            runs.append((start, {}, start))
        first, audio, end = runs[-1]
        audio.setdefault(channel, []).append((start, pcm))
        runs[-1] = (first, audio, max(end, start + pcm.size))
    return runs


def _write_header(file: int, data_bytes: int) -> None:
    """Write the 44 bytes of a WAV header (RIFF, "fmt ", "data"; Microsoft, 1991)."""
    header = _HEADER.pack(
        b"RIFF",
        _HEADER.size - 8 + data_bytes,
        b"WAVE",
        b"fmt ",
        16,
        1,  # PCM
        2,
        SAMPLE_RATE,
        SAMPLE_RATE * _SAMPLE_BYTES,
        _SAMPLE_BYTES,
        16,
        b"data",
        data_bytes,
    )
    if os.pwrite(file, header, 0) != len(header):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
