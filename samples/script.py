"""What a sample call is made from: a TOML script with the words, the voices, the telephone and what must come out."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from samples.speech import Language
from samples.telephone import Background, Encoding
from samples.tone import Tone

Party = Literal["caller", "agent"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of one party.

    Attributes:
        party: Who speaks.
        after_ms: Pause since everything before has ended; negative speaks over the end of it.
        pieces: Text to say, and between two texts the silence in milliseconds, as (text, silence before it).
        tone: How it is said.
        recording: Name of a real utterance that is used instead of synthesis, or None.
    """

    party: Party
    after_ms: int
    pieces: tuple[tuple[str, int], ...]
    tone: Tone
    recording: str | None

    @property
    def text(self) -> str:
        """The words of the whole turn."""
        return "".join(text for text, _ in self.pieces)


@dataclass(frozen=True, slots=True)
class Script:
    """One sample call as written.

    Attributes:
        name: Folder name.
        title: Title in `zh` and `en`.
        language: Language of the words.
        sample_rate_hz: 8000 for a telephone, 16000 for a browser.
        encoding: How the WAV file is encoded.
        stereo: Caller left and agent right; otherwise the caller's line alone.
        background: Kind of noise on every channel.
        snr_db: Calm speech level over noise level, per channel.
        seed: Seed of the noise.
        voices: Voice of each party that is synthesised.
        recordings: sha256 of the decoded 16-bit samples of each real utterance.
        pronunciations: English words that the dictionary lacks.
        licence: Licence of the audio, SPDX where there is one.
        source: Where words and sound come from.
        expect: What the pipeline has to make of the call; passed on as it is.
        turns: The words.
    """

    name: str
    title: dict[str, str]
    language: Language
    sample_rate_hz: int
    encoding: Encoding
    stereo: bool
    background: Background
    snr_db: float
    seed: int
    voices: dict[str, str]
    recordings: dict[str, str]
    pronunciations: dict[str, str]
    licence: str
    source: str
    expect: dict[str, Any]
    turns: tuple[Turn, ...]


def read_script(path: Path) -> Script:
    """Read one script file.

    Raises:
        KeyError: A field is missing.
        TypeError: A tone has an unknown field.
    """
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    return Script(
        name=path.stem,
        title=raw["title"],
        language=cast(Language, raw["language"]),
        sample_rate_hz=raw["sample_rate_hz"],
        encoding=cast(Encoding, raw["encoding"]),
        stereo=raw.get("stereo", False),
        background=cast(Background, raw["background"]),
        snr_db=raw["snr_db"],
        seed=raw["seed"],
        voices=raw.get("voices", {}),
        recordings=raw.get("recordings", {}),
        pronunciations=raw.get("pronunciations", {}),
        licence=raw["licence"],
        source=raw["source"],
        expect=raw["expect"],
        turns=tuple(_turn(entry) for entry in raw["turn"]),
    )


def _turn(entry: dict[str, Any]) -> Turn:
    said: list[str | int] = entry["say"] if isinstance(entry["say"], list) else [entry["say"]]
    pieces: list[tuple[str, int]] = []
    silence_ms = 0
    for item in said:
        if isinstance(item, int):
            silence_ms = item
        else:
            pieces.append((item, silence_ms))
            silence_ms = 0
    return Turn(
        party=cast(Party, entry["party"]),
        after_ms=entry["after_ms"],
        pieces=tuple(pieces),
        tone=Tone(**entry.get("tone", {})),
        recording=entry.get("recording"),
    )
