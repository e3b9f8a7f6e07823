"""Every version of the policy that was ever in force, so that old decisions can be explained by what decided them."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from routing.desk.config import DeskConfig
from routing.policy.file import load_policy, read_policy
from routing.policy.rules import Policy
from voice.contracts.errors import PolicyError

FOLDER: Final = "policies"
"""Their folder in the data folder."""

_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,39}\+[0-9a-f]{8}")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PolicyArchive:
    """A folder with a file for each version, named after version and hash, in the words it was written in.

    Attributes:
        folder: it is made when the first version is kept.
    """

    folder: Path

    def load(self, path: Path, *, desk: DeskConfig | None = None) -> Policy:
        """Read and check a policy file, as `load_policy` does, and keep it as a version.

        Raises:
            PolicyError: the file is not valid; nothing is kept then.
        """
        policy = load_policy(path, desk=desk)
        try:
            self._keep(path.read_bytes(), policy.version)
        except OSError as error:  # a policy in force is worth more than its copy
            _log.error("policy version %s is not kept: %s", policy.version, error.strerror)
        return policy

    def find(self, version: str) -> Path | None:
        """The file of a version, `2026.11.2+1f0c9a3e`; None where it is not kept, or is no version."""
        if not _VERSION.fullmatch(version):
            return None
        path = self.folder / f"{version}.yaml"
        return path if path.is_file() else None

    def read(self, version: str) -> Policy | None:
        """A version as it was in force; None where it is not kept.

        Queues and skills may have gone since; any name is taken.

        Raises:
            PolicyError: its file is not what it was, or names what this Warmline does not know any more.
        """
        path = self.find(version)
        if path is None:
            return None
        policy = load_policy(path)
        if policy.version != version:
            raise PolicyError(f"{path.name} holds version {policy.version}.", fix="Restore it from a backup.")
        return policy

    def versions(self) -> list[str]:
        """All that are kept, the newest last."""
        if not self.folder.is_dir():
            return []
        kept = [path for path in self.folder.glob("*.yaml") if _VERSION.fullmatch(path.stem)]
        return [path.stem for path in sorted(kept, key=lambda path: (path.stat().st_mtime_ns, path.name))]

    def read_all(self, versions: Iterable[str]) -> dict[str, Policy]:
        """Those of the versions that are kept and can be read."""
        found = {}
        for version in set(versions):
            try:
                policy = self.read(version)
            except PolicyError as error:
                _log.warning("policy version %s cannot be used: %s", version, error)
                continue
            if policy is not None:
                found[version] = policy
        return found

    def _keep(self, text: bytes, version: str) -> None:
        path = self.folder / f"{version}.yaml"
        # Where the file was changed between two readings, the next reading keeps it under its own version.
        if path.exists() or read_policy(text).version != version:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
