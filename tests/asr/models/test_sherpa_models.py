"""Models for sherpa-onnx in the catalogue: fetched, filtered, checked, ranked; headers read without loading."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from asr.engines import load_recognizer
from asr.models import catalogue
from asr.models.catalogue import CATALOGUE, require
from asr.models.entry import ArchiveSource, Engine, ModelEntry
from asr.models.fetch import pull
from asr.models.layout import detect_engine, guess_languages
from asr.models.onnx_header import read_header
from asr.models.ranking import STANDINGS, best_of, standings_of
from asr.models.sherpa_layout import check_sherpa, read_symbols
from asr.models.store import PARTIAL, Advance, ModelStore, Step
from asr.types import Language
from tests.asr.tiny_sherpa import BUILDERS, build_paraformer, build_sense_voice, build_zipformer
from voice.contracts.errors import ModelCorruptError, ModelFetchError

if TYPE_CHECKING:
    from tests.asr.models.conftest import Site

TINY: dict[str, Callable[[Path], Path]] = {
    "sense-voice-small": build_sense_voice,
    "paraformer-streaming-zh-en": build_paraformer,
    "zipformer-small-zh-en": build_zipformer,
}


def packed(folder: Path, root: str, extra: dict[str, bytes]) -> bytes:
    """A folder as its publisher packs it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:bz2") as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, f"{root}/{path.name}")
        for name, data in extra.items():
            info = tarfile.TarInfo(f"{root}/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


@pytest.fixture
def serve(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], bytes]:
    """Turns the address of a model in the catalogue to the server on this machine, which has a tiny one."""

    def put(name: str, *, sha256: str | None = None) -> bytes:
        entry = require(name)
        (source,) = entry.sources
        assert isinstance(source, ArchiveSource)
        root = source.url.rsplit("/", 1)[1].removesuffix(".tar.bz2")
        noise = np.random.default_rng(0).bytes(200_000)
        extra = {"encoder-epoch-99-avg-1.onnx": noise, "encoder.onnx": noise, "test_wavs/0.wav": noise}
        body = packed(TINY[name](tmp_path / "tiny" / name), root, extra)
        path = f"/{root}.tar.bz2"
        site.files[path] = body
        here = replace(source, url=site.url + path, sha256=sha256, about_size=len(body))
        others = tuple(other for other in CATALOGUE if other.name != name)
        entry = replace(entry, sources=(here,))
        monkeypatch.setattr(catalogue, "CATALOGUE", (*others, entry))
        return body

    return put


@pytest.mark.parametrize("name", list(TINY))
def test_a_published_model_is_fetched_checked_and_loaded(
    store: ModelStore, serve: Callable[[str], bytes], name: str
) -> None:
    body = serve(name)
    told: list[Advance] = []
    manifest = pull(store, name, progress=told.append)
    assert manifest.engine is Engine.SHERPA
    assert manifest.archive_sha256 == hashlib.sha256(body).hexdigest()
    assert {advance.step for advance in told} == {Step.DOWNLOAD, Step.UNPACK}
    assert store.verify(name) == manifest
    assert not (store.folder / PARTIAL / name).exists()
    assert not (store.path(name) / "test_wavs").exists(), "recordings and 32-bit networks are not unpacked"
    assert not any(file.size > 100_000 for file in manifest.files)
    loaded = load_recognizer("auto", store.folder, [Language.ZH])
    assert loaded.recognizer.name == f"sherpa/{name}"


def test_a_pinned_archive_with_another_hash_is_refused(store: ModelStore, serve: Callable[..., bytes]) -> None:
    serve("sense-voice-small", sha256="0" * 64)
    with pytest.raises(ModelCorruptError, match="should have sha256 0000"):
        pull(store, "sense-voice-small")
    assert store.installed() == []


def test_what_is_not_pinned_must_stay_what_it_was_first(
    store: ModelStore, site: Site, serve: Callable[[str], bytes], tmp_path: Path
) -> None:
    serve("zipformer-small-zh-en")
    first = pull(store, "zipformer-small-zh-en")
    assert not first.pinned
    (path,) = site.files
    other = build_zipformer(tmp_path / "other", version=1)
    site.files[path], site.tag = packed(other, "other", {}), '"v2"'
    with pytest.raises(ModelCorruptError, match="other files than when"):
        pull(store, "zipformer-small-zh-en")
    assert store.verify("zipformer-small-zh-en") == first


def test_an_archive_of_another_kind_is_refused(
    store: ModelStore, site: Site, serve: Callable[[str], bytes], tmp_path: Path
) -> None:
    serve("paraformer-streaming-zh-en")
    (path,) = site.files
    site.files[path] = packed(build_zipformer(tmp_path / "z"), "z", {})
    with pytest.raises(ModelCorruptError):
        pull(store, "paraformer-streaming-zh-en")
    site.files[path], site.tag = b"<html>Please sign in</html>", '"v2"'
    with pytest.raises(ModelCorruptError, match="not a sound zip"):
        pull(store, "paraformer-streaming-zh-en")
    assert store.installed() == []


def test_a_download_that_breaks_off_goes_on(
    store: ModelStore, site: Site, serve: Callable[[str], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    serve("zipformer-small-zh-en")
    monkeypatch.setattr("asr.models.download.PAUSE_S", 0.0)
    site.cut_after = [100_000, 0, 0, 0]
    with pytest.raises(ModelFetchError):
        pull(store, "zipformer-small-zh-en")
    assert store.installed() == []
    site.requests.clear()
    pull(store, "zipformer-small-zh-en")
    assert [asked for _, asked in site.requests] == ["bytes=100000-"]


def test_a_model_of_ones_own_comes_from_a_folder_or_a_tar_file(store: ModelStore, tmp_path: Path) -> None:
    folder = build_sense_voice(tmp_path / "sv")
    assert pull(store, "mine", origin=str(folder)).languages == {Language.ZH, Language.EN, Language.KO}
    path = tmp_path / "z.tar.bz2"
    path.write_bytes(packed(build_zipformer(tmp_path / "z"), "z", {}))
    assert pull(store, "mine-en", origin=str(path)).languages == {Language.EN}
    with pytest.raises(ModelCorruptError, match="knows one language or two, which 'mine2' does not tell"):
        pull(store, "mine2", origin=str(path))


def test_a_damaged_model_is_not_installed(store: ModelStore, tmp_path: Path) -> None:
    folder = build_paraformer(tmp_path / "p")
    (folder / "decoder.int8.onnx").write_bytes(b"<html>")
    with pytest.raises(ModelCorruptError, match="not a sound ONNX file"):
        pull(store, "mine-zh", origin=str(folder))
    assert store.installed() == []


@pytest.mark.parametrize("kind", list(BUILDERS))
def test_layouts_are_told_apart(tmp_path: Path, kind: str) -> None:
    folder = BUILDERS[kind](tmp_path / "m")
    assert detect_engine(folder) is Engine.SHERPA
    assert check_sherpa(folder).kind.value.startswith(kind.split("-", maxsplit=1)[0].rstrip("1"))


def test_eight_bits_are_preferred_where_both_are_there(tmp_path: Path) -> None:
    folder = build_zipformer(tmp_path / "m")
    for path in list(folder.glob("*.onnx")):
        other = path.name.replace(".int8", "") if ".int8" in path.name else path.name.replace(".onnx", ".int8.onnx")
        (folder / other).write_bytes(path.read_bytes())
    names = {role: path.name for role, path in check_sherpa(folder).networks.items()}
    assert names == {
        "encoder": "encoder-epoch-99-avg-1.int8.onnx",
        "decoder": "decoder-epoch-99-avg-1.onnx",
        "joiner": "joiner-epoch-99-avg-1.int8.onnx",
    }


def test_a_header_is_read_as_onnx_reads_it(tmp_path: Path) -> None:
    for kind, build in BUILDERS.items():
        for path in build(tmp_path / kind).glob("*.onnx"):
            model = onnx.load(path)
            header = read_header(path)
            assert header.metadata == {entry.key: entry.value for entry in model.metadata_props}
            assert header.inputs == tuple(value.name for value in model.graph.input)
            assert header.outputs == tuple(value.name for value in model.graph.output)


def test_weights_that_are_listed_as_inputs_are_none(tmp_path: Path) -> None:
    """Exporters before version 4 of the format did so."""
    weight = numpy_helper.from_array(np.ones(3, dtype=np.float32), "w")
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [3]) for name in ("x", "w", "y")]
    graph = helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "g", value[:2], value[2:], [weight])
    path = tmp_path / "old.onnx"
    path.write_bytes(helper.make_model(graph).SerializeToString())
    assert read_header(path).inputs == ("x",)


@pytest.mark.parametrize("length", [0, 1, 7, 100, 1000, 15_000])
def test_a_file_that_ends_early_is_refused(tmp_path: Path, length: int) -> None:
    (path,) = build_sense_voice(tmp_path / "m").glob("*.onnx")
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ModelCorruptError):
        read_header(path)


def test_any_bytes_are_refused_or_read(tmp_path: Path) -> None:
    (path,) = build_sense_voice(tmp_path / "m").glob("*.onnx")
    sound = path.read_bytes()
    random = np.random.default_rng(11)
    refused = 0
    for _ in range(300):
        spoilt = bytearray(sound)
        for at in random.integers(0, len(sound), 8):
            spoilt[at] = random.integers(0, 256)
        path.write_bytes(spoilt)
        try:
            read_header(path)
        except ModelCorruptError:
            refused += 1
    assert refused > 0


def test_a_symbol_may_be_any_character(tmp_path: Path) -> None:
    """SenseVoice's table has line separators and wide spaces among its symbols."""
    path = tmp_path / "tokens.txt"
    path.write_text("<blank> 0\n\u2028 1\n\u3000 2\n\x85 3\n4\n好 5\r\n", encoding="utf-8")
    assert read_symbols(path) == {0: "<blank>", 1: "\u2028", 2: "\u3000", 3: "\x85", 4: " ", 5: "好"}
    path.write_bytes(b"\xff\xfe 0\n")
    with pytest.raises(ModelCorruptError, match="not UTF-8"):
        read_symbols(path)


def test_languages_are_in_the_name_of_a_streaming_model(tmp_path: Path) -> None:
    folder = build_zipformer(tmp_path / "m")
    assert guess_languages("zipformer-zh-en", Engine.SHERPA, folder) == {Language.ZH, Language.EN}
    assert guess_languages("anything", Engine.SHERPA, build_sense_voice(tmp_path / "s")) == set(Language)


def entries() -> list[ModelEntry]:
    return [entry for entry in CATALOGUE if entry.engine is Engine.SHERPA]


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_every_entry_says_what_people_need(entry: ModelEntry) -> None:
    (source,) = entry.sources
    assert isinstance(source, ArchiveSource)
    assert source.url.startswith("https://github.com/k2-fsa/sherpa-onnx/releases/download/")
    assert source.download_size > 50_000_000
    assert entry.licence
    assert "tokens.txt" in source.keep
    assert set(standings_of(entry.name)) >= {Language.ZH, Language.EN}


@pytest.mark.parametrize("language", list(Language))
def test_every_model_of_a_language_has_its_place(language: Language) -> None:
    row = STANDINGS[language]
    assert {s.model for s in row} == {entry.name for entry in CATALOGUE if language in entry.languages}
    figures = [s.error_percent for s in row if s.error_percent is not None]
    assert figures == sorted(figures), "a better figure does not stand behind a worse one"
    assert all(bool(s.source) == bool(s.test) == (s.error_percent is not None) for s in row)
    assert best_of(language, []) is None
