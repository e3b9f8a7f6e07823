"""The intent classifier: its artefact is fresh, good enough, honest about doubt, and quick to load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from routing.understanding.heard import hear
from routing.understanding.intent import MODEL, load_model
from routing.understanding.taxonomy import load_taxonomy
from routing.understanding.turn import Understander
from routing.understanding.utterances import UNKNOWN, hash_data, read_utterances
from voice.contracts.errors import ModelCorruptError, ModelMissingError


def test_the_artefact_was_trained_from_the_data_that_ships() -> None:
    stale = "run `python -m routing.understanding.train` and commit the artefact"
    assert load_model().data_hash == hash_data(), stale


@pytest.mark.parametrize(
    ("way", "language", "accuracy"),
    [("together", "zh", 0.92), ("together", "en", 0.90), ("alone", "zh", 0.87), ("alone", "en", 0.83)],
)
def test_figures_held_out_by_author_and_field_keep_their_floor(way: str, language: str, accuracy: float) -> None:
    figures = load_model().metrics[way][language]
    assert figures["accuracy"] >= accuracy
    assert figures["macro_f1"] >= accuracy
    assert figures["ece"] <= 0.06
    assert figures["accuracy_taken"] >= 0.90


def test_training_again_gives_the_same_classifier() -> None:
    from routing.understanding.train import fit_pieces, prepare

    model = load_model()
    utterances = read_utterances()
    fitted = fit_pieces(prepare(utterances, None).counted, [one.label for one in utterances])
    assert sorted({one.label for one in utterances}) == list(model.labels)
    assert list(fitted.names) == list(model.vocabulary)
    assert np.allclose(fitted.weights.astype(np.float16).astype(np.float32), model.weights, atol=0.03)


def test_every_intent_can_be_recognized() -> None:
    assert set(load_model().labels) == {*load_taxonomy(), UNKNOWN}


def test_there_is_data_enough_for_every_intent() -> None:
    counts = {(language, label): 0 for language in ("zh", "en") for label in load_taxonomy()}
    for one in read_utterances():
        if one.label != UNKNOWN:
            counts[one.language, one.label] += 1
    assert all(count >= (100 if language == "zh" else 50) for (language, _), count in counts.items()), counts


def test_the_sample_calls_stay_unseen(project: Path) -> None:
    """The samples show what the product does with words it was not trained on."""
    import tomllib

    said = {
        "".join(
            part for part in ([turn["say"]] if isinstance(turn["say"], str) else turn["say"]) if isinstance(part, str)
        )
        for script in (project / "samples" / "scripts").glob("*.toml")
        for turn in tomllib.loads(script.read_text(encoding="utf-8"))["turn"]
    }
    if not said:
        pytest.skip("no sample scripts")
    known = {one.text for one in read_utterances() if len(one.text) >= 12}
    assert not said & known


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("你帮我瞧瞧我那个包裹走到哪儿啦", "logistics"),
        ("我的快地到哪里了", "logistics"),
        ("推款怎么还没有到帐", "refund_progress"),
        ("我想开一张发飘", "invoice"),
        ("定单去消一下", "cancel_order"),
        ("我登陆不上去", "account_login"),
        ("你们店里星期六几点关门", "store_info"),
        ("我要投诉你们", "complaint"),
        ("转人工", "human_agent"),
        ("好的谢谢再见", "feedback_close"),
        ("has my parcel shipped", "logistics"),
        ("i want my money back it's been two weeks since the return", "refund_progress"),
        ("can you email me an invoice", "invoice"),
        ("my pass word doesn't work", "account_login"),
        ("i'd like to speak with a human", "human_agent"),
    ],
)
def test_needs_are_recognized_through_recognition_errors(text: str, label: str) -> None:
    intent = load_model().recognize(hear(text))
    assert intent.label == label
    assert intent.confidence >= 0.5


@pytest.mark.parametrize(
    "text", ["", "。。。", "🙂🙂", "ㄱㄴㄷ 한국어", "明天会下雪吗", "the moon is far away", "喂", "呃那个"]
)
def test_what_names_no_need_is_unknown(text: str) -> None:
    assert load_model().recognize(hear(text)).label == UNKNOWN


def test_confidence_is_a_probability(understander: Understander) -> None:
    for text in ("查快递", "退", "a", "发票退款快递会员"):
        assert 0 <= understander.understand(text).intent.confidence <= 1


def test_a_missing_model_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match=r"routing\.understanding\.train"):
        load_model(tmp_path / "intent.npz")


@pytest.mark.parametrize("damage", ["noise", "empty", "cut", "pickle", "shape"])
def test_a_broken_model_is_refused(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "intent.npz"
    good = MODEL.read_bytes()
    head = np.frombuffer(json.dumps({"format": 1, "labels": ["a"]}).encode(), dtype=np.uint8)
    match damage:
        case "noise":
            path.write_bytes(b"no archive at all")
        case "empty":
            path.write_bytes(b"")
        case "cut":
            path.write_bytes(good[: len(good) // 2])
        case "pickle":
            np.savez(path, head=np.array([{"a": 1}], dtype=object))
        case _:
            np.savez(path, head=head, features=head, weights=np.zeros((3, 2)), idf=np.zeros(3), bias=np.zeros(2))
    with pytest.raises(ModelCorruptError):
        load_model(path)


def test_recognizing_needs_no_training_library() -> None:
    code = (
        "import sys\n"
        "from routing.understanding.turn import Understander\n"
        "Understander.load().understand('查快递')\n"
        "print([name for name in ('sklearn', 'scipy', 'pypinyin') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
