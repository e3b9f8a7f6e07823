"""Choosing and loading a recognizer by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from asr.fake import FakeRecognizer
from asr.models.catalogue import CATALOGUE, find
from asr.models.entry import Engine
from asr.models.layout import guess_languages
from asr.models.ranking import Standing, best_of
from asr.models.sherpa_layout import SherpaKind, detect_kind
from asr.models.store import Installed, ModelStore, read_manifest
from asr.ports import Recognizer, Reporting, Utterance
from asr.sherpa import SherpaSettings, load_sherpa
from asr.types import Language
from asr.vosk import VoskRecognizer, load_vosk
from asr.whisper import WhisperSettings, load_whisper
from voice.contracts.errors import ModelError, ModelMissingError, UnknownEngineError

AUTO: Final = "auto"
FAKE: Final = "fake"
DEFAULT_WHISPER: Final = "whisper-base"
NAMES: Final = (AUTO, Engine.WHISPER.value, Engine.VOSK.value, Engine.SHERPA.value, FAKE)


class ChoiceRule(StrEnum):
    """By which rule an engine serves a language."""

    NAMED = "named"
    OWN_MODEL = "own_model"
    BEST_BY_FIGURE = "best_by_figure"
    FIRST_IN_ORDER = "first_in_order"
    NOTHING_INSTALLED = "nothing_installed"


@dataclass(frozen=True, slots=True)
class ChoiceReason:
    """Why an engine serves a language, for people; `standing` is the place it was chosen by, where there is one."""

    rule: ChoiceRule
    standing: Standing | None = None

    @property
    def zh(self) -> str:
        """In Chinese."""
        match self.rule:
            case ChoiceRule.NAMED:
                return "由设置指定"
            case ChoiceRule.OWN_MODEL:
                return "您自行安装的模型，优先使用；此处不知其准确率"
            case ChoiceRule.BEST_BY_FIGURE:
                return f"已安装的模型中最准（{self.standing.zh if self.standing else ''}）"
            case ChoiceRule.FIRST_IN_ORDER:
                return "已安装的模型中排位最前；没有公布的数字，排位是我们的判断"
            case ChoiceRule.NOTHING_INSTALLED:
                return "没有安装适合该语言的模型，使用默认的 Whisper"

    @property
    def en(self) -> str:
        """In English."""
        match self.rule:
            case ChoiceRule.NAMED:
                return "named by the settings"
            case ChoiceRule.OWN_MODEL:
                return "a model that you installed yourself comes first; how accurate it is, is not known here"
            case ChoiceRule.BEST_BY_FIGURE:
                return f"the most accurate of those installed ({self.standing.en if self.standing else ''})"
            case ChoiceRule.FIRST_IN_ORDER:
                return "the first in order of those installed; no figure is published, its place is our judgement"
            case ChoiceRule.NOTHING_INSTALLED:
                return "no model for this language is installed, so it is the default, Whisper"


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

    def report_calls(self, begin: Callable[[], None]) -> None:
        """Have those that can tell of native calls; see `Reporting`."""
        for recognizer in self._by_language.values():
            if isinstance(recognizer, Reporting):
                recognizer.report_calls(begin)

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
    sherpa: SherpaSettings | None = None,
) -> LoadedRecognizer:
    """Load the recognizer of that name. Takes seconds and blocks: call it off the event loop.

    Models with a manifest are verified first, because engines crash on damaged files.

    Args:
        name: `auto` (for each language the best model that is installed), an engine (`whisper`, `vosk`, `sherpa`: its
            best), `fake`, or `ENGINE/MODEL` with the folder of an installed model, for example `whisper/whisper-base`.
        models_folder: where models lie.
        languages: what must be recognized.
        threads: utterances that are recognized at the same time; give `RecognitionWorker` the same.
        whisper: how Whisper searches.
        sherpa: how sherpa-onnx searches, and the terms that its transducers lean towards.

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
    choices = choose_engines(name, models_folder, wanted)
    loaded: dict[tuple[str, str], Recognizer] = {}
    for choice in choices:
        key = (choice.engine, choice.model)
        if key not in loaded:
            served = [other.language for other in choices if (other.engine, other.model) == key]
            loaded[key] = _load(choice, store, served, threads, whisper, sherpa)
        if choice.language not in loaded[key].languages:
            raise _not_spoken(loaded[key].name, loaded[key].languages, choice.language)
    if len(loaded) == 1:
        return LoadedRecognizer(next(iter(loaded.values())), choices)
    by_language = {choice.language: loaded[choice.engine, choice.model] for choice in choices}
    return LoadedRecognizer(CombinedRecognizer(by_language), choices)


def choose_engines(name: str, models_folder: Path, languages: Collection[Language]) -> tuple[EngineChoice, ...]:
    """Which engine and model `load_recognizer` takes for each language, and why; loads nothing.

    Raises:
        UnknownEngineError: no such name.
        ModelMissingError: a model that is needed is not installed.
        ModelCorruptError: a manifest cannot be read.
    """
    store = ModelStore(models_folder)
    return tuple(_choose(name, store, language) for language in sorted(set(languages)))


def check_engines(name: str, models_folder: Path, languages: Collection[Language]) -> None:
    """Find out, without loading anything, that each language has an engine and its model's folder is there.

    Raises:
        UnknownEngineError: no such name.
        ModelMissingError: a model that is needed is not installed.
        ModelCorruptError: a manifest cannot be read.
    """
    store = ModelStore(models_folder)
    for choice in choose_engines(name, models_folder, languages):
        if choice.engine != FAKE:
            store.path(choice.model)


def choose_model(language: Language, store: ModelStore, engine: Engine | None = None) -> EngineChoice | None:
    """The best installed model of a language, of one engine or of any; None where none is installed.

    A model of the user's own comes first, because somebody wanted it; then the order of `STANDINGS`.

    Raises:
        ModelCorruptError: a manifest cannot be read.
    """
    own: list[tuple[str, Engine]] = []
    known: dict[str, Engine] = {}
    for model in store.installed():
        described = _describe(model)
        if described is None or language not in described[1] or engine not in (None, described[0]):
            continue
        if find(model.name) is None:
            own.append((model.name, described[0]))
        else:
            known[model.name] = described[0]
    if own:
        return EngineChoice(language, own[0][1], own[0][0], ChoiceReason(ChoiceRule.OWN_MODEL))
    standing = best_of(language, known)
    if standing is None:
        return None
    rule = ChoiceRule.FIRST_IN_ORDER if standing.error_percent is None else ChoiceRule.BEST_BY_FIGURE
    return EngineChoice(language, known[standing.model], standing.model, ChoiceReason(rule, standing))


def vosk_model_for(language: Language, store: ModelStore) -> str | None:
    """The installed Vosk model of a language, None where there is none."""
    choice = choose_model(language, store, Engine.VOSK)
    return choice.model if choice else None


def _describe(model: Installed) -> tuple[Engine, frozenset[Language]] | None:
    """Engine and languages of what is installed; None for a folder that nothing tells about."""
    if model.manifest is not None:
        return model.manifest.engine, model.manifest.languages
    entry = find(model.name)
    return (entry.engine, entry.languages) if entry else None


def _choose(name: str, store: ModelStore, language: Language) -> EngineChoice:
    engine, _, model = name.partition("/")
    named = ChoiceReason(ChoiceRule.NAMED)
    if engine == FAKE and not model:
        return EngineChoice(language, FAKE, FAKE, named)
    if engine in NAMES and engine not in (AUTO, FAKE) and model:
        return EngineChoice(language, engine, model, named)
    if engine not in NAMES or engine == FAKE or model:
        near = difflib.get_close_matches(engine.lower(), NAMES, 1, cutoff=0.4)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UnknownEngineError(f"A recognizer is one of {', '.join(NAMES)} or ENGINE/MODEL; got {name!r}.{hint}")
    wanted = None if engine == AUTO else Engine(engine)
    found = choose_model(language, store, wanted)
    if found is not None:
        return found if wanted is None else EngineChoice(language, found.engine, found.model, named)
    if wanted in (Engine.VOSK, Engine.SHERPA):
        raise _none_installed(wanted, language, store)
    reason = named if wanted else ChoiceReason(ChoiceRule.NOTHING_INSTALLED)
    return EngineChoice(language, Engine.WHISPER, DEFAULT_WHISPER, reason)


def _load(
    choice: EngineChoice,
    store: ModelStore,
    served: Collection[Language],
    threads: int,
    whisper: WhisperSettings | None,
    sherpa: SherpaSettings | None,
) -> Recognizer:
    if choice.engine == FAKE:
        return FakeRecognizer()
    folder = store.path(choice.model)
    manifest = read_manifest(folder)
    if manifest is not None:
        store.verify(choice.model)
    if choice.engine == Engine.WHISPER:
        return load_whisper(folder, threads=threads, settings=whisper)
    entry = find(choice.model)
    if manifest is not None:
        spoken = manifest.languages
    elif entry is not None:
        spoken = entry.languages
    else:
        spoken = guess_languages(choice.model, Engine(choice.engine), folder)
    if choice.engine == Engine.SHERPA:
        for language in served:
            if language not in spoken:
                raise _not_spoken(f"sherpa/{choice.model}", spoken, language)
        # SenseVoice takes its memory once for each language, so it is given only what it is to serve.
        apart = detect_kind(folder) is SherpaKind.SENSE_VOICE
        return load_sherpa(folder, served if apart else spoken, sherpa)
    model = load_vosk(folder)
    return VoskRecognizer(dict.fromkeys(sorted(spoken), (choice.model, model)))


def _not_spoken(name: str, spoken: Collection[Language], asked: Language) -> ModelError:
    return ModelError(f"{name} recognizes {', '.join(sorted(spoken))}; {asked} was asked for.")


def _none_installed(engine: Engine, language: Language, store: ModelStore) -> ModelMissingError:
    names = [e.name for e in CATALOGUE if e.engine is engine and language in e.languages]
    standing = best_of(language, names)
    name = standing.model if standing else names[0] if names else "NAME --from FOLDER_OR_URL"
    shown = {Engine.VOSK: "Vosk", Engine.SHERPA: "sherpa-onnx", Engine.WHISPER: "Whisper"}[engine]
    return ModelMissingError(
        f"No {shown} model for {language} in {store.folder}.", fix=f"Run: warmline models pull {name}"
    )
