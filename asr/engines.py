"""Choosing and loading a recognizer by name."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from asr.fake import FakeRecognizer
from asr.models.catalogue import CATALOGUE, Engine, find
from asr.models.layout import guess_languages
from asr.models.store import ModelStore, read_manifest
from asr.ports import Recognizer, Utterance
from asr.types import Language
from asr.vosk import VoskRecognizer, load_vosk
from asr.whisper import WhisperSettings, load_whisper
from voice.contracts.errors import ModelError, ModelMissingError, UnknownEngineError

AUTO: Final = "auto"
FAKE: Final = "fake"
DEFAULT_WHISPER: Final = "whisper-base"
NAMES: Final = (AUTO, Engine.WHISPER.value, Engine.VOSK.value, FAKE)


class ChoiceReason(StrEnum):
    """Why an engine serves a language."""

    NAMED = "named"
    VOSK_INSTALLED = "vosk_installed"
    NO_VOSK_MODEL = "no_vosk_model"

    @property
    def zh(self) -> str:
        """For people, in Chinese."""
        return _REASONS[self][0]

    @property
    def en(self) -> str:
        """For people, in English."""
        return _REASONS[self][1]


_REASONS: Final = {
    ChoiceReason.NAMED: ("由设置指定", "named by the settings"),
    ChoiceReason.VOSK_INSTALLED: (
        "已安装该语言的 Vosk 流式模型，优先使用",
        "a streaming Vosk model for this language is installed and preferred",
    ),
    ChoiceReason.NO_VOSK_MODEL: (
        "未安装该语言的 Vosk 模型，改用 Whisper",
        "no Vosk model for this language is installed, so Whisper serves it",
    ),
}


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """Which engine and model serve a language, and why."""

    language: Language
    engine: str
    model: str
    reason: ChoiceReason


@dataclass(frozen=True, slots=True)
class LoadedRecognizer:
    """A recognizer ready for use and how it was chosen, one choice per language asked for."""

    recognizer: Recognizer
    choices: tuple[EngineChoice, ...]


class CombinedRecognizer:
    """One recognizer per language; implements `Recognizer`."""

    def __init__(self, by_language: Mapping[Language, Recognizer]) -> None:
        self._by_language = dict(by_language)
        self.name = " ".join(dict.fromkeys(recognizer.name for recognizer in self._by_language.values()))
        self.languages = frozenset(self._by_language)

    def begin(self, language: Language) -> Utterance:
        """Start an utterance.

        Raises:
            ModelError: `language` is not one of `languages`.
        """
        if language not in self._by_language:
            raise ModelError(f"{self.name} recognizes {', '.join(sorted(self.languages))}; got {str(language)!r}.")
        return self._by_language[language].begin(language)


def load_recognizer(
    name: str,
    models_folder: Path,
    languages: Collection[Language] = (Language.ZH, Language.EN),
    *,
    threads: int = 1,
    whisper: WhisperSettings | None = None,
) -> LoadedRecognizer:
    """Load the recognizer of that name. Takes seconds and blocks: call it off the event loop.

    Models with a manifest are verified first, because engines crash on damaged files.

    Args:
        name: `auto` (Vosk for each language that has a Vosk model, Whisper for the others), `whisper`, `vosk`, `fake`,
            or `ENGINE/MODEL` with the folder of an installed model, for example `whisper/whisper-base`.
        models_folder: where models lie.
        languages: what must be recognized.
        threads: utterances that are recognized at the same time; give `RecognitionWorker` the same.
        whisper: how Whisper searches.

    Raises:
        UnknownEngineError: no such name; the message names the nearest.
        ModelMissingError: a model that is needed is not installed.
        ModelCorruptError: a model is damaged.
        ModelError: the engine cannot recognize one of `languages`.
    """
    store = ModelStore(models_folder)
    wanted = sorted(set(languages))
    if not wanted:
        raise ValueError("At least one language must be recognized.")
    choices = tuple(_choose(name, store, language) for language in wanted)
    loaded: dict[tuple[str, str], Recognizer] = {}
    for choice in choices:
        key = (choice.engine, choice.model)
        if key not in loaded:
            loaded[key] = _load(choice, store, threads, whisper)
        if choice.language not in loaded[key].languages:
            spoken = ", ".join(sorted(loaded[key].languages))
            raise ModelError(f"{loaded[key].name} recognizes {spoken}; {choice.language} was asked for.")
    if len(loaded) == 1:
        return LoadedRecognizer(next(iter(loaded.values())), choices)
    by_language = {choice.language: loaded[choice.engine, choice.model] for choice in choices}
    return LoadedRecognizer(CombinedRecognizer(by_language), choices)


def vosk_model_for(language: Language, store: ModelStore) -> str | None:
    """The installed Vosk model of a language: the catalogue's first, then any other whose manifest names it."""
    for entry in CATALOGUE:
        if entry.engine is Engine.VOSK and language in entry.languages and (store.folder / entry.name).is_dir():
            return entry.name
    for model in store.installed():
        if model.manifest and model.manifest.engine is Engine.VOSK and language in model.manifest.languages:
            return model.name
    return None


def _choose(name: str, store: ModelStore, language: Language) -> EngineChoice:
    engine, _, model = name.partition("/")
    if engine == FAKE and not model:
        return EngineChoice(language, FAKE, FAKE, ChoiceReason.NAMED)
    if engine in {Engine.WHISPER, Engine.VOSK} and model:
        return EngineChoice(language, engine, model, ChoiceReason.NAMED)
    if engine == Engine.WHISPER:
        return EngineChoice(language, engine, DEFAULT_WHISPER, ChoiceReason.NAMED)
    if engine not in {AUTO, Engine.VOSK} or model:
        near = difflib.get_close_matches(engine.lower(), NAMES, 1, cutoff=0.4)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UnknownEngineError(f"A recognizer is one of {', '.join(NAMES)} or ENGINE/MODEL; got {name!r}.{hint}")
    installed = vosk_model_for(language, store)
    if engine == Engine.VOSK:
        if installed is None:
            raise _no_vosk(language, store)
        return EngineChoice(language, engine, installed, ChoiceReason.NAMED)
    if installed is not None:
        return EngineChoice(language, Engine.VOSK, installed, ChoiceReason.VOSK_INSTALLED)
    return EngineChoice(language, Engine.WHISPER, DEFAULT_WHISPER, ChoiceReason.NO_VOSK_MODEL)


def _load(choice: EngineChoice, store: ModelStore, threads: int, whisper: WhisperSettings | None) -> Recognizer:
    if choice.engine == FAKE:
        return FakeRecognizer()
    folder = store.path(choice.model)
    manifest = read_manifest(folder)
    if manifest is not None:
        store.verify(choice.model)
    if choice.engine == Engine.WHISPER:
        return load_whisper(folder, threads=threads, settings=whisper)
    if manifest is not None:
        spoken = manifest.languages
    else:
        entry = find(choice.model)
        spoken = entry.languages if entry is not None else guess_languages(choice.model, Engine.VOSK)
    model = load_vosk(folder)
    return VoskRecognizer(dict.fromkeys(sorted(spoken), (choice.model, model)))


def _no_vosk(language: Language, store: ModelStore) -> ModelMissingError:
    name = next(e.name for e in CATALOGUE if e.engine is Engine.VOSK and language in e.languages)
    return ModelMissingError(
        f"No Vosk model for {language} in {store.folder}.", fix=f"Run: warmline models pull {name}"
    )
