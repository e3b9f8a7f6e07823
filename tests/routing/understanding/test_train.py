"""Training on a small copy of the data: what is held out, what is refused, what is stored."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from agent_console.intent_training import train_intent
from agent_console.settings import Settings
from routing.understanding.embedder import PieceEmbedder, Vector, unit
from routing.understanding.heard import hear
from routing.understanding.intent import MODEL, load_model
from routing.understanding.intent_versions import SHIPPED, IntentVersions
from routing.understanding.taxonomy import DATA
from routing.understanding.train import train
from routing.understanding.utterances import hash_data, read_utterances
from voice.contracts.errors import MissingExtraError, ModelCorruptError, ModelMissingError, UnderstandingDataError


class FewPieces(PieceEmbedder):
    """The fall-back folded into few dimensions, so that fitting takes no time."""

    @property
    def size(self) -> int:
        return 32

    def embed(self, text: str) -> Vector:
        return unit(super().embed(text).reshape(-1, 32).sum(axis=0))


LABELS = ("logistics", "invoice", "complaint", "unknown")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four labels of four groups."""
    copy = tmp_path_factory.mktemp("data")
    for name in ("intents.yaml", "concepts.yaml", "syllables.txt"):
        shutil.copy(DATA / name, copy / name)
    (copy / "utterances").mkdir()
    for group in ("zh-shopping", "zh-telecom", "en-shopping", "en-telecom"):
        lines = [one for one in read_utterances() if one.group == group and one.label in LABELS]
        text = "".join(
            f"{label}:\n" + "".join(f"  - {one.text!r}\n".replace("\\'", "''") for one in lines if one.label == label)
            for label in LABELS
        )
        (copy / "utterances" / f"{group}.yaml").write_text(text, encoding="utf-8")
    return copy


def own(path: Path, name: str, text: str) -> Path:
    path.mkdir(exist_ok=True)
    (path / name).write_text(text, encoding="utf-8")
    return path


def test_the_same_data_gives_the_same_artefact_with_vectors_and_without(folder: Path, tmp_path: Path) -> None:
    steps: set[str] = set()

    def note(step: str, of: int, done: int) -> None:
        steps.add(step)

    trained = train(FewPieces(), folder, progress=note)
    assert trained.packed == train(FewPieces(), folder).packed
    assert steps == {"embed", "hold out"}
    (tmp_path / "a.npz").write_bytes(trained.packed)
    model = load_model(tmp_path / "a.npz")
    assert model.data_hash == hash_data(folder)
    assert model.labels == tuple(sorted(LABELS))
    assert model.expert is not None
    said = "我的快递到哪里了"
    assert model.recognize(hear(said), FewPieces().embed(said)).best == "logistics"
    assert model.recognize(hear(said)).best == "logistics"
    assert model.metrics["together"]["zh"]["accuracy"] >= 0.8
    alone = train(None, folder)
    assert alone.head["expert"] is None
    assert alone.head["version"] != trained.head["version"]


def test_an_intent_of_one_group_alone_cannot_be_held_out(folder: Path, tmp_path: Path) -> None:
    extra = own(tmp_path / "own", "zh-own.yaml", "store_info:\n  - 你们店在哪\n  - 几点关门\n")
    with pytest.raises(UnderstandingDataError, match=r"store_info only stands in zh-own"):
        train(None, folder, extra)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("shop.yaml", "logistics: [查快递]\n", r"begins with a language"),
        ("zh-shopping.yaml", "logistics: [查快递]\n", r"of this name ships already"),
        ("zh-own.yaml", "logistics: [3]\n", r"line 1, logistics\[0\]"),
        (
            "zh-own.yaml",
            "complaint: [我那个羽绒服下单都四天了 怎么一点动静都没有]\n",
            r"stands under logistics as well",
        ),
    ],
)
def test_broken_data_of_ones_own_is_refused(folder: Path, tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(UnderstandingDataError, match=message):
        train(None, folder, own(tmp_path / "own", name, text))
    with pytest.raises(UnderstandingDataError, match="there is none"):
        train(None, folder, tmp_path / "nowhere")


def test_training_without_its_library_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(MissingExtraError, match="scikit-learn"):
        train(None, folder)


def test_an_installation_trains_compares_and_goes_back(folder: Path, tmp_path: Path) -> None:
    settings = Settings.load(data=tmp_path / "data", models=tmp_path / "models")
    extra = own(tmp_path / "own", "zh-own.yaml", "logistics:\n  - 我的货在船上吗\ninvoice:\n  - 票怎么还没开给我\n")
    done = train_intent(settings, extra, lambda *_: None, put_in_force=True, folder=folder)
    versions = IntentVersions(tmp_path / "data" / "intent")
    assert done.without_encoder
    assert done.before["version"] == load_model().version
    assert done.unseen["zh"]["after"]["n"] >= 2
    assert versions.current() == done.stored == done.after["version"]
    assert versions.versions() == (SHIPPED, done.stored)
    assert load_model(versions.path()).data_hash == hash_data(folder, extra)
    assert versions.use(SHIPPED) == done.stored
    assert versions.path() == MODEL
    train_intent(settings, None, lambda *_: None, put_in_force=False, folder=folder)
    assert versions.current() == SHIPPED
    assert len(versions.versions()) == 3


@pytest.mark.parametrize("name", ["nothing", "../intent", "", "a/b", "a" * 100])
def test_an_unknown_version_is_refused(tmp_path: Path, name: str) -> None:
    versions = IntentVersions(tmp_path)
    with pytest.raises(ModelMissingError):
        versions.use(name or "none")
    assert versions.current() == SHIPPED


def test_a_broken_version_is_never_put_in_force(tmp_path: Path) -> None:
    versions = IntentVersions(tmp_path)
    versions.store("broken", b"no archive")
    with pytest.raises(ModelCorruptError):
        versions.use("broken")
    assert versions.current() == SHIPPED
    (tmp_path / "current").write_text("../../etc/passwd", encoding="utf-8")
    with pytest.raises(ModelCorruptError, match="current"):
        versions.path()


def test_weights_are_numbers_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(train(None, folder).packed)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as stored:
        assert set(stored.files) == {"head", "features", "weights", "idf", "bias", "vector_weights", "vector_bias"}
