"""Make the dictated numbers: `python -m samples.dictation`, run from the root of the repository.

Reads `samples/numbers/script.toml`; writes a recording for each number and the list of all of them, `manifest.jsonl`,
into `samples/numbers/`. Every number is spoken in its groups, with pauses between them, in the telephone band, with a
background, through G.711 µ-law at 8 kHz. The files are FLAC, which holds the decoded samples exactly.
"""

import argparse
import io
import json
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, Literal

import numpy as np
import soundfile
import soxr

from samples import telephone
from samples.assets import AssetError, cache_folder, fetch_kokoro
from samples.generate import SYNTHETIC_MARK
from samples.speech import SPEECH_RATE_HZ, Kokoro, Language, PronunciationError, load_kokoro
from samples.telephone import Background, Signal

HERE = Path(__file__).parent / "numbers"
RATE_HZ = 8_000
BEFORE_MS = 300
AFTER_MS = 400

Set = Literal["tuning", "held-out"]


@dataclass(frozen=True, slots=True)
class Dictated:
    """One number as it is said.

    Attributes:
        name: Of its file, without the ending.
        pieces: Words, and the pause in milliseconds before each, as (words, pause).
        value: What the number is.
        also: Other ways of writing it.
        kind: What it is the number of: `phone`, `order_no`, `tracking_no`, `amount` or `date`.
        grouping: Digits of the groups; `none` where it is said without a pause.
        set: `tuning` may be looked at while something is made better, `held-out` may not.
        language: What is spoken.
        voice: Who speaks.
        background: What is heard behind the voice.
    """

    name: str
    pieces: tuple[tuple[str, int], ...]
    value: str
    also: tuple[str, ...]
    kind: str
    grouping: str
    set: Set
    language: Language
    voice: str
    background: Background

    @property
    def text(self) -> str:
        """All words."""
        return (" " if self.language == "en-US" else "").join(words for words, _ in self.pieces)


def main(arguments: list[str] | None = None) -> int:
    """Make the recordings and their list.

    Returns:
        0, or 1 when something needed is missing; the reason is printed.
    """
    parser = argparse.ArgumentParser(prog="python -m samples.dictation", description="Make the dictated numbers.")
    parser.add_argument("--into", type=Path, default=HERE, help="where the recordings and their list go")
    into: Path = parser.parse_args(arguments).into
    script = tomllib.loads((HERE / "script.toml").read_text(encoding="utf-8"))
    into.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    try:
        kokoro = load_kokoro(fetch_kokoro(cache_folder()), {})
        for number, dictated in enumerate(read_numbers(script)):
            line = speak(dictated, kokoro, script["snr_db"], seed=100 + number)
            audio = f"{dictated.name}.flac"
            write_telephone(into / audio, line)
            lines.append(json.dumps(describe(dictated, audio), ensure_ascii=False))
            print(f"{dictated.name}: {len(line) / RATE_HZ:.1f} s")
    except (AssetError, PronunciationError) as error:
        print(error, file=sys.stderr)
        return 1
    (into / "manifest.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


def read_numbers(script: dict[str, Any]) -> Iterator[Dictated]:
    """The numbers of a script, with voices and backgrounds dealt out in turn."""
    voices = {
        (set_name, language): cycle(names)
        for set_name, by_language in script["voices"].items()
        for language, names in by_language.items()
    }
    backgrounds = cycle(script["backgrounds"])
    for place, entry in enumerate(script["number"], 1):
        pieces: list[tuple[str, int]] = []
        pause_ms = 0
        for item in entry["say"]:
            if isinstance(item, int):
                pause_ms = item
            else:
                pieces.append((item, pause_ms))
                pause_ms = 0
        yield Dictated(
            name=f"{place:02}-{entry['language'][:2]}-{entry['kind'].removesuffix('_no')}",
            pieces=tuple(pieces),
            value=entry["value"],
            also=tuple(entry.get("also", ())),
            kind=entry["kind"],
            grouping=entry["grouping"],
            set=entry["set"],
            language=entry["language"],
            voice=next(voices[entry["set"], entry["language"]]),
            background=next(backgrounds),
        )


def speak(dictated: Dictated, kokoro: Kokoro, snr_db: float, seed: int) -> Signal:
    """The number on the line, 8 kHz, before companding. The pauses are those between the last sound and the next."""
    parts: list[Signal] = [np.zeros(RATE_HZ * BEFORE_MS // 1000)]
    for words, pause_ms in dictated.pieces:
        said = kokoro.say(words, dictated.language, dictated.voice, 1.0)
        limited = telephone.limit_band(soxr.resample(said, SPEECH_RATE_HZ, RATE_HZ), RATE_HZ)
        gain_db = telephone.CALM_LEVEL_DBOV - telephone.active_level_db(limited, RATE_HZ)
        spans = telephone.speech_spans_ms(limited, RATE_HZ)
        start, end = (edge * RATE_HZ // 1000 for edge in (spans[0][0], spans[-1][1]))
        parts += [np.zeros(RATE_HZ * pause_ms // 1000), limited[start:end] * 10.0 ** (gain_db / 20.0)]
    parts.append(np.zeros(RATE_HZ * AFTER_MS // 1000))
    return telephone.add_background(np.concatenate(parts), RATE_HZ, dictated.background, snr_db, seed)


def write_telephone(path: Path, line: Signal) -> None:
    """Send a line through G.711 µ-law and keep what comes out.

    Raises:
        ValueError: It would clip.
    """
    if np.abs(line).max() > 1.0:
        raise ValueError(f"{path}: peak {np.abs(line).max():.2f} would clip")
    coded = io.BytesIO()
    soundfile.write(coded, line, RATE_HZ, format="RAW", subtype="ULAW")
    coded.seek(0)
    heard, _ = soundfile.read(coded, dtype="int16", samplerate=RATE_HZ, channels=1, format="RAW", subtype="ULAW")
    with soundfile.SoundFile(path, "w", samplerate=RATE_HZ, channels=1, format="FLAC", subtype="PCM_16") as file:
        file.comment = SYNTHETIC_MARK
        file.write(heard)


def describe(dictated: Dictated, audio: str) -> dict[str, Any]:
    """A line of the list."""
    return {
        "audio": audio,
        "text": dictated.text,
        "lang": dictated.language,
        "speaker": dictated.voice,
        "value": dictated.value,
        "also": list(dictated.also),
        "kind": dictated.kind,
        "grouping": dictated.grouping,
        "set": dictated.set,
        "background": dictated.background,
        "pauses_ms": [pause_ms for _, pause_ms in dictated.pieces if pause_ms],
    }


if __name__ == "__main__":
    sys.exit(main())
