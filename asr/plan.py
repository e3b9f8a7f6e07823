"""What a recognition process loads."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from asr.engines import load_recognizer
from asr.ports import Recognizer
from asr.sherpa import SherpaSettings
from asr.types import Language
from asr.whisper import WhisperSettings


@dataclass(frozen=True, slots=True)
class EnginePlan:
    """Loads an engine for one thread; goes to recognition processes.

    Attributes:
        engine: as `load_recognizer` takes it.
        models: where models lie.
        languages: what must be recognized.
        whisper: how Whisper searches.
        sherpa: how sherpa-onnx searches.
    """

    engine: str
    models: Path
    languages: tuple[Language, ...] = (Language.ZH, Language.EN)
    whisper: WhisperSettings = field(default_factory=WhisperSettings)
    sherpa: SherpaSettings = field(default_factory=SherpaSettings)

    def __call__(self) -> Recognizer:
        """Load it; raises what `load_recognizer` raises."""
        loaded = load_recognizer(
            self.engine, self.models, self.languages, threads=1, whisper=self.whisper, sherpa=self.sherpa
        )
        return loaded.recognizer
