"""What a model folder must hold for each engine. Engines crash or hang on folders that only look right."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from asr.diarization.layout import is_pipeline
from asr.models.catalogue import SENTENCE_ENCODER_FILE, SMART_TURN_FILE
from asr.models.entry import Engine
from asr.models.sherpa_layout import SherpaKind, check_sherpa, detect_kind
from asr.types import Language
from voice.contracts.errors import ModelCorruptError, ModelMissingError

WHISPER_FILES: Final = ("model.bin", "config.json", "tokenizer.json")
VOSK_FILES: Final = ("am/final.mdl", "conf/mfcc.conf", "conf/model.conf")
VOSK_GRAPHS: Final = (("graph/HCLG.fst", "graph/words.txt"), ("graph/HCLr.fst", "graph/Gr.fst"))

_FST_MAGIC: Final = bytes.fromhex("d6fdb27e")
"""First bytes of every OpenFst file, little endian."""

_KALDI_MAGIC: Final = b"\0B"
"""First bytes of every binary Kaldi file."""

_LANGUAGE_IN_NAME: Final = {
    Language.ZH: re.compile(r"(^|[-_.])(zh|cn|mandarin|chinese)([-_.]|$)"),
    Language.EN: re.compile(r"(^|[-_.])(en|english)([-_.]|$)"),
    Language.KO: re.compile(r"(^|[-_.])(ko|kr|korean)([-_.]|$)"),
}


def detect_engine(folder: Path) -> Engine:
    """Which engine a folder is for.

    Raises:
        ModelCorruptError: for none.
    """
    if (folder / "am" / "final.mdl").is_file():
        check_vosk(folder)
        return Engine.VOSK
    if (folder / "model.bin").is_file():
        check_whisper(folder)
        return Engine.WHISPER
    if detect_kind(folder) is not None:
        check_sherpa(folder)
        return Engine.SHERPA
    if (folder / SMART_TURN_FILE).is_file():
        return Engine.SMART_TURN
    if (folder / SENTENCE_ENCODER_FILE).is_file():
        return Engine.SENTENCES
    if is_pipeline(folder):
        return Engine.PYANNOTE
    raise ModelCorruptError(
        "A model's folder holds am/final.mdl (Vosk), model.bin (Whisper for CTranslate2), or tokens.txt beside "
        "encoder*.onnx or model*.onnx (sherpa-onnx); this one holds none of them.",
        fix="Give the folder that holds these files itself.",
    )


def check_whisper(folder: Path) -> None:
    """Check that the files of a CTranslate2 Whisper model are there.

    Raises:
        ModelMissingError: the folder or a file is not there.
        ModelCorruptError: a file is empty.
    """
    vocabulary = "vocabulary.txt" if (folder / "vocabulary.txt").is_file() else "vocabulary.json"
    _check_files(folder, (*WHISPER_FILES, vocabulary), "Whisper")


def check_vosk(folder: Path) -> None:
    """Check that a Vosk model's files are there and begin as they should.

    Raises:
        ModelMissingError: the folder or a file is not there.
        ModelCorruptError: a file is empty or of another kind.
    """
    graph = next((graph for graph in VOSK_GRAPHS if (folder / graph[0]).is_file()), VOSK_GRAPHS[0])
    _check_files(folder, (*VOSK_FILES, *graph), "Vosk")
    begins = {name: _FST_MAGIC for name in graph if name.endswith(".fst")} | {"am/final.mdl": _KALDI_MAGIC}
    for name, magic in begins.items():
        with (folder / name).open("rb") as file:
            if file.read(len(magic)) != magic:
                raise _corrupt(folder, f"{name} is not a {'Kaldi model' if magic == _KALDI_MAGIC else 'graph'}")


def guess_languages(name: str, engine: Engine, folder: Path | None = None) -> frozenset[Language]:
    """The languages of a model that the catalogue does not know: many for Whisper and SenseVoice, else in its name.

    Raises:
        ModelCorruptError: the name tells no language.
    """
    if engine in {Engine.SMART_TURN, Engine.SENTENCES, Engine.PYANNOTE}:
        return frozenset()
    if engine is Engine.WHISPER:
        return frozenset(Language)
    if engine is Engine.SHERPA and folder is not None and detect_kind(folder) is SherpaKind.SENSE_VOICE:
        return frozenset((Language.ZH, Language.EN, Language.KO))
    found = frozenset(language for language, pattern in _LANGUAGE_IN_NAME.items() if pattern.search(name.lower()))
    if not found:
        raise ModelCorruptError(
            f"A {'Vosk' if engine is Engine.VOSK else 'streaming sherpa-onnx'} model knows one language or two, "
            f"which {name!r} does not tell.",
            fix="Choose a name that holds it, for example vosk-large-cn, vosk-large-en or zipformer-large-zh-en.",
        )
    return found


def _check_files(folder: Path, names: tuple[str, ...], kind: str) -> None:
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise ModelMissingError(
            f"A {kind} model folder holds {', '.join(names)}; {folder} lacks {', '.join(missing)}.",
            fix=f"Run: warmline models pull {folder.name}",
        )
    empty = [name for name in names if (folder / name).stat().st_size == 0]
    if empty:
        raise _corrupt(folder, f"{', '.join(empty)} empty")


def _corrupt(folder: Path, what: str) -> ModelCorruptError:
    return ModelCorruptError(f"{folder} is not a sound model: {what}.", fix=f"Run: warmline models pull {folder.name}")
