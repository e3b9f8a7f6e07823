"""An engine is chosen by name and by what is installed; the choice says why, and errors say how to go on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from asr.engines import ChoiceReason, CombinedRecognizer, load_recognizer, vosk_model_for
from asr.fake import FakeRecognizer
from asr.models.store import ModelStore
from asr.types import Language
from voice.contracts.errors import ModelCorruptError, ModelError, ModelMissingError, UnknownEngineError


def test_the_fake_needs_no_model(tmp_path: Path) -> None:
    loaded = load_recognizer("fake", tmp_path)
    assert loaded.recognizer.name == "fake/fake"
    assert {choice.language for choice in loaded.choices} == {Language.ZH, Language.EN}
    assert {choice.reason for choice in loaded.choices} == {ChoiceReason.NAMED}


@pytest.mark.parametrize(
    ("name", "hint"),
    [("wisper", "whisper"), ("Vosk", "vosk"), ("atuo", "auto"), ("kaldi", ""), ("", ""), ("fake/x", "fake")],
)
def test_an_unknown_engine_leads_to_the_nearest(tmp_path: Path, name: str, hint: str) -> None:
    with pytest.raises(UnknownEngineError, match=f"Did you mean {hint}" if hint else "one of auto, whisper") as caught:
        load_recognizer(name, tmp_path)
    assert caught.value.code == "engine.unknown"


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("whisper", "warmline models pull whisper-base"),
        ("auto", "warmline models pull whisper-base"),
        ("vosk", "warmline models pull vosk-small-en"),
        ("whisper/whisper-mine", "warmline models pull whisper-mine --from FOLDER_OR_URL"),
    ],
)
def test_a_missing_model_says_which_command_brings_it(tmp_path: Path, name: str, command: str) -> None:
    with pytest.raises(ModelMissingError, match=command):
        load_recognizer(name, tmp_path)


def test_auto_prefers_vosk_where_its_folder_exists(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    assert vosk_model_for(Language.ZH, store) is None
    (tmp_path / "vosk-small-cn").mkdir()
    assert vosk_model_for(Language.ZH, store) == "vosk-small-cn"
    assert vosk_model_for(Language.EN, store) is None
    with pytest.raises(ModelMissingError, match="A Vosk model folder holds"):
        load_recognizer("auto", tmp_path, [Language.ZH])


@pytest.mark.parametrize("reason", list(ChoiceReason))
def test_every_reason_is_told_in_both_languages(reason: ChoiceReason) -> None:
    assert reason.zh
    assert reason.en


def test_no_language_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="At least one language"):
        load_recognizer("fake", tmp_path, [])


def test_a_combined_recognizer_sends_each_language_to_its_own() -> None:
    class Deaf(FakeRecognizer):
        name = "deaf/none"

    combined = CombinedRecognizer({Language.ZH: FakeRecognizer(), Language.EN: Deaf()})
    assert combined.name == "fake/fake deaf/none"
    assert combined.languages == {Language.ZH, Language.EN}
    utterance = combined.begin(Language.ZH)
    utterance.accept(np.full(3200, 0.1, dtype=np.float32))
    assert utterance.finish().text
    with pytest.raises(ModelError, match="recognizes en, zh; got 'ko'"):
        combined.begin(Language.KO)


@pytest.mark.model
def test_auto_takes_whisper_without_a_vosk_model_and_says_so(need_model: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "whisper-base").symlink_to(need_model("whisper-base"))
    loaded = load_recognizer("auto", tmp_path, [Language.ZH, Language.EN])
    assert loaded.recognizer.name == "whisper/whisper-base"
    assert {choice.reason for choice in loaded.choices} == {ChoiceReason.NO_VOSK_MODEL}


@pytest.mark.model
def test_auto_joins_engines_by_language(need_model: Callable[[str], Path], models_folder: Path) -> None:
    need_model("whisper-base")
    need_model("vosk-ko")
    loaded = load_recognizer("auto", models_folder, [Language.KO, Language.EN])
    reasons = {choice.language: choice.reason for choice in loaded.choices}
    assert reasons == {Language.KO: ChoiceReason.VOSK_INSTALLED, Language.EN: ChoiceReason.NO_VOSK_MODEL}
    assert loaded.recognizer.languages == {Language.KO, Language.EN}
    with pytest.raises(ModelError, match="vosk/vosk-ko recognizes ko; zh was asked for"):
        load_recognizer("vosk/vosk-ko", models_folder, [Language.ZH])


@pytest.mark.model
@pytest.mark.parametrize("name", ["whisper-base", "vosk-ko"])
def test_a_damaged_model_is_told_before_the_engine_sees_it(
    need_model: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    """Kaldi ends the process on such a file, so the check has to come first."""
    source = need_model(name)
    damaged = {"whisper-base": "model.bin", "vosk-ko": "graph/HCLr.fst"}[name]
    folder = tmp_path / name
    shutil.copytree(source, folder, copy_function=_link)
    (folder / damaged).unlink()
    shutil.copyfile(source / damaged, folder / damaged)
    with (folder / damaged).open("r+b") as file:
        file.seek(5000)
        file.write(b"\xff" * 20_000)
    engine = name.split("-", maxsplit=1)[0]
    with pytest.raises(ModelCorruptError, match=f"{damaged} has another sha256"):
        load_recognizer(f"{engine}/{name}", tmp_path, [Language.KO])


def _link(source: str, target: str) -> None:
    Path(target).symlink_to(Path(source).resolve())
