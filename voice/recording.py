"""Stereo recording of a call: caller left, whoever serves right, laid out by media time.

While the call runs, the file is called `NAME.partial.wav` and is a playable WAV at all times: a process that is killed
loses what was written since the last flush, at most one second. Closing turns it into the format that the name asks
for and gives it that name, atomically. After a crash, `finish_interrupted` finishes what was left behind, as WAV.

It is a WAV until then in every format because audio comes late and out of step (one party's network stalls, an agent's
words are laid over a prompt's end): only a file whose every sample has its place can take that at any time, and lose no
more than what was not flushed.
"""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from voice.audio.encode import StoredWave, compress
from voice.audio.mixing import mix
from voice.audio.resampling import to_float, to_int16
from voice.contracts.audio import Party, Pcm, Samples, from_s, to_s
from voice.contracts.errors import FrameError, RecordingError
from voice.contracts.recording import RecordingFormat
from voice.peaks import POINT, PeakWriter
from voice.peaks import SUFFIX as PEAKS_SUFFIX
from voice.wave_header import FRAME_BYTES, HEADER_BYTES, MOST_SAMPLES, write_header

FLUSH_EVERY_S: Final = 0.5
"""A flush is due once this much audio has been written since the last one. Half a second leaves the flushing thread
another half before more than one second could be lost."""

PENDING_BOUND_S: Final = 30.0
"""How much audio may wait for a flush. More means that nobody flushes, or that the disk has stopped answering."""

_CHANNEL: Final = {Party.CALLER: 0, Party.AGENT: 1, Party.BOT: 1}
_PARTIAL: Final = ".partial.wav"
_BUILDING: Final = ".partial"


class StereoRecorder:
    """Writes a recording at 16 kHz, and its peaks (`voice.peaks`). Synchronous, because it waits for the disk.

    `write` is cheap and touches no disk, so it may be called on the event loop; `open`, `flush` and `close` belong in a
    thread (`anyio.to_thread.run_sync`). One thread may write while another flushes.

    Audio is placed by its media time: what nobody wrote is silence. Agent and bot share the right channel and are mixed
    where they overlap; everything else is stored bit for bit if it lies on the 16-bit grid.

    Args:
        path: where the finished recording will lie; its end says the format: `.wav`, `.flac` or `.opus`. Nothing is
            ever overwritten.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.partial_path = path.with_name(path.stem + _PARTIAL)
        self._peaks = PeakWriter(path.with_name(path.stem + PEAKS_SUFFIX))
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
            RecordingError: the name is of no format, the folder is missing or read-only, the disk is full, or a
                recording lies there already.
        """
        _format_of(self.path)
        for taken in (*(self.path.with_suffix(kind.suffix) for kind in RecordingFormat), self.partial_path):
            if taken.exists():
                raise RecordingError(
                    f"A recording lies at {taken} already.", fix="Nothing recorded is overwritten: choose another name."
                )
        try:
            self._file = os.open(self.partial_path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise self._refusal(error) from error
        try:
            write_header(self._file, 0)
        except OSError as error:
            os.close(self._file)
            self._file = -1
            self.partial_path.unlink(missing_ok=True)
            raise self._refusal(error) from error
        self._peaks.open()

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
        if start + pcm.size > MOST_SAMPLES:
            raise RecordingError(
                f"A WAV file holds 4 GB, {to_s(MOST_SAMPLES) / 3600:.1f} hours; audio came for "
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
        """Flush, bring the recording into its format, and give it its name. Idempotent.

        After a failure: keep what is there, and give it its name. FLAC takes 2 to 4 s for an hour of call, Opus 15 to
        35 s.

        Raises:
            RecordingError: the last flush failed (what is on the disk has its name all the same); or the format could
                not be written (the recording is there as WAV, as `path` says then); or the renaming failed (the partial
                file stays where it is).
        """
        if self._file < 0:
            return
        try:
            if self._failure is None:
                self.flush()
        finally:
            file, self._file = self._file, -1
            self._peaks.close()
            try:
                os.ftruncate(file, HEADER_BYTES + self._length * FRAME_BYTES)
                os.fsync(file)
                self._finish()
                _sync_folder(self.path.parent)
            except OSError as error:
                raise self._refusal(error) from error
            finally:
                os.close(file)

    def _finish(self) -> None:
        """Turn the partial file, whole now, into what the name asks for."""
        kind, path = _format_of(self.path), self.path
        self.path = path.with_suffix(RecordingFormat.WAV.suffix)
        if kind is not RecordingFormat.WAV and self._length:
            building = path.with_name(path.stem + _BUILDING + path.suffix)
            try:
                compress(StoredWave(self.partial_path, HEADER_BYTES, self._length), building, kind)
            except RecordingError:
                self.partial_path.rename(self.path)
                raise
            building.rename(path)
            self.path = path
            _sync_folder(path.parent)
            self.partial_path.unlink()
        else:
            self.partial_path.rename(self.path)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _store(self, start: Samples, audio: dict[int, list[tuple[Samples, Pcm]]], end: Samples) -> None:
        """Read what lies at [start, end), lay the new audio over it, write it back."""
        start -= start % POINT
        whole = -(-end // POINT) * POINT  # as far as the last point of the peaks reaches
        offset = HEADER_BYTES + start * FRAME_BYTES
        stored = np.zeros((whole - start, 2), np.int16)
        before = np.frombuffer(os.pread(self._file, stored.nbytes, offset), np.int16)
        before = before[: before.size // 2 * 2].reshape(-1, 2)
        stored[: len(before)] = before
        for channel, pieces in audio.items():
            for at, pcm in pieces:
                place = stored[at - start : at - start + pcm.size, channel]
                place[:] = _laid_over(place, pcm)
        data = memoryview(stored[: max(end - start, len(before))].tobytes())
        done = 0
        try:
            while done < len(data):
                done += os.pwrite(self._file, data[done:], offset + done)
        finally:
            # A full disk takes a part: that part counts.
            self._length = max(self._length, start + done // FRAME_BYTES)
            if done < len(data):
                self._commit()
        self._peaks.put(start, stored)

    def _commit(self) -> None:
        os.fdatasync(self._file)
        write_header(self._file, self._length)

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

    They stay WAV whatever the setting, so that a server is up again without waiting. What was left of their peaks is
    removed: it is measured again when it is asked for. To be called before any recorder is open there.

    Returns:
        The finished recordings. A partial file that cannot be finished stays as it is.
    """
    for kind in RecordingFormat:
        if kind is not RecordingFormat.WAV:
            for building in folder.glob(f"*{_BUILDING}{kind.suffix}"):
                building.unlink()  # the WAV that it was made from is still there
    finished = []
    for partial in sorted(folder.glob(f"*{_PARTIAL}")):
        path = partial.with_name(partial.name.removesuffix(_PARTIAL) + ".wav")
        if any((there := path.with_suffix(kind.suffix)).exists() for kind in RecordingFormat if kind != "wav"):
            partial.unlink()  # killed after the recording had its name and before this went
            finished.append(there)
            continue
        size = partial.stat().st_size
        if path.exists() or size < HEADER_BYTES:
            continue
        file = os.open(partial, os.O_RDWR | os.O_CLOEXEC)
        try:
            # What lies behind the header's length was written, too, unless power was lost: keep it.
            whole = (size - HEADER_BYTES) // FRAME_BYTES
            os.ftruncate(file, HEADER_BYTES + whole * FRAME_BYTES)
            write_header(file, whole)
            os.fsync(file)
        finally:
            os.close(file)
        path.with_suffix(PEAKS_SUFFIX).unlink(missing_ok=True)
        partial.rename(path)
        finished.append(path)
    return finished


def _format_of(path: Path) -> RecordingFormat:
    for kind in RecordingFormat:
        if path.suffix == kind.suffix:
            return kind
    expected = ", ".join(kind.suffix for kind in RecordingFormat)
    raise RecordingError(f"A recording's name ends in {expected}; got {path.name}.")


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


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
