"""Versions of the intent model that an installation trained: all are kept, one is in force, going back is a word.

A folder with `<version>.npz` for each, and `current`, a text file that names the one in force; without it the model
that ships is. Both are replaced as a whole, so that a reader never sees a half-written one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from routing.understanding.intent import MODEL, load_model
from voice.contracts.errors import DataFolderError, ModelCorruptError, ModelMissingError

SHIPPED: Final = "shipped"
"""What the model that ships is called here."""

CURRENT: Final = "current"
FOLDER: Final = "intent"
"""Name of the folder below an installation's data."""

_VERSION: Final = re.compile(r"[a-z0-9][a-z0-9+.-]{0,63}")


@dataclass(frozen=True, slots=True)
class IntentVersions:
    """The versions in one folder, which need not exist."""

    folder: Path

    def current(self) -> str:
        """The version in force.

        Raises:
            ModelCorruptError: `current` names none.
        """
        try:
            named = (self.folder / CURRENT).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return SHIPPED
        except (OSError, UnicodeDecodeError) as broken:
            raise ModelCorruptError(f"{CURRENT} of the intent models cannot be read ({broken}).", fix=_FIX) from None
        if named != SHIPPED and not _VERSION.fullmatch(named):
            raise ModelCorruptError(f"{CURRENT}: expected the name of an intent model; got {named[:40]!r}.", fix=_FIX)
        return named

    def path(self, version: str | None = None) -> Path:
        """The file of a version, of the one in force without it.

        Raises:
            ModelMissingError: there is no such version.
            ModelCorruptError: `current` names none.
        """
        version = version or self.current()
        if version == SHIPPED:
            return MODEL
        path = self.folder / f"{version}.npz"
        if not _VERSION.fullmatch(version) or not path.is_file():
            raise ModelMissingError(
                f"Expected one of the intent models {', '.join(self.versions())}; got {version[:64]!r}.", fix=_FIX
            )
        return path

    def versions(self) -> tuple[str, ...]:
        """All versions, the one that ships first, then in the order they were trained."""
        files = self.folder.glob("*.npz") if self.folder.is_dir() else ()
        return (SHIPPED, *(path.stem for path in sorted(files, key=lambda path: (path.stat().st_mtime_ns, path.stem))))

    def store(self, version: str, packed: bytes) -> Path:
        """Keep a version; answers its file. What was trained from the same data replaces it.

        Raises:
            DataFolderError: the folder cannot be written.
        """
        path = self.folder / f"{version}.npz"
        self._replace(path, packed)
        return path

    def use(self, version: str) -> str:
        """Put a version in force from the next start on; answers the one that was.

        Raises:
            ModelMissingError: there is no such version.
            ModelCorruptError: it cannot be read.
            DataFolderError: the folder cannot be written.
        """
        load_model(self.path(version))
        before = self.current()
        self._replace(self.folder / CURRENT, f"{version}\n".encode())
        return before

    def _replace(self, path: Path, content: bytes) -> None:
        partial = path.with_name(path.name + ".partial")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(content)
            partial.replace(path)
        except OSError as error:
            raise DataFolderError(f"Intent models cannot be written to {self.folder}: {error.strerror}.") from error


_FIX: Final = "Run `warmline train list` to see them, `warmline train use shipped` to go back to the one that ships."
