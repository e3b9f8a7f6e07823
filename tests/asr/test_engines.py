"""An engine is chosen by name and by what is installed; the choice says why, and errors say how to go on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from asr.chinese import is_han
from asr.engines import ChoiceReason, ChoiceRule, CombinedRecognizer, choose_model, load_recognizer, vosk_model_for
from asr.fake import FakeRecognizer
from asr.models.entry import Engine
from asr.models.fetch import pull
from asr.models.ranking import STANDINGS
from asr.models.store import ModelStore
from asr.types import Language
from tests.asr.tiny_sherpa import build_sense_voice, build_zipformer
from voice.contracts.errors import ModelCorruptError, ModelError, ModelMissingError, UnknownEngineError


def test_the_fake_needs_no_model(tmp_path: Path) -> None:
    loaded = load_recognizer("fake", tmp_path)
    assert loaded.recognizer.name == "fake/fake"
    assert {choice.language for choice in loaded.choices} == {Language.ZH, Language.EN}
    assert {choice.reason.rule for choice in loaded.choices} == {ChoiceRule.NAMED}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("wisper", "whisper"),
        ("Vosk", "vosk"),
        ("atuo", "auto"),
        ("sherpas", "sherpa"),
        ("kaldi", ""),
        ("", ""),
        ("fake/x", "fake"),
    ],
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
        ("sherpa", "warmline models pull sense-voice-small"),
        ("sherpa/zipformer-small-zh-en", "warmline models pull zipformer-small-zh-en"),
        ("whisper/whisper-mine", "warmline models pull whisper-mine --from FOLDER_OR_URL"),
    ],
)
def test_a_missing_model_says_which_command_brings_it(tmp_path: Path, name: str, command: str) -> None:
    with pytest.raises(ModelMissingError, match=command):
        load_recognizer(name, tmp_path)


def test_auto_takes_vosk_where_only_its_folder_exists(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    assert vosk_model_for(Language.ZH, store) is None
    (tmp_path / "vosk-small-cn").mkdir()
    assert vosk_model_for(Language.ZH, store) == "vosk-small-cn"
    assert vosk_model_for(Language.EN, store) is None
    with pytest.raises(ModelMissingError, match="A Vosk model folder holds"):
        load_recognizer("auto", tmp_path, [Language.ZH])


@pytest.mark.parametrize("rule", list(ChoiceRule))
def test_every_reason_is_told_in_both_languages(rule: ChoiceRule) -> None:
    reason = ChoiceReason(rule, STANDINGS[Language.ZH][0])
    assert any(is_han(character) for character in reason.zh)
    assert reason.en.isascii()


def test_a_published_figure_says_that_it_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "sense-voice-small").mkdir()
    (tmp_path / "whisper-base").mkdir()
    choice = choose_model(Language.ZH, ModelStore(tmp_path))
    assert choice is not None
    assert choice.model == "sense-voice-small"
    assert choice.engine == Engine.SHERPA
    assert "2.96%，AISHELL-1 test" in choice.reason.zh
    assert "并非我们测得" in choice.reason.zh
    assert "published, not ours: An et al. 2024" in choice.reason.en
    (tmp_path / "sense-voice-small").rmdir()
    choice = choose_model(Language.ZH, ModelStore(tmp_path))
    assert choice is not None
    assert choice.model == "whisper-base"
    assert "由我们测得" in choice.reason.zh
    assert "measured by us" in choice.reason.en


@pytest.mark.parametrize(
    ("installed", "language", "model", "rule"),
    [
        (["whisper-base", "vosk-small-cn"], Language.ZH, "vosk-small-cn", ChoiceRule.BEST_BY_FIGURE),
        (["whisper-base", "vosk-small-en"], Language.EN, "whisper-base", ChoiceRule.BEST_BY_FIGURE),
        (["whisper-base", "zipformer-small-zh-en"], Language.ZH, "zipformer-small-zh-en", ChoiceRule.FIRST_IN_ORDER),
        (["whisper-base", "zipformer-small-zh-en"], Language.EN, "whisper-base", ChoiceRule.BEST_BY_FIGURE),
        (["vosk-small-cn"], Language.EN, None, None),
        ([], Language.ZH, None, None),
        (["something"], Language.ZH, None, None),
    ],
)
def test_auto_takes_the_first_in_order(
    tmp_path: Path, installed: list[str], language: Language, model: str | None, rule: ChoiceRule | None
) -> None:
    for name in installed:
        (tmp_path / name).mkdir()
    choice = choose_model(language, ModelStore(tmp_path))
    assert (choice.model if choice else None) == model
    assert (choice.reason.rule if choice else None) == rule


def test_a_model_of_ones_own_comes_first(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models")
    pull(store, "mine-zh", origin=str(build_zipformer(tmp_path / "tiny")))
    (store.folder / "sense-voice-small").mkdir()
    choice = choose_model(Language.ZH, store)
    assert choice is not None
    assert (choice.engine, choice.model) == ("sherpa", "mine-zh")
    assert choice.reason.rule is ChoiceRule.OWN_MODEL
    english = choose_model(Language.EN, store)
    assert english is not None
    assert english.model == "sense-voice-small", "its name tells Mandarin only"
    loaded = load_recognizer("auto", store.folder, [Language.ZH])
    assert loaded.recognizer.name == "sherpa/mine-zh"


def test_sense_voice_is_loaded_for_the_languages_it_serves(tmp_path: Path) -> None:
    build_sense_voice(tmp_path / "sense-voice-small")
    loaded = load_recognizer("sherpa", tmp_path, [Language.ZH, Language.EN])
    assert loaded.recognizer.languages == {Language.ZH, Language.EN}
    assert load_recognizer("auto", tmp_path, [Language.EN]).recognizer.languages == {Language.EN}


def test_a_sherpa_model_is_not_asked_for_what_it_does_not_speak(tmp_path: Path) -> None:
    build_zipformer(tmp_path / "tiny-zh-en")
    with pytest.raises(ModelError, match="sherpa/tiny-zh-en recognizes en, zh; ko was asked for"):
        load_recognizer("sherpa/tiny-zh-en", tmp_path, [Language.KO])


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
    assert {choice.reason.rule for choice in loaded.choices} == {ChoiceRule.BEST_BY_FIGURE}


@pytest.mark.model
def test_auto_joins_engines_by_language(need_model: Callable[[str], Path], models_folder: Path) -> None:
    need_model("whisper-base")
    need_model("vosk-ko")
    loaded = load_recognizer("auto", models_folder, [Language.KO, Language.EN])
    rules = {choice.language: choice.reason.rule for choice in loaded.choices}
    assert rules == {Language.KO: ChoiceRule.FIRST_IN_ORDER, Language.EN: ChoiceRule.BEST_BY_FIGURE}
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
