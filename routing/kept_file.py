"""A file that people edit while it is in force: read again when it changes, left as it was where that is broken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from voice.contracts.errors import WarmlineError

T = TypeVar("T")


class KeptFile(Generic[T]):
    """Keeps what a file says in force while people edit it.

    Nothing is read before `current` or `refresh` is first asked for. A file that is broken or gone leaves in force what
    was read last. Reading is a matter of milliseconds and may be done in a worker thread.

    Args:
        path: the file.
        load: reads it; raises a `WarmlineError` that says what is wrong with it.
    """

    def __init__(self, path: Path, load: Callable[[Path], T]) -> None:
        self._path = path
        self._load = load
        self._current: T | None = None
        self._stamp: tuple[int, int, int] | None = None
        self._error: WarmlineError | None = None

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def current(self) -> T:
        """What is in force.

        Raises:
            WarmlineError: the file was never valid.
        """
        if self._current is None:
            stamp = self._look()
            self._current = self._load(self._path)
            self._stamp = stamp
        return self._current

    @property
    def error(self) -> WarmlineError | None:
        """What is wrong with the file as it stands; None where it is in force."""
        return self._error

    def refresh(self) -> WarmlineError | None:
        """Read the file again if it changed; answers what is wrong with the change, once per change."""
        stamp = self._look()
        if stamp == self._stamp and (self._current is not None or self._error):
            return None
        self._stamp = stamp
        try:
            self._current = self._load(self._path)
        except WarmlineError as error:
            self._error = error
        else:
            self._error = None
        return self._error

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
