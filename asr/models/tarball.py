"""Unpacking compressed tar files that nobody vouches for, in one pass and in bounded memory.

A tar file has no table of contents, so members are checked as they come, and what was written is taken back when one
is refused.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import tarfile
import zlib
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO, Final, TypeAlias

from asr.models.archive import MAX_MEMBERS, MAX_RATIO, MAX_UNPACKED, copy_bounded, safe_name
from voice.contracts.errors import ModelCorruptError

HEADERS: Final = 1 << 20
"""Bytes that may lie between two members: headers, long names, padding. More would fill memory."""

_Stream: TypeAlias = bz2.BZ2File | gzip.GzipFile | lzma.LZMAFile

_MAGIC: Final = (b"BZh", b"\x1f\x8b", b"\xfd7zXZ\x00")


def is_tarball(path: Path) -> bool:
    """Whether a file is compressed as tar files are: with bzip2, gzip or xz."""
    with path.open("rb") as file:
        return file.read(6).startswith(_MAGIC)


def unpack_tarball(
    archive: Path,
    into: Path,
    on_bytes: Callable[[int, int], None] = lambda _done, _total: None,
    keep: Sequence[str] = (),
) -> None:
    """Unpack a compressed tar file; a single folder that holds everything is left out.

    Args:
        archive: the file, compressed with bzip2, gzip or xz.
        into: an existing, empty folder.
        on_bytes: told bytes of the archive read and bytes in total.
        keep: patterns of paths below the single folder; only files that match one are written. All where empty.

    Raises:
        ModelCorruptError: not such a file, damaged, too large, or a member's path leads elsewhere; nothing is left.
        OSError: the disk refuses.
    """
    size = archive.stat().st_size
    try:
        with archive.open("rb") as raw, _decompressed(raw) as data:
            _unpack(_Bounded(data), archive, into, keep, lambda: on_bytes(min(raw.tell(), size), size))
        _lift(into)
    except FileExistsError as error:
        _clear(into)
        raise ModelCorruptError(f"{archive.name} holds a file twice.") from error
    except (tarfile.TarError, EOFError, lzma.LZMAError, zlib.error, OSError) as error:
        _clear(into)
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk; decompressors give no number
        raise ModelCorruptError(f"{archive.name} is not a sound tar file: {error}.", fix="Fetch it again.") from error
    except ModelCorruptError:
        _clear(into)
        raise


class _Bounded(io.BufferedIOBase):
    """A stream that gives a limited number of bytes until it is allowed more."""

    def __init__(self, stream: _Stream) -> None:
        self._stream = stream
        self._left = 0

    def allow(self, count: int) -> None:
        self._left = count

    def read(self, size: int | None = -1, /) -> bytes:
        data = self._stream.read(-1 if size is None else size)
        self._left -= len(data)
        if self._left < 0:
            raise tarfile.TarError("a header is larger than any")
        return data


def _unpack(stream: _Bounded, archive: Path, into: Path, keep: Sequence[str], on_step: Callable[[], None]) -> None:
    limit = min(MAX_UNPACKED, MAX_RATIO * max(archive.stat().st_size, 1))
    total = members = written = 0
    stream.allow(HEADERS)
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            members += 1
            total += member.size
            if members > MAX_MEMBERS or total > limit:
                raise ModelCorruptError(
                    f"{archive.name} would unpack to more than {members - 1} files of {total} bytes; "
                    f"at most {MAX_MEMBERS} files of {limit} bytes are taken."
                )
            # The stream gives blocks of 10 KiB, so it may run ahead by one.
            stream.allow(member.size + HEADERS)
            if not member.isdir():
                path = safe_name(member.name, archive)
                if _wanted(path, keep):
                    _write(tar, member, into.joinpath(*path.parts), archive)
                    written += 1
            on_step()
    if not written:
        raise ModelCorruptError(f"{archive.name} is empty, or holds nothing of a model.")


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path, archive: Path) -> None:
    source = tar.extractfile(member) if member.isreg() and not member.issparse() else None
    if source is None:
        raise ModelCorruptError(f"{archive.name} holds {member.name!r}, which is not a plain file.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with source, target.open("xb") as out:
        copy_bounded(source, out, member.size)


def _wanted(path: PurePosixPath, keep: Sequence[str]) -> bool:
    below = "/".join(path.parts[1:]) or path.name
    return not keep or any(fnmatchcase(below, pattern) for pattern in keep)


def _lift(into: Path) -> None:
    """Leave out a single folder around everything."""
    (root, *others) = into.iterdir()
    if others or not root.is_dir():
        return
    # Something inside may have the folder's own name.
    aside = root.rename(into / f"{root.name}.root")
    for entry in aside.iterdir():
        entry.rename(into / entry.name)
    aside.rmdir()


def _clear(folder: Path) -> None:
    for entry in folder.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _decompressed(raw: IO[bytes]) -> _Stream:
    magic = raw.read(6)
    raw.seek(0)
    if magic.startswith(b"BZh"):
        return bz2.open(raw)
    if magic.startswith(b"\x1f\x8b"):
        return gzip.open(raw)
    return lzma.open(raw)
