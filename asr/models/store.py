"""Where models lie: `<models>/<name>/…` with a manifest that says what belongs there.

A folder with a manifest is whole: it is filled elsewhere on the same disk and renamed into place once every file was
verified. A folder without one was put there by hand and is taken as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeAlias

from asr.models.catalogue import find
from asr.models.entry import Engine, ModelFile
from asr.types import Language
from voice.contracts.errors import ModelCorruptError, ModelMissingError

MANIFEST: Final = "manifest.json"
PARTIAL: Final = ".partial"
"""Folder below the models folder for what is being fetched."""

_BLOCK: Final = 1 << 20


class Step(StrEnum):
    """What takes time."""

    DOWNLOAD = "download"
    UNPACK = "unpack"
    VERIFY = "verify"


@dataclass(frozen=True, slots=True)
class Advance:
    """How far a step is: bytes done of `total`, None where the total is unknown."""

    model: str
    step: Step
    done: int
    total: int | None


Progress: TypeAlias = Callable[[Advance], None]


def ignore(advance: Advance) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What belongs to an installed model.

    Attributes:
        name: of the model and its folder.
        engine: what runs it.
        languages: what it recognizes.
        source: packages, address or folder that it came from.
        archive_sha256: of the archive it came in, where there was one.
        pinned: whether the catalogue knew the hashes beforehand; otherwise they were recorded at first use.
        files: every file.
    """

    name: str
    engine: Engine
    languages: frozenset[Language]
    source: str
    archive_sha256: str | None
    pinned: bool
    files: tuple[ModelFile, ...]


@dataclass(frozen=True, slots=True)
class Installed:
    """A model's folder; `manifest` is None where it was put there by hand."""

    name: str
    folder: Path
    manifest: Manifest | None


class ModelStore:
    """The models below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def installed(self) -> list[Installed]:
        """Every model folder, by name.

        Raises:
            ModelCorruptError: a manifest cannot be read.
        """
        if not self.folder.is_dir():
            return []
        folders = sorted(p for p in self.folder.iterdir() if p.is_dir() and not p.name.startswith("."))
        return [Installed(p.name, p, read_manifest(p)) for p in folders]

    def path(self, name: str) -> Path:
        """The folder of an installed model.

        Raises:
            ModelMissingError: it is not installed.
        """
        folder = self.folder / name
        if not folder.is_dir():
            origin = "" if find(name) else " --from FOLDER_OR_URL"
            raise ModelMissingError(
                f"No model {name} in {self.folder}.", fix=f"Run: warmline models pull {name}{origin}"
            )
        return folder

    def verify(self, name: str, progress: Progress = ignore) -> Manifest:
        """Compare every file with the manifest, and the manifest with the catalogue.

        Raises:
            ModelMissingError: the model is not installed.
            ModelCorruptError: no manifest, or a file is missing or differs; the message names the files.
        """
        folder = self.path(name)
        manifest = read_manifest(folder)
        if manifest is None:
            raise ModelCorruptError(
                f"{folder} has no {MANIFEST}, so there is nothing to compare with.",
                fix=f"Run: warmline models pull {name} --from {folder}",
            )
        _check_against_catalogue(manifest)
        check_files(folder, manifest.files, name, progress)
        return manifest

    def publish(self, filled: Path, manifest: Manifest) -> Path:
        """Move a filled and verified folder to its place, replacing an older one.

        Raises:
            OSError: the disk refuses.
        """
        target = self.folder / manifest.name
        write_manifest(filled, manifest)
        old = self.folder / PARTIAL / f"{manifest.name}.old"
        shutil.rmtree(old, ignore_errors=True)
        if target.exists():
            target.rename(old)
        filled.rename(target)
        shutil.rmtree(old, ignore_errors=True)
        return target


def check_files(folder: Path, files: tuple[ModelFile, ...], name: str, progress: Progress = ignore) -> None:
    """Compare files with their sizes and hashes.

    Raises:
        ModelCorruptError: something is missing or differs; the message names the files.
    """
    total = sum(file.size for file in files)
    done = 0
    wrong: list[str] = []
    for file in files:
        path = folder / file.path
        if not path.is_file():
            wrong.append(f"{file.path} is missing")
        elif path.stat().st_size != file.size:
            wrong.append(f"{file.path} has {path.stat().st_size} bytes instead of {file.size}")
        elif hash_file(path) != file.sha256:
            wrong.append(f"{file.path} has another sha256")
        done += file.size
        progress(Advance(name, Step.VERIFY, done, total))
    if wrong:
        raise ModelCorruptError(
            f"Model {name} is not what it should be: {'; '.join(wrong)}.",
            fix=f"Run: warmline models pull {name}",
        )


def hash_file(path: Path) -> str:
    """The sha256 of a file in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def describe_files(folder: Path) -> tuple[ModelFile, ...]:
    """Every file below a folder with size and hash, the manifest left out."""
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and p.relative_to(folder) != Path(MANIFEST))
    return tuple(ModelFile(p.relative_to(folder).as_posix(), p.stat().st_size, hash_file(p)) for p in paths)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest and bring it to the disk."""
    document = {
        "name": manifest.name,
        "engine": manifest.engine.value,
        "languages": sorted(manifest.languages),
        "source": manifest.source,
        "archive_sha256": manifest.archive_sha256,
        "pinned": manifest.pinned,
        "files": [{"path": f.path, "size": f.size, "sha256": f.sha256} for f in manifest.files],
    }
    with (folder / MANIFEST).open("w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.flush()
        os.fsync(file.fileno())


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a model folder, None where there is none.

    Raises:
        ModelCorruptError: it cannot be read.
    """
    path = folder / MANIFEST
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
        return Manifest(
            name=str(document["name"]),
            engine=Engine(document["engine"]),
            languages=frozenset(Language(language) for language in document["languages"]),
            source=str(document["source"]),
            archive_sha256=document["archive_sha256"],
            pinned=bool(document["pinned"]),
            files=tuple(ModelFile(str(f["path"]), int(f["size"]), str(f["sha256"])) for f in document["files"]),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelCorruptError(
            f"{path} cannot be read as a model's manifest ({type(error).__name__}).",
            fix=f"Run: warmline models pull {folder.name}",
        ) from error


def _check_against_catalogue(manifest: Manifest) -> None:
    """A manifest may not talk the catalogue's hashes away."""
    entry = find(manifest.name)
    if entry is None or not manifest.pinned:
        return
    known = [set(source.files) for source in entry.sources if source.files]
    if known and not any(files <= set(manifest.files) for files in known):
        raise ModelCorruptError(
            f"The manifest of {manifest.name} names other files than the catalogue.",
            fix=f"Run: warmline models pull {manifest.name}",
        )
