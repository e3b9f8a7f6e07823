"""Files that a command writes: looked at before the work, put in place whole after it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from voice.contracts.errors import OutputError


def check_writable(path: Path, source: Path) -> None:
    """Refuse a file that could not be written in the end, before minutes are spent on it.

    Args:
        path: to be written.
        source: the recording that is read.

    Raises:
        OutputError: there is no such folder, it may not be written, or `path` is a folder or the recording itself.
    """
    folder = path.parent
    if not folder.is_dir():
        raise OutputError(f"{path} cannot be written: there is no folder {folder}.", fix="Make it first.")
    if path.is_dir():
        raise OutputError(f"{path} is a folder; expected the name of a file.")
    if path.exists() and source.exists() and path.samefile(source):
        raise OutputError(f"{path} is the recording itself.", fix="Choose another name.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{path} cannot be written: no right to write in {folder}.")


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """A file beside `path` to write into, which takes its place at the end; nothing half-written is left behind.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
        os.close(handle)
        unfinished = Path(name)
        try:
            yield unfinished
            # `mkstemp` makes files that only their owner may read.
            unfinished.chmod(0o666 & ~_umask())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror}.", fix="Check the disk and the folder."
        ) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
