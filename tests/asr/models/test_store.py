"""What is installed is what its manifest and the catalogue say, or the error names the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from asr.models.catalogue import CATALOGUE, find, require
from asr.models.entry import ArchiveSource, Engine, ModelFile, PackageSource
from asr.models.layout import check_vosk, check_whisper, detect_engine, guess_languages
from asr.models.store import Advance, Manifest, ModelStore, check_files, describe_files, read_manifest, write_manifest
from asr.types import Language
from voice.contracts.errors import ModelCorruptError, ModelMissingError


def install(store: ModelStore, name: str = "own", files: dict[str, bytes] | None = None) -> Path:
    place = store.folder / ".partial" / name
    for path, data in (files or {"a/b": b"12345", "c": b"6"}).items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(data)
    everything = describe_files(place)
    manifest = Manifest(name, Engine.VOSK, frozenset((Language.ZH,)), "folder x", None, False, everything)
    return store.publish(place, manifest)


def test_a_published_model_is_found_and_verified(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models")
    assert store.installed() == []
    folder = install(store)
    told: list[Advance] = []
    manifest = store.verify("own", told.append)
    assert store.path("own") == folder
    assert [model.name for model in store.installed()] == ["own"]
    assert [file.path for file in manifest.files] == ["a/b", "c"]
    assert told[-1].done == told[-1].total == 6


def test_publishing_replaces_what_was_there(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    install(store, files={"old": b"1"})
    folder = install(store, files={"new": b"2"})
    assert sorted(p.name for p in folder.iterdir()) == ["manifest.json", "new"]
    assert [p.name for p in (tmp_path / ".partial").iterdir()] == []


def test_what_lies_in_the_workplace_is_not_installed(tmp_path: Path) -> None:
    (tmp_path / ".partial" / "own" / "files").mkdir(parents=True)
    store = ModelStore(tmp_path)
    assert store.installed() == []
    with pytest.raises(ModelMissingError, match="--from"):
        store.path("own")
    with pytest.raises(ModelMissingError, match=r"warmline models pull whisper-base$"):
        store.path("whisper-base")


@pytest.mark.parametrize(
    ("damage", "says"),
    [("longer", "6 bytes instead of 5"), ("other", "another sha256"), ("gone", "a/b is missing")],
)
def test_damage_is_named(tmp_path: Path, damage: str, says: str) -> None:
    store = ModelStore(tmp_path)
    file = install(store) / "a" / "b"
    match damage:
        case "longer":
            file.write_bytes(b"123456")
        case "other":
            file.write_bytes(b"12354")
        case _:
            file.unlink()
    with pytest.raises(ModelCorruptError, match=says):
        store.verify("own")


def test_a_model_without_manifest_cannot_be_verified(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    store = ModelStore(tmp_path)
    assert store.installed()[0].manifest is None
    with pytest.raises(ModelCorruptError, match="nothing to compare"):
        store.verify("own")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"name": 3}', "\x00", '{"name":"x","engine":"abacus"}'])
def test_a_broken_manifest_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(ModelCorruptError, match=r"manifest\.json"):
        ModelStore(tmp_path).installed()


def test_a_manifest_survives_the_disk(tmp_path: Path) -> None:
    languages = frozenset((Language.EN, Language.ZH))
    manifest = Manifest("own", Engine.WHISPER, languages, "https://x", "ab", True, (ModelFile("f", 1, "cd"),))
    write_manifest(tmp_path, manifest)
    assert read_manifest(tmp_path) == manifest


def test_a_manifest_cannot_talk_the_catalogue_away(tmp_path: Path) -> None:
    folder = install(ModelStore(tmp_path), name="whisper-base", files={"model.bin": b"forged"})
    document = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(document | {"pinned": True}))
    with pytest.raises(ModelCorruptError, match="other files than the catalogue"):
        ModelStore(tmp_path).verify("whisper-base")


def test_the_catalogue_is_complete() -> None:
    names = [entry.name for entry in CATALOGUE]
    assert len(set(names)) == len(names)
    for entry in CATALOGUE:
        assert entry.sources
        assert entry.languages or entry.engine in {Engine.SMART_TURN, Engine.SENTENCES, Engine.PYANNOTE}
        assert entry.licence
        assert entry.zh
        assert entry.en
        for source in entry.sources:
            assert source.download_size > 1_000_000
            assert all(len(file.sha256) == 64 and file.size > 0 for file in source.files)
            match source:
                case PackageSource():
                    assert {part.target for part in source.parts} == {file.path for file in source.files}
                    assert all(len(package.sha256) == 64 for package in source.packages)
                case ArchiveSource():
                    assert source.url.startswith("https://")
    whisper = require("whisper-base")
    assert whisper.pinned
    assert whisper.size == sum(file.size for file in whisper.sources[0].files)
    assert not require("vosk-small-cn").pinned, "its publisher states no sha256"


def test_an_unknown_name_leads_to_the_nearest() -> None:
    assert find("whisper-bas") is None
    with pytest.raises(ModelMissingError, match=r"Did you mean whisper-base\?"):
        require("whisper-bas")


FST = bytes.fromhex("d6fdb27e") + b"rest"
VOSK = {
    "am/final.mdl": b"\0B<TransitionModel>",
    "conf/mfcc.conf": b"--num-mel-bins=40",
    "conf/model.conf": b"--beam=10",
    "graph/HCLr.fst": FST,
    "graph/Gr.fst": FST,
}
WHISPER = {"model.bin": b"x", "config.json": b"{}", "tokenizer.json": b"{}", "vocabulary.txt": b"x"}


def fill(folder: Path, files: dict[str, bytes]) -> Path:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def test_layouts_are_told_apart(tmp_path: Path) -> None:
    assert detect_engine(fill(tmp_path / "v", VOSK)) is Engine.VOSK
    assert detect_engine(fill(tmp_path / "w", WHISPER)) is Engine.WHISPER
    plain = {k: v for k, v in VOSK.items() if "graph" not in k} | {"graph/HCLG.fst": FST, "graph/words.txt": b"a 1"}
    assert detect_engine(fill(tmp_path / "g", plain)) is Engine.VOSK
    with pytest.raises(ModelCorruptError, match="holds none"):
        detect_engine(tmp_path)


@pytest.mark.parametrize("name", VOSK)
def test_a_vosk_folder_that_lacks_a_file_is_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelMissingError, match="lacks"):
        check_vosk(fill(tmp_path, {k: v for k, v in VOSK.items() if k != name}))


@pytest.mark.parametrize("name", VOSK)
def test_a_vosk_folder_with_an_empty_file_is_corrupt(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelCorruptError):
        check_vosk(fill(tmp_path, VOSK | {name: b""}))


@pytest.mark.parametrize("name", ["am/final.mdl", "graph/HCLr.fst", "graph/Gr.fst"])
def test_a_vosk_folder_with_foreign_files_is_corrupt(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelCorruptError, match=name):
        check_vosk(fill(tmp_path, VOSK | {name: b"<html>not here</html>"}))


@pytest.mark.parametrize("name", WHISPER)
def test_a_whisper_folder_needs_its_files(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelMissingError, match=f"lacks .*{name.split('.', maxsplit=1)[0]}"):
        check_whisper(fill(tmp_path, {k: v for k, v in WHISPER.items() if k != name}))


def test_a_vosk_models_language_is_in_its_name() -> None:
    assert guess_languages("vosk-model-cn-0.22", Engine.VOSK) == {Language.ZH}
    assert guess_languages("vosk-model-en-us-0.22", Engine.VOSK) == {Language.EN}
    assert guess_languages("whisper-large", Engine.WHISPER) == set(Language)
    with pytest.raises(ModelCorruptError, match="vosk-large-cn"):
        guess_languages("mine", Engine.VOSK)


def test_checking_files_names_every_wrong_one(tmp_path: Path) -> None:
    files = (ModelFile("a", 1, "0" * 64), ModelFile("b", 2, "0" * 64))
    (tmp_path / "a").write_bytes(b"x")
    with pytest.raises(ModelCorruptError, match=r"a has another sha256; b is missing"):
        check_files(tmp_path, files, "m")
