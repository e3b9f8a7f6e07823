"""Unpacking zip files that nobody vouches for: no path leaves the folder, no size surprises."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO, Final

from voice.contracts.errors import ModelCorruptError

MAX_MEMBERS: Final = 10_000
"""Files in one archive; model archives have tens."""

MAX_UNPACKED: Final = 16 << 30
"""Bytes that an archive may unpack to: 16 GiB, above every known speech model."""

MAX_RATIO: Final = 200
"""Times that an archive may grow; weights grow by less than ten, their text tables by some tens."""

_BLOCK: Final = 1 << 20


def unpack(archive: Path, into: Path, on_bytes: Callable[[int, int], None] = lambda _done, _total: None) -> None:
    """Unpack a zip file; a single folder that holds everything is left out.

    Args:
        archive: the zip file.
        into: an existing folder.
        on_bytes: told bytes done and bytes in total.

    Raises:
        ModelCorruptError: not a zip file, damaged, too large, or a member's path leads elsewhere.
    """
    try:
        with zipfile.ZipFile(archive) as zipped:
            members = [member for member in zipped.infolist() if not member.is_dir()]
            total = _check_sizes(members, archive)
            paths = [safe_path(member, archive) for member in members]
            skip = _common_root(paths)
            done = 0
            for member, path in zip(members, paths, strict=True):
                target = into.joinpath(*path.parts[skip:])
                target.parent.mkdir(parents=True, exist_ok=True)
                with zipped.open(member) as source, target.open("xb") as out:
                    copy_bounded(source, out, member.file_size)
                done += member.file_size
                on_bytes(done, total)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ModelCorruptError(f"{archive.name} is not a sound zip file: {error}.", fix="Fetch it again.") from error
    except FileExistsError as error:
        raise ModelCorruptError(f"{archive.name} holds a file twice.") from error


def safe_path(member: zipfile.ZipInfo, archive: Path) -> PurePosixPath:
    """The member's path, if it stays below the folder and is a plain file.

    Raises:
        ModelCorruptError: it is absolute, climbs, names a drive, or is a link or device.
    """
    path = safe_name(member.filename, archive)
    kind = stat.S_IFMT(member.external_attr >> 16)
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ModelCorruptError(
            f"{archive.name} is compressed in an unusual way.", fix="Pack it as an ordinary zip file."
        )
    if kind not in (0, stat.S_IFREG):
        raise ModelCorruptError(f"{archive.name} holds {member.filename!r}, which is not a plain file.")
    return path


def safe_name(name: str, archive: Path) -> PurePosixPath:
    """A name in an archive as a path, if it stays below the folder.

    Raises:
        ModelCorruptError: it is absolute, climbs, or names a drive.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or not path.parts:
        raise ModelCorruptError(f"{archive.name} holds {name!r}, which leads out of the model's folder.")
    return path


def copy_bounded(source: IO[bytes], out: IO[bytes], size: int) -> None:
    """Copy exactly `size` bytes; a header may lie about what follows.

    Raises:
        ModelCorruptError: there are more or fewer.
    """
    copied = 0
    while block := source.read(_BLOCK):
        copied += len(block)
        if copied > size:
            break
        out.write(block)
    if copied != size:
        raise ModelCorruptError(f"A member of an archive holds other than the {size} bytes that it states.")


def _check_sizes(members: list[zipfile.ZipInfo], archive: Path) -> int:
    total = sum(member.file_size for member in members)
    limit = min(MAX_UNPACKED, MAX_RATIO * max(archive.stat().st_size, 1))
    if not members:
        raise ModelCorruptError(f"{archive.name} is empty.")
    if len(members) > MAX_MEMBERS or total > limit:
        raise ModelCorruptError(
            f"{archive.name} would unpack to {len(members)} files of {total} bytes; "
            f"at most {MAX_MEMBERS} files of {limit} bytes are taken."
        )
    return total


def _common_root(paths: list[PurePosixPath]) -> int:
    """How many leading folders all paths share, at most one."""
    roots = {path.parts[0] for path in paths}
    return 1 if len(roots) == 1 and all(len(path.parts) > 1 for path in paths) else 0
